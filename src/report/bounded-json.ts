import { type Fields, isFields } from '../domain/fields.ts';
import { jsonParts } from '../domain/json-parts.ts';

/** GitHub allows 1 MB for all outputs of a job together, and counts two bytes per character. */
const MAX_BYTES = 100_000;

/**
 * Limits for lists, maps and texts, reduced until the result fits. Findings are cut first, least severe ones before
 * others, because the file has all of them.
 */
const LIMITS: readonly { readonly only?: ReadonlySet<string>; readonly items: number; readonly characters: number }[] =
  [
    ...[150, 50, 15, 5].map((items) => ({
      only: new Set(['gate', 'history', 'promotions']),
      items,
      characters: 1000,
    })),
    ...[200, 50, 10, 3, 1].map((items) => ({ items, characters: 500 })),
  ];

/**
 * A JSON object as text that fits into an output: unchanged, or with shortened lists and `truncated: true`. Counts are
 * separate fields and keep their values.
 * @param value plain data, whose whole text may be too long for memory
 */
export function boundedJson(value: unknown, limit: number = MAX_BYTES): string {
  const parts: string[] = [];
  let size = 0;
  for (const part of jsonParts(value)) {
    size += Buffer.byteLength(part);
    if (size > limit) return shortened(value, limit);
    parts.push(part);
  }
  return parts.join('');
}

function shortened(whole: unknown, limit: number): string {
  if (!isFields(whole)) return JSON.stringify({ truncated: true });
  for (const { only, items, characters } of LIMITS) {
    if (only !== undefined && !Object.keys(whole).some((name) => only.has(name))) continue;
    const entries = Object.entries(whole).map(([name, value]) => [
      name,
      only === undefined || only.has(name) ? cut(value, items, characters) : value,
    ]);
    const shorter = JSON.stringify({ ...Object.fromEntries(entries), truncated: true });
    if (Buffer.byteLength(shorter) <= limit) return shorter;
  }
  const simple = Object.entries(whole).filter(([, value]) => typeof value !== 'object' && String(value).length < 200);
  return JSON.stringify({ ...Object.fromEntries(simple), truncated: true });
}

function cut(value: unknown, items: number, characters: number): unknown {
  if (typeof value === 'string') return value.length > characters ? `${value.slice(0, characters - 1)}…` : value;
  if (Array.isArray(value)) return value.slice(0, items).map((item: unknown) => cut(item, items, characters));
  if (!isFields(value)) return value;
  return cutFields(value, items, characters);
}

/** Fixed objects have fewer fields than this; only maps (labels, platforms) can have more. */
const MAX_FIELDS = 40;

function cutFields(value: Fields, items: number, characters: number): Fields {
  const entries = Object.entries(value).slice(0, Math.max(items, MAX_FIELDS));
  return Object.fromEntries(entries.map(([name, each]) => [name, cut(each, items, characters)]));
}
