import { type Digest, isDigest, shortDigest } from '../digest.ts';
import type { RepositoryInventory } from './inventory.ts';
import type { PlanStep, RepositoryPlan } from './plan.ts';

/**
 * Which deleted digests have to be gone before a digest: the indexes that list it, and the subject that it refers to. So a run that
 * stops leaves garbage, and never an index whose children are missing.
 * @param planned where only tags are listed, an index that has lost its own in an interrupted run is known to the plan alone
 */
export function deletionOrder(
  steps: readonly PlanStep[],
  { manifests }: Pick<RepositoryInventory, 'manifests'>,
  planned: RepositoryPlan['manifests'] = [],
): ReadonlyMap<Digest, ReadonlySet<Digest>> {
  const going = new Set(steps.flatMap((step) => (step.action === 'delete' ? [step.digest] : [])));
  const before = new Map<Digest, Set<Digest>>();
  const add = (digest: Digest, first: Digest) => {
    if (!going.has(digest) || !going.has(first) || digest === first) return;
    before.set(digest, (before.get(digest) ?? new Set()).add(first));
  };
  for (const { digest, children = [], subject } of [...manifests, ...planned]) {
    for (const child of children) add(child, digest);
    if (isDigest(subject)) add(digest, subject);
  }
  return before;
}

/** Why steps that still hold cannot be done in this registry: a lock, or a tag that would take its image with it. */
export function blockedSteps(
  steps: readonly PlanStep[],
  { manifests, tags, traits }: RepositoryInventory,
): ReadonlyMap<PlanStep, string> {
  const going = new Set(steps.flatMap((step) => (step.action === 'delete' ? [step.digest] : [])));
  const locks = new Map(manifests.flatMap(({ digest, lock }) => (lock === undefined ? [] : [[digest, lock]])));
  const tagsOf = Map.groupBy(tags, ({ digest }) => digest);
  const reasonOf = (step: PlanStep): string | undefined => {
    const own = tagsOf.get(step.digest) ?? [];
    if (step.action === 'delete') {
      return (locks.get(step.digest) ?? own.find(({ lock }) => lock !== undefined)?.lock)?.reason;
    }
    const lock = own.find(({ name }) => name === step.tag)?.lock;
    if (lock !== undefined) return lock.reason;
    if (own.length !== 1 || going.has(step.digest)) return undefined;
    if (traits.lastTagDeletesDigest) {
      return `it is the last tag of ${shortDigest(step.digest)}, which would be deleted with it`;
    }
    const isLastTagged = traits.lastTaggedIsUndeletable && tagsOf.size === 1;
    return isLastTagged ? 'it is the last tag of the repository, which cannot be removed' : undefined;
  };
  const reasons = new Map<PlanStep, string>();
  for (const step of steps) {
    const reason = reasonOf(step);
    if (reason !== undefined) reasons.set(step, reason);
  }
  return reasons;
}
