import { expect, test } from 'vitest';
import { rateLimitSaid } from '../../../src/http/rate-limit.ts';

const now = new Date('2026-11-21T12:00:00Z');

test.each([
  [
    "Docker Hub's pulls",
    { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '0;w=21600', 'docker-ratelimit-source': '192.0.2.1' },
    '0 of 100 requests in 6 h are left, counted for 192.0.2.1; all of them are back by 2026-11-21T18:00:00.000Z at the latest.',
  ],
  [
    "Docker Hub's API",
    { 'x-ratelimit-limit': '600', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1795262460' },
    '0 of 600 requests are left; the limit resets at 2026-11-21T12:01:00.000Z.',
  ],
  ['nothing of the kind', {}, undefined],
  ['a header that is none', { 'ratelimit-remaining': 'plenty' }, undefined],
  [
    'a source that is no word',
    { 'ratelimit-remaining': '5', 'docker-ratelimit-source': 'x\n::error::y' },
    '5 requests are left; the response does not include when the limit resets.',
  ],
])('%s', (_, headers, said) => {
  expect(rateLimitSaid(headers, now)).toBe(said);
});
