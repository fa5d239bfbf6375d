import { isFields } from './fields.ts';

/** How one value becomes JSON text, and which keys of a map are written, in which order. */
interface Spelling {
  readonly text: (value: unknown) => string;
  readonly keys: (value: Readonly<Record<string, unknown>>) => readonly string[];
}

const PLAIN: Spelling = {
  text: (value) => JSON.stringify(value) ?? 'null',
  keys: Object.keys,
};

/** Levels of lists and maps that are written piece by piece: enough for the entries of a list in a list of maps. */
const LEVELS = 4;

/**
 * JSON in pieces, which joined are what `text` makes of the whole value: a long list is never one string in memory.
 * @param value plain lists, maps, texts, numbers and truth values
 */
export function* jsonParts(value: unknown, spelling: Spelling = PLAIN, levels = LEVELS): Generator<string> {
  if (levels === 0 || typeof value !== 'object' || value === null) {
    yield spelling.text(value);
    return;
  }
  if (Array.isArray(value)) {
    yield '[';
    for (let at = 0; at < value.length; at += 1) {
      if (at > 0) yield ',';
      yield* jsonParts(value[at], spelling, levels - 1);
    }
    yield ']';
    return;
  }
  if (!isFields(value)) {
    yield spelling.text(value);
    return;
  }
  let separator = '{';
  for (const key of spelling.keys(value)) {
    if (value[key] === undefined) continue;
    yield `${separator}${JSON.stringify(key)}:`;
    yield* jsonParts(value[key], spelling, levels - 1);
    separator = ',';
  }
  yield separator === '{' ? '{}' : '}';
}

/** Joins short pieces, so that each is worth a write. @param size characters of a chunk, about */
export function* chunked(parts: Iterable<string>, size = 65_536): Generator<string> {
  let chunk: string[] = [];
  let length = 0;
  for (const part of parts) {
    chunk.push(part);
    length += part.length;
    if (length < size) continue;
    yield chunk.join('');
    chunk = [];
    length = 0;
  }
  if (chunk.length > 0) yield chunk.join('');
}
