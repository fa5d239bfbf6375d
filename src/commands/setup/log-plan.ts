import { counted } from '../../domain/amount.ts';
import { isFields } from '../../domain/fields.ts';
import type { Json } from '../../domain/setup/json.ts';
import type { PlannedRegistry } from '../../domain/setup/plan-document.ts';
import { type Setting, settingId } from '../../domain/setup/setting.ts';
import type { Runtime } from '../../runtime/runtime.ts';

const SIGNS: Readonly<Record<Setting['action'], string>> = {
  equal: '=',
  create: '+',
  change: '~',
  remove: '-',
  unsupported: '!',
  'needs-recreation': '!',
  denied: '!',
  'kept-foreign': 'kept',
};

/** Lines of the log, of each registry. */
const MAX_LINES = 200;
const MAX_VALUE = 200;

/** One line for each setting that is not equal. */
export function logPlan({ log }: Runtime, { at, settings, unlisted }: PlannedRegistry): void {
  const shown = settings.filter(({ action }) => action !== 'equal');
  const equal = settings.length - shown.length;
  const asTheyShouldBe = `${counted(equal, 'setting is as it should be', 'settings are as they should be')}`;
  log.info(
    shown.length === 0
      ? `${at}: nothing differs, ${asTheyShouldBe}.`
      : `${at}: ${asTheyShouldBe}, ${counted(shown.length, 'is', 'are')} listed below.`,
  );
  for (const each of shown.slice(0, MAX_LINES)) log.info(`  ${planLine(each)}`);
  if (shown.length > MAX_LINES) log.info(`  and ${shown.length - MAX_LINES} more, see the plan`);
  for (const name of unlisted.slice(0, MAX_LINES)) log.info(`  unlisted: ${name} stays`);
}

/** `~ acme/api immutable: false → true (line 12)` */
function planLine(setting: Setting): string {
  const { action, is, should, reason, line } = setting;
  const from = is === undefined ? '' : valueText(is);
  const to = should === undefined ? '' : valueText(should);
  const values = action === 'create' ? to : [from, to].filter((text) => text !== '').join(' → ');
  const where = line === undefined ? '' : ` (line ${line})`;
  return `${SIGNS[action]} ${settingId(setting)}${values === '' ? '' : `: ${values}`}${reason === undefined ? '' : `. ${reason}`}${where}`;
}

/** A value on one line, cut. Only what is nested deep looks like JSON: `except latest, v*`. */
export function valueText(value: Json): string {
  const text = plainText(value) ?? JSON.stringify(value);
  return text.length > MAX_VALUE ? `${text.slice(0, MAX_VALUE - 1)}…` : text;
}

function plainText(value: Json): string | undefined {
  if (value === null) return 'none';
  if (Array.isArray(value)) {
    const isPlain = value.length > 0 && value.every((each) => isScalar(each) || isFields(each));
    return isPlain ? joined(value.map(fieldsText), value.every(isScalar) ? ', ' : ' and ') : undefined;
  }
  return fieldsText(value);
}

/** Undefined where a field has fields of its own. */
function fieldsText(value: unknown): string | undefined {
  if (isScalar(value)) return value === '' ? '""' : String(value);
  if (!isFields(value) || Object.keys(value).length === 0) return undefined;
  const fields = Object.entries(value).map(([name, field]) => {
    const isList = Array.isArray(field) && field.length > 0 && field.every(isScalar);
    return isScalar(field) ? `${name} ${String(field)}` : isList ? `${name} ${field.join(', ')}` : undefined;
  });
  return joined(fields, '; ');
}

function joined(texts: readonly (string | undefined)[], separator: string): string | undefined {
  return texts.includes(undefined) ? undefined : texts.join(separator);
}

const isScalar = (value: unknown): value is string | number | boolean =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
