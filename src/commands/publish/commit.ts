import { resolve } from 'node:path';
import { defaultContext } from '../../domain/build-request.ts';
import type { BuiltCommit } from '../../domain/commit.ts';
import type { GitEvent } from '../../domain/event.ts';
import {
  isAddress,
  otherRepository,
  type RemoteRepository,
  readGitContext,
  readRemote,
} from '../../domain/git-context.ts';
import { type Ancestry, commitsOf, refMismatch, whyRefDoesNotFit } from '../../domain/ref-commit.ts';
import type { PlannedTag } from '../../domain/tags/planned.ts';
import { branchOf } from '../../domain/tags/refs.ts';
import { ActionError } from '../../errors/action-error.ts';
import { recordedRevisions } from '../../evidence/image-origin.ts';
import type { LocalImage } from '../../oci/image/image.ts';
import type { GitHubApi, Runtime } from '../../runtime/runtime.ts';
import { type Checkout, readCheckout, remoteCommit } from '../../tools/commits/checkout.ts';
import { createHistory } from '../../tools/commits/history.ts';
import type { PublishInputs } from './settings.ts';

/** The commit of the run, and facts about its origin. */
export interface FoundCommit {
  readonly commit: BuiltCommit;
  readonly checkout?: Checkout;
  /** The repository of the commit, if it differs from the event's. */
  readonly other?: RemoteRepository;
}

/**
 * Finds the commit whose files are built: that of a git URL in `context`, otherwise HEAD of the repository with the
 * context, otherwise HEAD of the workspace. Without a checkout nothing contradicts the event. An image from another
 * builder records itself which of this run's possible commits it was built from.
 * @throws ActionError INPUT_INVALID when the commit of a git URL cannot be read, EVENT_INVALID when there is no commit
 */
export async function findCommit(
  runtime: Runtime,
  inputs: PublishInputs,
  event: GitEvent,
  { offline, source }: { readonly offline: boolean; readonly source?: LocalImage | undefined },
): Promise<FoundCommit> {
  const found = await findBuiltCommit(runtime, inputs, event, offline);
  const recorded = source === undefined ? [] : recordedRevisions(source);
  const known = [found.commit.sha, ...commitsOf(event), event.workflowRun?.headSha ?? []].flat();
  const sha = known.find((each) => recorded.includes(each)) ?? found.commit.sha;
  if (sha === found.commit.sha) return found;
  const { branch: _, ...checkout } = found.commit;
  return { commit: { ...checkout, sha, source: 'image' } };
}

async function findBuiltCommit(
  runtime: Runtime,
  inputs: PublishInputs,
  event: GitEvent,
  offline: boolean,
): Promise<FoundCommit> {
  const { origin } = inputs;
  const context =
    origin.kind === 'build'
      ? origin.build.context.replace(/\{\{\s*defaultContext\s*\}\}/g, () => defaultContext(event))
      : '.';
  const git = readGitContext(context);
  if (git !== undefined) {
    const url = git.url.replace(/^([a-z]+:\/\/)[^/@]*@/i, '$1');
    const other = otherRepository(url, event, true);
    const sha =
      git.commit ??
      (offline ? undefined : await remoteCommit(runtime, url, git.ref, authorization(git.url, inputs, event)));
    if (sha === undefined) {
      throw new ActionError(
        'INPUT_INVALID',
        `\`context\`: the commit that ${git.ref ?? 'the default branch'} of ${url} points to ${offline ? 'is not read in a dry run without `push`' : 'could not be read'}, so the image could not be named. Write the commit into the address: \`${url}#<commit>\`.`,
        { facts: { input: 'context' } },
      );
    }
    return { commit: { sha, source: 'context', isShallow: true }, ...(other === undefined ? {} : { other }) };
  }
  const folders = isAddress(context) ? [] : [resolve(runtime.workspace, context), runtime.workspace];
  for (const folder of new Set(folders)) {
    const checkout = await readCheckout(runtime, folder);
    if (checkout === undefined) continue;
    const { directory, sha, branch, isShallow } = checkout;
    const other = commitsOf(event).includes(sha) ? undefined : otherRepository(checkout.origin, event, false);
    return {
      commit: { sha, source: 'checkout', directory, isShallow, ...(branch === undefined ? {} : { branch }) },
      checkout,
      ...(other === undefined ? {} : { other }),
    };
  }
  if (event.sha === '') {
    throw new ActionError(
      'EVENT_INVALID',
      `The event ${event.name} has no commit, and nothing is checked out. Add actions/checkout before this step.`,
    );
  }
  return { commit: { sha: event.sha, source: 'event', isShallow: true } };
}

/**
 * Rejects tags from the event's ref if the built commit does not belong to that ref (P11).
 * @throws ActionError COMMIT_MISMATCH with both commits and the remedies
 */
export async function requireRefCommit(
  runtime: Runtime,
  api: GitHubApi | undefined,
  event: GitEvent,
  { commit, checkout, other }: FoundCommit,
  tags: readonly PlannedTag[],
): Promise<void> {
  const fromRef = tags.filter((tag) => tag.fromRef);
  const fitting = commitsOf(event);
  if (fromRef.length === 0 || fitting.includes(commit.sha)) return;
  const history = createHistory(runtime, api, false, commit.directory);
  const branch = branchOf(event);
  const isUnplaced = checkout !== undefined && checkout.branch === undefined && checkout.remoteRefs.length === 0;
  const isOnBranch = isUnplaced && branch !== undefined ? await onBranch(api, branch, commit.sha) : undefined;
  const known: Ancestry = {
    relations: await Promise.all(fitting.map((each) => history.relation(each, commit.sha))),
    parents: checkout?.parents ?? [],
    remoteRefs: checkout?.remoteRefs ?? [],
    ...(isOnBranch === undefined ? {} : { isOnBranch }),
    ...(other === undefined ? {} : { otherRepository: other.path }),
  };
  const why = whyRefDoesNotFit(event, commit, known);
  if (why === undefined) return;
  throw new ActionError(
    'COMMIT_MISMATCH',
    refMismatch(
      event,
      commit,
      fromRef.map(({ name }) => name),
      why,
    ),
  );
}

/** Whether a branch on GitHub contains a commit. A commit created by this job is on none yet, and unknown there. */
async function onBranch(api: GitHubApi | undefined, branch: string, sha: string): Promise<boolean | undefined> {
  const tip = await api?.tip(`refs/heads/${branch}`);
  const status = tip === undefined ? undefined : await api?.compare(sha, tip);
  return status === undefined ? undefined : status === 'ahead' || status === 'identical';
}

/**
 * The credentials that BuildKit would send for a git URL: the URL's own user, the secret GIT_AUTH_TOKEN, or the job's
 * token.
 */
function authorization(url: string, inputs: PublishInputs, event: GitEvent): string | undefined {
  const host = readRemote(url)?.host ?? '';
  const user = userOf(url);
  const secrets = inputs.origin.kind === 'build' ? inputs.origin.build.secrets : [];
  const secret = secrets.find(({ name }) => name === `GIT_AUTH_TOKEN.${host}` || name === 'GIT_AUTH_TOKEN');
  const token =
    secret?.value ?? (URL.parse(event.serverUrl)?.hostname === host ? inputs.registries.githubToken : undefined);
  const basic = user === undefined ? (token === undefined ? undefined : `x-access-token:${token}`) : user;
  return basic === undefined || !/^https:/i.test(url) ? undefined : `basic ${Buffer.from(basic).toString('base64')}`;
}

function userOf(url: string): string | undefined {
  const { username, password } = URL.parse(url) ?? { username: '', password: '' };
  if (username === '' && password === '') return undefined;
  try {
    return `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  } catch {
    return `${username}:${password}`;
  }
}
