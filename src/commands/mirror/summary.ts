import { bytes, counted } from '../../domain/amount.ts';
import { shortDigest } from '../../domain/digest.ts';
import { code, details, prose, table } from '../../report/markdown.ts';
import { heading, imageTitle, meaning, page, renderErrors, renderTime, renderWarnings } from '../../report/parts.ts';
import { countAll, countTags } from './counts.ts';
import { ACTION_WORDS } from './log-plan.ts';
import { OUTCOMES } from './outcomes.ts';
import type { MirroredSource, MirroredTag, MirrorResult } from './result.ts';

/** Of a long list, what a page shows. */
const MAX_ROWS = 200;
const MAX_TAGS = 50;
const MAX_DETAILED = 20;
const MAX_WARNINGS = 30;
const MAX_ERRORS = 20;

const MARKS = {
  copy: '🆕',
  update: '➡️',
  attach: '📎',
  equal: '✔️',
  keep: '⏸️',
  blocked: '⛔',
  untag: '🗑️',
  'over-budget': '⏳',
  failed: '❌',
} as const;

export function renderMirrorSummary(result: MirrorResult): string {
  const { outcome, errors, warnings, steps, isDryRun } = result;
  const sources = bySource(result.sources);
  const detailed = sources.filter(({ tags }) => tags.some(({ action }) => action !== 'equal'));
  const more = detailed.length - MAX_DETAILED;
  return page([
    heading(OUTCOMES, imageTitle(sources.map(({ source }) => source)), outcome),
    meaning(OUTCOMES, outcome, leftBehind(result)),
    headline(result),
    renderErrors(errors.slice(0, MAX_ERRORS)),
    errors.length > MAX_ERRORS ? `${errors.length - MAX_ERRORS} more errors are in the log.` : '',
    renderSources(result.sources, isDryRun),
    ...detailed.slice(0, MAX_DETAILED).map((source) => renderTags(source, isDryRun)),
    more > 0 ? `${more} more sources are in the output \`json\`.` : '',
    renderHints(sources),
    renderWarnings(warnings.slice(0, MAX_WARNINGS)),
    warnings.length > MAX_WARNINGS ? `${warnings.length - MAX_WARNINGS} more warnings are in the log.` : '',
    renderTime(steps),
  ]);
}

/** Entries of the configuration may have the same source: its tags are one list. */
function bySource(entries: readonly MirroredSource[]): readonly MirroredSource[] {
  return [...Map.groupBy(entries, ({ source }) => source)].map(([source, own]) => ({
    source,
    targets: [...new Set(own.flatMap(({ targets }) => targets))],
    tags: own.flatMap(({ tags }) => tags),
    errors: own.flatMap(({ errors }) => errors),
    hints: [...new Set(own.flatMap(({ hints }) => hints))],
  }));
}

/** What a failed run has done. */
function leftBehind({ sources, isDryRun }: MirrorResult): string {
  const { copied, attached, removed } = countAll(sources, isDryRun);
  if (isDryRun || copied + attached + removed === 0) return 'No tag was written.';
  return 'The tags that the tables show as done are in place. Run again for the rest: existing content is not sent again.';
}

/** What was done, or is to be done, in one sentence. */
function headline({ sources, isDryRun, totals, needs, resumeAt }: MirrorResult): string {
  if (sources.every(({ tags }) => tags.length === 0)) return '';
  const counts = countAll(sources, isDryRun);
  const amount = (count: number, words: string) => (count === 0 ? [] : [`${count} ${words}`]);
  const parts = [
    ...amount(counts.copied, isDryRun ? 'to copy' : 'copied'),
    ...amount(counts.attached, isDryRun ? 'to complete with attachments' : 'completed with attachments'),
    ...amount(counts.removed, isDryRun ? 'to remove' : 'removed'),
    ...amount(counts.equal, 'in place already'),
    ...amount(counts.kept, 'kept'),
    ...amount(counts.blocked, 'blocked'),
    ...amount(counts.left, 'left for a later run'),
    ...amount(counts.failed, 'failed'),
  ];
  const at = resumeAt === undefined ? '' : ` The next run can continue at ${resumeAt.toISOString()}.`;
  const took = isDryRun
    ? needs === undefined
      ? ''
      : ` The plan reads ${bytes(needs.bytes)} with ${needs.unread > 0 ? 'at least ' : ''}${counted(needs.pulls, 'pull')}.`
    : ` ${bytes(totals.bytes)} sent, with ${counted(totals.requests, 'request')} and ${counted(totals.pulls, 'pull')}.`;
  return `**Tags: ${parts.join(', ')}.**${took}${at}`;
}

/** A row for each source and target, also where several entries of the configuration are about them. */
function renderSources(sources: readonly MirroredSource[], isDryRun: boolean): string {
  const pairs = sources.flatMap(({ source, targets, tags, errors }) =>
    targets.map((target) => {
      const own = tags.filter((tag) => tag.target === target);
      return { source, target, own, isUnread: errors.length > 0 && own.length === 0 };
    }),
  );
  const all = [...Map.groupBy(pairs, ({ source, target }) => `${source} ${target}`).values()];
  const rows = all.slice(0, MAX_ROWS).map((entries) => {
    const [{ source = '', target = '' } = {}] = entries;
    const { copied, attached, removed, equal, kept, blocked, left, failed } = countTags(
      entries.flatMap(({ own }) => own),
      isDryRun,
    );
    const shown = (count: number) => (count === 0 ? '' : String(count));
    const isFailed = failed > 0 || entries.some(({ isUnread }) => isUnread);
    return [
      code(source),
      code(target),
      isFailed ? '❌ failed' : blocked > 0 ? '⛔ blocked' : left > 0 ? '⏳ incomplete' : isDryRun ? '📝 planned' : '✅',
      shown(copied),
      shown(attached),
      shown(removed),
      shown(equal),
      shown(kept),
      shown(blocked),
      shown(left),
      shown(failed),
    ];
  });
  const head = [
    'source',
    'target',
    'result',
    isDryRun ? 'to copy' : 'copied',
    isDryRun ? 'to complete' : 'completed',
    isDryRun ? 'to remove' : 'removed',
    'equal',
    'kept',
    'blocked',
    'left',
    'failed',
  ];
  const more = all.length - rows.length;
  return `${table(head, rows)}${more > 0 ? `\n\n${more} more rows are in the output \`json\`.` : ''}`;
}

function renderTags({ source, targets, tags }: MirroredSource, isDryRun: boolean): string {
  const news = tags.filter(({ action }) => action !== 'equal');
  const rows = news
    .slice(0, MAX_TAGS)
    .map((tag) => [
      code(targets.length > 1 ? `${tag.target}:${tag.tag}` : tag.tag),
      resultOf(tag, isDryRun),
      tag.previousDigest === undefined ? '' : code(shortDigest(tag.previousDigest)),
      tag.digest === undefined ? '' : code(shortDigest(tag.digest)),
      prose(tag.reason),
    ]);
  const more = news.length - rows.length;
  const list = table(['tag', 'result', 'before', 'source', 'reason'], rows);
  return details(
    `${code(source)}: ${counted(news.length, 'tag')}`,
    `${list}${more > 0 ? `\n\n${more} more tags are in the output \`json\`.` : ''}`,
    news.some(({ action }) => action === 'blocked' || action === 'failed'),
  );
}

function resultOf({ action, isDone }: MirroredTag, isDryRun: boolean): string {
  const { due, done } = ACTION_WORDS[action];
  const isWrite = due !== done;
  const text = !isWrite || isDone ? done : isDryRun ? due : 'not reached';
  return `${MARKS[action]}&nbsp;${text.replaceAll(' ', '&nbsp;')}`;
}

function renderHints(sources: readonly MirroredSource[]): string {
  const hints = new Map<string, string[]>();
  for (const { source, hints: own } of sources) {
    for (const hint of own) hints.set(hint, [...(hints.get(hint) ?? []), source]);
  }
  if (hints.size === 0) return '';
  const lines = [...hints].map(([hint, names]) => `- ${names.slice(0, 5).map(code).join(', ')}: ${prose(hint)}`);
  return details("The vendors' own means", lines.join('\n'));
}
