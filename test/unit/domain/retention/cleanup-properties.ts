import { attachedTag } from '../../../../src/domain/retention/attached-tags.ts';
import type { InUse } from '../../../../src/domain/retention/in-use.ts';
import type { RepositoryInventory } from '../../../../src/domain/retention/inventory.ts';
import type { CleanupPlan, RepositoryPlan } from '../../../../src/domain/retention/plan.ts';
import { planCleanup } from '../../../../src/domain/retention/plan-cleanup.ts';
import { parsePlan, planDigest, planParts } from '../../../../src/domain/retention/plan-document.ts';
import type { CleanupPolicy } from '../../../../src/domain/retention/policy.ts';
import { parsePolicy } from '../../../../src/domain/retention/read-policy.ts';
import { recheckSteps } from '../../../../src/domain/retention/recheck.ts';
import type { RandomCleanup } from './random-cleanup.ts';
import { digestOf, hashParts, NOW } from './scenario.ts';

/** Checks everything that holds for every repository and policy; throws what does not. Shares no code with the planner's graph. */
export function checkCleanup({ inventory, policy: text, inUse }: RandomCleanup): {
  readonly deleted: number;
  readonly untagged: number;
} {
  const parsed = parsePolicy(text, 'policy');
  if (!parsed.ok) throw new Error(parsed.problems.join('\n'));
  const policy = parsed.value;
  const plan = planOf(policy, inventory, inUse);
  const [repository] = plan.repositories;
  if (repository === undefined) throw new Error('no plan for the repository');

  everythingIsDecided(repository, inventory);
  nothingKeptIsBroken(repository, inventory);
  stepsFollowDecisions(repository);
  parentsGoFirst(repository, inventory);
  protectedStays(repository, inventory, policy, inUse);

  const shuffled = { ...inventory, tags: inventory.tags.toReversed(), manifests: inventory.manifests.toReversed() };
  const again = planOf(policy, shuffled, { ...inUse, images: inUse.images.toReversed() });
  must(JSON.stringify(again) === JSON.stringify(plan), 'the order of a listing changes the plan');
  const reversed = {
    ...policy,
    repositories: policy.repositories.map((entry) => ({ ...entry, rules: entry.rules.toReversed() })),
  };
  must(actionsOf(planOf(reversed, inventory, inUse)) === actionsOf(plan), 'the order of rules changes the plan');

  const file = parsePlan([...planParts(plan, planDigest(plan, hashParts))].join(''), hashParts, plan);
  must(file.ok, file.ok ? '' : file.problems.join());
  const rechecked = recheckSteps(repository, inventory, inUse);
  must(rechecked.steps.length === repository.steps.length, 'a step is skipped although nothing changed');
  const after = applied(inventory, repository);
  must(recheckSteps(repository, after, inUse).steps.length === 0, 'a step is left after all were done');
  const [second] = planOf(policy, after, inUse).repositories;
  // A locked or used platform outlives its index and is an image of its own then, which counts among the newest.
  const roles = new Map(repository.manifests.map(({ digest, role }) => [digest, role]));
  const isNewRoot = second?.manifests.some(({ digest, role }) => role === 'root' && roles.get(digest) === 'child');
  must(isNewRoot === true || second?.steps.length === 0, `a second run does ${second?.steps.length} more steps`);
  return { deleted: repository.totals.deletedManifests, untagged: repository.totals.untagged };
}

function must(holds: boolean, message: string): void {
  if (!holds) throw new Error(message);
}

function planOf(policy: CleanupPolicy, inventory: RepositoryInventory, inUse: InUse): CleanupPlan {
  return planCleanup({ policy, inventories: [inventory], inUse, refs: {}, now: NOW, sha256: digestOf });
}

function actionsOf({ repositories }: CleanupPlan): string {
  return repositories
    .flatMap(({ tags, manifests }) => [
      ...tags.map(({ tag, action }) => `${tag} ${action}`),
      ...manifests.map(({ digest, action }) => `${digest} ${action}`),
    ])
    .join('\n');
}

/** What the repository has after the steps. */
function applied(inventory: RepositoryInventory, { steps }: RepositoryPlan): RepositoryInventory {
  const digests = new Set(steps.flatMap((step) => (step.action === 'delete' ? step.digest : [])));
  const names = new Set(steps.flatMap((step) => (step.action === 'untag' ? step.tag : step.tags)));
  return {
    ...inventory,
    manifests: inventory.manifests.filter(({ digest }) => !digests.has(digest)),
    tags: inventory.tags.filter(({ name }) => !names.has(name)),
  };
}

function everythingIsDecided({ tags, manifests }: RepositoryPlan, inventory: RepositoryInventory): void {
  must(tags.length === inventory.tags.length, 'a tag has no decision');
  must(manifests.length === inventory.manifests.length, 'a manifest has no decision');
  const decided = new Map(manifests.map(({ digest, action }) => [digest, action]));
  for (const { tag, digest, action } of tags) {
    must(
      (action === 'delete') === (decided.get(digest) === 'delete'),
      `${tag} is ${action}, its digest ${decided.get(digest)}`,
    );
  }
}

/** What stays has its parts, and what is attached to it stays. */
function nothingKeptIsBroken({ manifests }: RepositoryPlan, inventory: RepositoryInventory): void {
  const kept = new Set(manifests.filter(({ action }) => action === 'keep').map(({ digest }) => digest as string));
  const gone = new Set(manifests.filter(({ action }) => action === 'delete').map(({ digest }) => digest as string));
  const present = new Set(
    inventory.manifests.flatMap((each) => (each.presence === 'missing' ? [] : [each.digest as string])),
  );
  const isSubjectLive = (of: string) => kept.has(of) && present.has(of);
  const tagsOf = Map.groupBy(inventory.tags, ({ digest }) => digest);
  for (const { digest, children, presence, subject } of inventory.manifests) {
    if (kept.has(digest) && presence !== 'missing') {
      for (const child of children) must(!gone.has(child), `${digest} stays, and its child ${child} goes`);
    }
    if (!gone.has(digest)) continue;
    must(presence !== 'missing', `${digest} is missing and goes`);
    if (subject !== undefined && subject !== digest)
      must(!isSubjectLive(subject), `${digest} goes, and its subject ${subject} stays`);
    for (const { name } of tagsOf.get(digest) ?? []) {
      const of = attachedTag(name)?.subject;
      if (of !== undefined && of !== digest) must(!isSubjectLive(of), `${name} goes, and its subject stays`);
    }
  }
}

function stepsFollowDecisions({ steps, manifests, tags }: RepositoryPlan): void {
  const deletes = steps.flatMap((step) => (step.action === 'delete' ? step.digest : []));
  const planned = manifests.flatMap(({ digest, action }) => (action === 'delete' ? digest : []));
  must(deletes.toSorted().join() === planned.join(), 'the deletions differ from the decisions');
  const untags = steps.flatMap((step) => (step.action === 'untag' ? step.tag : []));
  must(
    untags.join() === tags.flatMap(({ tag, action }) => (action === 'untag' ? tag : [])).join(),
    'the untags differ',
  );
}

/** An index goes before its children and an image before what is attached to it, unless they lead back to it. */
function parentsGoFirst({ steps }: RepositoryPlan, { manifests, tags }: RepositoryInventory): void {
  const order = new Map(
    steps.flatMap((step, index) => (step.action === 'delete' ? [[step.digest as string, index]] : [])),
  );
  const next = new Map<string, string[]>(manifests.map(({ digest, children }) => [digest, [...children]]));
  for (const { digest, subject } of manifests) if (subject !== undefined) next.get(subject)?.push(digest);
  for (const { name, digest } of tags) next.get(attachedTag(name)?.subject ?? '')?.push(digest);
  const reaches = (from: string, to: string): boolean => {
    const seen = new Set<string>();
    const open = [from];
    for (let digest = open.pop(); digest !== undefined; digest = open.pop()) {
      if (digest === to) return true;
      if (seen.has(digest)) continue;
      seen.add(digest);
      open.push(...(next.get(digest) ?? []));
    }
    return false;
  };
  for (const [digest, dependants] of next) {
    const own = order.get(digest);
    if (own === undefined) continue;
    for (const other of dependants) {
      if ((order.get(other) ?? own) < own) must(reaches(other, digest), `${other} goes before ${digest}`);
    }
  }
}

function protectedStays(
  plan: RepositoryPlan,
  inventory: RepositoryInventory,
  policy: CleanupPolicy,
  inUse: InUse,
): void {
  const tagAction = new Map(plan.tags.map(({ tag, action }) => [tag, action]));
  const action = new Map(plan.manifests.map((manifest) => [manifest.digest as string, manifest.action]));
  for (const { tag, digest } of inUse.images) {
    if (tag !== undefined && attachedTag(tag) === undefined)
      must(tagAction.get(tag) !== 'delete' && tagAction.get(tag) !== 'untag', `${tag} is in use`);
    if (digest === undefined) continue;
    must(action.get(digest) !== 'delete', `${digest} is in use`);
    for (const { name } of inventory.tags.filter((each) => each.digest === digest)) {
      must(tagAction.get(name) === 'keep', `${name} is of a digest in use`);
    }
  }
  for (const { digest, lock } of inventory.manifests) {
    if (lock !== undefined && policy.protect.locked) must(action.get(digest) !== 'delete', `${digest} is locked`);
  }
}
