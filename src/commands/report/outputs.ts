import { ageGroups } from '../../domain/report/ages.ts';
import { countFindings, type ScanResult } from '../../domain/report/scan.ts';
import { errorFacts } from '../../report/errors.ts';
import { commonJson } from '../../report/run-json.ts';
import { totalsOf } from './counts.ts';
import type { ReportJson } from './json-schema.ts';
import type { ReportResult, RepositoryReport, WatchedImage } from './result.ts';

/** The outputs of a run, by name. Unknown numbers are empty. */
export function renderReportOutputs(result: ReportResult): Readonly<Record<string, string>> {
  const { outcome, repositories, metricsFile = '' } = result;
  const totals = totalsOf(result);
  const isRead = repositories.some(({ content }) => content !== undefined);
  const shown = (count: number | undefined) => (isRead && count !== undefined ? String(count) : '');
  return {
    outcome,
    images: shown(totals.images),
    'size-bytes': shown(totals.distinctBytes),
    critical: shown(totals.findings?.CRITICAL),
    high: shown(totals.findings?.HIGH),
    unscanned: shown(totals.unscanned),
    drift: shown(totals.drift),
    'settings-drift': shown(totals.settings),
    'metrics-file': metricsFile,
  };
}

/** Everything, for programs. */
export function reportJson(result: ReportResult): ReportJson {
  const { reportedAt, repositories, environments, drift, settings, unread, steps, history } = result;
  const { distinctBytes, sumBytes, findings, unscanned, ...counts } = totalsOf(result);
  return {
    ...commonJson('report', result),
    ...(reportedAt === undefined ? {} : { reportedAt }),
    totals: {
      images: counts.images,
      tags: counts.tags,
      distinctBytes,
      sumBytes,
      isExact: counts.isExact,
      unscanned,
      ...(findings === undefined ? {} : { findings }),
      ...(counts.drift === undefined ? {} : { drift: counts.drift }),
      ...(counts.settings === undefined ? {} : { settings: counts.settings }),
    },
    repositories: repositories.map((each) => repositoryJson(each, Date.parse(reportedAt ?? ''))),
    ...(environments === undefined ? {} : { environments }),
    ...(drift === undefined ? {} : { drift: drift.drifts }),
    ...(settings === undefined ? {} : { settings }),
    ...(history === undefined ? {} : { history: { entries: history.length } }),
    unread,
    steps,
  };
}

const timeOf = (time: number) => new Date(time).toISOString();

function repositoryJson(report: RepositoryReport, now: number): ReportJson['repositories'][number] {
  const { repository, vendor, content, usage, watched, errors, requests } = report;
  return {
    repository,
    vendor,
    requests,
    ...(errors.length === 0 ? {} : { errors: errors.map(errorFacts) }),
    usage,
    ...(content === undefined
      ? {}
      : {
          counts: content.counts,
          sizes: {
            sum: content.sizes.sum,
            distinct: content.sizes.distinct,
            exclusive: content.sizes.exclusive,
            unreferenced: content.sizes.unreferenced,
            isExact: content.sizes.isExact,
          },
          shared: content.sizes.shared,
          pulls: content.pulls,
          ages: ageGroups(
            content.images.map(({ pushedAt }) => pushedAt),
            now,
          ),
          images: content.images.map(imageJson),
        }),
    watched: watched.map(watchedJson),
  };
}

function imageJson({ pushedAt, pulledAt, isBuildTime, manifests: _parts, ...image }: WatchedImage['image']) {
  return {
    ...image,
    ...(pushedAt === undefined ? {} : { [isBuildTime ? 'builtAt' : 'pushedAt']: timeOf(pushedAt) }),
    ...(pulledAt === undefined ? {} : { pulledAt: pulledAt === 'never' ? pulledAt : timeOf(pulledAt) }),
  };
}

function watchedJson({ tags, image, scans, comparisons }: WatchedImage) {
  return { tags, digest: image.digest, scans: scans.map(scanJson), comparisons };
}

function scanJson(scan: ScanResult) {
  const counts = countFindings(scan);
  return { ...scan, ...(counts === undefined ? {} : { counts }) };
}
