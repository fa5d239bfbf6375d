import { describe, expect, test } from 'vitest';
import type { Digest } from '../../../../src/domain/digest.ts';
import { heldAfter, readHistory, rollbackTarget } from '../../../../src/domain/promotion/history.ts';
import type { PromotionRecord } from '../../../../src/domain/promotion/record.ts';

const digest = (sign: string): Digest => `sha256:${sign.repeat(64)}`;
const A = digest('a');
const B = digest('b');
const C = digest('c');
const D = digest('d');

function record(
  minute: number,
  previousDigest: Digest | undefined,
  image: Digest,
  more: Partial<PromotionRecord> = {},
): PromotionRecord {
  return {
    kind: 'promotion',
    stage: 'production',
    from: 'ghcr.io/org/app:staging',
    to: ['ghcr.io/org/app:production'],
    digest: image,
    ...(previousDigest === undefined ? {} : { previousDigest }),
    actor: 'octocat',
    run: 'https://github.com/org/app/actions/runs/1/attempts/1',
    event: 'push',
    time: `2026-01-31T12:${String(minute).padStart(2, '0')}:00.000Z`,
    forced: false,
    requirements: [],
    held: [],
    ...more,
  };
}

const first = record(1, undefined, A);
const second = record(2, A, B);
const third = record(3, B, C);
const back = record(4, C, B, { kind: 'rollback', held: [C] });
const history = (records: readonly PromotionRecord[], holds?: Digest | null) =>
  readHistory('production', records, holds);

describe('the chain of a stage', () => {
  test('is in the order of time, whatever order it is read in', () => {
    const { chain, now, before, held, gaps } = history([third, first, second]);
    expect(chain).toEqual([first, second, third]);
    expect({ now, before, held: [...held], gaps }).toEqual({ now: C, before: B, held: [], gaps: [] });
  });
  test('has each record once, and none of another stage', () => {
    const staging = record(5, C, D, { stage: 'staging' });
    expect(history([second, staging, first, second]).chain).toEqual([first, second]);
  });
  test('of nothing is empty', () => {
    expect(history([])).toEqual({
      stage: 'production',
      chain: [],
      held: new Set(),
      deployed: new Set(),
      gaps: [],
    });
  });
  test('records of the same instant are put end to end', () => {
    const tied = [record(2, B, C), record(2, C, D), record(2, A, B)];
    for (const order of [tied, tied.toReversed(), [tied[1], tied[2], tied[0]].flatMap((each) => each ?? [])]) {
      expect(history([first, ...order]).chain.map((each) => each.digest)).toEqual([A, B, C, D]);
      expect(history(order).chain.map((each) => each.digest)).toEqual([B, C, D]);
    }
  });
  test('two that began at the same place in the same instant have one order, and the gap is told', () => {
    const one = history([first, record(2, A, B), record(2, A, C)]);
    const other = history([record(2, A, C), record(2, A, B), first]);
    expect(one).toEqual(other);
    expect(one.gaps).toHaveLength(1);
  });
  test('a missing record is told, and what was there before is still known', () => {
    const { before, gaps, deployed } = history([first, third]);
    expect(before).toBe(B);
    expect(deployed).toEqual(new Set([A, B, C]));
    expect(gaps).toEqual([
      expect.stringMatching(/held sha256:bbbbbbbbbbbb, and the record before it says sha256:a{12}:/),
    ]);
  });
  test('a tag that was moved by hand is told, and the way back is the last record', () => {
    const { now, before, gaps } = history([first, second], D);
    expect({ now, before }).toEqual({ now: D, before: B });
    expect(gaps).toEqual([expect.stringContaining('something else has moved it')]);
    expect(history([first, second], B).gaps).toEqual([]);
  });
  test('a tag that was deleted holds nothing', () => {
    const { now, gaps } = history([first, second], null);
    expect(now).toBeUndefined();
    expect(gaps).toEqual([expect.stringContaining('holds nothing now')]);
  });
  test('the same image promoted again stays what it is', () => {
    expect(history([first, second, record(3, B, B)])).toMatchObject({ now: B, before: A, gaps: [] });
  });
});

describe('a rollback', () => {
  test('goes to what was there before', () => {
    expect(rollbackTarget(history([first, second, third]))).toEqual({ ok: true, value: B });
  });
  test('holds what it left', () => {
    expect(history([first, second, third, back])).toMatchObject({ now: B, before: A, held: new Set([C]), gaps: [] });
  });
  test('after a rollback goes further back, not forward again', () => {
    expect(rollbackTarget(history([first, second, third, back]))).toEqual({ ok: true, value: A });
    const again = record(5, B, A, { kind: 'rollback', held: [B, C] });
    const { now, before, held } = history([first, second, third, back, again]);
    expect({ now, before, held }).toEqual({ now: A, before: undefined, held: new Set([B, C]) });
  });
  test('over several steps leaves those in between behind it', () => {
    const far = record(4, C, A, { kind: 'rollback', held: [C] });
    expect(history([first, second, third, far]).before).toBeUndefined();
  });
  test('is known from the records of what the stage holds now alone', () => {
    expect(history([second, back], B)).toMatchObject({ now: B, before: A, held: new Set([C]) });
  });
  test('goes to a digest by name when the stage has held it', () => {
    const told = history([first, second, third]);
    expect(rollbackTarget(told, A)).toEqual({ ok: true, value: A });
    expect(rollbackTarget(told, C)).toEqual({ ok: true, value: C });
    expect(rollbackTarget(told, D)).toMatchObject({ ok: false, problems: [expect.stringContaining('Promote it')] });
  });
  test.each([
    ['nothing is deployed', history([]), /holds nothing/],
    ['there is no record', history([], A), /No record tells/],
    ['there was nothing before', history([first]), /No record tells/],
    [
      'all before is held back',
      history([first, record(2, A, B), record(3, B, A, { kind: 'rollback' })]),
      /except .*bbbb/,
    ],
  ])('is refused when %s', (_, told, expected) => {
    expect(rollbackTarget(told)).toEqual({ ok: false, problems: [expect.stringMatching(expected)] });
  });
});

describe('a hold', () => {
  const story = [first, second, third, back];
  test('outlives promotions of other images', () => {
    expect(history([...story, record(5, B, D)]).held).toEqual(new Set([C]));
  });
  test('outlives a promotion that no person asked for', () => {
    expect(history([...story, record(5, B, C)]).held).toEqual(new Set([C]));
  });
  test('ends when a person promotes what is held', () => {
    const forced = record(5, B, C, { forced: true });
    const { held, now, before } = history([...story, forced]);
    expect({ held, now, before }).toEqual({ held: new Set(), now: C, before: B });
  });
  test('begins anew with a rollback after that', () => {
    const forced = record(5, B, C, { forced: true });
    const again = record(6, C, B, { kind: 'rollback' });
    expect(history([...story, forced, again]).held).toEqual(new Set([C]));
  });
  test('ends when a rollback goes to what is held', () => {
    expect(history([...story, record(5, B, C, { kind: 'rollback' })]).held).toEqual(new Set([B]));
  });
  test('is carried on by later records, so that the newest alone says it', () => {
    expect(history([record(5, B, D, { held: [C] })]).held).toEqual(new Set([C]));
  });
  test('what a record says is what the history says', () => {
    const done = { kind: 'rollback', digest: A, previousDigest: B, forced: false } as const;
    expect(heldAfter([C], done)).toEqual([B, C]);
    expect(heldAfter([C, B], { ...done, kind: 'promotion', digest: C, forced: true })).toEqual([B]);
    expect(heldAfter([C], { ...done, kind: 'promotion', digest: C })).toEqual([C]);
  });
});
