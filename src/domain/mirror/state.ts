import { sortedByKey } from '../compare-text.ts';
import { type Digest, isDigest } from '../digest.ts';
import { fieldsOf, isFields } from '../fields.ts';
import { type Parsed, parsed, problems } from '../parsed.ts';
import { isTag } from '../tags/grammar.ts';

/**
 * The tags that one mirror has written to one target. Anybody who may push there could write such a list, and a tag that
 * is on it may be deleted: so it only counts with a code made with a key that the registry does not have.
 */
export interface MirrorState {
  /** Full names. */
  readonly source: string;
  readonly target: string;
  readonly tags: ReadonlyMap<string, Digest>;
}

export const STATE_TYPE = 'application/vnd.registry-action.mirror-state.v1+json';
const PREFIX = 'mirror-state-';
export const MAX_STATE_BYTES = 16 * 1024 * 1024;

/** Makes and checks the code of a text with a key. */
export interface KeyedCode {
  readonly sign: (text: string) => string;
  readonly isRight: (text: string, code: string) => boolean;
}

/**
 * The tag under which a target keeps the state of a source.
 * @param source full name
 * @param hash SHA-256 in hexadecimal
 */
export function stateTag(source: string, hash: (text: string) => string): string {
  return `${PREFIX}${hash(source).slice(0, 16)}`;
}

/** Whether a tag is such a state, which is not mirrored. */
export function isStateTag(tag: string): boolean {
  return /^mirror-state-[0-9a-f]{16}$/.test(tag);
}

/** The state as bytes, the same for the same tags. */
export function renderState({ source, target, tags }: MirrorState, code: KeyedCode): Uint8Array {
  const sorted = Object.fromEntries(sortedByKey(tags));
  const body = JSON.stringify({ version: 1, source, target, tags: sorted });
  return new TextEncoder().encode(JSON.stringify({ body, hmac: code.sign(body) }));
}

/**
 * Reads a state.
 * @returns problems when it was not made with this key, or is about another source or target
 */
export function parseState(
  bytes: Uint8Array,
  code: KeyedCode,
  expected: Pick<MirrorState, 'source' | 'target'>,
): Parsed<MirrorState> {
  const { body, hmac } = fieldsOf(json(new TextDecoder().decode(bytes)));
  if (typeof body !== 'string' || typeof hmac !== 'string') return problems('it is not a list of mirrored tags');
  if (!code.isRight(body, hmac)) return problems('it was not made with this key');
  const { version, source, target, tags } = fieldsOf(json(body));
  if (version !== 1 || source !== expected.source || target !== expected.target || !isFields(tags)) {
    return problems('it is about another source or target');
  }
  const entries = Object.entries(tags).filter(
    (entry): entry is [string, Digest] => isTag(entry[0]) && isDigest(entry[1]),
  );
  return parsed({ ...expected, tags: new Map(entries) });
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
