import { type Fields, isFields } from './fields.ts';
import { type Parsed, parsed, problems } from './parsed.ts';

/** Far deeper than any statement, and far less than what overflows the stack of a reader. */
const MAX_DEPTH = 200;

/**
 * Reads JSON that every parser reads alike: of a key that is there twice, some take the first value and some the last, so what
 * one program verified is not what another one sees. The same goes for invalid UTF-8, which some replace and some refuse, and for
 * a byte order mark. https://www.rfc-editor.org/rfc/rfc8259#section-4
 * @returns problems as parts of a sentence
 */
export function readStrictJson(bytes: Uint8Array): Parsed<unknown> {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return problems('it is not UTF-8');
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return problems('it is not JSON');
  }
  const keys = countKeys(value);
  if (keys === undefined) return problems(`its JSON has more than ${MAX_DEPTH} levels`);
  return keys === countWrittenKeys(text) ? parsed(value) : problems('its JSON has the same key twice in one object');
}

/**
 * The key that differs from one of the names in nothing but case; undefined when there is none. Go's parser takes it for that
 * name. https://pkg.go.dev/encoding/json#Unmarshal
 */
export function miscasedKey(fields: Fields, names: readonly string[]): string | undefined {
  const known = new Set(names.map((name) => name.toLowerCase()));
  return Object.keys(fields).find((key) => !names.includes(key) && known.has(key.toLowerCase()));
}

/** Of all objects in a value; undefined when it is nested too deeply. */
function countKeys(root: unknown): number | undefined {
  let keys = 0;
  let level = [root];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > MAX_DEPTH) return undefined;
    const next: unknown[] = [];
    for (const value of level) {
      if (!Array.isArray(value) && !isFields(value)) continue;
      if (!Array.isArray(value)) keys += Object.keys(value).length;
      for (const child of Object.values(value)) if (typeof child === 'object' && child !== null) next.push(child);
    }
    level = next;
  }
  return keys;
}

const COLON_AFTER_SPACE = /[ \t\n\r]*:/y;

/** Counts the strings that a colon follows, in text that is valid JSON. */
function countWrittenKeys(text: string): number {
  let keys = 0;
  for (let start = text.indexOf('"'); start >= 0; ) {
    const end = endOfString(text, start);
    COLON_AFTER_SPACE.lastIndex = end + 1;
    if (COLON_AFTER_SPACE.test(text)) keys += 1;
    start = text.indexOf('"', end + 1);
  }
  return keys;
}

/** Position of the quote that ends a string: the first before which backslashes come in pairs. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end;
}

function isEscaped(text: string, at: number): boolean {
  let first = at;
  while (text[first - 1] === '\\') first -= 1;
  return (at - first) % 2 === 1;
}
