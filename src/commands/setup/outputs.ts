import { requestText } from '../../domain/setup/plan-document.ts';
import { commonJson } from '../../report/run-json.ts';
import { countsOf, differs, outcomeOf } from './counts.ts';
import type { SetupJson } from './json-schema.ts';
import type { RegistryResult, SetupResult } from './result.ts';

/** The outputs of a run, by name. Numbers are empty when there was no plan. */
export function renderSetupOutputs(result: SetupResult): Readonly<Record<string, string>> {
  const { outcome, planDigest = '', planPath = '', registries, exported } = result;
  const counts = countsOf(registries);
  const hasPlan = planPath !== '';
  const shown = (count: number) => (hasPlan ? String(count) : '');
  return {
    outcome,
    plan: planPath,
    'plan-digest': planDigest,
    drift: hasPlan ? String(differs(registries)) : '',
    'created-settings': shown(counts.created),
    'changed-settings': shown(counts.changed),
    'removed-settings': shown(counts.removed),
    'unsupported-settings': shown(counts.unsupported),
    'denied-settings': shown(counts.denied),
    'refused-settings': shown(counts.refused),
    'export-directory': exported?.directory ?? '',
    'left-out-settings': exported === undefined ? '' : String(exported.leftOut.length),
  };
}

/** Everything, for programs. */
export function setupJson(result: SetupResult): SetupJson {
  const { steps, planDigest, planPath, isDryRun, registries, exported } = result;
  return {
    ...commonJson('setup', result),
    dryRun: isDryRun,
    ...(planPath === undefined ? {} : { plan: { digest: planDigest, path: planPath } }),
    drift: differs(registries),
    counts: countsOf(registries),
    registries: registries.map(registryJson),
    ...(exported === undefined ? {} : { export: exported }),
    steps,
  };
}

function registryJson(result: RegistryResult) {
  const { plan } = result;
  return {
    key: plan.key,
    at: plan.at,
    vendor: plan.vendor,
    counts: countsOf([result]),
    settings: plan.settings.map((setting) => {
      const outcome = outcomeOf(result, setting)?.outcome;
      return { ...setting, ...(outcome === undefined ? {} : { outcome }) };
    }),
    writes: plan.steps.map((step) => {
      const done = result.done.get(step.id);
      const reason =
        done === undefined
          ? undefined
          : 'error' in done
            ? done.error.message
            : 'reason' in done
              ? done.reason
              : done.note;
      return {
        id: step.id,
        request: requestText(step),
        ...(done === undefined ? {} : { outcome: done.outcome }),
        ...(reason === undefined ? {} : { reason }),
      };
    }),
    unlisted: plan.unlisted,
  };
}
