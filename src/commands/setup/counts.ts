import { type Setting, settingId } from '../../domain/setup/setting.ts';
import type { RegistryResult, StepOutcome } from './result.ts';

/** Numbers of settings, of one registry or of all: what was done, and in a dry run what would be. */
export interface SetupCounts {
  readonly created: number;
  readonly changed: number;
  readonly removed: number;
  readonly equal: number;
  readonly kept: number;
  readonly unsupported: number;
  readonly denied: number;
  /** Fixed at creation, or of somebody else although the file wants it. */
  readonly refused: number;
  /** To be made, changed or removed, and not done. */
  readonly left: number;
}

/** What became of a setting: the outcome of the step that makes it so; undefined where nothing was applied. */
export function outcomeOf({ plan, done }: RegistryResult, setting: Setting): StepOutcome | undefined {
  const id = settingId(setting);
  const own = plan.steps.find(({ settings }) => settings.includes(id));
  return own === undefined ? undefined : done.get(own.id);
}

export const isRefused = ({ action, should }: Setting) =>
  action === 'needs-recreation' || (action === 'kept-foreign' && should !== undefined);
const isLacking = ({ action, isAccepted }: Setting) => action === 'unsupported' && isAccepted !== true;
const isWrite = ({ action }: Setting) => action === 'create' || action === 'change' || action === 'remove';

/** Whether a setting is not as the file has it, and the vendor has such a setting. */
export const isDifferent = (setting: Setting) => isWrite(setting) || isRefused(setting);

/** Whether something differs that could be changed. */
export function differs(results: readonly RegistryResult[]): boolean {
  return results.some(({ plan }) => plan.settings.some(isDifferent));
}

export function countsOf(results: readonly RegistryResult[]): SetupCounts {
  const all = results.flatMap((result) =>
    result.plan.settings.map((setting) => ({ setting, outcome: outcomeOf(result, setting)?.outcome })),
  );
  const isDone = (outcome: StepOutcome['outcome'] | undefined) => outcome === undefined || outcome === 'done';
  const written = (action: Setting['action']) =>
    all.filter(({ setting, outcome }) => setting.action === action && isDone(outcome)).length;
  const count = (is: (setting: Setting) => boolean) => all.filter(({ setting }) => is(setting)).length;
  return {
    created: written('create'),
    changed: written('change'),
    removed: written('remove'),
    equal: count(({ action }) => action === 'equal'),
    kept: count((each) => each.action === 'kept-foreign' && !isRefused(each)),
    unsupported: count(isLacking),
    denied: count(({ action }) => action === 'denied'),
    refused: count(isRefused),
    left: all.filter(({ setting, outcome }) => isWrite(setting) && !isDone(outcome)).length,
  };
}
