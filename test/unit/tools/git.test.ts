import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createHistory } from '../../../src/tools/git.ts';
import { createTestRuntime, type TestRuntime } from '../../support/runtime.ts';

let runtime: TestRuntime;
beforeEach(async () => {
  runtime = await createTestRuntime();
});
afterEach(() => runtime.dispose());

const identity = {
  GIT_AUTHOR_NAME: 'a',
  GIT_AUTHOR_EMAIL: 'a@example.com',
  GIT_COMMITTER_NAME: 'a',
  GIT_COMMITTER_EMAIL: 'a@example.com',
};

function git(cwd: string, ...args: string[]): string {
  return execFileSync('git', args, {
    cwd,
    env: { ...process.env, ...identity, GIT_COMMITTER_DATE: '2026-01-02T03:04:05Z' },
    stdio: 'pipe',
  })
    .toString()
    .trim();
}

function commit(cwd: string, message: string): string {
  git(cwd, 'commit', '-q', '--allow-empty', '-m', message);
  return git(cwd, 'rev-parse', 'HEAD');
}

/** A repository `origin` with two commits and a branch that left after the first, and what `clone` makes of it. */
function repositories(...cloneOptions: string[]) {
  const origin = join(runtime.temp, 'origin');
  mkdirSync(origin);
  git(origin, 'init', '-q', '-b', 'main');
  const first = commit(origin, 'first');
  git(origin, 'checkout', '-q', '-b', 'other');
  const other = commit(origin, 'other');
  git(origin, 'checkout', '-q', 'main');
  const second = commit(origin, 'second');
  git(runtime.temp, 'clone', '-q', ...cloneOptions, `file://${origin}`, runtime.workspace);
  return { origin, first, second, other };
}

test('a full clone knows who descends from whom', async () => {
  const { first, second, other } = repositories();
  git(runtime.workspace, 'fetch', '-q', 'origin', 'other');
  const history = createHistory(runtime, undefined, true);
  expect(await history.relation(first, second)).toBe('ahead');
  expect(await history.relation(second, first)).toBe('behind');
  expect(await history.relation(second, second)).toBe('same');
  expect(await history.relation(other, second)).toBe('diverged');
  expect(await history.relation('f'.repeat(40), second)).toBe('unknown');
});

test('a shallow clone does not guess: it asks GitHub, and says unknown without', async () => {
  const { first, second } = repositories('--depth=1');
  expect(await createHistory(runtime, undefined, true).relation(first, second)).toBe('unknown');
  const asked: string[] = [];
  const api = runtime.github('', { apiUrl: '', owner: '', name: '' });
  const history = createHistory(
    runtime,
    {
      ...api,
      compare: async (base, head) => {
        asked.push(base, head);
        return 'ahead';
      },
    },
    true,
  );
  expect(await history.relation(first, second)).toBe('ahead');
  expect(asked).toEqual([first, second]);
});

test('the tip of a ref is what the remote has now', async () => {
  const { origin, second } = repositories();
  const history = createHistory(runtime, undefined, true);
  expect(await history.isTip('refs/heads/main', second)).toBe(true);
  commit(origin, 'third');
  expect(await history.isTip('refs/heads/main', second)).toBe(false);
  expect(await history.isTip('refs/heads/gone', second)).toBeUndefined();
  expect(await createHistory(runtime, undefined, false).isTip('refs/heads/main', second)).toBeUndefined();
});

test('what a label holds reaches git only when it is a commit id', async () => {
  const { second } = repositories();
  const before = runtime.recorded.commands.length;
  expect(await createHistory(runtime, undefined, true).relation('--upload-pack=touch /tmp/x', second)).toBe('unknown');
  expect(runtime.recorded.commands.length).toBe(before);
});

test('the date is the committer’s', async () => {
  const { second } = repositories();
  expect((await createHistory(runtime, undefined, false).commitDate(second))?.toISOString()).toBe(
    '2026-01-02T03:04:05.000Z',
  );
  expect(await createHistory(runtime, undefined, false).commitDate('f'.repeat(40))).toBeUndefined();
});
