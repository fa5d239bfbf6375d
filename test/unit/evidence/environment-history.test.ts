import { expect, test } from 'vitest';
import type { Digest } from '../../../src/domain/digest.ts';
import type { StoredRecord } from '../../../src/domain/promotion/record.ts';
import { readEnvironment } from '../../../src/evidence/environment-history.ts';
import { anonymousRepository } from '../../support/anonymous.ts';
import { storedWith } from '../../support/promotion-record.ts';

const A: Digest = `sha256:${'a'.repeat(64)}`;
const B: Digest = `sha256:${'b'.repeat(64)}`;
const C: Digest = `sha256:${'c'.repeat(64)}`;
const at = (second: number) => `2026-01-31T12:00:0${second}.000Z`;
const first = storedWith({ digest: A, time: at(1) });
const second = storedWith({ digest: B, previousDigest: A, previousRecord: first.manifest, time: at(2) });
const back = storedWith({
  kind: 'rollback',
  digest: A,
  previousDigest: B,
  previousRecord: second.manifest,
  held: [B],
  time: at(3),
});
const repository = anonymousRepository('ghcr.io/org/app');

/** What is known of an image that has these records. */
const known = (own: readonly StoredRecord[]) =>
  ({
    records: own,
    own,
    foreign: [],
    ignored: [],
    uncounted: [],
    referrers: [],
    hasList: false,
    support: 'api',
    problems: [],
  }) as const;

/** What `staging` is told to be, when each image has its own records. */
const read = async (now: Digest, isWhole: boolean) => {
  const asked: Digest[] = [];
  const history = await readEnvironment(
    { repository: await repository, now },
    'staging',
    async (_, digest) => {
      asked.push(digest);
      return known([first, second, back].filter((each) => each.digest === digest));
    },
    isWhole ? { until: () => false } : {},
  );
  return { ...history, asked };
};

test('records that were not read are no gap in the history', async () => {
  expect(await read(A, true)).toMatchObject({ asked: [A, B], gaps: [], held: new Set([B]) });
  expect(await read(A, false)).toMatchObject({ asked: [A], chain: [first, back], gaps: [], held: new Set([B]) });
});

test('a tag that something else has moved is one, however much was read', async () => {
  const elsewhere = await readEnvironment({ repository: await repository, now: C }, 'staging', async () => known([]), {
    own: [first, second],
  });
  expect(elsewhere.gaps).toEqual([expect.stringContaining('something else moved it')]);
});

test('a record that is nowhere on its image is a gap', async () => {
  const told = await readEnvironment(
    { repository: await repository, now: B },
    'staging',
    async (_, digest) => known([second].filter((each) => each.digest === digest)),
    { until: () => false },
  );
  expect(told.gaps).toEqual([expect.stringContaining('is missing')]);
});
