import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { DesiredRegistry } from '../../domain/setup/desired-state.ts';
import { copyWarnings } from '../../domain/setup/ecr/copies.ts';
import {
  type PlannedRegistry,
  type SetupPlan,
  setupPlanDigest,
  writeSetupPlan,
} from '../../domain/setup/plan-document.ts';
import { withoutApi } from '../../domain/setup/without-api.ts';
import { ActionError, allErrors } from '../../errors/action-error.ts';
import type { ReadyStep } from '../../registries/setup-port.ts';
import { step, warn } from '../../run/progress.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { sha256 } from './files.ts';
import type { SetupInputs } from './inputs.ts';
import { mistakeText, type OpenRegistry, refuseMistakes, resolved, warnOfIdleMatches } from './open.ts';
import type { PartialSetup } from './result.ts';

/** A registry with what differs, and the means to change it. */
export interface ReadyRegistry {
  readonly registry: OpenRegistry;
  /** Names of what exists; undefined: they could not be listed. */
  readonly live: readonly string[] | undefined;
  readonly desired: DesiredRegistry;
  readonly plan: PlannedRegistry;
  readonly steps: readonly ReadyStep[];
}

export interface PlannedAll {
  readonly ready: readonly ReadyRegistry[];
  /** Of registries that could not be read; the others are planned. */
  readonly errors: readonly ActionError[];
}

/** Reads all registries and compares. Writes nothing but the plan file. */
export async function planAll(
  runtime: Runtime,
  inputs: SetupInputs,
  opened: readonly OpenRegistry[],
  partial: PartialSetup,
): Promise<PlannedAll> {
  const read: ReadyRegistry[] = [];
  const errors: ActionError[] = [];
  for (const registry of opened) {
    try {
      const planned = await step(runtime, partial, `Compare ${registry.entry.at}`, () =>
        planOne(runtime, inputs, registry, partial),
      );
      read.push(planned);
    } catch (error) {
      if (runtime.signal.aborted) throw error;
      errors.push(...allErrors(error));
    }
  }
  warnOfIdleMatches(runtime, inputs, partial, read);
  const ready = withCopies(read, inputs);
  for (const { plan } of ready) for (const each of plan.warnings) warn(runtime, partial, `${plan.at}: ${each}`);
  partial.registries = ready.map(({ plan }) => ({ plan, done: new Map() }));
  await writePlanFile(runtime, inputs, partial, ready);
  return { ready, errors };
}

/** @throws ActionError DESIRED_STATE_INVALID for what only shows with the names of what exists */
export async function planOne(
  runtime: Runtime,
  inputs: SetupInputs,
  registry: OpenRegistry,
  partial: PartialSetup,
): Promise<ReadyRegistry> {
  const { entry, setup, vendor } = registry;
  const live = await setup?.names(entry.at.split('/').slice(1).join('/'));
  const { desired, mistakes } = resolved(inputs, registry, live ?? []);
  refuseMistakes(inputs, mistakes);
  for (const each of mistakes) warn(runtime, partial, mistakeText(inputs.configPath, each));
  const { steps, settings, warnings } =
    setup === undefined
      ? { steps: [], settings: withoutApi(desired, noApiReason(desired.host, vendor)), warnings: [] }
      : await setup.plan(desired);
  for (const each of warnings) warn(runtime, partial, `${entry.at}: ${each}`);
  const plan: PlannedRegistry = {
    key: entry.key,
    at: entry.at,
    vendor: vendor.id,
    settings,
    steps: steps.map(({ apply: _apply, ...each }) => each),
    warnings,
    unlisted: desired.unlisted,
  };
  return { registry, live, desired, plan, steps };
}

/** With what the file says about copies in other registries of it. */
function withCopies(read: readonly ReadyRegistry[], { state }: SetupInputs): readonly ReadyRegistry[] {
  const warnings = copyWarnings(
    read.map(({ desired }) => desired),
    state.registries.map(({ at }) => at),
  );
  return read.map(({ plan, ...each }) => ({
    ...each,
    plan: { ...plan, warnings: [...plan.warnings, ...(warnings.get(plan.key) ?? [])] },
  }));
}

/** A host that no vendor is known for may be one that `registry-type` would name. */
function noApiReason(host: string, { id, title }: OpenRegistry['vendor']): string {
  return id === 'distribution'
    ? `${host} counts as a plain registry, which has no API for settings. If it is Harbor, Nexus or Artifactory, set \`registry-type: ${host}=harbor\` or the like; otherwise its settings are in its own configuration, so remove it from the file.`
    : `${title} has no API for settings: they are in its configuration.`;
}

async function writePlanFile(
  { temp, workspace, log }: Runtime,
  { planFile, configDigest, approved }: SetupInputs,
  partial: PartialSetup,
  ready: readonly ReadyRegistry[],
): Promise<void> {
  if (approved !== undefined) {
    partial.planPath = approved.path;
    partial.planDigest = approved.digest;
    return;
  }
  const plan: SetupPlan = { version: 1, configDigest, registries: ready.map((each) => each.plan) };
  const path = planFile === undefined ? join(temp, 'setup-plan.json') : resolve(workspace, planFile);
  await writeFile(path, writeSetupPlan(plan, sha256), { mode: 0o600 }).catch((cause: unknown) => {
    throw new ActionError('INPUT_INVALID', `\`plan-file\`: ${path} cannot be written.`, {
      cause,
      facts: { input: 'plan-file' },
    });
  });
  log.info(`The plan is in ${path}.`);
  partial.planPath = path;
  partial.planDigest = setupPlanDigest(plan, sha256);
}
