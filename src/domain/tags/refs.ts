import type { GitEvent } from '../event.ts';

/** Refs of merge groups: `refs/heads/gh-readonly-queue/main/pr-15-<commit>`. */
const MERGE_GROUP = /^refs\/heads\/gh-readonly-queue\/.+\/pr-(\d+)-[0-9a-f]+$/;

/** The branch of an event; undefined for other refs. */
export function branchOf({ ref }: GitEvent): string | undefined {
  return after(ref, 'refs/heads/');
}

/** The git tag of an event; undefined for other refs. */
export function tagOf({ ref }: GitEvent): string | undefined {
  return after(ref, 'refs/tags/');
}

/**
 * The name for `type=ref,event=pr`: the number of the pull request, also for a merge group, whose ref contains it
 * (https://github.com/docker/metadata-action/issues/529).
 */
export function pullRequestOf(event: GitEvent): string | undefined {
  return after(event.ref, 'refs/pull/')?.replace(/\/merge$/, '') ?? mergeGroupOf(event);
}

/** The number of the pull request at the head of a merge group. */
export function mergeGroupOf({ name, ref }: GitEvent): string | undefined {
  return name === 'merge_group' ? MERGE_GROUP.exec(ref)?.[1] : undefined;
}

function after(ref: string, prefix: string): string | undefined {
  return ref.startsWith(prefix) ? ref.slice(prefix.length) : undefined;
}
