import { attachedTag } from '../../domain/retention/attached-tags.ts';
import type { RepositoryPlan, TagDecision } from '../../domain/retention/plan.ts';
import { registryTraits } from '../../domain/retention/registry-traits.ts';
import type { StepResult } from '../../run/deletion/step-result.ts';
import type { RepositoryResult } from './result.ts';

/** Numbers of one repository, or of all: what was done, and in a dry run what would be. */
export interface CleanupCounts {
  readonly deletedManifests: number;
  /** With their image, or alone. */
  readonly deletedTags: number;
  /** Of those, alone. */
  readonly untaggedTags: number;
  readonly keptManifests: number;
  readonly keptTags: number;
  readonly skipped: number;
  readonly blocked: number;
  readonly failed: number;
  readonly freedBytes: number;
  readonly isExact: boolean;
}

/**
 * Tags of images, by what the plan does to them. As `limits` counts: without those of signatures, SBOMs and lists of referrers,
 * which follow what they are attached to.
 */
export function tagCounts({ tags }: Pick<RepositoryPlan, 'tags'>, isGone = (_: TagDecision) => true) {
  const own = tags.filter(({ tag }) => attachedTag(tag) === undefined);
  const deleted = own.filter((each) => each.action === 'delete' && isGone(each)).length;
  const untagged = own.filter(({ action }) => action === 'untag').length;
  return { all: own.length, deleted, untagged, kept: own.length - deleted - untagged };
}

/** What is gone: digests with their tags, and tags whose image stays. Before anything was done, what the plan deletes. */
export interface Gone {
  readonly digests: ReadonlySet<string>;
  readonly tags: ReadonlySet<string>;
}

export function goneIn({ plan, report, due }: RepositoryResult): Gone {
  const steps = due ?? (report === undefined ? plan.steps : goneSteps(plan.vendor, report.results));
  return {
    digests: new Set(steps.flatMap((step) => (step.action === 'delete' ? step.digest : []))),
    tags: new Set(steps.flatMap((step) => (step.action === 'untag' ? step.tag : []))),
  };
}

/** The numbers of one repository. */
export function countsOf(result: RepositoryResult): CleanupCounts {
  const { plan, report } = result;
  const { totals, manifests } = plan;
  const outcomes = (outcome: StepResult['outcome']) =>
    report?.results.filter((each) => each.outcome === outcome).length ?? 0;
  const left = { skipped: outcomes('skipped'), blocked: outcomes('blocked'), failed: outcomes('failed') };
  const isExact = totals.freedIs === 'exact';
  const { digests: gone, tags } = goneIn(result);
  const untaggedTags = tags.size;
  const { all, deleted: withImage } = tagCounts(plan, ({ digest }) => gone.has(digest));
  // What an earlier run has done does not stay either.
  const before = report?.results.flatMap(({ step, outcome }) => (outcome === 'absent' ? [step] : [])) ?? [];
  const away = new Set([...gone, ...before.flatMap((step) => (step.action === 'delete' ? step.digest : []))]);
  const untagged = new Set([...tags, ...before.flatMap((step) => (step.action === 'untag' ? step.tag : []))]);
  const freed = manifests.reduce((sum, { digest, freed: size = 0 }) => sum + (gone.has(digest) ? size : 0), 0);
  return {
    deletedManifests: gone.size,
    deletedTags: withImage + untaggedTags,
    untaggedTags,
    keptManifests: totals.manifests - away.size,
    keptTags: all - tagCounts(plan, ({ digest }) => away.has(digest)).deleted - untagged.size,
    ...left,
    freedBytes: freed,
    isExact,
  };
}

/** Where the registry deletes what belongs to an image with it, that is absent when its turn comes. */
function goneSteps(vendor: string, results: readonly StepResult[]) {
  const { cascadesChildren, cascadesReferrers } = registryTraits(vendor);
  const isAny = results.some(({ outcome }) => outcome === 'done');
  const isGone = ({ outcome }: StepResult) =>
    outcome === 'done' || (outcome === 'absent' && isAny && (cascadesChildren || cascadesReferrers));
  return results.filter(isGone).map(({ step }) => step);
}

/** The numbers of all repositories together. */
export function totalCounts(repositories: readonly RepositoryResult[]): CleanupCounts {
  const all = repositories.map(countsOf);
  const sum = (pick: (counts: CleanupCounts) => number) => all.reduce((total, each) => total + pick(each), 0);
  return {
    deletedManifests: sum(({ deletedManifests }) => deletedManifests),
    deletedTags: sum(({ deletedTags }) => deletedTags),
    untaggedTags: sum(({ untaggedTags }) => untaggedTags),
    keptManifests: sum(({ keptManifests }) => keptManifests),
    keptTags: sum(({ keptTags }) => keptTags),
    skipped: sum(({ skipped }) => skipped),
    blocked: sum(({ blocked }) => blocked),
    failed: sum(({ failed }) => failed),
    freedBytes: sum(({ freedBytes }) => freedBytes),
    isExact: all.every(({ isExact }) => isExact),
  };
}
