import { bytes } from '../../domain/amount.ts';
import { shortDigest } from '../../domain/digest.ts';
import { ageText } from '../../domain/report/ages.ts';
import type { DriftKind, RecordedPromotion } from '../../domain/report/drift.ts';
import { countFindings, type ScanComparison, type ScanResult, type ScanSource } from '../../domain/report/scan.ts';
import { code, details, plain, prose, table } from '../../report/markdown.ts';
import type { ReportResult, RepositoryReport, WatchedImage } from './result.ts';

const MAX_REPOSITORIES = 100;
const MAX_ROWS = 30;
const MAX_IDS = 10;

/** The repositories side by side. */
export function renderRepositories(repositories: readonly RepositoryReport[], now: number): string {
  const rows = repositories.slice(0, MAX_REPOSITORIES).map((each) => repositoryRow(each, now));
  const head = ['repository', 'images', 'tags', 'untagged', 'stored', 'one by one', 'registry', 'newest', 'oldest', ''];
  const more = repositories.length - rows.length;
  return `${table(head, rows)}${more > 0 ? `\n\n${more} more repositories are in the output \`json-file\`.` : ''}`;
}

function repositoryRow({ repository, content, usage, errors }: RepositoryReport, now: number): readonly string[] {
  const vendor = usage.repository === undefined ? '' : bytes(usage.repository.bytes);
  if (content === undefined) return [code(repository), '', '', '', '', '', vendor, '', '', '❌ not read'];
  const { counts, sizes, images } = content;
  const times = images.flatMap(({ pushedAt }) => pushedAt ?? []);
  const about = sizes.isExact ? '' : 'about ';
  const age = (time: number | undefined) => (time === undefined ? '' : ageText(now - time));
  const notes = [
    ...(errors.length > 0 ? ['⚠️ incomplete'] : []),
    ...(counts.broken > 0 ? [`❌ ${counts.broken} broken`] : []),
    ...((counts.orphans ?? 0) > 0 ? [`⚠️ ${counts.orphans} orphaned`] : []),
  ];
  return [
    code(repository),
    String(counts.images),
    String(counts.tags),
    counts.untagged === undefined ? 'not listed' : String(counts.untagged),
    `${about}${bytes(sizes.distinct)}`,
    `${about}${bytes(sizes.sum)}`,
    vendor,
    age(times[0]),
    age(times.at(-1)),
    notes.join(' '),
  ];
}

/** What scanners are called. */
const SCANNERS: Readonly<Record<ScanSource, string>> = {
  trivy: 'Trivy',
  scout: 'Docker Scout',
  ecr: 'Amazon ECR',
  inspector: 'Amazon Inspector',
  'artifact-analysis': 'Artifact Analysis',
  harbor: 'Harbor',
  defender: 'Defender',
  xray: 'JFrog Xray',
};

/** Statuses without a result: never an empty cell and never a zero. */
const STATUSES: Readonly<Record<ScanResult['status'], string>> = {
  complete: '',
  stale: '⏳ out of date: ',
  partial: '⚠️ in part: ',
  pending: '⏳ scan pending',
  missing: '❔ not scanned',
  unsupported: '❔ cannot be scanned',
  failed: '❌ scan failed',
  forbidden: '🔒 not readable',
  unavailable: '❌ unavailable',
};

/** Numbers stay on the line of their unit, however narrow the column. */
const unbroken = (text: string) => text.replaceAll(' ', '\u00A0');

/** Tags of one image, of many only the first. */
function tagList(tags: readonly string[], most: number): string {
  const more = tags.length - most;
  return `${tags.slice(0, most).map(code).join(' ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** Watched images with the result of each scanner. */
export function renderWatched(repositories: readonly RepositoryReport[], now: number): string {
  const all = repositories.flatMap(({ repository, watched }) => watched.map((each) => ({ repository, ...each })));
  if (all.length === 0) return '';
  const sources = [...new Set(all.flatMap(({ scans }) => scans.map(({ source }) => source)))];
  const hasSeveral = repositories.length > 1;
  const rows = all
    .slice(0, MAX_ROWS)
    .map(({ repository, tags, image, scans }) => [
      hasSeveral ? code(repository) : '',
      tagList(tags, 5),
      code(shortDigest(image.digest)),
      image.pushedAt === undefined ? 'unknown' : unbroken(ageText(now - image.pushedAt)),
      unbroken(pullText(image.pulledAt, now)),
      unbroken(bytes(image.size)),
      ...(sources.length === 0
        ? ['❔ no scanner']
        : sources.map((source) => scanText(scans.find((scan) => scan.source === source)))),
    ]);
  const titles = sources.length === 0 ? ['findings'] : sources.map((source) => SCANNERS[source]);
  const more = all.length - rows.length;
  const reasons = all.flatMap(({ tags, scans }) =>
    scans.flatMap(({ source, reason }) =>
      reason === undefined ? [] : [`- ${code(tags[0] ?? '')} ${SCANNERS[source]}: ${prose(reason)}`],
    ),
  );
  return [
    '### Watched images',
    table(['repository', 'tags', 'image', 'age', 'last pull', 'size', ...titles], rows),
    more > 0 ? `${more} more are in the output \`json-file\`.` : '',
    reasons.slice(0, MAX_ROWS).join('\n'),
    ...all
      .flatMap(({ tags, comparisons }) => comparisons.map((each) => [tags[0] ?? '', each] as const))
      .slice(0, MAX_ROWS)
      .map(([tag, comparison]) => renderComparison(tag, comparison)),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function pullText(pulledAt: WatchedImage['image']['pulledAt'], now: number): string {
  if (pulledAt === undefined) return '';
  return pulledAt === 'never' ? 'never' : `${ageText(now - pulledAt)} ago`;
}

function scanText(scan: ScanResult | undefined): string {
  if (scan === undefined) return '❔ no result';
  const counts = countFindings(scan);
  if (counts === undefined) return STATUSES[scan.status];
  const { CRITICAL, HIGH, MEDIUM, LOW, UNKNOWN } = counts;
  const total = CRITICAL + HIGH + MEDIUM + LOW + UNKNOWN;
  const gravest = [
    ...(CRITICAL > 0 ? [unbroken(`🔴 ${CRITICAL} critical`)] : []),
    ...(HIGH > 0 ? [unbroken(`🟠 ${HIGH} high`)] : []),
    ...(CRITICAL + HIGH < total ? [`${total - CRITICAL - HIGH} other`] : []),
  ];
  return `${STATUSES[scan.status]}${total === 0 ? '✅ none found' : gravest.join(', ')}`;
}

function renderComparison(tag: string, comparison: ScanComparison): string {
  const { first, second, both, onlyFirst, onlySecond, rated } = comparison;
  const ids = (list: readonly string[]) =>
    `${list.length}${list.length === 0 ? '' : `: ${list.slice(0, MAX_IDS).map(plain).join(', ')}${list.length > MAX_IDS ? ', …' : ''}`}`;
  const rows = [
    ['both', String(both)],
    [`only ${SCANNERS[first]}`, ids(onlyFirst)],
    [`only ${SCANNERS[second]}`, ids(onlySecond)],
    [
      'rated differently',
      ids(rated.map(({ id, first: one, second: other }) => `${id} (${one.toLowerCase()}, ${other.toLowerCase()})`)),
    ],
  ];
  const why =
    'Scanners differ by database, by whose severity counts (distribution or NVD), by unfixed findings that some leave out, and by language packages that basic scanners do not look at.';
  return details(
    `${code(tag)}: ${SCANNERS[first]} and ${SCANNERS[second]}`,
    `${table(['found by', 'ids'], rows)}\n\n${why}`,
  );
}

const MARKS: Readonly<Record<DriftKind, string>> = {
  behind: 'ℹ️ behind',
  ahead: '⚠️ ahead',
  diverged: '⚠️ diverged',
  different: '⚠️ different',
  rebuilt: '⚠️ rebuilt',
  platforms: '⚠️ platforms',
  unsigned: '⚠️ unsigned',
  moved: '❌ moved outside of a promotion',
  replica: '⚠️ replicas differ',
  missing: '❌ missing',
};

const promotedText = ({ at, by, isVerified }: RecordedPromotion) =>
  `${plain(at.slice(0, 16).replace('T', ' '))} UTC by ${plain(by)}${isVerified ? ', signed' : ', not verified'}`;

/** What the environments run, and how they differ. */
export function renderEnvironments({ environments = [], drift }: ReportResult): string {
  if (environments.length === 0) return '';
  const isOne = new Set(environments.map(({ reference }) => reference.replace(/:[^:/]*$/, ''))).size === 1;
  const rows = environments
    .slice(0, MAX_REPOSITORIES)
    .map(({ name, reference, state, digest, version, revision, promoted, hasSignature, signature }) => [
      plain(name),
      // The heading names the only repository.
      isOne ? '' : code(reference),
      digest === undefined ? (state === 'absent' ? '❌ missing' : '🔒 not readable') : code(shortDigest(digest)),
      version === undefined ? '' : plain(version),
      revision === undefined ? '' : code(revision.slice(0, 12)),
      promoted === undefined ? '' : promotedText(promoted),
      signature === undefined
        ? hasSignature === undefined
          ? ''
          : hasSignature
            ? 'attached, not verified'
            : 'none'
        : signature.isVerified
          ? '✅ verified'
          : '❌ not verified',
    ]);
  const head = ['environment', 'tag', 'image', 'version', 'commit', 'promoted', 'signature'];
  const drifts = drift?.drifts ?? [];
  const list = drifts.slice(0, MAX_ROWS).map(({ kind, detail }) => [MARKS[kind], prose(detail)]);
  return [
    '### Environments',
    table(head, rows),
    drifts.length > MAX_ROWS ? `${drifts.length} differences; the first ${MAX_ROWS} are shown.` : '',
    drifts.length === 0 ? '✅ No difference between the environments.' : table(['difference', ''], list),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

/** Limits that the registries report. */
export function renderUsage(repositories: readonly RepositoryReport[], now: number): string {
  const quotas = new Map(
    repositories.flatMap(({ host, usage: { quota } }) =>
      quota === undefined ? [] : [[`${host} ${quota.name}`, quota]],
    ),
  );
  const limits = new Map(
    repositories.flatMap(({ host, usage: { rateLimits = [] } }) =>
      rateLimits.map((limit) => [`${host} ${limit.kind}`, { host, ...limit }] as const),
    ),
  );
  const rows = [
    ...[...quotas.values()].map(({ name, usedBytes, limitBytes }) => [
      plain(`Storage of ${name}`),
      bytes(usedBytes),
      limitBytes === undefined ? 'no limit' : bytes(limitBytes),
      limitBytes === undefined || limitBytes === 0 ? '' : `${Math.round((100 * usedBytes) / limitBytes)} % used`,
    ]),
    ...[...limits.values()].map(({ host, kind, limit, remaining, windowSeconds, resetAt }) => [
      plain(`${host}: ${kind}`),
      String(limit - remaining),
      `${limit}${windowSeconds === undefined ? '' : ` in ${ageText(windowSeconds * 1000)}`}`,
      `${remaining} left${resetAt === undefined ? '' : `, resets in ${ageText(Date.parse(resetAt) - now)}`}`,
    ]),
  ];
  return rows.length === 0 ? '' : `### Limits\n\n${table(['limit', 'used', 'of', ''], rows)}`;
}

/** The largest images and shared layers of one repository, collapsed. */
export function renderContent({ path, content }: RepositoryReport): string {
  if (content === undefined || content.images.length === 0) return '';
  const { images, sizes } = content;
  const largest = images.toSorted((a, b) => b.exclusive - a.exclusive).slice(0, MAX_IDS);
  const rows = largest.map(({ tags, digest, size, exclusive, platforms }) => [
    tags.length === 0 ? '<i>untagged</i>' : tagList(tags, 3),
    code(shortDigest(digest)),
    plain(platforms.join(', ')),
    bytes(size),
    bytes(exclusive),
  ]);
  const shared = sizes.shared.map(({ digest, size, images: count }) => [
    code(shortDigest(digest)),
    bytes(size),
    String(count),
    bytes(size * (count - 1)),
  ]);
  return details(
    `${plain(path)}: what takes the space`,
    [
      table(['tags', 'image', 'platforms', 'size', 'frees when deleted'], rows),
      shared.length === 0
        ? ''
        : `**Largest shared blobs**\n\n${table(['blob', 'size', 'images', 'saved by sharing'], shared)}`,
      sizes.unreferenced === 0 ? '' : `${bytes(sizes.unreferenced)} belong to no image.`,
    ]
      .filter((part) => part !== '')
      .join('\n\n'),
  );
}
