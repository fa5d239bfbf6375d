import { describe, expect, test } from 'vitest';
import type { Digest } from '../../../../src/domain/digest.ts';
import { heldAfter, readHistory, rollbackTarget } from '../../../../src/domain/promotion/history.ts';
import type { StoredRecord } from '../../../../src/domain/promotion/record.ts';

const digest = (sign: string): Digest => `sha256:${sign.repeat(64)}`;
const A = digest('a');
const B = digest('b');
const C = digest('c');
const D = digest('d');

let records = 0;
/** A record behind another one: `before` is that one, or what the tag pointed to without one. */
function record(
  minute: number,
  before: StoredRecord | Digest | undefined,
  image: Digest,
  more: Partial<StoredRecord> = {},
): StoredRecord {
  records += 1;
  const behind = typeof before === 'object' ? { previousDigest: before.digest, previousRecord: before.manifest } : {};
  return {
    manifest: `sha256:${String(records).padStart(64, '0')}`,
    kind: 'promotion',
    environment: 'production',
    from: 'ghcr.io/org/app:staging',
    to: ['ghcr.io/org/app:production'],
    digest: image,
    ...(typeof before === 'string' ? { previousDigest: before } : behind),
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

const BY_HAND = { event: 'workflow_dispatch' };
const first = record(1, undefined, A);
const second = record(2, first, B);
const third = record(3, second, C);
const back = record(4, third, B, { kind: 'rollback', held: [C] });
const history = (known: readonly StoredRecord[], holds?: Digest | null) => readHistory('production', known, { holds });

describe('the chain of an environment', () => {
  test('goes from record to record by their digests, whatever order they are read in and whatever the clocks said', () => {
    const { chain, now, before, held, gaps, head } = history([third, first, second]);
    expect(chain).toEqual([first, second, third]);
    expect({ now, before, held: [...held], gaps, head }).toEqual({
      now: C,
      before: B,
      held: [],
      gaps: [],
      head: third.manifest,
    });
    const early = record(0, first, B);
    expect(history([first, early], B)).toMatchObject({ chain: [first, early], before: A, gaps: [] });
  });
  test('has each record once, and none of another environment', () => {
    const staging = record(5, third, D, { environment: 'staging' });
    expect(history([second, staging, first, second]).chain).toEqual([first, second]);
  });
  test('of nothing is empty', () => {
    expect(history([])).toEqual({
      environment: 'production',
      chain: [],
      held: new Set(),
      deployed: new Set(),
      gaps: [],
    });
  });
  test('a missing record is named, and what the newest names is still known', () => {
    const { before, gaps, deployed } = history([first, third]);
    expect(before).toBe(B);
    expect(deployed).toEqual(new Set([A, B, C]));
    expect(gaps).toEqual([expect.stringContaining(`The promotion record ${second.manifest.slice(0, 19)} is missing`)]);
  });
  test('what was not read is not missing', () => {
    const { gaps, unread } = readHistory('production', [third], { holds: C, read: new Set([C]) });
    expect({ gaps, unread }).toEqual({ gaps: [], unread: B });
    expect(readHistory('production', [third], { holds: C, read: new Set([B, C]) }).gaps).toHaveLength(1);
  });
  test('a tag that was moved by hand is a gap: no rollback goes across it on its own', () => {
    const told = history([first, second], D);
    expect([told.now, told.before, told.head]).toEqual([D, undefined, undefined]);
    expect(told.gaps).toEqual([expect.stringContaining('something else moved it')]);
    expect(rollbackTarget(told)).toMatchObject({ ok: false });
    expect(rollbackTarget(told, B)).toEqual({ ok: true, value: B });
    expect(history([first, second], B).gaps).toEqual([]);
  });
  test('a tag that was moved by hand between two promotions is a gap too', () => {
    const after = record(3, D, C, { previousRecord: second.manifest });
    const { gaps, before, chain } = history([first, second, after], C);
    expect(gaps).toEqual([
      expect.stringMatching(/pointed to sha256:dddddddddddd, but the record before names sha256:bbbbbbbbbbbb/),
    ]);
    expect(before).toBe(D);
    expect(chain).toEqual([first, second, after]);
    const again = record(4, after, D, { kind: 'rollback' });
    expect(history([first, second, after, again], D).before).toBeUndefined();
  });
  test('two promotions at once are a fork: the one that the tag points to counts', () => {
    const lost = record(2, first, C);
    const told = history([first, lost, second], B);
    expect(told).toMatchObject({ now: B, before: A, head: second.manifest });
    expect(told.gaps).toEqual([expect.stringContaining('two promotions ran at the same time')]);
    expect(history([second, lost, first], B)).toEqual(told);
  });
  test('a record that names none before it, where there are others, is named', () => {
    const restart = record(5, undefined, D);
    expect(history([first, second, restart], D).gaps).toEqual([
      expect.stringContaining('does not name a previous record'),
    ]);
  });
  test('a tag that was deleted points to nothing', () => {
    const { now, gaps } = history([first, second], null);
    expect(now).toBeUndefined();
    expect(gaps).toEqual([expect.stringContaining('points to nothing now')]);
  });
  test('the same image promoted again stays what it is', () => {
    expect(history([first, second, record(3, second, B)])).toMatchObject({ now: B, before: A, gaps: [] });
  });
});

describe('a rollback', () => {
  test('goes to what was there before', () => {
    expect(rollbackTarget(history([first, second, third]))).toEqual({ ok: true, value: B });
    expect(rollbackTarget(history([third], C))).toEqual({ ok: true, value: B });
  });
  test('holds what it left', () => {
    expect(history([first, second, third, back])).toMatchObject({ now: B, before: A, held: new Set([C]), gaps: [] });
  });
  test('after a rollback goes further back, not forward again', () => {
    expect(rollbackTarget(history([first, second, third, back]))).toEqual({ ok: true, value: A });
    const again = record(5, back, A, { kind: 'rollback', held: [B, C] });
    const { now, before, held } = history([first, second, third, back, again]);
    expect({ now, before, held }).toEqual({ now: A, before: undefined, held: new Set([B, C]) });
  });
  test('over several steps leaves those in between behind it', () => {
    const far = record(4, third, A, { kind: 'rollback', held: [C] });
    expect(history([first, second, third, far]).before).toBeUndefined();
  });
  test('twice takes the records between: what is not read is no way back', () => {
    const far = record(5, record(4, third, D), B, { kind: 'rollback' });
    const { before, unread } = readHistory('production', [second, far], { holds: B, read: new Set([B]) });
    expect({ before, unread }).toEqual({ before: undefined, unread: D });
  });
  test('goes to a digest by name when the environment had it', () => {
    const told = history([first, second, third]);
    expect(rollbackTarget(told, A)).toEqual({ ok: true, value: A });
    expect(rollbackTarget(told, C)).toEqual({ ok: true, value: C });
    expect(rollbackTarget(told, D)).toMatchObject({ ok: false, problems: [expect.stringContaining('Promote it')] });
  });
  test.each([
    ['nothing is deployed', history([]), /points to nothing/],
    ['there is no record', history([], A), /without a gap/],
    ['there was nothing before', history([first]), /without a gap/],
    ['all before is on hold', history([first, second, record(3, second, A, { kind: 'rollback' })]), /except .*bbbb/],
  ])('is refused when %s', (_, told, expected) => {
    expect(rollbackTarget(told)).toMatchObject({
      ok: false,
      problems: expect.arrayContaining([expect.stringMatching(expected)]),
    });
  });
});

describe('a hold', () => {
  const story = [first, second, third, back];
  test('outlives promotions of other images', () => {
    expect(history([...story, record(5, back, D)]).held).toEqual(new Set([C]));
  });
  test('outlives a promotion that no person asked for, and one that says so of a run that no person started', () => {
    expect(history([...story, record(5, back, C)]).held).toEqual(new Set([C]));
    expect(history([...story, record(5, back, C, { forced: true })]).held).toEqual(new Set([C]));
  });
  const forced = record(5, back, C, { forced: true, ...BY_HAND });
  test('ends when a person promotes what is on hold', () => {
    const { held, now, before } = history([...story, forced]);
    expect({ held, now, before }).toEqual({ held: new Set(), now: C, before: B });
  });
  test('begins again with a rollback after that', () => {
    expect(history([...story, forced, record(6, forced, B, { kind: 'rollback' })]).held).toEqual(new Set([C]));
  });
  test('ends when a person rolls back to what is on hold', () => {
    expect(history([...story, record(5, back, C, { kind: 'rollback', ...BY_HAND })]).held).toEqual(new Set([B]));
  });
  test('is carried on by later records, so that the newest alone says it', () => {
    expect(history([record(5, back, D, { held: [C] })]).held).toEqual(new Set([C]));
  });
  test('is added by a record of another repository, and lifted by none', () => {
    const at = { holds: C };
    const hold = record(9, undefined, B, { kind: 'rollback', previousDigest: C });
    const lift = record(10, undefined, C, { forced: true, ...BY_HAND });
    expect(readHistory('production', [first, second, third], { ...at, foreign: [hold] }).held).toEqual(new Set([C]));
    expect(readHistory('production', story, { holds: B, foreign: [lift] }).held).toEqual(new Set([C]));
    expect(readHistory('production', story, { holds: B, foreign: [lift] }).chain).toEqual(story);
    // A person at the target has the last word over what was said before.
    const later = record(11, back, C, { forced: true, ...BY_HAND });
    expect(readHistory('production', [...story, later], { holds: C, foreign: [hold] }).held).toEqual(new Set());
  });
  test('what a record says is what the history says', () => {
    const done = { kind: 'rollback', digest: A, previousDigest: B, forced: false, event: 'push' } as const;
    expect(heldAfter([C], done)).toEqual([B, C]);
    expect(heldAfter([A], done)).toEqual([A, B]);
    expect(heldAfter([A], { ...done, ...BY_HAND })).toEqual([B]);
    const forward = { ...done, kind: 'promotion', digest: C } as const;
    expect(heldAfter([C, B], { ...forward, forced: true, ...BY_HAND })).toEqual([B]);
    expect(heldAfter([C], { ...forward, forced: true })).toEqual([C]);
    expect(heldAfter([C], forward)).toEqual([C]);
  });
});

describe('P13: signed records', () => {
  const signature = { identity: 'https://github.com/org/app/.github/workflows/promote.yml@refs/heads/main', time: '' };
  const signed = (...given: Parameters<typeof record>) =>
    record(given[0], given[1], given[2], { signature, ...given[3] });
  const one = signed(1, undefined, A);
  const two = signed(2, one, B, { ...BY_HAND, forced: true });
  const rolledBack = signed(3, two, A, { kind: 'rollback', held: [B] });

  test('a replayed `forced` in another manifest is a copy, and lifts nothing', () => {
    const copy: StoredRecord = { ...two, manifest: digest('7') };
    const { held, chain, gaps } = history([copy, rolledBack, two, one], A);
    expect([...held]).toEqual([B]);
    expect(chain).toEqual([one, two, rolledBack]);
    expect(gaps.join()).toMatch(/is a copy of sha256:\w+ and does not count again/);
  });

  test('a replayed `forced` after the genuine one was deleted lifts nothing either', () => {
    const copy: StoredRecord = { ...two, manifest: digest('7') };
    expect([...history([copy, rolledBack, one], A).held]).toEqual([B]);
  });

  test('a `forced` beside the chain lifts nothing, although it is later', () => {
    const beside = signed(9, undefined, B, { ...BY_HAND, forced: true });
    expect([...history([one, two, rolledBack, beside], A).held]).toEqual([B]);
    const unsigned = record(9, undefined, B, { ...BY_HAND, forced: true });
    expect([...readHistory('production', [one, two, rolledBack], { holds: A, foreign: [unsigned] }).held]).toEqual([B]);
  });

  test('an unsigned record adds a hold, which the signed promotion by hand after it lifts', () => {
    const unsigned = record(4, undefined, A, { kind: 'rollback', previousDigest: C });
    const known = { foreign: [unsigned], holds: A };
    expect([...readHistory('production', [one, two, rolledBack], known).held].toSorted()).toEqual([B, C]);
    const lifted = signed(5, rolledBack, C, { ...BY_HAND, forced: true, held: [B] });
    expect([...readHistory('production', [one, two, rolledBack, lifted], { ...known, holds: C }).held]).toEqual([B]);
  });

  test('the first record of the chain lists the holds: what is older, and was lifted since, is not held again', () => {
    const four = signed(4, rolledBack, B, { ...BY_HAND, forced: true });
    const five = signed(5, four, C);
    const six = signed(6, five, A);
    // The record of C was not read.
    expect([...history([one, rolledBack, four, six], A).held]).toEqual([]);
  });
});
