import { fieldsOf, isFields } from '../domain/fields.ts';
import { DROPPED } from './redact.ts';

/** The error in a response: the first code and all messages, or the beginning of the body. */
export interface ErrorBody {
  readonly code?: string;
  /** One line, at most 500 characters. */
  readonly message?: string;
  /** Whether it is a web page, from a proxy, a firewall or a login, rather than an answer from a registry. */
  readonly isPage?: true;
}

const MAX_MESSAGE_LENGTH = 500;

/**
 * Reads the error in a response: the envelope of the distribution specification, the forms of token services
 * (`details`, `error_description`), AWS's `__type`, Google's and Nexus's, or a proxy's text or HTML.
 * https://github.com/opencontainers/distribution-spec/blob/main/spec.md#error-codes
 * @param redact removes secrets from a text; called after decoding and before truncation
 */
export function parseErrorBody(body: string, redact: (text: string) => string = (text) => text): ErrorBody {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    // Linear time: pages have as many bytes as a server likes, so neither pattern may search for its end repeatedly.
    const shown = body.replaceAll(/<(style|script)[\s\S]*?(?:<\/\1>|$)/gi, ' ').replaceAll(/<[^<>]*>/g, ' ');
    // Tags may split a secret, and their attributes are not shown.
    const text = redact(body.replaceAll(/<[^<>]*>/g, '')) === DROPPED ? { message: DROPPED } : message(shown, redact);
    return { ...text, ...(/^\s*<(?:!doctype html|html)\b/i.test(body) ? { isPage: true } : {}) };
  }
  // Nexus returns a list; Google wraps the error in an object of its own.
  const outer = fieldsOf(Array.isArray(parsed) ? parsed[0] : parsed);
  const fields = isFields(outer.error)
    ? { ...outer, ...outer.error, code: outer.error.status, error: undefined }
    : outer;
  const [first] = Array.isArray(fields.errors) ? fields.errors.map(fieldsOf) : [fields];
  const code = [first?.code, fields.code, fields.error, fields.__type].find((each) => typeof each === 'string');
  const texts = [
    first?.message,
    first?.detail,
    fields.message,
    fields.details,
    fields.detail,
    fields.error_description,
    fields.msg,
  ];
  const said = texts.flatMap((text) =>
    typeof text === 'string' ? [text] : isEmpty(text) ? [] : [JSON.stringify(text)],
  );
  return {
    // AWS may add a namespace: `com.amazonaws.ecr#RepositoryNotFoundException`.
    ...(typeof code === 'string' && redact(code) === code
      ? { code: code.slice(0, 200).replace(/^.*#/s, '').toUpperCase().slice(0, 100) }
      : {}),
    ...message([...new Set(said)].join(' '), redact),
  };
}

/** Server text for use in our messages: one line, bounded, without control characters. */
function message(text: string, redact: (text: string) => string): { readonly message?: string } {
  // Storage errors quote their own URL, and the query of a signed one grants access to anyone who reads the log.
  const open = redact(text).replaceAll(/(\bhttps?:\/\/[^\s?"'<>]+)\?[^\s"'<>]*/gi, '$1?…');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed
  const line = open.replaceAll(/[\s\u0000-\u001f\u007f]+/g, ' ').trim();
  return line === ''
    ? {}
    : { message: line.length > MAX_MESSAGE_LENGTH ? `${line.slice(0, MAX_MESSAGE_LENGTH)}…` : line };
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'object' && Object.keys(value).length === 0);
}
