import { compareText } from './compare-text.ts';
import type { Digest } from './digest.ts';
import { isFields } from './fields.ts';
import { jsonParts } from './json-parts.ts';

/** SHA-256 of a text in UTF-8. Given by the caller: the domain computes no hashes. */
export type Sha256 = (text: string) => Digest;

/** The same of a text in pieces: long documents are never one string in memory. */
export type HashParts = (parts: Iterable<string>) => Digest;

/**
 * JSON with one spelling: keys sorted by code units, no spaces, absent keys left out. Like RFC 8785, for values of text, whole
 * numbers, truth values, lists and maps.
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (!isFields(value)) return JSON.stringify(value) ?? 'null';
  const entries = Object.keys(value)
    .filter((key) => value[key] !== undefined)
    .sort(compareText)
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key])}`);
  return `{${entries.join(',')}}`;
}

/** {@link canonicalJson} in pieces. */
export function canonicalParts(value: unknown): Iterable<string> {
  return jsonParts(value, { text: canonicalJson, keys: (fields) => Object.keys(fields).sort(compareText) });
}
