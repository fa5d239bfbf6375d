import { approvalOf } from '../../domain/setup/plan-document.ts';
import { type Setting, settingId } from '../../domain/setup/setting.ts';
import { ActionError, toActionError } from '../../errors/action-error.ts';
import type { Applied, ReadyStep } from '../../registries/setup-port.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { SetupInputs } from './inputs.ts';
import type { ReadyRegistry } from './plan.ts';
import type { StepOutcome } from './result.ts';

/** What became of the steps of one registry. */
export interface AppliedRegistry {
  readonly done: ReadonlyMap<string, StepOutcome>;
  readonly issued: NonNullable<Applied['issued']>;
  /** Something exists by now that was to be made: its settings have to be compared again. */
  readonly isStale: boolean;
}

/**
 * Does the steps of one registry in their order. One that fails keeps only those from being done that need it. With a plan that was
 * approved, only its steps are done.
 */
export async function applyRegistry(
  { log, signal }: Runtime,
  { approved }: SetupInputs,
  { plan, steps }: ReadyRegistry,
): Promise<AppliedRegistry> {
  const settings = new Map<string, Setting>(plan.settings.map((each) => [settingId(each), each]));
  const done = new Map<string, StepOutcome>();
  const issued: NonNullable<Applied['issued']>[number][] = [];
  let isStale = false;
  for (const each of steps) {
    signal.throwIfAborted();
    const hindrance = hindranceOf(each, done) ?? approval(approved, plan.key, each, settings);
    if (hindrance !== undefined) {
      done.set(each.id, hindrance);
      log.info(`${plan.at}: ${each.id}: ${hindrance.outcome}${'reason' in hindrance ? `: ${hindrance.reason}` : ''}`);
      continue;
    }
    try {
      const applied = await each.apply();
      issued.push(...(applied.issued ?? []));
      isStale ||= applied.isStale === true;
      done.set(each.id, { outcome: 'done', ...(applied.note === undefined ? {} : { note: applied.note }) });
      log.info(`${plan.at}: ${each.id}: done${applied.note === undefined ? '' : `. ${applied.note}`}`);
    } catch (error) {
      if (signal.aborted) throw error;
      const known = toActionError(error);
      done.set(each.id, { outcome: 'failed', error: known });
      log.info(`${plan.at}: ${each.id}: failed: ${known.message}`);
    }
  }
  return { done, issued, isStale };
}

function hindranceOf({ after = [] }: ReadyStep, done: ReadonlyMap<string, StepOutcome>): StepOutcome | undefined {
  const missing = after.find((id) => done.get(id)?.outcome !== 'done' && done.has(id));
  return missing === undefined
    ? undefined
    : { outcome: 'skipped', reason: `it needs \`${missing}\`, which was not done` };
}

function approval(
  approved: SetupInputs['approved'],
  registry: string,
  each: ReadyStep,
  settings: ReadonlyMap<string, Setting>,
): StepOutcome | undefined {
  if (approved === undefined) return undefined;
  const state = approvalOf(approved.steps, registry, each, settings);
  if (state === 'approved') return undefined;
  return state === 'changed'
    ? { outcome: 'changed', reason: 'what it changes was changed since the plan was made' }
    : { outcome: 'unapproved', reason: 'it is not in the plan: it differs only since then' };
}

/** What of a registry fails the run. */
export function stepErrors({ plan }: ReadyRegistry, done: ReadonlyMap<string, StepOutcome>): readonly ActionError[] {
  const outcomes = [...done];
  const changed = outcomes.filter(([, { outcome }]) => outcome === 'changed').map(([id]) => id);
  return [
    ...outcomes.flatMap(([, each]) => (each.outcome === 'failed' ? [each.error] : [])),
    ...(changed.length === 0
      ? []
      : [
          new ActionError(
            'SETUP_CONFLICT',
            `${plan.at}: ${changed.join(', ')}: changed since the plan was made, so it was left alone.`,
            { facts: { registry: plan.at.split('/', 1)[0] ?? plan.at } },
          ),
        ]),
  ];
}
