import type { Action } from '../../domain/mirror/decide.ts';
import type { MirroredSource, MirroredTag } from './result.ts';

/** Tags by what became of them. */
export interface MirrorCounts {
  readonly copied: number;
  readonly attached: number;
  readonly equal: number;
  readonly kept: number;
  readonly blocked: number;
  readonly left: number;
  readonly removed: number;
  readonly failed: number;
}

const GROUPS: Readonly<Record<Action, keyof MirrorCounts>> = {
  copy: 'copied',
  update: 'copied',
  attach: 'attached',
  equal: 'equal',
  keep: 'kept',
  blocked: 'blocked',
  untag: 'removed',
  'over-budget': 'left',
  failed: 'failed',
};

/** What a plan is about to do, or a run has done: what it has not come to does not count. */
export function countTags(tags: readonly MirroredTag[], isDryRun: boolean): MirrorCounts {
  const counts = { copied: 0, attached: 0, equal: 0, kept: 0, blocked: 0, left: 0, removed: 0, failed: 0 };
  for (const { action, isDone } of tags) {
    const isWrite = action === 'copy' || action === 'update' || action === 'attach' || action === 'untag';
    if (!isWrite || isDone || isDryRun) counts[GROUPS[action]]++;
  }
  return counts;
}

export function countAll(sources: readonly MirroredSource[], isDryRun: boolean): MirrorCounts {
  return countTags(
    sources.flatMap(({ tags }) => tags),
    isDryRun,
  );
}
