import { describe, expect, test } from 'vitest';
import type { StoredRecord } from '../../../../src/domain/promotion/record.ts';
import { isWrittenTo, judgeRecords } from '../../../../src/domain/promotion/trust.ts';
import { recordWith } from '../../../support/promotion-record.ts';

const AT = { host: 'ghcr.io', name: 'org/app' };
const NOW = new Date('2026-01-31T12:00:00.000Z');
let count = 0;
const stored = (more: Partial<StoredRecord>): StoredRecord => {
  count += 1;
  const manifest = `sha256:${String(count).padStart(64, '0')}` as const;
  return { ...recordWith({ digest: `sha256:${'a'.repeat(64)}`, ...more }), manifest };
};
const kept = (more: Partial<StoredRecord>) => judgeRecords([stored(more)], AT, NOW);

describe('a promotion record', () => {
  test.each([
    ['names its repository', { repository: 'ghcr.io/org/app' }],
    ['names its tags alone', { to: ['ghcr.io/org/app:a', 'ghcr.io/org/app:b'] }],
    ['names the port that HTTPS has', { repository: 'ghcr.io:443/org/app', to: [] }],
    ['is from a clock that is a little fast', { time: '2026-01-31T12:04:59.000Z' }],
  ])('counts when it %s', (_, more) => {
    expect(kept(more)).toMatchObject({ own: [{}], foreign: [], ignored: [] });
  });

  test.each([
    ['another repository', { repository: 'ghcr.io/org/dev', to: ['ghcr.io/org/dev:x'] }],
    ['another host', { repository: 'ghcr.io.evil.example/org/app' }],
    ['this repository, and tags of another', { repository: 'ghcr.io/org/app', to: ['ghcr.io/org/dev:x'] }],
    ['another repository, and tags of this', { repository: 'ghcr.io/org/dev' }],
    ['no repository at all', { to: [] }],
    ['what is no name', { repository: 'https://ghcr.io/org/app' }],
  ])("is another repository's when it names %s: it is named, and may only add a hold", (_, more) => {
    const { own, foreign, ignored } = kept(more);
    expect({ own: own.length, foreign: foreign.length }).toEqual({ own: 0, foreign: 1 });
    expect(ignored).toEqual([expect.stringContaining('written to another repository')]);
  });

  test.each([
    ['it', { time: '2026-01-31T12:05:01.000Z' }],
    ['its scan', { scannedAt: '2027-01-31T12:00:00.000Z' }],
  ])('counts for nothing when %s is from the future', (_, more) => {
    const { own, foreign, ignored } = kept(more);
    expect({ own, foreign }).toEqual({ own: [], foreign: [] });
    expect(ignored).toEqual([expect.stringMatching(/is dated 202[67]-.*, in the future/)]);
  });

  test('one sentence names those of other repositories, however many there are', () => {
    const many = Array.from({ length: 20 }, () => stored({ repository: 'ghcr.io/org/dev' }));
    expect(judgeRecords(many, AT, NOW).ignored).toEqual([
      expect.stringMatching(/^Ignored 20 promotion records .*, …\.$/),
    ]);
  });

  test('is compared by whole names', () => {
    for (const repository of ['ghcr.io/org/app2', 'ghcr.io/org', 'ghcr.io/x/org/app']) {
      expect(isWrittenTo(stored({ repository, to: [] }), AT)).toBe(false);
    }
  });
});
