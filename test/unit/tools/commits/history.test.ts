import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { GitHubApi } from '../../../../src/runtime/runtime.ts';
import { createHistory } from '../../../../src/tools/commits/history.ts';
import { createTestRuntime, type TestRuntime } from '../../../support/runtime.ts';

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

/** GitHub, which knows one branch and answers each comparison the same way. */
function gitHub(answers: { readonly tip?: string; readonly status?: Awaited<ReturnType<GitHubApi['compare']>> }) {
  const asked: string[] = [];
  const api: GitHubApi = {
    ...runtime.github('', { apiUrl: '', owner: '', name: '' }),
    tip: async (ref) => {
      asked.push(ref);
      return answers.tip;
    },
    compare: async (base, head) => {
      asked.push(`${base}...${head}`);
      return answers.status;
    },
  };
  return { api, asked };
}

test('a full clone knows what is on a branch', async () => {
  const { first, second, other } = repositories();
  const history = createHistory(runtime, undefined, true);
  expect(await history.contains('main', second)).toBe('contains');
  expect(await history.contains('main', first)).toBe('contains');
  expect(await history.contains('other', first)).toBe('contains');
  expect(await history.contains('main', other)).toBe('lacks');
  expect(await history.contains('gone', second)).toBe('unknown');
  expect(await history.contains('main', 'f'.repeat(40))).toBe('unknown');
});

test('a commit that is newer than the branch is not on it', async () => {
  const { second } = repositories();
  const newer = commit(runtime.workspace, 'not pushed');
  expect(await createHistory(runtime, undefined, true).contains('main', newer)).toBe('lacks');
  expect(await createHistory(runtime, undefined, true).contains('main', second)).toBe('contains');
});

test('a branch is what the remote has now, whatever the clone has', async () => {
  const { origin, first, second } = repositories();
  git(origin, 'reset', '-q', '--hard', first);
  expect(await createHistory(runtime, undefined, true).contains('main', second)).toBe('lacks');
});

test('a shallow clone asks GitHub how the branch relates to a commit, and says unknown without', async () => {
  const { first, second } = repositories('--depth=1');
  expect(await createHistory(runtime, undefined, true).contains('main', first)).toBe('unknown');
  expect(await createHistory(runtime, undefined, true).contains('main', second)).toBe('contains');
  const relations = [
    ['ahead', 'contains'],
    ['identical', 'contains'],
    ['behind', 'lacks'],
    ['diverged', 'lacks'],
    [undefined, 'unknown'],
  ] as const;
  for (const [status, expected] of relations) {
    const { api, asked } = gitHub({ ...(status === undefined ? {} : { status }) });
    expect(await createHistory(runtime, api, true).contains('main', first)).toBe(expected);
    expect(asked).toEqual([`${first}...${second}`]);
  }
});

test('two ends of a shallow clone that look unrelated are not told to be', async () => {
  const { other } = repositories('--depth=1', '--no-single-branch');
  expect(await createHistory(runtime, undefined, true).contains('main', other)).toBe('unknown');
});

test('without the remote the tip is asked of GitHub', async () => {
  const { first, second } = repositories();
  const { api, asked } = gitHub({ tip: second });
  expect(await createHistory(runtime, api, false).contains('main', first)).toBe('contains');
  expect(asked).toEqual(['refs/heads/main']);
  expect(await createHistory(runtime, undefined, false).contains('main', first)).toBe('unknown');
});

test.each([
  '',
  '-u',
  '--upload-pack=touch /tmp/x',
  'a b',
  'a..b',
  '../main',
  'main~1',
  'main^',
  'main:x',
  'ma*n',
  'ma?n',
  '[m]ain',
  'main\\',
  'main\n',
  '@',
  'main@{1}',
  '/main',
  'main/',
  'a//b',
  '.main',
  'a/.b',
  'main.',
  'main.lock',
])('the branch %j reaches neither git nor GitHub', async (branch) => {
  const { second } = repositories();
  const before = runtime.recorded.commands.length;
  const { api, asked } = gitHub({ tip: second });
  expect(await createHistory(runtime, api, true).contains(branch, second)).toBe('unknown');
  expect(runtime.recorded.commands.length).toBe(before);
  expect(asked).toEqual([]);
});

test.each(['HEAD', 'main', '--help', 'f'.repeat(39)])('the commit %j reaches neither git nor GitHub', async (sha) => {
  const { second } = repositories();
  const before = runtime.recorded.commands.length;
  const { api, asked } = gitHub({ tip: second, status: 'ahead' });
  expect(await createHistory(runtime, api, true).contains('main', sha)).toBe('unknown');
  expect(runtime.recorded.commands.length).toBe(before);
  expect(asked).toEqual([]);
});

test('a branch with slashes, dots and letters of any script is one', async () => {
  const { origin, second } = repositories();
  git(origin, 'branch', 'release/1.x-größe');
  expect(await createHistory(runtime, undefined, true).contains('release/1.x-größe', second)).toBe('contains');
});
