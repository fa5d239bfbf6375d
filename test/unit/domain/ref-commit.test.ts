import { expect, test } from 'vitest';
import type { GitEvent } from '../../../src/domain/event.ts';
import { type Ancestry, commitsOf, refMismatch, whyRefDoesNotFit } from '../../../src/domain/ref-commit.ts';
import { gitEvent, tagPush } from '../../support/events.ts';

const [event, built, head, old] = ['a', 'b', 'c', 'd'].map((digit) => digit.repeat(40)) as [
  string,
  string,
  string,
  string,
];
const push = gitEvent({ ref: 'refs/heads/main', sha: event });
const pull = { ref: 'refs/pull/15/merge', sha: event, pullRequest: { number: 15, headSha: head } };

test.each<[string, GitEvent, readonly string[]]>([
  ['a push', push, [event]],
  ['a pull request', gitEvent({ ...pull, name: 'pull_request' }), [event, head]],
  ['pull_request_target', gitEvent({ ...pull, name: 'pull_request_target' }), [head]],
  ['a workflow run of the branch', { ...push, workflowRun: { headSha: old, branch: 'main' } }, [event, old]],
  ['a workflow run of another branch', { ...push, workflowRun: { headSha: old, branch: 'x' } }, [event]],
  ['a workflow run of a fork', { ...push, workflowRun: { headSha: old } }, [event]],
])('the commits of %s', (_, given, commits) => {
  expect(commitsOf(given)).toEqual(commits);
});

const ahead: Ancestry = { relations: ['ahead'], parents: [], remoteRefs: [] };
const on = (branch: string) => ({ sha: built, source: 'checkout', isShallow: false, branch }) as const;
const detached = { sha: built, source: 'checkout', isShallow: false } as const;

test.each<[string, GitEvent, Parameters<typeof whyRefDoesNotFit>[1], Ancestry, RegExp | undefined]>([
  ['the commit itself', push, { ...detached, sha: event }, { ...ahead, relations: ['unknown'] }, undefined],
  ['a descendant', push, detached, ahead, undefined],
  ['a descendant on the branch', push, on('main'), ahead, undefined],
  ['a descendant on another branch', push, on('feature'), ahead, /on the branch feature/],
  ['a descendant of a git tag, on a branch', tagPush('v1', { sha: event }), on('main'), ahead, undefined],
  ['the tip of a remote branch', push, detached, { ...ahead, remoteRefs: ['refs/remotes/origin/x/y'] }, /on x\/y/],
  [
    'the head of a pull request',
    push,
    detached,
    { ...ahead, remoteRefs: ['refs/remotes/pull/1/head'] },
    /on pull\/1\/head/,
  ],
  [
    'the newer tip of the branch',
    push,
    detached,
    { ...ahead, remoteRefs: ['refs/remotes/origin/x', 'refs/remotes/origin/main'] },
    undefined,
  ],
  ['what GitHub has elsewhere', push, detached, { ...ahead, isOnBranch: false }, /not on main/],
  [
    'a child, in a shallow clone',
    push,
    detached,
    { relations: ['unknown'], parents: [event], remoteRefs: [] },
    undefined,
  ],
  ['an older one', push, detached, { ...ahead, relations: ['behind'] }, /older/],
  ['a diverged one', push, detached, { ...ahead, relations: ['diverged'] }, /does not descend/],
  ['an unknown one', push, detached, { ...ahead, relations: ['unknown'] }, /unknown relation/],
  ['another repository', push, on('main'), { ...ahead, otherRepository: 'evil/app' }, /repository evil\/app/],
  [
    'a workflow run of another branch',
    { ...push, workflowRun: { headSha: built } },
    on('main'),
    ahead,
    /branch of a fork/,
  ],
])('%s', (_, given, commit, known, why) => {
  const said = whyRefDoesNotFit(given, commit, known);
  if (why === undefined) expect(said).toBeUndefined();
  else {
    expect(said).toMatch(why);
    const message = refMismatch(given, commit, ['main', 'x', 'y', 'z'], said ?? '');
    expect(message).toMatch(/main, x, y and 1 more/);
    for (const part of [event, built, 'type=sha']) expect(message).toContain(part);
  }
});
