import type { BuiltCommit } from './commit.ts';
import type { GitEvent } from './event.ts';
import type { CommitRelation } from './tags/moving.ts';
import { branchOf, pullRequestOf, tagOf } from './tags/refs.ts';

/**
 * The commits of an event's ref. A pull request has its head and the merge commit that GitHub creates:
 * `pull_request_target` runs on the base branch, whose commit is not the pull request's. `workflow_run` runs on the
 * default branch, and is about a commit of the triggering workflow, which may have been pushed to that branch as well.
 */
export function commitsOf(event: GitEvent): readonly string[] {
  const { sha, name, pullRequest, workflowRun } = event;
  if (pullRequestOf(event) !== undefined) {
    const head = pullRequest?.headSha;
    return name === 'pull_request_target' && head !== undefined ? [head] : [sha, ...(head === undefined ? [] : [head])];
  }
  const isOfBranch = workflowRun?.branch !== undefined && workflowRun.branch === branchOf(event);
  return isOfBranch ? [sha, workflowRun.headSha] : [sha];
}

/** Facts about the built commit, if it is none of {@link commitsOf}. */
export interface Ancestry {
  /** Its relation to each of {@link commitsOf}; `ahead`: it descends from that. */
  readonly relations: readonly CommitRelation[];
  /** Its parents. A pull request's merge commit has its head as one, even in a shallow clone. */
  readonly parents: readonly string[];
  /** Remote refs that point to it. */
  readonly remoteRefs: readonly string[];
  /**
   * Whether the event's branch contains it on GitHub; undefined when GitHub does not have the commit, or was not
   * queried.
   */
  readonly isOnBranch?: boolean;
  /** `owner/name` of the checked-out repository, if it differs from the event's. */
  readonly otherRepository?: string;
}

/**
 * Why tags from the event's ref do not fit the built commit, as the end of a sentence; undefined when they do. A
 * descendant fits, such as a commit made by a release job; the head of another branch does not, although it descends
 * from the one it was created from.
 */
export function whyRefDoesNotFit(event: GitEvent, built: BuiltCommit, known: Ancestry): string | undefined {
  const fitting = commitsOf(event);
  if (fitting.includes(built.sha)) return undefined;
  if (known.otherRepository !== undefined) return `is a commit of the repository ${known.otherRepository}`;
  const isMerge = known.parents.some((parent) => fitting.includes(parent));
  if (!isMerge && !known.relations.includes('ahead')) {
    if (known.relations.includes('behind')) return 'is an older commit';
    if (known.relations.length > 0 && known.relations.every((each) => each === 'diverged')) {
      return 'does not descend from it';
    }
    return UNKNOWN;
  }
  const branch = branchOf(event);
  if (branch === undefined) return undefined;
  if (event.workflowRun?.headSha === built.sha) {
    return `is the commit of the workflow run before this one, on ${event.workflowRun.branch ?? 'a branch of a fork'}`;
  }
  if (built.branch !== undefined) return built.branch === branch ? undefined : `is on the branch ${built.branch}`;
  const [ref] = known.remoteRefs;
  if (ref !== undefined && !known.remoteRefs.some((each) => shortRef(each) === branch)) return `is on ${shortRef(ref)}`;
  return known.isOnBranch === false ? `is not on ${branch}` : undefined;
}

const UNKNOWN = 'has an unknown relation to it, because the clone lacks the history between them';

/**
 * `refs/remotes/origin/feature/x` is the branch `feature/x`; `refs/remotes/pull/15/head` is a checked-out pull request.
 */
function shortRef(ref: string): string {
  return ref.replace(/^refs\/remotes\/(?!pull\/\d+\/)[^/]+\/|^refs\/remotes\//, '');
}

/** The error for tags that do not fit the commit, with its remedies (P11). */
export function refMismatch(event: GitEvent, built: BuiltCommit, tags: readonly string[], why: string): string {
  const names = tags.length > 3 ? `${tags.slice(0, 3).join(', ')} and ${tags.length - 3} more` : tags.join(', ');
  const [wanted = event.sha] = commitsOf(event).toReversed();
  const what =
    pullRequestOf(event) === undefined
      ? `${event.ref}, which this event has at`
      : `pull request ${pullRequestOf(event)}, whose head is`;
  const ref = tagOf(event) ?? branchOf(event) ?? event.ref;
  return [
    `${tags.length === 1 ? `The tag ${names} comes` : `The tags ${names} come`} from ${what} ${wanted}. The commit that is built is ${built.sha}: it ${why}.`,
    why === UNKNOWN
      ? '- Check out with `fetch-depth: 0`, or give `github-token` with `contents: read`.'
      : `- To publish ${ref}, check out ${wanted}${event.name === 'pull_request_target' || event.name === 'workflow_run' ? ' with `ref:`' : ': actions/checkout without `ref:`'}.`,
    `- To publish ${built.sha.slice(0, 7)}, write the tags out: \`type=sha\`, \`type=raw,value=…\`, or \`value=\` for a version.`,
  ].join('\n');
}
