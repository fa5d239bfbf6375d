import { expect, test } from 'vitest';
import { boundedJson } from '../../../src/report/bounded-json.ts';

const finding = (at: number) => ({ id: `CVE-${at}`, severity: 'HIGH', title: 'x'.repeat(300) });
const record = (count: number) => ({
  schemaVersion: 1,
  outcome: 'findings',
  tags: ['a', 'b'],
  gate: {
    counts: { total: { HIGH: count } },
    gated: Array.from({ length: count }, (_, at) => finding(at)),
  },
});

test('what fits stays as it is, byte for byte', () => {
  expect(boundedJson(record(3))).toBe(JSON.stringify(record(3)));
});

test('12,000 findings are cut to the gravest, and counts and tags stay', () => {
  const text = boundedJson(record(12_000));
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(100_000);
  const json = JSON.parse(text);
  expect(json).toMatchObject({ truncated: true, outcome: 'findings', tags: ['a', 'b'] });
  expect(json.gate.counts.total.HIGH).toBe(12_000);
  expect(json.gate.gated.length).toBeGreaterThan(100);
  expect(json.gate.gated[0].id).toBe('CVE-0');
});

test.each([
  ['many warnings', { warnings: Array.from({ length: 10_000 }, () => 'w'.repeat(100)) }],
  ['one text', { errors: [{ code: 'INTERNAL', message: '日'.repeat(500_000) }] }],
  ['many labels', { labels: Object.fromEntries(Array.from({ length: 20_000 }, (_, at) => [`k${at}`, 'v'])) }],
  [
    'long names in a map',
    { labels: Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`${at}`.repeat(9_000), 'v'])) },
  ],
  ['depth', { a: { b: { c: Array.from({ length: 5_000 }, () => ['x'.repeat(90)]) } } }],
])('%s fit as well', (_, value) => {
  const text = boundedJson({ schemaVersion: 1, outcome: 'failed', ...value });
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(100_000);
  expect(JSON.parse(text)).toMatchObject({ schemaVersion: 1, outcome: 'failed', truncated: true });
});

test('a value has the same text as its JSON, whole or shortened', () => {
  for (const value of [
    record(3),
    record(12_000),
    { schemaVersion: 1, list: Array.from({ length: 9000 }, () => 'x'.repeat(50)) },
  ]) {
    expect(boundedJson(value)).toBe(boundedJson(JSON.parse(JSON.stringify(value))));
  }
});
