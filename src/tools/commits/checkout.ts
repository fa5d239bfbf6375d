import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { COMMIT } from '../../domain/commit.ts';
import { ActionError } from '../../errors/action-error.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { GitSetting } from './git-environment.ts';
import { type Git, gitIn, printed } from './git-process.ts';

/** The checkout in a folder. */
export interface Checkout {
  /** The top folder of the work tree. */
  readonly directory: string;
  /** HEAD. */
  readonly sha: string;
  /** As recorded in the commit itself, so available in a shallow clone. */
  readonly parents: readonly string[];
  /** The checked-out branch; absent when HEAD is detached. */
  readonly branch?: string;
  /** Other refs of the remote that point to HEAD: `refs/remotes/origin/feature`, `refs/remotes/pull/15/head`. */
  readonly remoteRefs: readonly string[];
  readonly isShallow: boolean;
  /** The URL of `origin`, without credentials. */
  readonly origin?: string;
}

/**
 * The checkout that contains a folder. A submodule at the commit recorded in its parent repository belongs to the
 * parent.
 * @returns undefined when the folder is in no repository, or the repository has no commit
 * @throws ActionError EVENT_INVALID when HEAD cannot be read
 */
export async function readCheckout(runtime: Runtime, folder: string): Promise<Checkout | undefined> {
  const git = gitIn(runtime, folder);
  const [directory, sha] = await Promise.all([
    printed(git, ['rev-parse', '--show-toplevel']),
    printed(git, ['rev-parse', '--verify', '--quiet', 'HEAD^{commit}']),
  ]);
  if (directory === undefined && existsSync(join(folder, '.git'))) return readHeadFile(folder);
  if (directory === undefined || sha === undefined || !COMMIT.test(sha)) return undefined;
  const around = await printed(git, ['rev-parse', '--show-superproject-working-tree']);
  if (around !== undefined && around !== '' && (await records(runtime, around, directory, sha))) {
    return readCheckout(runtime, around);
  }
  const [commit, branch, shallow, refs, origin] = await Promise.all([
    printed(git, ['cat-file', 'commit', sha]),
    printed(git, ['symbolic-ref', '--quiet', 'HEAD']),
    printed(git, ['rev-parse', '--is-shallow-repository']),
    printed(git, ['for-each-ref', '--points-at=HEAD', '--format=%(refname)', 'refs/remotes']),
    originOf(git),
  ]);
  return {
    directory,
    sha,
    parents: parentsIn(commit ?? ''),
    ...(branch?.startsWith('refs/heads/') ? { branch: branch.slice('refs/heads/'.length) } : {}),
    remoteRefs: (refs ?? '').split('\n').filter((ref) => ref !== '' && !ref.endsWith('/HEAD')),
    isShallow: shallow !== 'false',
    ...(origin === undefined ? {} : { origin }),
  };
}

/**
 * Reads HEAD from git's files, for machines without git: this gives the commit, but not its history.
 * @throws ActionError EVENT_INVALID when the files do not contain it
 */
function readHeadFile(folder: string): Checkout {
  try {
    const entry = join(folder, '.git');
    const git = statSync(entry).isFile() ? resolve(folder, text(entry).replace(/^gitdir: /, '')) : entry;
    const common = existsSync(join(git, 'commondir')) ? resolve(git, text(join(git, 'commondir'))) : git;
    const head = text(join(git, 'HEAD'));
    const ref = /^ref: (refs\/heads\/[^\s]+)$/.exec(head)?.[1];
    const sha = ref === undefined ? head : (looseRef(common, ref) ?? packedRef(common, ref));
    if (sha === undefined || !COMMIT.test(sha)) throw new Error(`HEAD is ${head.slice(0, 80)}`);
    const branch = ref === undefined ? {} : { branch: ref.slice('refs/heads/'.length) };
    return { directory: folder, sha, parents: [], remoteRefs: [], isShallow: true, ...branch };
  } catch (error) {
    throw new ActionError(
      'EVENT_INVALID',
      `The commit that is checked out in ${folder} cannot be read. Is git installed on this runner?`,
      { cause: error },
    );
  }
}

function text(file: string): string {
  return readFileSync(file, 'utf8').trim();
}

function looseRef(directory: string, ref: string): string | undefined {
  return existsSync(join(directory, ref)) ? text(join(directory, ref)) : undefined;
}

function packedRef(directory: string, ref: string): string | undefined {
  const line = text(join(directory, 'packed-refs'))
    .split('\n')
    .find((each) => each.endsWith(` ${ref}`));
  return line?.split(' ', 1)[0];
}

/** The parents in a commit object, whose header ends at the message. */
function parentsIn(commit: string): readonly string[] {
  const [header = ''] = commit.split('\n\n', 1);
  return [...header.matchAll(/^parent ([0-9a-f]+)$/gm)].flatMap(([, id]) => id ?? []);
}

/** Whether a repository records this commit for a submodule. */
async function records(runtime: Runtime, around: string, directory: string, sha: string): Promise<boolean> {
  const listed = await printed(gitIn(runtime, around), ['ls-tree', 'HEAD', '--', directory]);
  return listed?.startsWith(`160000 commit ${sha}\t`) === true;
}

async function originOf(git: Git): Promise<string | undefined> {
  const url = await printed(git, ['config', '--get', 'remote.origin.url']);
  return url?.replace(/^([a-z+]+:\/\/)[^/@]*@/i, '$1');
}

/** The commit of a remote branch or tag in the output of git: tag objects are resolved to their commit. */
export async function remoteCommit(
  runtime: Runtime,
  url: string,
  ref: string | undefined,
  authorization: string | undefined,
): Promise<string | undefined> {
  const header: readonly GitSetting[] =
    authorization === undefined ? [] : [['http.extraHeader', `Authorization: ${authorization}`]];
  const git = gitIn(runtime, runtime.temp, header);
  const wanted =
    ref === undefined ? ['HEAD'] : ref.startsWith('refs/') ? [ref] : [`refs/heads/${ref}`, `refs/tags/${ref}`];
  const listed = await printed(git, [
    'ls-remote',
    '--quiet',
    '--',
    url,
    ...wanted.flatMap((name) => [name, `${name}^{}`]),
  ]);
  const found = new Map(
    (listed ?? '').split('\n').map((line): [string, string] => {
      const [sha = '', name = ''] = line.split('\t');
      return [name, sha];
    }),
  );
  const sha = wanted.flatMap((name) => found.get(`${name}^{}`) ?? found.get(name) ?? []).at(0);
  return sha !== undefined && COMMIT.test(sha) ? sha : undefined;
}
