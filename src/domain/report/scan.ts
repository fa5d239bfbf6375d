import { compareText } from '../compare-text.ts';
import { SEVERITIES, type Severity, type SeverityCounts } from '../gate/severity.ts';

/** Who scanned. */
export const SCAN_SOURCES = [
  'trivy',
  'scout',
  'ecr',
  'inspector',
  'artifact-analysis',
  'harbor',
  'defender',
  'xray',
] as const;
export type ScanSource = (typeof SCAN_SOURCES)[number];

/**
 * What is known from a scanner, the best first. Findings exist only with `complete`, `partial` and `stale`: everything else is unknown,
 * which is not zero. `partial`: some platforms or pages only. `stale`: no longer kept up to date. `missing`: never scanned. `forbidden`:
 * the credentials may not read it. `unavailable`: the request failed.
 */
export const SCAN_STATUSES = [
  'complete',
  'stale',
  'partial',
  'pending',
  'missing',
  'unsupported',
  'failed',
  'forbidden',
  'unavailable',
] as const;
type ScanStatus = (typeof SCAN_STATUSES)[number];

/** A finding of any scanner. */
export interface ScanFinding {
  /** `CVE-…`, `GHSA-…`, or the vendor's own. */
  readonly id: string;
  readonly severity: Severity;
  readonly package?: string;
  readonly version?: string;
  /** The version that fixes it; absent: none known. */
  readonly fixed?: string;
}

/** The result of one scanner for one image or platform. */
export interface ScanResult {
  readonly source: ScanSource;
  readonly status: ScanStatus;
  /** Why there is no result, or not all of it: a sentence. */
  readonly reason?: string;
  /** ISO 8601. */
  readonly scannedAt?: string;
  /** Absent when unknown. Sorted by id and package, without duplicates. */
  readonly findings?: readonly ScanFinding[];
}

/** Scanners' words for severities; all others are unknown. */
const NORMALISED: Readonly<Record<string, Severity>> = {
  CRITICAL: 'CRITICAL',
  IMPORTANT: 'HIGH',
  HIGH: 'HIGH',
  MODERATE: 'MEDIUM',
  MEDIUM: 'MEDIUM',
  LOW: 'LOW',
  MINIMAL: 'LOW',
  NEGLIGIBLE: 'LOW',
  INFORMATIONAL: 'LOW',
};

function normaliseSeverity(word: unknown): Severity {
  const known = String(word).toUpperCase();
  return Object.hasOwn(NORMALISED, known) ? (NORMALISED[known] ?? 'UNKNOWN') : 'UNKNOWN';
}

/** Maximum length of an id, package or version: they come from registries and images. */
const MAX_TEXT = 200;

/** A finding from untrusted text; undefined without an id. */
export function scanFinding(found: {
  readonly id: unknown;
  readonly severity: unknown;
  readonly package?: unknown;
  readonly version?: unknown;
  readonly fixed?: unknown;
}): ScanFinding | undefined {
  const id = textOf(found.id);
  if (id === undefined) return undefined;
  const [name, version, fixed] = [textOf(found.package), textOf(found.version), textOf(found.fixed)];
  return {
    id,
    severity: normaliseSeverity(found.severity),
    ...(name === undefined ? {} : { package: name }),
    ...(version === undefined ? {} : { version }),
    ...(fixed === undefined || /^(?:NotAvailable|None|-)$/i.test(fixed) ? {} : { fixed }),
  };
}

function textOf(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const text = value.replaceAll(/[\p{Cc}\p{Cf}]+/gu, ' ').trim();
  return text === '' ? undefined : text.slice(0, MAX_TEXT);
}

/** Without duplicates, in a stable order. */
export function uniqueFindings(findings: readonly ScanFinding[]): readonly ScanFinding[] {
  const found = new Map<string, ScanFinding>();
  for (const each of findings) {
    const key = JSON.stringify([each.id, each.package ?? '']);
    const known = found.get(key);
    if (known === undefined || rank(each.severity) < rank(known.severity)) found.set(key, each);
  }
  return [...found].toSorted(([a], [b]) => compareText(a, b)).map(([, each]) => each);
}

const rank = (severity: Severity) => SEVERITIES.indexOf(severity);

/**
 * The result of an image from those of its platforms: all findings of those that were scanned. It is complete only when each is.
 * @param results not empty
 */
export function mergeResults(
  source: ScanSource,
  results: readonly (ScanResult & { readonly platform?: string })[],
): ScanResult {
  const [first] = results;
  if (first === undefined)
    return { source, status: 'missing', reason: 'The image has no platform that can be scanned.' };
  if (results.length === 1) {
    const { platform: _platform, ...only } = first;
    return only;
  }
  const known = results.filter(({ findings }) => findings !== undefined);
  const worst = results.reduce((a, b) => (statusRank(b.status) > statusRank(a.status) ? b : a));
  const isPartial = known.length > 0 && known.length < results.length;
  const unscanned = results.filter(({ findings }) => findings === undefined);
  const reason = isPartial
    ? `${unscanned.map(({ platform, status, reason: why }) => `${platform ?? 'a platform'}: ${why ?? status}`).join(' ')}`
    : worst.reason;
  const oldest = known.flatMap(({ scannedAt }) => scannedAt ?? []).toSorted()[0];
  return {
    source: known[0]?.source ?? worst.source,
    status: isPartial ? 'partial' : worst.status,
    ...(reason === undefined ? {} : { reason }),
    ...(oldest === undefined ? {} : { scannedAt: oldest }),
    ...(known.length === 0 ? {} : { findings: uniqueFindings(known.flatMap(({ findings = [] }) => findings)) }),
  };
}

const statusRank = (status: ScanStatus) => SCAN_STATUSES.indexOf(status);

/** Counts by severity; undefined when nothing is known. Each id counts once, in whatever packages it is. */
export function countFindings({ findings }: ScanResult): SeverityCounts | undefined {
  if (findings === undefined) return undefined;
  const counts = { CRITICAL: 0, HIGH: 0, MEDIUM: 0, LOW: 0, UNKNOWN: 0 };
  for (const severity of severities(findings).values()) counts[severity] += 1;
  return counts;
}

/** The worst severity of each id. */
function severities(findings: readonly ScanFinding[]): ReadonlyMap<string, Severity> {
  const found = new Map<string, Severity>();
  for (const { id, severity } of findings) {
    const known = found.get(id);
    if (known === undefined || rank(severity) < rank(known)) found.set(id, severity);
  }
  return found;
}

/** Two scanners' opinions of one image, as sets of ids. */
export interface ScanComparison {
  readonly first: ScanSource;
  readonly second: ScanSource;
  readonly both: number;
  readonly onlyFirst: readonly string[];
  readonly onlySecond: readonly string[];
  /** Ids that both have, with different severities. */
  readonly rated: readonly { readonly id: string; readonly first: Severity; readonly second: Severity }[];
}

/** Compares two results by id; undefined unless both are known. */
export function compareResults(first: ScanResult, second: ScanResult): ScanComparison | undefined {
  if (first.findings === undefined || second.findings === undefined) return undefined;
  const [a, b] = [severities(first.findings), severities(second.findings)];
  const both = [...a.keys()].filter((id) => b.has(id));
  return {
    first: first.source,
    second: second.source,
    both: both.length,
    onlyFirst: [...a.keys()].filter((id) => !b.has(id)).toSorted(),
    onlySecond: [...b.keys()].filter((id) => !a.has(id)).toSorted(),
    rated: both
      .flatMap((id) => {
        const [one, other] = [a.get(id), b.get(id)];
        return one === undefined || other === undefined || one === other ? [] : [{ id, first: one, second: other }];
      })
      .toSorted((x, y) => compareText(x.id, y.id)),
  };
}
