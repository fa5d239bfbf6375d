import { fieldsOf, isFields } from '../domain/fields.ts';
import { DROPPED } from './redact.ts';

/** What an answer says of its error: the first code and all messages, or the beginning of whatever else it holds. */
export interface ErrorBody {
  readonly code?: string;
  /** One line, at most 500 characters. */
  readonly message?: string;
  /** It is a web page: of a proxy, a firewall or a login, and of no registry. */
  readonly isPage?: true;
}

const LIMIT = 500;

/**
 * Reads the error of an answer: the envelope of the distribution specification, the forms of token services
 * (`details`, `error_description`), AWS's `__type`, Google's and Nexus's, or text and HTML of a proxy.
 * https://github.com/opencontainers/distribution-spec/blob/main/spec.md#error-codes
 * @param redact takes secrets out of a text, called with what was decoded and before it is cut
 */
export function parseErrorBody(body: string, redact: (text: string) => string = (text) => text): ErrorBody {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    // Neither may look for its end from each beginning again: pages have as many bytes as a server likes.
    const shown = body.replaceAll(/<(style|script)[\s\S]*?(?:<\/\1>|$)/gi, ' ').replaceAll(/<[^<>]*>/g, ' ');
    // Tags may split what belongs together, and what they hold is not shown.
    const text = redact(body.replaceAll(/<[^<>]*>/g, '')) === DROPPED ? { message: DROPPED } : message(shown, redact);
    return { ...text, ...(/^\s*<(?:!doctype html|html)\b/i.test(body) ? { isPage: true } : {}) };
  }
  // Nexus answers with a list; Google wraps the error in an object of its own.
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
  const said = texts.flatMap((each) =>
    typeof each === 'string' ? [each] : isEmpty(each) ? [] : [JSON.stringify(each)],
  );
  return {
    // AWS may put a namespace in front: `com.amazonaws.ecr#RepositoryNotFoundException`.
    ...(typeof code === 'string' && redact(code) === code
      ? { code: code.slice(0, 200).replace(/^.*#/s, '').toUpperCase().slice(0, 100) }
      : {}),
    ...message([...new Set(said)].join(' '), redact),
  };
}

/** Text of a server, for a message of ours: one line, bounded, without control characters. */
function message(text: string, redact: (text: string) => string): { readonly message?: string } {
  // Storage quotes its own address, and the query of a signed one opens it for whoever reads the log.
  const open = redact(text).replaceAll(/(\bhttps?:\/\/[^\s?"'<>]+)\?[^\s"'<>]*/gi, '$1?…');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed
  const line = open.replaceAll(/[\s\u0000-\u001f\u007f]+/g, ' ').trim();
  return line === '' ? {} : { message: line.length > LIMIT ? `${line.slice(0, LIMIT)}…` : line };
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'object' && Object.keys(value).length === 0);
}
