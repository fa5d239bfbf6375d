import { type Digest, shortDigest } from '../digest.ts';
import type { InventoryManifest, RepositoryInventory } from './inventory.ts';
import type { PlanStep } from './plan.ts';

/** Whether a step of a plan still holds in a repository as it is now. Reasons are fragments: `the tag 1.0 points to …`. */
export type StepCheck =
  | { readonly is: 'due' }
  | { readonly is: 'absent' }
  | { readonly is: 'skipped' | 'blocked'; readonly reason: string };

/** A plan that was looked at again, with what orders its steps. */
export interface CheckedSteps {
  readonly checks: ReadonlyMap<PlanStep, StepCheck>;
  /**
   * Deleted digests that have to be gone before a digest: indexes that list it, and the subject that it refers to. So a run that
   * stops leaves garbage, and never an index whose children are missing.
   */
  readonly before: ReadonlyMap<Digest, ReadonlySet<Digest>>;
}

const DUE: StepCheck = { is: 'due' };

/**
 * Compares a plan with a fresh inventory, before its first write. What has changed since the plan is skipped: a tag that moved, a
 * digest that has got a tag, or that an index has come to list.
 * @param placeholders tags that an interrupted untag has replaced already, so that only the rest of it is left to do
 */
export function checkSteps(
  steps: readonly PlanStep[],
  fresh: RepositoryInventory,
  placeholders: ReadonlySet<string> = new Set(),
): CheckedSteps {
  const manifests = new Map(fresh.manifests.map((each) => [each.digest, each]));
  const tags = new Map(fresh.tags.map((each) => [each.name, each]));
  const tagsOf = Map.groupBy(fresh.tags, ({ digest }) => digest);
  const doomed = new Set(steps.flatMap((step) => (step.action === 'delete' ? [step.digest] : [])));
  const keeping = keepersOf(fresh.manifests, manifests, doomed);
  const { traits } = fresh;

  const untag = (step: Extract<PlanStep, { action: 'untag' }>): StepCheck => {
    const tag = tags.get(step.tag);
    if (tag === undefined) return placeholders.has(step.tag) ? DUE : { is: 'absent' };
    if (tag.digest !== step.digest) return { is: 'skipped', reason: moved(step.tag, tag.digest) };
    if (tag.lock !== undefined) return { is: 'blocked', reason: tag.lock.reason };
    const isLast = (tagsOf.get(step.digest) ?? []).length === 1 && !doomed.has(step.digest);
    if (isLast && traits.lastTagDeletesDigest) {
      return {
        is: 'blocked',
        reason: `it is the last tag of ${shortDigest(step.digest)}, which would be deleted with it`,
      };
    }
    if (isLast && traits.lastTaggedIsUndeletable && tagsOf.size === 1) {
      return { is: 'blocked', reason: 'it is the last tag of the repository, which cannot be removed' };
    }
    return DUE;
  };

  const remove = (step: Extract<PlanStep, { action: 'delete' }>): StepCheck => {
    const manifest = manifests.get(step.digest);
    const live = tagsOf.get(step.digest) ?? [];
    const added = live.find(({ name }) => !step.tags.includes(name));
    if (added !== undefined) return { is: 'skipped', reason: `it has got the tag ${added.name} since the plan` };
    const elsewhere = step.tags
      .map((name) => tags.get(name))
      .find((tag) => tag !== undefined && tag.digest !== step.digest);
    if (elsewhere !== undefined) return { is: 'skipped', reason: moved(elsewhere.name, elsewhere.digest) };
    const keeper = keeping.get(step.digest);
    if (keeper !== undefined) return { is: 'skipped', reason: `${shortDigest(keeper)} lists it, which stays` };
    const subject = manifest?.subject;
    if (subject !== undefined && isThere(manifests.get(subject)) && !doomed.has(subject)) {
      return { is: 'skipped', reason: `it refers to ${shortDigest(subject)}, which stays` };
    }
    if (manifest === undefined) return traits.listsUntagged ? { is: 'absent' } : DUE;
    const lock = manifest.lock ?? live.find((tag) => tag.lock !== undefined)?.lock;
    return lock === undefined ? DUE : { is: 'blocked', reason: lock.reason };
  };

  const checks = new Map(steps.map((step) => [step, step.action === 'untag' ? untag(step) : remove(step)]));
  return { checks, before: orderOf(fresh.manifests, doomed) };
}

function moved(tag: string, digest: Digest): string {
  return `the tag ${tag} points to ${shortDigest(digest)} now`;
}

/** Something that a list of referrers merely names may be gone. */
function isThere(manifest: InventoryManifest | undefined): boolean {
  return manifest !== undefined && manifest.presence !== 'missing';
}

/** For everything below a manifest that stays, however deep: which one that is. */
function keepersOf(
  all: readonly InventoryManifest[],
  manifests: ReadonlyMap<Digest, InventoryManifest>,
  doomed: ReadonlySet<Digest>,
): ReadonlyMap<Digest, Digest> {
  const keepers = new Map<Digest, Digest>();
  for (const keeper of all) {
    if (doomed.has(keeper.digest)) continue;
    const queue = [...keeper.children];
    for (let digest = queue.pop(); digest !== undefined; digest = queue.pop()) {
      if (keepers.has(digest)) continue;
      keepers.set(digest, keeper.digest);
      queue.push(...(manifests.get(digest)?.children ?? []));
    }
  }
  return keepers;
}

function orderOf(all: readonly InventoryManifest[], doomed: ReadonlySet<Digest>): CheckedSteps['before'] {
  const before = new Map<Digest, Set<Digest>>();
  const add = (digest: Digest, first: Digest) => {
    if (!doomed.has(digest) || !doomed.has(first) || digest === first) return;
    before.set(digest, (before.get(digest) ?? new Set()).add(first));
  };
  for (const { digest, children, subject } of all) {
    for (const child of children) add(child, digest);
    if (subject !== undefined) add(digest, subject);
  }
  return before;
}
