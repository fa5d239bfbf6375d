import { SEVERITIES } from '../../domain/gate/severity.ts';
import { countFindings, type ScanResult } from '../../domain/report/scan.ts';
import { type Sample, sample } from '../../report/metrics/catalogue.ts';
import { imageTitle } from '../../report/parts.ts';
import type { CommandMetrics } from '../../run/define-command.ts';
import type { ReportResult, RepositoryReport, WatchedImage } from './result.ts';

/** The metrics of a report. Only watched tags have metrics of their own: a series for every tag would overload any database. */
export function reportMetrics(result: ReportResult): CommandMetrics {
  const { repositories, environments = [], drift, settings = [] } = result;
  return {
    image: imageTitle(repositories.map(({ repository }) => repository)),
    samples: [
      ...repositories.flatMap(repositorySamples),
      ...environments.flatMap(({ reference, name, version = '', digest }) =>
        digest === undefined
          ? []
          : [
              sample(
                'registry_environment_info',
                { image: withoutTag(reference), environment: name, version, digest },
                1,
              ),
            ],
      ),
      ...(drift?.checks ?? []).map(({ image, from, to, kind, isPresent }) =>
        sample('registry_environment_drift', { image, from, to, kind }, isPresent ? 1 : 0),
      ),
      ...settings.flatMap(({ registry, differences }) =>
        differences === undefined ? [] : [sample('registry_settings_different', { registry }, differences.length)],
      ),
    ],
  };
}

const withoutTag = (reference: string) => reference.replace(/:[^:/]*$/, '');

function repositorySamples(report: RepositoryReport): readonly Sample[] {
  const { host: registry, path: repository, content, usage, watched, errors } = report;
  const own = { registry, repository };
  const isRead = content !== undefined && errors.length === 0;
  return [
    sample('registry_report_repository_success', own, isRead ? 1 : 0),
    ...(isRead ? contentSamples(own, content) : []),
    ...(usage.repository === undefined
      ? []
      : [sample('registry_repository_size_bytes', { ...own, method: 'vendor' }, usage.repository.bytes)]),
    ...usageSamples(registry, usage),
    ...watched.flatMap((image) => image.tags.flatMap((tag) => imageSamples({ ...own, tag }, image))),
  ];
}

type Own = Readonly<Record<'registry' | 'repository', string>>;

function contentSamples(
  own: Own,
  { counts, sizes, images }: NonNullable<RepositoryReport['content']>,
): readonly Sample[] {
  const times = images.flatMap(({ pushedAt }) => pushedAt ?? []);
  const methods = [
    ['distinct', sizes.distinct],
    ['sum', sizes.sum],
    ['exclusive', sizes.exclusive],
  ] as const;
  return [
    sample('registry_repository_images', own, counts.images),
    sample('registry_repository_tags', own, counts.tags),
    ...(counts.untagged === undefined ? [] : [sample('registry_repository_untagged_images', own, counts.untagged)]),
    ...(counts.orphans === undefined ? [] : [sample('registry_repository_orphans', own, counts.orphans)]),
    sample('registry_repository_broken_images', own, counts.broken),
    ...methods.map(([method, bytes]) => sample('registry_repository_size_bytes', { ...own, method }, bytes)),
    ...(times.length === 0
      ? []
      : [
          sample('registry_repository_oldest_image_timestamp_seconds', own, lowest(times) / 1000),
          sample('registry_repository_newest_image_timestamp_seconds', own, -lowest(times.map((time) => -time)) / 1000),
        ]),
  ];
}

/** Of lists that are too long for the arguments of a function. */
const lowest = (numbers: readonly number[]) => numbers.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);

function usageSamples(registry: string, { quota, rateLimits = [] }: RepositoryReport['usage']): readonly Sample[] {
  return [
    ...(quota === undefined
      ? []
      : [
          sample('registry_quota_used_bytes', { registry, quota: quota.name }, quota.usedBytes),
          ...(quota.limitBytes === undefined
            ? []
            : [sample('registry_quota_limit_bytes', { registry, quota: quota.name }, quota.limitBytes)]),
        ]),
    ...rateLimits.flatMap(({ kind, limit, remaining }) => [
      sample('registry_rate_limit_limit', { registry, kind }, limit),
      sample('registry_rate_limit_remaining', { registry, kind }, remaining),
    ]),
  ];
}

function imageSamples(tag: Own & { readonly tag: string }, { image, scans }: WatchedImage): readonly Sample[] {
  const { digest, kind, size, pushedAt, pulledAt } = image;
  return [
    // Charts and caches would count as images that were never scanned.
    ...(kind === 'image' ? [sample('registry_image_info', { ...tag, digest }, 1)] : []),
    sample('registry_image_size_bytes', tag, size),
    ...(pushedAt === undefined ? [] : [sample('registry_image_pushed_timestamp_seconds', tag, pushedAt / 1000)]),
    ...(typeof pulledAt === 'number'
      ? [sample('registry_image_last_pull_timestamp_seconds', tag, pulledAt / 1000)]
      : []),
    ...scans.flatMap((scan) => scanSamples(tag, scan)),
  ];
}

function scanSamples(tag: Own & { readonly tag: string }, scan: ScanResult): readonly Sample[] {
  const { source, status, findings = [] } = scan;
  const counts = countFindings(scan);
  const fixable = countFindings({ ...scan, findings: findings.filter(({ fixed }) => fixed !== undefined) });
  const rows = (counted: typeof counts, name: 'registry_image_findings' | 'registry_image_fixable_findings') =>
    counted === undefined
      ? []
      : SEVERITIES.map((severity) => sample(name, { ...tag, severity, source }, counted[severity]));
  return [
    sample('registry_image_scan_status', { ...tag, source, status }, 1),
    ...rows(counts, 'registry_image_findings'),
    ...(counts === undefined ? [] : rows(fixable, 'registry_image_fixable_findings')),
  ];
}
