import { counted } from '../../domain/amount.ts';
import type { PlannedRegistry } from '../../domain/setup/plan-document.ts';
import { settingId } from '../../domain/setup/setting.ts';
import { ActionError, ActionErrors } from '../../errors/action-error.ts';
import { failure } from '../../errors/outcome.ts';
import { step, warn } from '../../run/progress.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { applyRegistry, stepErrors } from './apply.ts';
import { countsOf, differs, isRefused } from './counts.ts';
import { type Issued, requireWritable, writeCredentials } from './credentials-file.ts';
import { exportState } from './export/export.ts';
import type { SetupInputs } from './inputs.ts';
import { logPlan } from './log-plan.ts';
import { earlyMistakes, mistakeText, openAll, refuseMistakes } from './open.ts';
import { planAll, planOne, type ReadyRegistry } from './plan.ts';
import { emptySetup, failed, type PartialSetup, type SetupResult, type StepOutcome } from './result.ts';

/**
 * `command: setup`: compares registries with the desired state, and makes them so. Never throws: what went wrong is in the result,
 * with all that was known until then.
 */
export async function setup(runtime: Runtime, inputs: SetupInputs, warnings: readonly string[]): Promise<SetupResult> {
  const partial = emptySetup(inputs.dryRun);
  partial.warnings.push(...warnings);
  try {
    return await runSetup(runtime, inputs, partial);
  } catch (error) {
    return failed(partial, runtime.signal.aborted ? runtime.signal.reason : error);
  }
}

async function runSetup(runtime: Runtime, inputs: SetupInputs, partial: PartialSetup): Promise<SetupResult> {
  if (inputs.credentialsFile !== undefined) await requireWritable(runtime.workspace, inputs.credentialsFile);
  const opened = await openAll(runtime, inputs);
  const mistakes = earlyMistakes(inputs, opened);
  refuseMistakes(inputs, mistakes);
  for (const each of mistakes.toSorted((a, b) => a.line - b.line))
    warn(runtime, partial, mistakeText(inputs.configPath, each));
  if (inputs.export !== undefined) {
    const errors = await exportState(runtime, inputs, opened, partial, inputs.export);
    return exported(partial, errors);
  }
  const { ready, errors: unread } = await planAll(runtime, inputs, opened, partial);
  for (const { plan } of ready) logPlan(runtime, plan);
  const isDrifted = differs(partial.registries);
  const refused = refusals(partial);
  if (inputs.dryRun) {
    const isAlarm = runtime.env.GITHUB_EVENT_NAME === 'schedule' && isDrifted;
    const drift = isAlarm ? [driftError(partial)] : [];
    return finish(runtime, partial, [...drift, ...unread, ...refused], false);
  }
  const errors = [...unread, ...refused];
  // Of all registries and rounds: the file has to have every one of them.
  const issued: Issued[] = [];
  for (const each of ready) errors.push(...(await applyOne(runtime, inputs, partial, each, issued)));
  return finish(runtime, partial, errors, true);
}

function exported(partial: PartialSetup, errors: readonly ActionError[]): SetupResult {
  if (errors.length > 0) return failed(partial, new ActionErrors(errors));
  const isWhole = partial.exported?.leftOut.length === 0;
  return { ...partial, errors: [], outcome: isWhole ? 'exported' : 'partial' };
}

/** Applies one registry; if another run created something in between, it is compared and applied once more. */
async function applyOne(
  runtime: Runtime,
  inputs: SetupInputs,
  partial: PartialSetup,
  first: ReadyRegistry,
  issued: Issued[],
): Promise<readonly ActionError[]> {
  if (first.steps.length === 0) return [];
  const done = new Map<string, StepOutcome>();
  let ready = first;
  for (let round = 1; round <= 2; round += 1) {
    const applied = await step(
      runtime,
      partial,
      `Set up ${ready.plan.at}`,
      () => applyRegistry(runtime, inputs, ready),
      (each) => stepErrors(ready, each.done).length > 0,
    );
    for (const [id, outcome] of applied.done) done.set(id, outcome);
    partial.registries = partial.registries.map((each) =>
      each.plan.key === first.plan.key ? { plan: first.plan, done } : each,
    );
    await keepIssued(runtime, inputs, partial, applied.issued, issued);
    if ([...applied.done.values()].every(({ outcome }) => outcome !== 'done')) break;
    const next = await planOne(runtime, inputs, ready.registry, partial);
    const isAgain = applied.isStale && round === 1 && next.steps.length > 0;
    if (!isAgain) {
      readBack(runtime, partial, ready, next, applied.done);
      break;
    }
    ready = next;
  }
  return stepErrors(first, done);
}

/** A write that was accepted and reads back otherwise: the registry did not do it, or somebody else was faster. */
function readBack(
  runtime: Runtime,
  partial: PartialSetup,
  { plan, steps }: ReadyRegistry,
  after: ReadyRegistry,
  done: ReadonlyMap<string, StepOutcome>,
): void {
  const still = new Set(after.plan.steps.flatMap(({ settings }) => settings));
  const written = steps.filter(({ id }) => done.get(id)?.outcome === 'done').flatMap(({ settings }) => settings);
  for (const id of written) {
    if (still.has(id)) warn(runtime, partial, `${plan.at}: ${id} was written, and reads back with another value.`);
  }
  const present = new Set(after.plan.settings.map(settingId));
  for (const each of plan.settings) {
    if (each.action === 'kept-foreign' && !present.has(settingId(each)))
      warn(
        runtime,
        partial,
        `${plan.at}: ${settingId(each)} was kept, and is gone now: somebody else removed it at the same time.`,
      );
  }
}

async function keepIssued(
  runtime: Runtime,
  { credentialsFile }: SetupInputs,
  partial: PartialSetup,
  issued: readonly Issued[],
  all: Issued[],
): Promise<void> {
  if (issued.length === 0) return;
  all.push(...issued);
  for (const { password } of issued) runtime.secret(password);
  if (credentialsFile === undefined) {
    const names = issued.map(({ name }) => name).join(', ');
    warn(
      runtime,
      partial,
      `The registry showed credentials once, and they were discarded: ${names}. Set \`credentials-file\` to keep them.`,
    );
    return;
  }
  await writeCredentials(runtime.workspace, credentialsFile, all);
}

/** Settings that cannot be made as the file asks, as one error for each registry. */
function refusals({ registries }: PartialSetup): readonly ActionError[] {
  return registries.flatMap(({ plan }) => {
    const lines = plan.settings
      .filter(isRefused)
      .map((each) => `${settingId(each)}: ${each.reason ?? 'it cannot be changed'}`);
    if (lines.length === 0) return [];
    const message =
      lines.length === 1 ? `${plan.at}: ${lines[0]}` : [`${plan.at}:`, ...lines.map((line) => `- ${line}`)].join('\n');
    return [new ActionError('SETUP_REFUSED', message, { facts: { registry: plan.at.split('/', 1)[0] ?? plan.at } })];
  });
}

function driftError({ registries }: PartialSetup): ActionError {
  const names = registries.flatMap(({ plan }) =>
    plan.settings
      .filter((each) => isRefused(each) || ['create', 'change', 'remove'].includes(each.action))
      .map((each) => `${plan.at}: ${settingId(each)}`),
  );
  const shown = names.slice(0, 20).join(', ');
  const more = names.length > 20 ? `, and ${names.length - 20} more` : '';
  const count = counted(names.length, 'setting differs', 'settings differ');
  return new ActionError('DRIFT_FOUND', `${count} from the desired state: ${shown}${more}.`);
}

const MAX_NAMES = 10;

/** What is not compared, in a warning for each reason. */
function warnOfLacks(runtime: Runtime, partial: PartialSetup, { at, settings }: PlannedRegistry): void {
  const lacking = settings.filter(
    ({ action, isAccepted }) => action === 'denied' || (action === 'unsupported' && isAccepted !== true),
  );
  for (const [reason, same] of Map.groupBy(lacking, (each) => each.reason ?? each.action)) {
    const names = same.slice(0, MAX_NAMES).map(settingId).join(', ');
    const more = same.length > MAX_NAMES ? ` and ${same.length - MAX_NAMES} more` : '';
    warn(runtime, partial, `${at}: ${names}${more}: ${reason}`);
  }
}

/** The outcome: the first error decides, unless only permissions lacked and the rest was done. */
function finish(
  runtime: Runtime,
  partial: PartialSetup,
  errors: readonly ActionError[],
  isApplied: boolean,
): SetupResult {
  const counts = countsOf(partial.registries);
  const { created, changed, removed, unsupported, denied } = counts;
  const isPartial = unsupported + denied > 0;
  for (const { plan } of partial.registries) warnOfLacks(runtime, partial, plan);
  if (errors.length > 0) {
    const isOnlyDenied =
      errors.every(({ code }) => code === 'DENIED') && created + changed + removed + counts.equal > 0;
    const { outcome } = failure(new ActionErrors(errors));
    return { ...partial, errors, outcome: isApplied && isOnlyDenied ? 'partial' : outcome };
  }
  if (isPartial) return { ...partial, errors, outcome: 'partial' };
  if (!isApplied) {
    runtime.log.info('This is a dry run: nothing was written.');
    return { ...partial, errors, outcome: 'planned' };
  }
  const isDone = created + changed + removed > 0;
  runtime.log.info(isDone ? 'Every registry matches the file.' : 'There was nothing to change.');
  return { ...partial, errors, outcome: isDone ? 'applied' : 'unchanged' };
}
