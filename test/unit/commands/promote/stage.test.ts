import { expect, test } from 'vitest';
import { readStage } from '../../../../src/commands/promote/stage.ts';
import type { Digest } from '../../../../src/domain/digest.ts';
import { anonymousRepository } from '../../../support/anonymous.ts';
import { recordWith } from '../../../support/promotion-record.ts';

const A: Digest = `sha256:${'a'.repeat(64)}`;
const B: Digest = `sha256:${'b'.repeat(64)}`;
const C: Digest = `sha256:${'c'.repeat(64)}`;
const at = (second: number) => `2026-01-31T12:00:0${second}.000Z`;
const first = recordWith({ digest: A, time: at(1) });
const second = recordWith({ digest: B, previousDigest: A, time: at(2) });
const back = recordWith({ kind: 'rollback', digest: A, previousDigest: B, held: [B], time: at(3) });

/** What `staging` is told to be, when each image has its own records. */
const read = async (now: Digest, isWhole: boolean) => {
  const asked: Digest[] = [];
  const history = await readStage(
    { repository: await anonymousRepository('ghcr.io/org/app'), now },
    'staging',
    async (_, digest) => {
      asked.push(digest);
      const records = [first, second, back].filter((each) => each.digest === digest);
      return { records, referrers: [], support: 'api', problems: [] };
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
  const moved = [expect.stringContaining('something else has moved it')];
  const elsewhere = await readStage(
    { repository: await anonymousRepository('ghcr.io/org/app'), now: C },
    'staging',
    async () => ({ records: [], referrers: [], support: 'api', problems: [] }),
    { also: [first, second] },
  );
  expect(elsewhere.gaps).toEqual(moved);
});
