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
  log.info(`${at}: ${equal} settings are as they should be, ${shown.length} are listed below.`);
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

/** A value on one line, cut. */
export function valueText(value: Json): string {
  const text = value === null ? 'none' : typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > MAX_VALUE ? `${text.slice(0, MAX_VALUE - 1)}…` : text;
}
