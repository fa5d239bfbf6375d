import type { ComparedSettings, SettingDifference } from '../../domain/report/settings.ts';
import { type Setting, settingId } from '../../domain/setup/setting.ts';
import { allErrors } from '../../errors/action-error.ts';
import { step, warn } from '../../run/progress.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { isDifferent } from '../setup/counts.ts';
import type { SetupInputs } from '../setup/inputs.ts';
import { valueText } from '../setup/log-plan.ts';
import { earlyMistakes, mistakeText, type OpenRegistry, openAll, refuseMistakes } from '../setup/open.ts';
import { planOne } from '../setup/plan.ts';
import { emptySetup } from '../setup/result.ts';
import type { ReportInputs } from './inputs.ts';
import type { PartialReport } from './result.ts';

/**
 * Compares registries with the file of `command: setup`, by its own plan. Only reads. What cannot be read is part of the result.
 * @throws ActionError DESIRED_STATE_INVALID, CANCELLED
 */
export async function compareSettings(
  runtime: Runtime,
  { registries, setup }: ReportInputs,
  partial: PartialReport,
): Promise<readonly ComparedSettings[]> {
  if (setup === undefined) return [];
  const inputs: SetupInputs = {
    ...{ ...setup, registries, planFile: undefined, credentialsFile: undefined },
    ...{ dryRun: true, export: undefined },
  };
  const opened = await openAll(runtime, inputs);
  const mistakes = earlyMistakes(inputs, opened);
  refuseMistakes(inputs, mistakes);
  for (const each of mistakes) warn(runtime, partial, mistakeText(inputs.configPath, each));
  const own = emptySetup(true);
  const compare = async (registry: OpenRegistry): Promise<ComparedSettings> => {
    const { at } = registry.entry;
    try {
      const { plan } = await planOne(runtime, inputs, registry, own);
      return compared(at, plan.settings);
    } catch (error) {
      if (runtime.signal.aborted) throw error;
      const errors = allErrors(error);
      if (errors.some(({ code }) => code === 'DESIRED_STATE_INVALID')) throw error;
      return { registry: at, equal: 0, unread: errors.map(({ message }) => message.split('\n', 1)[0] ?? '') };
    }
  };
  const found: ComparedSettings[] = [];
  for (const registry of opened) {
    const isUnread = ({ differences }: ComparedSettings) => differences === undefined;
    found.push(
      await step(runtime, partial, `Compare settings of ${registry.entry.at}`, () => compare(registry), isUnread),
    );
  }
  for (const text of own.warnings) warn(runtime, partial, text);
  return found;
}

function compared(registry: string, settings: readonly Setting[]): ComparedSettings {
  const denied = settings.filter(({ action }) => action === 'denied');
  return {
    registry,
    differences: settings.filter(isDifferent).map(difference),
    equal: settings.filter(({ action }) => action === 'equal').length,
    unread: denied.map((each) => `${settingId(each)}: ${each.reason ?? 'it could not be read.'}`),
  };
}

function difference(setting: Setting): SettingDifference {
  const { is, should, line } = setting;
  return {
    setting: settingId(setting),
    ...(is === undefined ? {} : { is: valueText(is) }),
    ...(should === undefined ? {} : { should: valueText(should) }),
    ...(line === undefined ? {} : { line }),
  };
}
