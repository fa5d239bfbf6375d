import { COMMIT } from '../../domain/commit.ts';
import type { CommitRelation } from '../../domain/tags/moving.ts';
import type { GitHubApi, RepositoryFile, Runtime } from '../../runtime/runtime.ts';
import { type Git, gitInRepository, printed } from './git-process.ts';

/**
 * Commit history for the commands: from the clone in the workspace, or from GitHub's API if the clone is too shallow.
 */
export interface History {
  /** Committer date; undefined when neither source has the commit. */
  readonly commitDate: (sha: string) => Promise<Date | undefined>;
  /** `ahead`: `current` descends from `recorded`. */
  readonly relation: (recorded: string, current: string) => Promise<CommitRelation>;
  /** Whether a full ref points to the commit now; undefined when it cannot be determined. */
  readonly isTip: (ref: string, sha: string) => Promise<boolean | undefined>;
  /** Whether the remote branch (`main`) currently contains a commit. */
  readonly contains: (branch: string, commit: string) => Promise<'contains' | 'lacks' | 'unknown'>;
  /** Whether the checked-out commit has no such path, even outside a sparse checkout; false when git cannot tell. */
  readonly lacks: (path: string) => Promise<boolean>;
  /**
   * A file of a commit (a full id, or a full ref) in the clone; `unknown` when the clone lacks the commit. Fetches
   * nothing.
   */
  readonly file: (path: string, commit: string) => Promise<RepositoryFile>;
  /** The default branch, if the clone records it. */
  readonly defaultBranch: () => Promise<string | undefined>;
}

/** What the relation of a branch's head to a commit succeeds about the branch containing it. */
const CONTAINS_COMMIT = {
  same: 'contains',
  ahead: 'contains',
  behind: 'lacks',
  diverged: 'lacks',
  unknown: 'unknown',
} as const satisfies Record<CommitRelation, 'contains' | 'lacks' | 'unknown'>;

/**
 * @param api undefined without a token, or when the network must not be used
 * @param online false keeps git from contacting the remote
 * @param directory a folder of the checkout; default: the workspace
 */
export function createHistory(
  runtime: Runtime,
  api: GitHubApi | undefined,
  online: boolean,
  directory: string = runtime.workspace,
): History {
  const git = gitInRepository(runtime, directory);
  const succeeds = async (args: readonly string[]) => (await git(args))?.exitCode === 0;
  const has = (sha: string) => succeeds(['cat-file', '-e', `${sha}^{commit}`]);
  const isAncestor = (ancestor: string, of: string) => succeeds(['merge-base', '--is-ancestor', ancestor, of]);

  const relation: History['relation'] = async (recorded, current) => {
    // The revision comes from an image label: only a commit id may reach git or a URL.
    if (!COMMIT.test(recorded) || !COMMIT.test(current)) return 'unknown';
    if (recorded === current) return 'same';
    if ((await has(recorded)) && (await has(current))) {
      if (await isAncestor(recorded, current)) return 'ahead';
      if (await isAncestor(current, recorded)) return 'behind';
      // A shallow clone may lack the connecting history: only a full one can show that they diverged.
      if ((await printed(git, ['rev-parse', '--is-shallow-repository'])) === 'false') return 'diverged';
    }
    const status = await api?.compare(recorded, current);
    return status === 'identical' ? 'same' : (status ?? 'unknown');
  };
  const tipOf = async (ref: string) => (online ? await remoteTip(git, ref) : undefined) ?? (await api?.tip(ref));

  return {
    commitDate: async (sha) => {
      const shown = COMMIT.test(sha) ? await printed(git, ['show', '--no-patch', '--format=%cI', sha]) : undefined;
      const date = new Date(shown ?? '');
      return Number.isNaN(date.getTime()) ? api?.commitDate(sha) : date;
    },

    relation,

    isTip: async (ref, sha) => {
      const tip = await tipOf(ref);
      return tip === undefined ? undefined : tip === sha;
    },

    contains: async (branch, commit) => {
      // Both may come from a file or a label: only a valid name may reach git or a URL.
      if (!isBranch(branch) || !COMMIT.test(commit)) return 'unknown';
      const tip = await tipOf(`refs/heads/${branch}`);
      return tip === undefined ? 'unknown' : CONTAINS_COMMIT[await relation(commit, tip)];
    },

    lacks: async (path) => {
      return (await printed(git, ['ls-tree', '--name-only', 'HEAD', '--', path])) === '';
    },

    file: async (path, commit) => {
      if (!COMMIT.test(commit) && !/^refs\/[^\s~^:?*[\\]+$/.test(commit))
        return unknown('its commit has no usable name');
      const listed = await git(['ls-tree', '--full-tree', commit, '--', path]);
      if (listed?.exitCode !== 0) return unknown('it was not fetched');
      if (listed.stdout.trim() === '')
        return (await isBelowLink(git, path, commit)) ? unknown('a folder of it is a link') : { kind: 'missing' };
      const [, type = '', blob = ''] = /^\d+ (\w+) ([0-9a-f]+)\t/.exec(listed.stdout) ?? [];
      // A link may lead anywhere.
      if (type !== 'blob' || listed.stdout.startsWith('12')) return unknown('it is no plain file');
      const shown = await git(['cat-file', 'blob', blob]);
      return shown?.exitCode === 0 ? { kind: 'file', text: shown.stdout } : unknown('its content was not fetched');
    },

    defaultBranch: async () => {
      const head = await git(['symbolic-ref', '--quiet', 'refs/remotes/origin/HEAD']);
      const name = /^refs\/remotes\/origin\/(.+)$/.exec(head?.stdout.trim() ?? '')?.[1];
      return head?.exitCode === 0 && name !== undefined && isBranch(name) ? name : undefined;
    },
  };
}

/** Whether a folder in a path is a link or a submodule, neither of which git resolves. */
async function isBelowLink(git: Git, path: string, commit: string): Promise<boolean> {
  const parts = path.split('/').slice(0, -1);
  const folders = parts.map((_, at) => parts.slice(0, at + 1).join('/'));
  for (const folder of folders) {
    const listed = await git(['ls-tree', '--full-tree', commit, '--', folder]);
    if (/^1[26]0000 /.test(listed?.stdout ?? '')) return true;
  }
  return false;
}

function unknown(reason: string): RepositoryFile {
  return { kind: 'unknown', reason };
}

/** https://git-scm.com/docs/git-check-ref-format */
function isBranch(name: string): boolean {
  if (/[\p{Cc}\s~^:?*[\\]|\.\.|@\{|^-|\.$/u.test(name) || name === '@') return false;
  return name.split('/').every((part) => part !== '' && !part.startsWith('.') && !part.endsWith('.lock'));
}

async function remoteTip(git: Git, ref: string): Promise<string | undefined> {
  if (!/^refs\/[^\s~^:?*[\\]+$/.test(ref)) return undefined;
  const listed = await printed(git, ['ls-remote', '--quiet', '--upload-pack=git-upload-pack', 'origin', ref]);
  const line = listed?.split('\n').find((row) => row.endsWith(`\t${ref}`));
  const sha = line?.split('\t', 1)[0];
  return sha !== undefined && COMMIT.test(sha) ? sha : undefined;
}
