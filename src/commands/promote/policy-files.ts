import { lstat, readFile, stat } from 'node:fs/promises';
import { isAbsolute, posix, relative, resolve } from 'node:path';
import type { GitEvent } from '../../domain/event.ts';
import { fieldsOf } from '../../domain/fields.ts';
import { sentence } from '../../domain/suggestion.ts';
import { ActionError } from '../../errors/action-error.ts';
import type { GitHubApi, RepositoryFile, Runtime } from '../../runtime/runtime.ts';
import { createHistory, type History } from '../../tools/commits/history.ts';

const MAX_FILE_BYTES = 1024 * 1024;

/** A file of the repository, in the two versions that count. */
interface PolicyText {
  /** Of the checkout; undefined when the commit has no such file. */
  readonly own: string | undefined;
  /** Of the default branch; undefined when it has no such file. */
  readonly base: string | undefined;
}

export interface PolicyFiles {
  /** `main` */
  readonly defaultBranch: string;
  /** @throws ActionError POLICY_INVALID with the fix, when one of the two cannot be determined */
  readonly read: (path: string) => Promise<PolicyText>;
}

/**
 * Files that define requirements, from the checkout and from the default branch: otherwise push access to a branch
 * would be enough to change its requirements. The default branch is read from git if fetched, otherwise from GitHub; a
 * run on it is read at its own commit.
 * @throws ActionError POLICY_INVALID when the default branch cannot be determined
 */
export async function openPolicyFiles(
  runtime: Runtime,
  event: GitEvent,
  api: GitHubApi | undefined,
): Promise<PolicyFiles> {
  const git = createHistory(runtime, undefined, false);
  const defaultBranch =
    event.repository.defaultBranch ?? (await git.defaultBranch()) ?? (await defaultBranchOf(api)) ?? '';
  if (defaultBranch === '') {
    throw invalid(
      '.github/promotion.yaml',
      'Could not determine the default branch, whose policy applies: the event does not name it. Give `github-token`, with `contents: read`',
    );
  }
  const base = async (path: string): Promise<RepositoryFile> => {
    if (event.ref === `refs/heads/${defaultBranch}`) {
      const here = await git.file(path, event.sha);
      return here.kind === 'unknown' && api !== undefined ? api.file(path, event.sha) : here;
    }
    const here = await git.file(path, `refs/remotes/origin/${defaultBranch}`);
    if (here.kind !== 'unknown' || api === undefined) return here;
    return api.file(path, (await api.tip(`refs/heads/${defaultBranch}`)) ?? defaultBranch);
  };
  return {
    defaultBranch,
    read: async (given) => {
      const path = posix.normalize(relative(runtime.workspace, resolve(runtime.workspace, given)));
      const own = await readText(runtime, path, event, api, git);
      // A file outside the repository has no other version.
      if (path.startsWith('../') || isAbsolute(path)) return { own, base: own };
      const other = await base(path);
      if (other.kind !== 'unknown') return { own, base: other.kind === 'file' ? other.text : undefined };
      throw invalid(
        path,
        `Could not read ${path} on ${defaultBranch}, whose policy also applies: ${other.reason}. Give actions/checkout \`fetch-depth: 0\`, or the job \`contents: read\` and this step \`github-token\``,
      );
    },
  };
}

async function defaultBranchOf(api: GitHubApi | undefined): Promise<string | undefined> {
  const repository = await api?.repository();
  const { default_branch: name } = fieldsOf(repository);
  return typeof name === 'string' ? name : undefined;
}

async function readText(
  runtime: Runtime,
  path: string,
  { sha }: GitEvent,
  api: GitHubApi | undefined,
  git: History,
): Promise<string | undefined> {
  const { workspace } = runtime;
  const file = resolve(workspace, path);
  try {
    const { size } = await stat(file);
    if (size > MAX_FILE_BYTES) throw invalid(path, `${path} has ${size} bytes, more than ${MAX_FILE_BYTES}`);
    return await readFile(file, 'utf8');
  } catch (error) {
    const isMissing =
      error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
    if (!isMissing) throw error instanceof ActionError ? error : invalid(path, `${path} cannot be read`, error);
  }
  if (await isThere(lstat, file)) throw invalid(path, `${path} is a link that leads nowhere`);
  const isCheckedOut = await isThere(stat, resolve(workspace, '.git'));
  if (isCheckedOut && (await git.lacks(path))) return undefined;
  const asked = (await api?.file(path, sha)) ?? { kind: 'unknown', reason: 'there is no `github-token`' };
  if (asked.kind === 'unknown') {
    throw invalid(
      path,
      `Could not determine whether the repository has ${path} at ${sha.slice(0, 7)}: it is not checked out, and ${asked.reason}. Add actions/checkout before this step, or \`contents: read\` to the permissions of the job`,
    );
  }
  return asked.kind === 'file' ? asked.text : undefined;
}

/** Whether a path is accessible. */
function isThere(look: (path: string) => Promise<unknown>, path: string): Promise<boolean> {
  return look(path).then(
    () => true,
    () => false,
  );
}

export function invalid(path: string, message: string, cause?: unknown): ActionError {
  return new ActionError('POLICY_INVALID', sentence(message), {
    cause,
    facts: { file: path },
  });
}

/** Every problem of a policy file; each begins with `file:line:column`, and the first one is annotated. */
export function invalidAt(path: string, problems: readonly string[]): ActionError {
  const [first = ''] = problems;
  const count = `${problems.length} problems with the promotion policy:`;
  const text = problems.length === 1 ? first : [count, ...problems.map((problem) => `- ${problem}`)].join('\n');
  const line = Number(/:(\d+):\d+/.exec(first)?.[1] ?? 1);
  return new ActionError('POLICY_INVALID', sentence(text), { facts: { file: path, line } });
}
