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

/** The numbers of one repository. */
export function countsOf({ plan, report, due }: RepositoryResult): CleanupCounts {
  const { totals, manifests } = plan;
  const outcomes = (outcome: StepResult['outcome']) =>
    report?.results.filter((each) => each.outcome === outcome).length ?? 0;
  const left = { skipped: outcomes('skipped'), blocked: outcomes('blocked'), failed: outcomes('failed') };
  const isExact = totals.freedIs === 'exact';
  const steps = due ?? (report === undefined ? plan.steps : goneSteps(plan.vendor, report.results));
  const gone = new Set(steps.flatMap((step) => (step.action === 'delete' ? step.digest : [])));
  const untaggedTags = steps.filter(({ action }) => action === 'untag').length;
  const withImage = plan.tags.filter(({ action, digest }) => action === 'delete' && gone.has(digest)).length;
  const freed = manifests.reduce((sum, { digest, freed: size = 0 }) => sum + (gone.has(digest) ? size : 0), 0);
  return {
    deletedManifests: gone.size,
    deletedTags: withImage + untaggedTags,
    untaggedTags,
    keptManifests: totals.manifests - gone.size,
    keptTags: totals.tags - withImage - untaggedTags,
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
