import { describe, expect, test } from 'vitest';
import { chooseServices } from '../../../../src/domain/trust/signing-services.ts';

const NOW = new Date('2026-03-10T12:00:00Z');
const service = (url: string, majorApiVersion: number, start: string, end?: string) => ({
  url,
  majorApiVersion,
  validFor: { start, ...(end === undefined ? {} : { end }) },
  operator: 'acme',
});
const CONFIG = {
  mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json',
  caUrls: [service('https://fulcio.example', 1, '2024-01-01T00:00:00Z')],
  rekorTlogUrls: [service('https://rekor.example', 2, '2024-01-01T00:00:00Z')],
  rekorTlogConfig: { selector: 'ANY' },
  tsaUrls: [service('https://tsa.example/api/v1/timestamp', 1, '2024-01-01T00:00:00Z')],
  tsaConfig: { selector: 'ANY' },
};
const chosen = (changes: object) => {
  const result = chooseServices({ ...CONFIG, ...changes }, NOW);
  return result.ok ? result.value : result.problems;
};

describe('the services of a signing config', () => {
  test('are those that are valid now', () => {
    expect(chosen({})).toEqual({
      fulcio: 'https://fulcio.example',
      rekor: { url: 'https://rekor.example', version: 2 },
      tsa: 'https://tsa.example/api/v1/timestamp',
    });
  });

  test('one that is announced for later is not used yet', () => {
    const rekorTlogUrls = [
      service('https://later.example', 2, '2026-04-01T00:00:00Z'),
      service('https://over.example', 2, '2025-01-01T00:00:00Z', '2026-01-01T00:00:00Z'),
      service('https://now.example', 2, '2026-01-01T00:00:00Z'),
      ...CONFIG.rekorTlogUrls,
    ];
    expect(chosen({ rekorTlogUrls })).toMatchObject({ rekor: { url: 'https://now.example' } });
  });

  test('the highest version that is known wins', () => {
    const rekorTlogUrls = [
      service('https://one.example', 1, '2026-01-01T00:00:00Z'),
      service('https://three.example', 3, '2026-01-01T00:00:00Z'),
      ...CONFIG.rekorTlogUrls,
    ];
    expect(chosen({ rekorTlogUrls })).toMatchObject({ rekor: { url: 'https://rekor.example', version: 2 } });
  });

  test('without a log, a timestamp is enough', () => {
    expect(chosen({ rekorTlogUrls: [] })).toEqual({
      fulcio: 'https://fulcio.example',
      tsa: 'https://tsa.example/api/v1/timestamp',
    });
  });
});

test.each([
  ['no certificate authority', { caUrls: [] }, 'no certificate authority'],
  ['Rekor v2 without a timestamp authority', { tsaUrls: [] }, 'no timestamp authority'],
  [
    'logs, all of them over',
    { rekorTlogUrls: [service('https://x.example', 2, '2020-01-01T00:00:00Z', '2021-01-01T00:00:00Z')] },
    'no transparency log',
  ],
  ['several logs at once', { rekorTlogConfig: { selector: 'EXACT', count: 2 } }, 'rekorTlogConfig'],
  ['all timestamp authorities at once', { tsaConfig: { selector: 'ALL' } }, 'tsaConfig'],
  ['another document', { mediaType: 'application/json' }, 'media type'],
])('a signing config with %s is refused', (_what, changes, problem) => {
  expect(String(chosen(changes))).toContain(problem);
});
