import { bytes, counted } from '../../domain/amount.ts';
import type { CleanupPlan } from '../../domain/retention/plan.ts';
import { code, codeBlock, plain, prose, table } from '../../report/markdown.ts';
import { heading, imageTitle, meaning, page, renderErrors, renderTime, renderWarnings } from '../../report/parts.ts';
import { renderChart } from './chart.ts';
import { type CleanupCounts, countsOf, totalCounts } from './counts.ts';
import { OUTCOMES } from './outcomes.ts';
import type { CleanupResult, RepositoryResult } from './result.ts';
import { renderNativeRules } from './summary-native-rules.ts';
import { renderGoing, renderLeft, renderStaying } from './summary-tables.ts';

/** Of a long list, what a page shows. */
const MAX_WARNINGS = 30;
const MAX_REPOSITORIES = 100;
/** Repositories whose details are shown. */
const MAX_DETAILED = 20;

export function renderCleanupSummary(result: CleanupResult): string {
  if (result.imported !== undefined) return renderImported(result, result.imported);
  const { outcome, errors, warnings, repositories, steps, isDryRun } = result;
  const counts = totalCounts(repositories);
  const detailed = repositories.filter(({ plan }) => plan.tags.length + plan.manifests.length > 0);
  const more = detailed.length - MAX_DETAILED;
  return page([
    heading(OUTCOMES, imageTitle(repositories.map(({ plan }) => plan.repository)), outcome),
    meaning(OUTCOMES, outcome, leftBehind(result, counts)),
    isToldByError(result, counts) ? '' : headline(counts, isDryRun || !hasReport(result)),
    renderErrors(errors),
    renderNext(result),
    renderTotals(result),
    renderChart(repositories),
    ...detailed.slice(0, MAX_DETAILED).map((each) => renderRepository(each, repositories.length > 1, isDryRun)),
    more > 0 ? `${more} more repositories are in the plan file.` : '',
    renderNativeRules(result.nativeRules),
    renderWarnings(warnings.slice(0, MAX_WARNINGS)),
    warnings.length > MAX_WARNINGS ? `${warnings.length - MAX_WARNINGS} more warnings are in the log.` : '',
    renderTime(steps),
  ]);
}

/** The policy, to copy, with what it does otherwise. */
function renderImported({ outcome }: CleanupResult, { source, text, notes }: NonNullable<CleanupResult['imported']>) {
  return page([
    heading(OUTCOMES, source, outcome),
    'Plan with this policy, and compare what goes with what the registry deletes today. Then switch off its own rules.',
    notes.map((note) => `- ${prose(note)}`).join('\n'),
    codeBlock(text, 'yaml'),
  ]);
}

/** A run that failed before it could delete or plan anything: what stays is no news. */
const isToldByError = ({ plan, errors }: CleanupResult, { deletedManifests, deletedTags }: CleanupCounts) =>
  plan === undefined || (errors.length > 0 && deletedManifests + deletedTags === 0);

const hasReport = ({ repositories }: CleanupResult) => repositories.some(({ report }) => report !== undefined);

/** What a failed run has done to the registry. */
function leftBehind(result: CleanupResult, { deletedManifests, deletedTags }: CleanupCounts): string {
  if (result.isDryRun || !hasReport(result)) return 'Nothing was deleted.';
  return deletedManifests + deletedTags === 0
    ? 'Nothing was deleted.'
    : 'Part of the plan was done, as the tables below show. What stays is not affected; run the same plan again for the rest.';
}

/** What goes and what stays, in one sentence. */
function headline(counts: CleanupCounts, isPlan: boolean): string {
  const { deletedManifests, deletedTags, untaggedTags, keptManifests, keptTags } = counts;
  if (deletedManifests + deletedTags === 0) {
    return `${isPlan ? 'Nothing to delete' : 'Nothing was deleted'}: ${manifests(keptManifests)} with ${tags(keptTags)} stay.`;
  }
  const staying = `${manifests(keptManifests)} with ${tags(keptTags)} stay.`;
  if (deletedManifests === 0)
    return `**${isPlan ? 'The plan removes' : 'This run removed'} ${tags(untaggedTags)} from images that stay.** ${staying}`;
  const untagged = untaggedTags === 0 ? '' : `, and removes ${tags(untaggedTags)} from images that stay`;
  const verb = isPlan ? 'The plan deletes' : 'This run deleted';
  const removed = isPlan ? untagged : untagged.replace('removes', 'removed');
  return `**${verb} ${manifests(deletedManifests)} with ${tags(deletedTags - untaggedTags)}${removed}. ${isPlan ? 'That frees' : 'That freed'} ${size(counts)}.** ${staying}`;
}

const manifests = (count: number) => counted(count, 'manifest');
const tags = (count: number) => counted(count, 'tag');
const size = ({ freedBytes, isExact }: CleanupCounts) => `${isExact ? '' : 'about '}${bytes(freedBytes)}`;

const setsRules = ({ nativeRules = [] }: CleanupPlan) =>
  nativeRules.some(({ action }) => action === 'install' || action === 'remove');

/** How to get from a plan to its application. */
function renderNext({ outcome, planDigest, plan }: CleanupResult): string {
  if (plan === undefined || planDigest === undefined) return '';
  const isDue =
    outcome === 'planned' &&
    (plan.repositories.some(({ steps, leftovers = [] }) => steps.length + leftovers.length > 0) || setsRules(plan));
  const next = isDue ? ' To apply it, run with the same policy and `plan:` set to the plan file.' : '';
  return prose(`Plan \`${planDigest}\` of ${plan.plannedAt.slice(0, 16).replace('T', ' ')} UTC.${next}`);
}

function renderTotals({ repositories, isDryRun }: CleanupResult): string {
  if (repositories.length < 2) return '';
  const rows = repositories.slice(0, MAX_REPOSITORIES).map((each) => {
    const counts = countsOf(each);
    return [
      code(each.plan.repository),
      stateOf(each, isDryRun),
      String(counts.deletedManifests),
      String(counts.deletedTags),
      size(counts),
      String(counts.keptManifests),
      String(counts.keptTags),
    ];
  });
  const head = [
    'repository',
    'result',
    'manifests that go',
    'tags that go',
    'freed',
    'manifests that stay',
    'tags that stay',
  ];
  const more = repositories.length - rows.length;
  return `${table(head, rows)}${more > 0 ? `\n\n${more} more repositories are in the plan file.` : ''}`;
}

function stateOf({ plan, report }: RepositoryResult, isDryRun: boolean): string {
  const isStopped = plan.problems.some(({ severity }) => severity === 'stop') || report?.stopped !== undefined;
  if (isStopped) return '⛔ stopped';
  if (report !== undefined && report.errors.length + report.broken.length > 0) return '❌ failed';
  if (plan.steps.length === 0) return '✔️ nothing to delete';
  if (isDryRun) return '📝 planned';
  if (report === undefined) return '· not reached';
  return report.results.some(({ outcome }) => outcome === 'done') ? '✅ cleaned up' : '✔️ nothing left to delete';
}

function renderRepository(result: RepositoryResult, hasTitle: boolean, isDryRun: boolean): string {
  const { plan, report } = result;
  const stops = plan.problems.filter(({ severity }) => severity !== 'warning');
  const notices = report?.notices ?? [];
  return [
    hasTitle ? `### ${plain(plan.repository)}` : '',
    ...stops.map(({ message }) => `> ${prose(message)}`),
    renderGoing(result, isDryRun),
    renderLeft(result),
    renderStaying(result),
    notices.map((notice) => `- ${prose(notice)}`).join('\n'),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}
