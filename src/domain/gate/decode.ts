import { type Fields, isFields } from '../fields.ts';

/** Foreign data with an unexpected structure; the message starts with the path of the value. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
}

/** Longer texts are cut: they are shown to people, and come from untrusted files. */
const MAX_TEXT_LENGTH = 1000;

function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 40));
  return Array.isArray(value) ? 'a list' : typeof value;
}

/** @throws DecodeError always */
export function wrong(path: string, expected: string, value: unknown): never {
  throw new DecodeError(`${path}: expected ${expected}, got ${kindOf(value)}`);
}

export function fields(value: unknown, path: string): Fields {
  return isFields(value) ? value : wrong(path, 'an object', value);
}

/** Go omits empty values, so missing and null mean an empty object. */
export function optionalFields(value: unknown, path: string): Fields {
  return value === undefined || value === null ? {} : fields(value, path);
}

/** A list of at most `limit` items; missing and null mean an empty one. */
export function list(value: unknown, path: string, limit: number): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) return wrong(path, 'a list', value);
  const items: readonly unknown[] = value;
  if (items.length > limit) throw new DecodeError(`${path}: ${items.length} items, more than ${limit}`);
  return items;
}

function clean(text: string): string {
  return text.slice(0, MAX_TEXT_LENGTH).replaceAll(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]+/gu, ' ');
}

/** A required text on one line. */
export function text(value: unknown, path: string): string {
  return typeof value === 'string' && value !== '' ? clean(value) : wrong(path, 'a text', value);
}

/** A text on one line; missing, null and empty ones are undefined. */
export function optionalText(value: unknown, path: string): string | undefined {
  return value === undefined || value === null || value === '' ? undefined : text(value, path);
}

export function texts(value: unknown, path: string, limit: number): readonly string[] {
  return list(value, path, limit).map((each, at) => text(each, `${path}[${at}]`));
}
