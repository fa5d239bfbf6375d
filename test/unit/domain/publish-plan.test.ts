import { describe, expect, test } from 'vitest';
import type { Digest } from '../../../src/domain/digest.ts';
import { isInPlace, planTags, type TagState, type Wanted } from '../../../src/domain/publish-plan.ts';
import { candidatesFor, keptImage } from '../../../src/domain/published.ts';
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
      {
        action: 'conflict',
        conflict: 'other-commit',
        from: digest('1'),
        reason: expect.stringContaining('sha256:111111111111'),
      },
    ]);
  });
  test.each<[string, TagState, string, Partial<Wanted>, string?]>([
    ['no image', {}, 'create', {}],
    ['the first build of its commit', { digest: digest('1'), revision: OURS }, 'leave', { digest: digest('2') }],
    ['a short form of its commit', { digest: digest('1'), revision: OURS.slice(0, 8) }, 'leave', {}],
    ['an image without a commit', { digest: digest('1') }, 'leave', {}, 'no label'],
    ['a revision that is no commit', { digest: digest('1'), revision: 'r123' }, 'leave', {}, 'no label'],
    [
      'what the source says, too',
      { digest: digest('1'), revision: OTHER },
      'leave',
      { digest: digest('2'), revision: OTHER },
    ],
    ['another commit', { digest: digest('1'), revision: OTHER }, 'conflict', {}],
    ['another commit that begins the same', { digest: digest('1'), revision: `${'a'.repeat(39)}b` }, 'conflict', {}],
  ])('a commit tag that points to %s: %s', (_, held, action, wanted, warning) => {
    const { decisions } = plan([commit], { 'sha-aaaaaaa': held }, wanted);
    expect(decisions[0]?.action).toBe(action);
    expect(decisions[0]?.warning ?? '').toContain(warning ?? '');
  });
  test.each([
    ['another commit', { revision: OTHER, fingerprint: 'f' }, /built from bbbbbbb/],
    ['no commit', {}, /records no commit/],
    ['another build of the same commit', { revision: OURS, fingerprint: 'g' }, /another build of this commit/],
    ['the same build, where it is not taken', { revision: OURS, fingerprint: 'f' }, /published from this commit/],
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
  const wanted = { tags: [version, commit, branch], sha: OURS, fingerprint: 'f' };
  const state = (held: Record<string, TagState>, image = 'r.example/app') => ({
    image,
    tags: new Map(Object.entries(held)),
  });
  const found = (held: Record<string, TagState>, run?: string) =>
    candidatesFor(wanted, [state(held)], run).map(({ digest: it, isOwnRun }) => [it, isOwnRun]);
  test('what this very build was published as may be taken: version tags first, then moving ones, then the commit tag', () => {
    expect(found({ 'sha-aaaaaaa': same })).toEqual([[digest('1'), false]]);
    const builds = {
      'sha-aaaaaaa': same,
      main: { ...same, digest: digest('2') },
      '1.2.3': { ...same, digest: digest('3') },
    };
    expect(found(builds).map(([it]) => it)).toEqual([digest('3'), digest('2'), digest('1')]);
  });
  test.each([
    ['nothing', {}],
    ['another commit', { main: { ...same, revision: OTHER } }],
    ['no commit', { main: { digest: digest('1'), fingerprint: 'f' } }],
    ['another fingerprint', { main: { ...same, fingerprint: 'g' } }],
    ['no fingerprint', { main: { digest: digest('1'), revision: OURS } }],
  ])('%s is not taken', (_, held) => {
    expect(found(held)).toEqual([]);
  });
  test('an earlier attempt of this run is known by its run', () => {
    expect(found({ main: { ...same, run: 'r' } }, 'r')).toEqual([[digest('1'), true]]);
    expect(found({ main: { ...same, run: 'r' } })).toEqual([[digest('1'), false]]);
    expect(found({ main: { ...same, run: 'other' } }, 'r')).toEqual([[digest('1'), false]]);
  });
  test.each<[string, Record<string, TagState>[], string]>([
    ['no version tag', [{ main: same }], 'none'],
    ['another build of this commit', [{ '1.2.3': { ...same, fingerprint: 'g' } }], 'one'],
    ['an image that records no commit', [{ '1.2.3': { digest: digest('1') } }], 'one'],
    ['an image of another commit', [{ '1.2.3': { ...same, revision: OTHER } }], 'none'],
    ['the same at two registries', [{ '1.2.3': same }, { '1.2.3': same }], 'one'],
    ['two images', [{ '1.2.3': same }, { '1.2.3': { ...same, digest: digest('2') } }], 'several'],
  ])('if-published: keep, %s: %s', (_, held, kind) => {
    expect(
      keptImage(
        wanted,
        held.map((each) => state(each)),
      ),
    ).toMatchObject({ kind });
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
