import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { COMMIT } from '../../domain/commit.ts';
import { ActionError } from '../../errors/action-error.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { type GitSetting, settingIn } from './git-environment.ts';
import { type Git, gitIn, gitInRepository, isInRepository, printed, settingsOf } from './git-process.ts';

/** The checkout in a folder. */
export interface Checkout {
  /** The top folder of the work tree. */
  readonly directory: string;
  /** HEAD. */
  readonly sha: string;
  /** As recorded in the commit itself, so available in a shallow clone. */
  readonly parents: readonly string[];
  /** The committer's date; absent when git could not be asked. */
  readonly committed?: Date;
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
  const git = gitInRepository(runtime, folder);
  const head = await readHead(git);
  if (head === undefined) return existsSync(join(folder, '.git')) ? readHeadFile(folder) : undefined;
  const { directory, sha } = head;
  if (!COMMIT.test(sha)) return undefined;
  // Git starts a second process to look around the repository.
  const around = isInRepository(dirname(directory))
    ? await printed(git, ['rev-parse', '--show-superproject-working-tree'])
    : '';
  if (around !== undefined && around !== '' && (await records(runtime, around, directory, sha))) {
    return readCheckout(runtime, around);
  }
  const [commit, refs, settings] = await Promise.all([
    printed(git, ['cat-file', 'commit', sha]),
    printed(git, ['for-each-ref', '--points-at=HEAD', '--format=%(refname)', 'refs/remotes']),
    settingsOf(runtime, folder),
  ]);
  const origin = settingIn(settings, 'remote.origin.url')?.replace(/^([a-z+]+:\/\/)[^/@]*@/i, '$1');
  const committed = committedAt(commit ?? '');
  return {
    ...head,
    parents: parentsIn(commit ?? ''),
    ...(committed === undefined ? {} : { committed }),
    remoteRefs: (refs ?? '').split('\n').filter((ref) => ref !== '' && !ref.endsWith('/HEAD')),
    ...(origin === undefined ? {} : { origin }),
  };
}

/** @returns undefined when the folder is in no work tree; `sha` is empty when the repository has no commit */
async function readHead(git: Git): Promise<Pick<Checkout, 'directory' | 'sha' | 'branch' | 'isShallow'> | undefined> {
  const asked = ['--show-toplevel', '--is-shallow-repository', 'HEAD^{commit}', '--symbolic-full-name', 'HEAD'];
  // Without a commit git fails, and has printed the first two lines before.
  const lines = (await git(['rev-parse', ...asked]))?.stdout.split('\n') ?? [];
  const [directory = '', shallow, sha = '', ref = ''] = lines;
  if (directory === '') return undefined;
  const branch = ref.startsWith('refs/heads/') ? { branch: ref.slice('refs/heads/'.length) } : {};
  return { directory, sha, ...branch, isShallow: shallow !== 'false' };
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

/**
 * The committer's date in a commit object: `committer A <a@example.com> 1767323045 +0100`.
 * https://git-scm.com/docs/git-commit-tree#_commit_information
 */
function committedAt(commit: string): Date | undefined {
  const seconds = /^committer .*> (\d{1,12}) [+-]\d{4}$/m.exec(commit.split('\n\n', 1)[0] ?? '')?.[1];
  return seconds === undefined ? undefined : new Date(Number(seconds) * 1000);
}

/** Whether a repository records this commit for a submodule. */
async function records(runtime: Runtime, around: string, directory: string, sha: string): Promise<boolean> {
  const listed = await printed(gitInRepository(runtime, around), ['ls-tree', 'HEAD', '--', directory]);
  return listed?.startsWith(`160000 commit ${sha}\t`) === true;
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
