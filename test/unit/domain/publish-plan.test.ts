import { describe, expect, test } from 'vitest';
import type { Digest } from '../../../src/domain/digest.ts';
import { isInPlace, planTags, publishedBefore, type TagState, type Wanted } from '../../../src/domain/publish-plan.ts';
import type { PlannedTag } from '../../../src/domain/tags/planned.ts';

const digest = (sign: string): Digest => `sha256:${sign.repeat(64)}`;
const OURS = 'a'.repeat(40);
const OTHER = 'b'.repeat(40);

const version: PlannedTag = { name: '1.2.3', kind: 'version', rule: 'type=semver' };
const commit: PlannedTag = { name: 'sha-aaaaaaa', kind: 'commit', rule: 'type=sha' };
const branch: PlannedTag = { name: 'main', kind: 'moving', order: { by: 'commit' }, rule: 'type=ref,event=branch' };
const line = (name: string, scope: 'all' | 'major' | 'minor', of: string): PlannedTag => ({
  name,
  kind: 'moving',
  order: { by: 'version', version: of, scope, prefix: '', suffix: '' },
  rule: 'type=semver',
});

function plan(
  tags: readonly PlannedTag[],
  held: Record<string, TagState>,
  wanted: Partial<Wanted> = {},
  existing: readonly string[] = [],
) {
  const decisions = planTags(
    { sha: OURS, fingerprint: 'f', ...wanted, tags },
    { image: 'r.example/app', tags: new Map(Object.entries(held)), existing },
  );
  return { decisions, actions: Object.fromEntries(decisions.map(({ tag, action }) => [tag, action])) };
}

describe('P3: immutable is immutable', () => {
  test('a free tag is created', () => {
    expect(plan([version], {}).actions).toEqual({ '1.2.3': 'create' });
  });
  test('the same digest is in place', () => {
    expect(plan([version], { '1.2.3': { digest: digest('1') } }, { digest: digest('1') }).actions).toEqual({
      '1.2.3': 'keep',
    });
  });
  test('another digest is a conflict that names both', () => {
    const { decisions } = plan([version], { '1.2.3': { digest: digest('1') } }, { digest: digest('2') });
    expect(decisions).toMatchObject([
      { action: 'conflict', from: digest('1'), reason: expect.stringContaining('sha256:222222222222') },
    ]);
  });
  test.each([
    ['another commit', { revision: OTHER, fingerprint: 'f' }, /built from bbbbbbb/],
    ['no commit', {}, /records no commit/],
    ['another build of the same commit', { revision: OURS, fingerprint: 'g' }, /another build of this commit/],
    ['the same commit, by a tool that leaves no fingerprint', { revision: OURS }, /another build of this commit/],
  ])('before a build, an image of %s is a conflict', (_, recorded, reason) => {
    const { decisions } = plan([version], { '1.2.3': { digest: digest('1'), ...recorded } });
    expect(decisions[0]).toMatchObject({ action: 'conflict', reason: expect.stringMatching(reason) });
  });
  test('without a fingerprint of our own nothing counts as the same build', () => {
    const held = { '1.2.3': { digest: digest('1'), revision: OURS } };
    expect(
      planTags({ tags: [version], sha: OURS }, { image: 'i', tags: new Map(Object.entries(held)) })[0]?.action,
    ).toBe('conflict');
  });
});

describe('P9: a re-run does only what is missing', () => {
  const same = { digest: digest('1'), revision: OURS, fingerprint: 'f' };
  test('what this very build was published as is taken instead of building again', () => {
    const { decisions } = plan([version, commit], { '1.2.3': same });
    expect(decisions.map(({ action }) => action)).toEqual(['keep', 'create']);
    expect(publishedBefore(decisions)).toBe(digest('1'));
    expect(isInPlace(decisions)).toBe(false);
  });
  test('nothing published, nothing taken', () => {
    expect(publishedBefore(plan([version, branch], {}).decisions)).toBeUndefined();
  });
  test('two builds of one commit under two immutable tags are not one image', () => {
    const { decisions } = plan([version, commit], { '1.2.3': same, 'sha-aaaaaaa': { ...same, digest: digest('2') } });
    expect(publishedBefore(decisions)).toBe('ambiguous');
  });
  test('a moving tag alone is no proof that this build was published', () => {
    expect(publishedBefore(plan([branch], { main: same }, { digest: digest('1') }).decisions)).toBeUndefined();
  });
  test('a finished publish is in place', () => {
    const { decisions } = plan([commit, branch], { 'sha-aaaaaaa': same, main: same }, { digest: digest('1') });
    expect(isInPlace(decisions)).toBe(true);
  });
  test('a stale run that wrote its commit tag before is in place too', () => {
    const { decisions } = plan(
      [commit, branch],
      { 'sha-aaaaaaa': same, main: { digest: digest('9'), revision: OTHER, relation: 'behind' } },
      { digest: digest('1') },
    );
    expect(decisions.map(({ action }) => action)).toEqual(['keep', 'leave']);
    expect(isInPlace(decisions)).toBe(true);
  });
  test('a stale run that has only a moving tag still brings its content', () => {
    expect(
      isInPlace(plan([branch], { main: { digest: digest('9'), revision: OTHER, relation: 'behind' } }).decisions),
    ).toBe(false);
  });
});

describe('P4: moving tags only move forward', () => {
  test.each([
    ['ahead', undefined, 'move'],
    ['same', undefined, 'move'],
    ['behind', undefined, 'leave'],
    ['diverged', true, 'move'],
    ['diverged', false, 'leave'],
    ['unknown', undefined, 'leave'],
  ] as const)('a branch tag whose image is %s (tip: %s): %s', (relation, isTip, action) => {
    const held = { digest: digest('9'), revision: OTHER, relation, ...(isTip === undefined ? {} : { isTip }) };
    expect(plan([branch], { main: held }).actions).toEqual({ main: action });
  });
  test('a backport 1.1.9 after 1.2.0 moves 1.1, and neither 1 nor latest', () => {
    const tags = [line('1.1', 'minor', '1.1.9'), line('1', 'major', '1.1.9'), line('latest', 'all', '1.1.9')];
    const held = { '1.1': { digest: digest('1') }, '1': { digest: digest('2') }, latest: { digest: digest('2') } };
    expect(plan(tags, held, {}, ['1.1.8', '1.2.0', '1.1', '1', 'latest']).actions).toEqual({
      '1.1': 'move',
      '1': 'leave',
      latest: 'leave',
    });
  });
  test('a line tag that is missing is not an invitation to an old version', () => {
    expect(plan([line('1', 'major', '1.1.9')], {}, {}, ['1.2.0']).actions).toEqual({ '1': 'leave' });
  });
});

test('immutable tags come before moving ones, in the given order otherwise', () => {
  expect(plan([branch, version, line('1', 'major', '1.2.3'), commit], {}).decisions.map(({ tag }) => tag)).toEqual([
    '1.2.3',
    'sha-aaaaaaa',
    'main',
    '1',
  ]);
});
