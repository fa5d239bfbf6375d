import { COMMIT } from '../domain/commit.ts';
import type { CommitRelation } from '../domain/tags/moving.ts';
import type { GitHubApi, Runtime } from '../runtime/runtime.ts';
import { gitEnvironment } from './git-environment.ts';

const SECONDS = 1000;

/** What commands ask of the history: the clone in the workspace first, GitHub's API where the clone is too shallow. */
export interface History {
  /** Committer date; undefined when neither knows the commit. */
  readonly commitDate: (sha: string) => Promise<Date | undefined>;
  /** `ahead`: `current` descends from `recorded`. */
  readonly relation: (recorded: string, current: string) => Promise<CommitRelation>;
  /** Whether a full ref points at the commit right now; undefined when it cannot be asked. */
  readonly isTip: (ref: string, sha: string) => Promise<boolean | undefined>;
  /** Whether a commit is in the history of a branch (`main`) as the remote has it right now. */
  readonly contains: (branch: string, commit: string) => Promise<'contains' | 'lacks' | 'unknown'>;
  /** Whether the commit that is checked out has no such path, which a sparse checkout may leave out; false when git cannot tell. */
  readonly lacks: (path: string) => Promise<boolean>;
}

/** Each relation of the tip of a branch to a commit, as what it says of the branch. */
const CONTAINS = {
  same: 'contains',
  ahead: 'contains',
  behind: 'lacks',
  diverged: 'lacks',
  unknown: 'unknown',
} as const satisfies Record<CommitRelation, 'contains' | 'lacks' | 'unknown'>;

/**
 * @param api undefined when there is no token, or when the network must not be used
 * @param online false keeps git from asking the remote
 */
export function createHistory(runtime: Runtime, api: GitHubApi | undefined, online: boolean): History {
  let environment: ReturnType<typeof gitEnvironment> | undefined;
  const git = async (args: readonly string[]) => {
    try {
      environment ??= gitEnvironment(runtime);
      const env = await environment;
      return await runtime.exec('git', ['-C', runtime.workspace, ...args], { env, timeout: 30 * SECONDS });
    } catch (error) {
      runtime.signal.throwIfAborted();
      runtime.log.debug(`git ${args[0]}: ${String(error)}`);
      return undefined;
    }
  };
  const says = async (args: readonly string[]) => (await git(args))?.exitCode === 0;
  const has = (sha: string) => says(['cat-file', '-e', `${sha}^{commit}`]);
  const isAncestor = (ancestor: string, of: string) => says(['merge-base', '--is-ancestor', ancestor, of]);

  const relation: History['relation'] = async (recorded, current) => {
    // The revision comes out of an image label: whatever is not a commit id never reaches git or an URL.
    if (!COMMIT.test(recorded) || !COMMIT.test(current)) return 'unknown';
    if (recorded === current) return 'same';
    if ((await has(recorded)) && (await has(current))) {
      if (await isAncestor(recorded, current)) return 'ahead';
      if (await isAncestor(current, recorded)) return 'behind';
      // A shallow clone has no history that could connect them: only a full one can say that they diverged.
      const shallow = await git(['rev-parse', '--is-shallow-repository']);
      if (shallow?.exitCode === 0 && shallow.stdout.trim() === 'false') return 'diverged';
    }
    const status = await api?.compare(recorded, current);
    return status === 'identical' ? 'same' : (status ?? 'unknown');
  };
  const tipOf = async (ref: string) => (online ? await remoteTip(git, ref) : undefined) ?? (await api?.tip(ref));

  return {
    commitDate: async (sha) => {
      const shown = await git(['show', '--no-patch', '--format=%cI', sha]);
      const date = new Date(shown?.exitCode === 0 ? shown.stdout.trim() : '');
      return Number.isNaN(date.getTime()) ? api?.commitDate(sha) : date;
    },

    relation,

    isTip: async (ref, sha) => {
      const tip = await tipOf(ref);
      return tip === undefined ? undefined : tip === sha;
    },

    contains: async (branch, commit) => {
      // Both may come out of a file or a label: whatever is not a name never reaches git or an URL.
      if (!isBranch(branch) || !COMMIT.test(commit)) return 'unknown';
      const tip = await tipOf(`refs/heads/${branch}`);
      return tip === undefined ? 'unknown' : CONTAINS[await relation(commit, tip)];
    },

    lacks: async (path) => {
      const listed = await git(['ls-tree', '--name-only', 'HEAD', '--', path]);
      return listed?.exitCode === 0 && listed.stdout.trim() === '';
    },
  };
}

/** https://git-scm.com/docs/git-check-ref-format */
function isBranch(name: string): boolean {
  if (/[\p{Cc}\s~^:?*[\\]|\.\.|@\{|^-|\.$/u.test(name) || name === '@') return false;
  return name.split('/').every((part) => part !== '' && !part.startsWith('.') && !part.endsWith('.lock'));
}

async function remoteTip(
  git: (args: readonly string[]) => Promise<{ readonly exitCode: number | null; readonly stdout: string } | undefined>,
  ref: string,
): Promise<string | undefined> {
  if (!/^refs\/[^\s~^:?*[\\]+$/.test(ref)) return undefined;
  const listed = await git(['ls-remote', '--quiet', 'origin', ref]);
  if (listed?.exitCode !== 0) return undefined;
  const line = listed.stdout.split('\n').find((each) => each.endsWith(`\t${ref}`));
  const sha = line?.split('\t', 1)[0];
  return sha !== undefined && COMMIT.test(sha) ? sha : undefined;
}
