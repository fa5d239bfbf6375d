import { errorFacts } from '../../report/errors.ts';
import { commonJson } from '../../report/run-json.ts';
import type { StepResult } from '../../run/deletion/step-result.ts';
import { countsOf, totalCounts } from './counts.ts';
import type { CleanupJson } from './json-schema.ts';
import type { CleanupResult, RepositoryResult } from './result.ts';

/** The outputs of a run, by name. Counts are empty when there was no plan. */
export function renderCleanupOutputs(result: CleanupResult): Readonly<Record<string, string>> {
  const { outcome, plan, planDigest = '', planPath = '', imported, nativeRulesPath, repositories } = result;
  const counts = totalCounts(repositories);
  const shown = (count: number) => (plan === undefined ? '' : String(count));
  return {
    outcome,
    plan: planPath,
    'native-rules': nativeRulesPath ?? '',
    'rules-to-set': shown(result.nativeRules.filter(isToSet).length),
    'imported-policy': imported?.path ?? '',
    'plan-digest': planDigest,
    'deleted-tags': shown(counts.deletedTags),
    'untagged-tags': shown(counts.untaggedTags),
    'deleted-manifests': shown(counts.deletedManifests),
    'kept-tags': shown(counts.keptTags),
    'kept-manifests': shown(counts.keptManifests),
    'skipped-steps': shown(counts.skipped),
    'blocked-steps': shown(counts.blocked),
    'freed-bytes': shown(counts.freedBytes),
  };
}

const isToSet = ({ rules: { action } }: CleanupResult['nativeRules'][number]) =>
  action === 'install' || action === 'remove';

/** Everything, for programs. */
export function cleanupJson(result: CleanupResult): CleanupJson {
  const { steps, plan, planDigest, planPath, imported, isDryRun, repositories } = result;
  return {
    ...commonJson('cleanup', result),
    dryRun: isDryRun,
    ...(imported === undefined
      ? {}
      : { imported: { source: imported.source, path: imported.path, policy: imported.text, notes: imported.notes } }),
    ...(plan === undefined
      ? {}
      : {
          plan: {
            digest: planDigest,
            path: planPath,
            policyDigest: plan.policyDigest,
            plannedAt: plan.plannedAt,
            problems: plan.problems,
          },
          counts: totalCounts(repositories),
        }),
    ...(result.nativeRules.length === 0
      ? {}
      : { nativeRules: result.nativeRules.map(({ rules, ...rest }) => ({ ...rules, ...rest })) }),
    repositories: repositories.map(repositoryJson),
    steps,
  };
}

function repositoryJson(result: RepositoryResult) {
  const { plan, report, due } = result;
  const { steps: _steps, totals: _totals, ...decisions } = plan;
  return {
    ...decisions,
    counts: countsOf(result),
    ...(due === undefined ? {} : { due }),
    ...(report === undefined
      ? {}
      : {
          results: report.results.map(stepJson),
          ...(report.stopped === undefined ? {} : { stopped: report.stopped }),
          errors: report.errors.map(errorFacts),
          broken: report.broken,
          notices: report.notices,
        }),
  };
}

function stepJson(result: StepResult) {
  const { step, outcome } = result;
  return {
    action: step.action,
    digest: step.digest,
    ...(step.action === 'untag' ? { tag: step.tag } : { tags: step.tags }),
    outcome,
    ...('reason' in result ? { reason: result.reason } : {}),
    ...('error' in result ? { reason: result.error.message } : {}),
  };
}
