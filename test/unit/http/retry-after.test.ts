import { expect, test } from 'vitest';
import { parseRetryAfter, retryAfterIn } from '../../../src/http/retry-after.ts';

const NOW = new Date('2026-11-28T12:00:00Z');

test.each([
  ['30', 30],
  ['Sat, 28 Nov 2026 12:00:05 GMT', 5],
  ['12.5ms', 0.0125],
  ['1m30s', 90],
  ['2h', 7200],
  ['soon', undefined],
  ['12.5', undefined],
  ['', undefined],
])('Retry-After: %s', (header, seconds) => {
  expect(parseRetryAfter(header, NOW)).toBe(seconds);
});

test.each([
  ['retry-after: 12.5ms, allowed: 2000/minute', 0.0125],
  ['{"errors":[{"message":"retry-after: 1m30s, allowed: 44000/minute"}]}', 90],
  ['Retry-After: 2s', 2],
  ['retry-after: never', undefined],
  ['too many requests', undefined],
])('a body that says %s', (body, seconds) => {
  expect(retryAfterIn(body)).toBe(seconds);
});
