import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { WorkflowEvent } from './action.ts';

const run = promisify(execFile);

/** A real git repository in a temporary folder, with a bare origin beside it. */
export interface Repository {
  readonly directory: string;
  readonly origin: string;
  /** Commits files on top of what is checked out. @returns the commit's id */
  readonly commit: (message: string, files?: Readonly<Record<string, string | Uint8Array>>) => Promise<string>;
  /** Tags what is checked out, with a tag object when a message is given. @returns the commit's id */
  readonly tag: (name: string, message?: string) => Promise<string>;
  /** Makes a branch at what is checked out, and checks it out. */
  readonly branch: (name: string) => Promise<void>;
  readonly checkout: (ref: string) => Promise<void>;
  readonly head: () => Promise<string>;
  /** A fresh clone of all that there is, as deep as asked; `ref` is what actions/checkout would have been told. */
  readonly clone: (options?: { readonly depth?: number; readonly ref?: string }) => Promise<string>;
  readonly git: (...args: readonly string[]) => Promise<string>;
  readonly dispose: () => Promise<void>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

/** An empty repository on branch main. Commits are an hour apart, from 2026-01-02T03:00:00Z on, the same in each run. */
export async function createRepository(): Promise<Repository> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'repository-')));
  const directory = join(root, 'work');
  const origin = join(root, 'origin.git');
  let commits = 0;
  let clones = 0;
  const gitIn = async (cwd: string, args: readonly string[]) => {
    const date = new Date(Date.UTC(2026, 0, 2, 3 + commits)).toISOString();
    const { stdout } = await run('git', args, {
      cwd,
      env: {
        PATH: process.env.PATH,
        HOME: root,
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_AUTHOR_NAME: 'dev',
        GIT_AUTHOR_EMAIL: 'dev@example.org',
        GIT_AUTHOR_DATE: date,
        GIT_COMMITTER_NAME: 'dev',
        GIT_COMMITTER_EMAIL: 'dev@example.org',
        GIT_COMMITTER_DATE: date,
      },
    });
    return stdout.trim();
  };
  const git = (...args: readonly string[]) => gitIn(directory, args);
  await gitIn(root, ['init', '--quiet', '--bare', '--initial-branch=main', origin]);
  await gitIn(root, ['init', '--quiet', '--initial-branch=main', directory]);
  await git('remote', 'add', 'origin', origin);
  const dispose = () => rm(root, { recursive: true, force: true, maxRetries: 3 });
  return {
    directory,
    origin,
    git,
    commit: async (message, files = {}) => {
      for (const [name, content] of Object.entries(files)) {
        await mkdir(dirname(join(directory, name)), { recursive: true });
        await writeFile(join(directory, name), content);
      }
      await git('add', '--all');
      await git('commit', '--quiet', '--allow-empty', '--message', message);
      commits += 1;
      return git('rev-parse', 'HEAD');
    },
    tag: async (name, message) => {
      await git('tag', ...(message === undefined ? [] : ['--annotate', '--message', message]), name);
      return git('rev-parse', 'HEAD');
    },
    branch: async (name) => void (await git('checkout', '--quiet', '-b', name)),
    checkout: async (ref) => void (await git('checkout', '--quiet', ref)),
    head: () => git('rev-parse', 'HEAD'),
    clone: async ({ depth, ref } = {}) => {
      await git('push', '--quiet', '--force', '--all', 'origin');
      await git('push', '--quiet', '--force', '--tags', 'origin');
      clones += 1;
      const target = join(root, `clone-${clones}`);
      // A path would be copied whole; only a URL is cloned as shallow as asked.
      await gitIn(root, [
        'clone',
        '--quiet',
        ...(depth === undefined ? [] : ['--depth', String(depth)]),
        `file://${origin}`,
        target,
      ]);
      if (ref !== undefined) {
        await gitIn(target, [
          'fetch',
          '--quiet',
          ...(depth === undefined ? [] : ['--depth', String(depth)]),
          'origin',
          ref,
        ]);
        await gitIn(target, ['checkout', '--quiet', '--detach', 'FETCH_HEAD']);
      }
      return target;
    },
    dispose,
    [Symbol.asyncDispose]: dispose,
  };
}

/** The `repository` of GitHub's payloads, as far as anybody reads it. */
export const REPOSITORY_PAYLOAD = {
  id: 1,
  name: 'app',
  full_name: 'org/app',
  owner: { login: 'org', type: 'Organization' },
  private: false,
  visibility: 'public',
  default_branch: 'main',
  description: 'An app',
  html_url: 'https://github.com/org/app',
  clone_url: 'https://github.com/org/app.git',
  license: { key: 'mit', spdx_id: 'MIT', name: 'MIT License' },
  topics: [],
} as const;

/** Fields of the payload's repository to change, such as `private`. */
export type RepositoryChange = Readonly<Record<string, unknown>>;

/** The push of a branch, or of any other ref, at what is checked out. */
export async function pushEvent(
  repository: Repository,
  branch = 'main',
  change: RepositoryChange = {},
): Promise<WorkflowEvent> {
  const ref = branch.startsWith('refs/') ? branch : `refs/heads/${branch}`;
  const sha = await repository.head();
  return {
    name: 'push',
    ref,
    sha,
    payload: {
      ref,
      before: '0'.repeat(40),
      after: sha,
      head_commit: { id: sha, message: await repository.git('log', '-1', '--format=%s') },
      repository: { ...REPOSITORY_PAYLOAD, ...change },
      sender: { login: 'dev' },
    },
  };
}

/** The push of a git tag at what is checked out. */
export function tagEvent(repository: Repository, tag: string, change: RepositoryChange = {}): Promise<WorkflowEvent> {
  return pushEvent(repository, `refs/tags/${tag}`, change);
}

/** A pull request whose head is what is checked out; the job runs on a merge commit, which is made here. */
export async function pullRequestEvent(
  repository: Repository,
  number: number,
  { base = 'main', head = 'feature', ...change }: RepositoryChange & { base?: string; head?: string } = {},
): Promise<WorkflowEvent> {
  const headSha = await repository.head();
  const baseSha = await repository.git('rev-parse', base);
  const sha = await repository.git(
    'commit-tree',
    `${headSha}^{tree}`,
    '-p',
    baseSha,
    '-p',
    headSha,
    '-m',
    `Merge ${headSha}`,
  );
  await repository.git('update-ref', `refs/pull/${number}/merge`, sha);
  const repo = { ...REPOSITORY_PAYLOAD, ...change };
  return {
    name: 'pull_request',
    ref: `refs/pull/${number}/merge`,
    sha,
    headRef: head,
    baseRef: base,
    payload: {
      action: 'synchronize',
      number,
      pull_request: {
        number,
        head: { ref: head, sha: headSha, repo },
        base: { ref: base, sha: baseSha, repo },
      },
      repository: repo,
      sender: { login: 'dev' },
    },
  };
}

/** A run that somebody started by hand on a branch. */
export async function dispatchEvent(repository: Repository, branch = 'main'): Promise<WorkflowEvent> {
  const { ref, sha } = await pushEvent(repository, branch);
  return {
    name: 'workflow_dispatch',
    ref,
    sha,
    payload: { ref, inputs: {}, repository: REPOSITORY_PAYLOAD, sender: { login: 'dev' } },
  };
}

/** The nightly run on the default branch. */
export async function scheduleEvent(repository: Repository): Promise<WorkflowEvent> {
  const sha = await repository.git('rev-parse', 'main');
  return {
    name: 'schedule',
    ref: 'refs/heads/main',
    sha,
    payload: { schedule: '0 3 * * *', repository: REPOSITORY_PAYLOAD },
  };
}
