import { applyRules } from './apply-rules.ts';
import { decisionsOf } from './decisions.ts';
import { freedBytes } from './freed.ts';
import type { SourceRefs } from './gone.ts';
import { brokenAs, type GraphNode, type ImageGraph, imageGraph } from './graph.ts';
import type { InUse } from './in-use.ts';
import type { Instant, RepositoryInventory } from './inventory.ts';
import { itemsOf } from './items.ts';
import { applyLimits } from './limits.ts';
import { deleteWithOrphans } from './orphans.ts';
import type { PlanProblem, RepositoryPlan } from './plan.ts';
import type { CleanupPolicy, RepositoryPolicy } from './policy.ts';
import { type MatchedLines, protectItems } from './protect-items.ts';
import { byAge, outcomeOf, removeBroken } from './root-outcome.ts';
import { stepsOf } from './steps.ts';
import { versionProblems } from './version-problems.ts';

/** What one repository is planned with. */
export interface RepositoryPlanInput {
  readonly inventory: RepositoryInventory;
  readonly policy: CleanupPolicy;
  /** The entry of the policy for this repository. */
  readonly own: RepositoryPolicy;
  readonly inUse: InUse;
  readonly refs: SourceRefs;
  /** What ages are counted up to. */
  readonly now: Instant;
}

/**
 * Decides on every tag and digest of a repository. Pure: the same values give the same plan.
 * @param matched gets the lines of `protect` that matched something
 */
export function planRepository(input: RepositoryPlanInput, matched: MatchedLines): RepositoryPlan {
  const { inventory, policy, own, inUse, refs, now } = input;
  const { traits, repository, leftovers = [] } = inventory;
  const graph = imageGraph(inventory);
  const roots = itemsOf(graph.nodes);
  const times = { basis: own.basis, neverPulled: own.neverPulled, traits };
  const problems: PlanProblem[] = [...unreadable(inventory, graph, inUse)];
  const isStopped = problems.length > 0;

  const protection = protectItems(roots, { repository, graph, now, policy, own, inUse, matched });
  problems.push(...protection.problems);
  problems.push(
    ...applyRules(roots, own, { graph, now, times, refs, namesProtection: policy.protect.tags !== undefined }),
  );
  removeBroken(roots, own);
  const outcomes = roots.flatMap((items) =>
    items[0] === undefined ? [] : [outcomeOf(items, items[0].node, own.multiTag)],
  );
  const limited = applyLimits(outcomes, own.limits, traits);
  problems.push(...limited.problems, ...versionProblems(roots, policy, own), ...brokenProblems(graph));

  const deletedRoots = outcomes.filter(({ action }) => action === 'delete').sort(byAge);
  const stop = isStopped || limited.problems.some(({ severity }) => severity === 'stop');
  const going = stop ? [] : deletedRoots.map(({ node }) => node);
  const keptRoots = outcomes.filter(({ action }) => stop || action !== 'delete').map(({ node }) => node);
  const { orphans, isDeleted } = deleteWithOrphans(graph, {
    deleted: going,
    kept: [...keptRoots, ...protection.kept.keys()],
    olderThan: stop ? undefined : own.orphans,
    now,
  });

  const decisions = decisionsOf({
    graph,
    outcomes,
    isDeleted,
    protection: protection.kept,
    orphans: own.orphans,
    traits,
    stop,
  });
  problems.push(...decisions.problems);
  const freed = freedBytes(graph, isDeleted);
  const manifests = decisions.manifests.map((decision, index) => {
    const bytes = freed.byNode.get(index);
    return bytes === undefined ? decision : { ...decision, freed: bytes };
  });
  const steps = stepsOf(graph, [...going, ...orphans], isDeleted, decisions.tags);
  const countTags = (action: string) => decisions.tags.filter((tag) => tag.action === action).length;
  return {
    repository,
    vendor: traits.vendor,
    tags: decisions.tags,
    manifests,
    steps,
    problems,
    totals: {
      tags: decisions.tags.length,
      manifests: manifests.length,
      untagged: countTags('untag'),
      deletedTags: countTags('delete'),
      deletedManifests: manifests.filter(({ action }) => action === 'delete').length,
      freedBytes: freed.total,
      freedIs: freed.isExact ? 'exact' : 'estimate',
      left: stop ? 0 : limited.left,
    },
    ...(stop || leftovers.length === 0 ? {} : { leftovers }),
  };
}

/** What makes every deletion unsafe: something that was not read. */
function unreadable(
  { gaps, repository }: RepositoryInventory,
  { dangling }: ImageGraph,
  inUse: InUse,
): readonly PlanProblem[] {
  const [gap] = gaps;
  const problems: PlanProblem[] = [];
  if (gap !== undefined) {
    const more = gaps.length > 1 ? `, and ${gaps.length - 1} more` : '';
    problems.push({
      severity: 'stop',
      code: 'inventory-incomplete',
      message: `Nothing is deleted from ${repository}: ${gap.what} ${gap.subject} could not be read (${gap.reason})${more}.`,
    });
  }
  if (dangling[0] !== undefined) {
    problems.push({
      severity: 'stop',
      code: 'inventory-incomplete',
      message: `Nothing is deleted from ${repository}: the tag ${dangling[0].name} points to ${dangling[0].digest}, which was not listed.`,
    });
  }
  for (const { source, reason } of inUse.unreadable) {
    problems.push({
      severity: 'stop',
      code: 'in-use-unreadable',
      message: `Nothing is deleted from ${repository}: it is unknown what ${source.where} uses (${reason}).`,
    });
  }
  return problems;
}

function brokenProblems({ nodes }: ImageGraph): readonly PlanProblem[] {
  const broken = nodes.filter((node: GraphNode) => brokenAs(node) !== undefined);
  const names = broken.slice(0, 5).map(({ tags, manifest }) => tags[0]?.name ?? manifest.digest);
  const more = broken.length > names.length ? ` and ${broken.length - names.length} more` : '';
  if (broken.length === 0) return [];
  return [
    {
      severity: 'warning',
      code: 'broken-index',
      message: `${broken.length === 1 ? 'An index lacks' : `${broken.length} indexes lack`} images that it lists: ${names.join(', ')}${more}. See \`broken-index\`.`,
    },
  ];
}
