import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalJson, canonicalParts } from '../../../src/domain/canonical-json.ts';
import { chunked, jsonParts } from '../../../src/domain/json-parts.ts';

const VALUES: readonly unknown[] = [
  {},
  [],
  null,
  'a "text"',
  { a: undefined, b: 1 },
  { a: undefined },
  [undefined, 1],
  { list: [[[[[[1]]]]]], 'a"b': { c: [{ d: null }] } },
];

test.each(VALUES.map((value) => [value]))('the pieces of %j are its JSON', (value) => {
  expect([...jsonParts(value)].join('')).toBe(JSON.stringify(value));
  expect([...canonicalParts(value)].join('')).toBe(canonicalJson(value));
});

test('pieces are those of any JSON value', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 7 }), (value) => {
      expect([...jsonParts(value)].join('')).toBe(JSON.stringify(value));
      expect([...canonicalParts(value)].join('')).toBe(canonicalJson(value));
    }),
  );
});

test('no piece of a plan is longer than one entry of its lists', () => {
  const manifests = Array.from({ length: 1000 }, (_, at) => ({ digest: `sha256:${at}`, tags: [`1.0.${at}`] }));
  const lengths = [...jsonParts({ repositories: [{ manifests }] })].map(({ length }) => length);
  expect(Math.max(...lengths)).toBeLessThan(60);
});

test('chunks join short pieces in their order', () => {
  const parts = Array.from({ length: 100 }, (_, at) => `${at},`);
  const chunks = [...chunked(parts, 20)];
  expect(chunks.join('')).toBe(parts.join(''));
  expect(chunks.length).toBeLessThan(20);
  expect([...chunked([])]).toEqual([]);
});
