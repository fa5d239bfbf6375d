import { canonicalJson } from '../../domain/canonical-json.ts';
import type { Setting } from '../../domain/setup/setting.ts';
import { code, details, plain, prose, table } from '../../report/markdown.ts';
import {
  heading,
  meaning,
  type OutcomeTexts,
  page,
  renderErrors,
  renderTime,
  renderWarnings,
} from '../../report/parts.ts';
import { countsOf, outcomeOf } from './counts.ts';
import { renderExport } from './export/summary.ts';
import { valueText } from './log-plan.ts';
import { OUTCOMES } from './outcomes.ts';
import type { RegistryResult, SetupResult, StepOutcome } from './result.ts';

/** Of a long list, what a page shows. */
const MAX_WARNINGS = 30;
const MAX_TABLES = 60;
const MAX_ROWS = 60;
const MAX_NAMES = 10;

export function renderSetupSummary(result: SetupResult): string {
  const { outcome, errors, warnings, registries, steps, isDryRun, planDigest, exported } = result;
  const title = registries.map(({ plan }) => plan.at).join(', ');
  const texts = textsOf(result);
  return page([
    heading(texts, title.length > 100 ? `${registries.length} registries` : title, outcome),
    meaning(texts, outcome, leftBehind(result)),
    renderErrors(errors),
    headline(result),
    exported === undefined ? '' : renderExport(exported),
    planDigest === undefined
      ? ''
      : prose(
          `Plan \`${planDigest}\`.${isDryRun && registries.some(({ plan }) => plan.steps.length > 0) ? ' To apply it, run with the same desired state and `plan:` set to the plan file.' : ''}`,
        ),
    ...registries.map((each) => renderRegistry(each, registries.length > 1)),
    renderWarnings(warnings.slice(0, MAX_WARNINGS)),
    warnings.length > MAX_WARNINGS ? `${warnings.length - MAX_WARNINGS} more warnings are in the log.` : '',
    renderTime(steps),
  ]);
}

/** The words for the outcome; `partial` has several causes, and is no success when a write was denied. */
function textsOf(result: SetupResult): OutcomeTexts {
  const { outcome, errors, registries, isDryRun, exported } = result;
  if (outcome !== 'partial') return OUTCOMES;
  if (errors.length > 0) return { successes: {}, failed: OUTCOMES.successes.partial.heading };
  const { unsupported, denied } = countsOf(registries);
  const lacking = [
    ...(unsupported > 0 ? [`${unsupported} that the vendor does not support`] : []),
    ...(denied > 0 ? [`${denied} that could not be read`] : []),
  ].join(' and ');
  const but = lacking === '' ? '' : ` Settings left out: ${lacking}; the tables below show why.`;
  const texts =
    exported !== undefined
      ? { heading: 'Exported in part:', about: 'Not everything in the file could be exported: see below.' }
      : isDryRun
        ? { heading: 'Dry run, in part:', about: `The plan only; nothing was written.${but}` }
        : { heading: 'Set up in part:', about: `Everything else matches the file.${but}` };
  const partial = { ...OUTCOMES.successes.partial, ...texts };
  return { ...OUTCOMES, successes: { ...OUTCOMES.successes, partial } };
}

/** What a failed run has done to the registries. */
function leftBehind({ registries, isDryRun }: SetupResult): string {
  const isWritten = registries.some(({ done }) => [...done.values()].some(({ outcome }) => outcome === 'done'));
  if (isDryRun || !isWritten) return 'Nothing was written.';
  return 'Part of the plan was done, as the tables below show. Run again for the rest.';
}

function headline({ registries, isDryRun }: SetupResult): string {
  if (registries.length === 0) return '';
  const { created, changed, removed, equal, kept, left, unsupported, denied, refused } = countsOf(registries);
  const isPlan = isDryRun || registries.every(({ done }) => done.size === 0);
  const texts = (rows: readonly (readonly [number, string])[]) =>
    rows.flatMap(([count, what]) => (count > 0 ? [`${count} ${what}`] : []));
  const due = texts([
    [created, isPlan ? 'to make' : 'made'],
    [changed, isPlan ? 'to change' : 'changed'],
    [removed, isPlan ? 'to remove' : 'removed'],
    [left, 'not done'],
    [refused, 'refused'],
  ]);
  const others = texts([
    [equal, 'as they should be'],
    [kept, 'of others that stay'],
    [unsupported, 'unsupported'],
    [denied, 'denied'],
  ]);
  const start = due.length === 0 ? 'Nothing differs' : `Settings: ${due.join(', ')}`;
  return `**${[start, ...others].join(', ')}.**`;
}

interface Group {
  readonly subjects: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

function renderRegistry(result: RegistryResult, hasTitle: boolean): string {
  const { plan } = result;
  const bySubject = Map.groupBy(plan.settings, ({ subject }) => subject);
  const asTheyShouldBe = [...bySubject].filter(([, settings]) => settings.every(({ action }) => action === 'equal'));
  const differing = [...bySubject].filter(([, settings]) => settings.some(({ action }) => action !== 'equal'));
  const groups = Map.groupBy(
    differing.map(([subject, settings]) => ({ subject, rows: rowsOf(result, settings) })),
    ({ rows }) => canonicalJson(rows),
  );
  const shown = [...groups.values()].map(
    (each): Group => ({ subjects: each.map(({ subject }) => subject), rows: each[0]?.rows ?? [] }),
  );
  const equal = asTheyShouldBe.flatMap(([subject]) => (subject === '' ? [] : [subject]));
  return [
    hasTitle ? `### ${plain(plan.at)}` : '',
    ...shown.slice(0, MAX_TABLES).map(renderGroup),
    shown.length > MAX_TABLES ? `${shown.length - MAX_TABLES} more repositories are in the plan file.` : '',
    equal.length === 0 ? '' : details(`As they should be: ${equal.length}`, equal.slice(0, 200).map(code).join(' ')),
    plan.unlisted.length === 0
      ? ''
      : details(
          `Not in the file, and left alone: ${plan.unlisted.length}`,
          plan.unlisted.slice(0, 200).map(code).join(' '),
        ),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function renderGroup({ subjects, rows }: Group): string {
  const [first = ''] = subjects;
  const names = subjects.slice(0, MAX_NAMES).map(plain).join(', ');
  const title =
    subjects.length === 1
      ? first === ''
        ? 'The whole registry'
        : plain(first)
      : `${subjects.length} repositories: ${names}${subjects.length > MAX_NAMES ? ', …' : ''}`;
  const more = rows.length - MAX_ROWS;
  const shown = table(['setting', 'is', 'should be', 'action', 'why', 'line'], rows.slice(0, MAX_ROWS));
  return `#### ${title}\n\n${shown}${more > 0 ? `\n\nand ${more} more: see the plan file.` : ''}`;
}

function rowsOf(result: RegistryResult, settings: readonly Setting[]): readonly (readonly string[])[] {
  return settings.map((setting) => {
    const { name, is, should, action, reason, line } = setting;
    const outcome = outcomeOf(result, setting);
    const why = outcome === undefined ? reason : (outcomeReason(outcome) ?? reason);
    return [
      code(name),
      is === undefined ? '' : code(valueText(is)),
      should === undefined ? '' : code(valueText(should)),
      outcome === undefined ? NAMES[action] : STATES[outcome.outcome],
      why === undefined ? '' : prose(why),
      line === undefined ? '' : String(line),
    ];
  });
}

function outcomeReason(outcome: StepOutcome): string | undefined {
  if (outcome.outcome === 'done') return outcome.note;
  return outcome.outcome === 'failed' ? outcome.error.message.split('\n', 1)[0] : outcome.reason;
}

const NAMES: Readonly<Record<Setting['action'], string>> = {
  create: '➕\u00A0make',
  change: '✏️\u00A0change',
  remove: '➖\u00A0remove',
  equal: '✔️\u00A0equal',
  unsupported: '⚪\u00A0unsupported',
  'needs-recreation': '⛔\u00A0needs to be recreated',
  'kept-foreign': '🤝\u00A0kept',
  denied: '🔒\u00A0denied',
};

const STATES: Readonly<Record<StepOutcome['outcome'], string>> = {
  done: '✅\u00A0done',
  skipped: '⏭️\u00A0skipped',
  changed: '⛔\u00A0changed since the plan',
  unapproved: '·\u00A0not in the plan',
  failed: '❌\u00A0failed',
};
