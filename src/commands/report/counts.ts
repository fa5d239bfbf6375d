import type { Severity, SeverityCounts } from '../../domain/gate/severity.ts';
import { countFindings } from '../../domain/report/scan.ts';
import type { ReportResult, WatchedImage } from './result.ts';

/**
 * Vulnerabilities of watched images: of each image the highest number of any scanner, added up. Undefined when no image has a result.
 */
export function highestCounts(watched: readonly WatchedImage[]): SeverityCounts | undefined {
  const counted = watched.flatMap(({ scans }) => {
    const known = scans.flatMap((scan) => countFindings(scan) ?? []);
    return known.length === 0 ? [] : [known];
  });
  if (counted.length === 0) return undefined;
  const highest = (severity: Severity) =>
    counted.reduce((sum, scans) => sum + Math.max(...scans.map((counts) => counts[severity])), 0);
  return {
    CRITICAL: highest('CRITICAL'),
    HIGH: highest('HIGH'),
    MEDIUM: highest('MEDIUM'),
    LOW: highest('LOW'),
    UNKNOWN: highest('UNKNOWN'),
  };
}

/** The numbers of all repositories together. */
export interface ReportTotals {
  readonly images: number;
  readonly tags: number;
  readonly distinctBytes: number;
  readonly sumBytes: number;
  readonly isExact: boolean;
  /** Undefined when no watched image was scanned. */
  readonly findings: SeverityCounts | undefined;
  /** Watched images without a complete result. */
  readonly unscanned: number;
  /** Without `behind`; undefined without environments. */
  readonly drift: number | undefined;
  /** Settings that differ from the setup file; undefined without one, or when no registry could be compared. */
  readonly settings: number | undefined;
}

export function totalsOf({
  repositories,
  drift,
  settings = [],
}: Pick<ReportResult, 'repositories' | 'drift' | 'settings'>): ReportTotals {
  const compared = settings.flatMap(({ differences }) => differences?.length ?? []);
  const contents = repositories.flatMap(({ content }) => content ?? []);
  const watched = repositories.flatMap((each) => each.watched);
  const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0);
  return {
    images: sum(contents.map(({ counts }) => counts.images)),
    tags: sum(contents.map(({ counts }) => counts.tags)),
    distinctBytes: sum(contents.map(({ sizes }) => sizes.distinct)),
    sumBytes: sum(contents.map(({ sizes }) => sizes.sum)),
    isExact: contents.every(({ sizes }) => sizes.isExact),
    findings: highestCounts(watched),
    unscanned: watched.filter(
      ({ image, scans }) => image.kind === 'image' && !scans.some(({ status }) => status === 'complete'),
    ).length,
    drift: drift?.drifts.filter(({ kind }) => kind !== 'behind').length,
    settings: compared.length === 0 ? undefined : sum(compared),
  };
}
