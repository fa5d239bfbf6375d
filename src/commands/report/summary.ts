import { bytes, counted } from '../../domain/amount.ts';
import { heading, imageTitle, meaning, page, renderErrors, renderTime, renderWarnings } from '../../report/parts.ts';
import { renderAges, renderStorage, renderTrend } from './charts.ts';
import { totalsOf } from './counts.ts';
import { OUTCOMES } from './outcomes.ts';
import type { ReportResult } from './result.ts';
import { renderSettings } from './summary-settings.ts';
import { renderContent, renderEnvironments, renderRepositories, renderUsage, renderWatched } from './summary-tables.ts';

/** Repositories whose largest images are shown. */
const MAX_DETAILED = 20;
const MAX_WARNINGS = 30;

export function renderReportSummary(result: ReportResult): string {
  const { outcome, errors, warnings, repositories, steps, reportedAt = '' } = result;
  const now = Date.parse(reportedAt);
  return page([
    heading(OUTCOMES, imageTitle(repositories.map(({ repository }) => repository)), outcome),
    meaning(OUTCOMES, outcome, ''),
    renderErrors(errors, true),
    renderHeadline(result),
    repositories.length === 0 ? '' : renderRepositories(repositories, now),
    renderEnvironments(result),
    renderSettings(result),
    renderWatched(repositories, now),
    renderUsage(repositories, now),
    renderAges(repositories, now),
    renderStorage(repositories),
    renderTrend(result),
    ...repositories.slice(0, MAX_DETAILED).map(renderContent),
    renderWarnings(warnings.slice(0, MAX_WARNINGS)),
    warnings.length > MAX_WARNINGS ? `${warnings.length - MAX_WARNINGS} more warnings are in the log.` : '',
    renderTime(steps),
  ]);
}

/** The numbers that matter, in two sentences. */
function renderHeadline(result: ReportResult): string {
  if (result.repositories.every(({ content }) => content === undefined)) return '';
  const { images, tags, distinctBytes, sumBytes, isExact, findings, unscanned, drift } = totalsOf(result);
  const isBehind = result.drift?.drifts.some(({ kind }) => kind === 'behind') === true;
  const about = isExact ? '' : 'about ';
  const saved = sumBytes > distinctBytes ? ` (${bytes(sumBytes)} if no layer were shared)` : '';
  const watched = result.repositories.reduce((sum, each) => sum + each.watched.length, 0);
  const scan =
    watched === 0
      ? ''
      : findings === undefined
        ? ` **No scan result for ${counted(watched, 'watched image')}.**`
        : ` Watched images: **${findings.CRITICAL} critical, ${findings.HIGH} high**${unscanned === 0 ? '' : `, ${unscanned} of ${watched} without a complete scan`}.`;
  const differences =
    drift === undefined
      ? ''
      : drift === 0
        ? isBehind
          ? ' Environments differ only in that one is behind.'
          : ' Environments agree.'
        : ` **${counted(drift, 'difference')} between environments.**`;
  return `**${counted(images, 'image')} with ${counted(tags, 'tag')}, ${about}${bytes(distinctBytes)} stored**${saved}.${scan}${differences}`;
}
