import { describe, expect, it } from 'vitest';
import type { Digest } from '../../../../src/domain/digest.ts';
import { UNSIGNED } from '../../../../src/domain/promotion/uncounted.ts';
import { lastPromotion } from '../../../../src/domain/report/recorded-promotion.ts';
import { storedWith } from '../../../support/promotion-record.ts';

const id = (letter: string): Digest => `sha256:${letter.repeat(64)}`;
const at = (day: number) => `2026-01-0${day}T00:00:00Z`;
const record = (letter: string, day: number, environment = 'production') =>
  storedWith({ digest: id(letter), environment, time: at(day), actor: `actor-${letter}` });
const signed = (...given: Parameters<typeof record>) => ({
  ...record(...given),
  signature: { identity: 'https://github.com/org/app/.github/workflows/promote.yml@refs/heads/main', time: at(1) },
});
const unsigned = (...given: Parameters<typeof record>) => ({ record: record(...given), reason: UNSIGNED });
const rejected = (...given: Parameters<typeof record>) => ({
  record: record(...given),
  reason: 'it was signed by a job in the environment "staging", not "production"',
});

describe('the last promotion of an environment', () => {
  const table = [
    // A newer record that does not verify takes nothing from one that does.
    ['auto', [signed('a', 1)], [unsigned('b', 2)], 'a'],
    ['signed', [signed('a', 1)], [unsigned('b', 2)], 'a'],
    ['any', [signed('a', 1)], [unsigned('b', 2)], 'b'],
    // Where nobody signs, unsigned records count, except for `signed`.
    ['auto', [], [unsigned('a', 1), unsigned('b', 2)], 'b'],
    ['signed', [], [unsigned('a', 1)], undefined],
    // A record that claims to be signed makes `auto` strict.
    ['auto', [], [unsigned('a', 1), rejected('b', 2)], undefined],
    // Those of other environments say nothing; names are compared as GitHub does.
    ['auto', [signed('a', 1, 'Production'), signed('b', 2, 'staging')], [], 'a'],
    ['auto', [signed('a', 1, 'staging')], [unsigned('b', 2)], 'b'],
    ['auto', [], [], undefined],
  ] as const;
  it.each(table)('records: %s', (counted, verified, uncounted, expected) => {
    const { promoted } = lastPromotion('production', { verified, uncounted }, counted);
    expect(promoted?.by).toBe(expected === undefined ? undefined : `actor-${expected}`);
  });

  it('says who signed, and what does not count', () => {
    const found = lastPromotion(
      'production',
      { verified: [signed('a', 1)], uncounted: [unsigned('b', 2), unsigned('c', 2), rejected('d', 3)] },
      'auto',
    );
    expect(found.promoted).toMatchObject({ isVerified: true, signedBy: expect.stringContaining('promote.yml') });
    expect(found.uncounted).toEqual([
      '2 promotion records of production are unsigned and do not count.',
      expect.stringMatching(/^The promotion record .* of production does not count: it was signed by a job in .*\.$/),
    ]);
  });

  it('says that an unsigned record is not verified', () => {
    const { promoted, uncounted } = lastPromotion(
      'production',
      { verified: [], uncounted: [unsigned('a', 1)] },
      'auto',
    );
    expect(promoted).toMatchObject({ isVerified: false });
    expect(promoted).not.toHaveProperty('signedBy');
    expect(uncounted).toEqual([]);
  });

  it('a gate result of a publish is no promotion', () => {
    const published = storedWith({ digest: id('a'), kind: 'publish', environment: 'publish' });
    expect(lastPromotion('publish', { verified: [published], uncounted: [] }, 'auto').promoted).toBeUndefined();
  });
});
