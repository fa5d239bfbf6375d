import type { Digest } from '../../domain/digest.ts';
import { type Fields, fieldsOf } from '../../domain/fields.ts';
import { type ScanResult, scanFinding, uniqueFindings } from '../../domain/report/scan.ts';
import { unexpected } from '../../http/api.ts';
import { timeOf } from '../listed-tags.ts';

/** Where Google keeps scan results. https://docs.cloud.google.com/artifact-analysis/docs/reference/rest */
export const ANALYSIS_HOST = 'containeranalysis.googleapis.com';

const MAX_PAGES = 100;

/** Reads one page of occurrences; the path is relative to the version of the API. */
type AskAnalysis = (path: string, what: string) => Promise<Fields>;

/**
 * The scan of one manifest by Artifact Analysis: what it says about the scan itself (DISCOVERY), and the vulnerabilities.
 * @param project `projects/p`
 * @param image in full, without tag: `us-docker.pkg.dev/p/r/app`
 */
export async function analysisScan(
  ask: AskAnalysis,
  project: string,
  image: string,
  digest: Digest,
): Promise<ScanResult> {
  const list = (kind: 'DISCOVERY' | 'VULNERABILITY') =>
    occurrences(
      ask,
      project,
      `kind="${kind}" AND resourceUrl="https://${image}@${digest}"`,
      `${kind} of ${image}@${digest}`,
    );
  const discovery = await list('DISCOVERY');
  const state = readDiscovery(discovery);
  if (state.status !== 'complete' && state.status !== 'stale') return state;
  return { ...state, findings: readVulnerabilities(await list('VULNERABILITY')) };
}

async function occurrences(
  ask: AskAnalysis,
  project: string,
  filter: string,
  what: string,
): Promise<readonly unknown[]> {
  const found: unknown[] = [];
  const seen = new Set<string>();
  for (let page = ''; seen.size < MAX_PAGES; ) {
    const query = new URLSearchParams({ filter, pageSize: '1000', ...(page === '' ? {} : { pageToken: page }) });
    const {
      occurrences: rows = [],
      nextPageToken = '',
      unreachable = [],
    } = await ask(`${project}/occurrences?${query}`, what);
    if (!Array.isArray(rows) || typeof nextPageToken !== 'string') throw unexpected(ANALYSIS_HOST, what);
    // Without the results of a region, an image would look cleaner than it is.
    if (!Array.isArray(unreachable) || unreachable.length > 0)
      throw unexpected(
        ANALYSIS_HOST,
        `${what} (regions that did not answer: ${[unreachable].flat().map(String).join(', ')})`,
      );
    found.push(...rows);
    if (nextPageToken === '') return found;
    if (seen.has(nextPageToken)) break;
    seen.add(nextPageToken);
    page = nextPageToken;
  }
  throw unexpected(ANALYSIS_HOST, `${what} (its pages do not end)`);
}

const STATUSES: Readonly<Record<string, ScanResult['status']>> = {
  PENDING: 'pending',
  SCANNING: 'pending',
  FINISHED_SUCCESS: 'complete',
  COMPLETE: 'complete',
  FINISHED_FAILED: 'failed',
  FINISHED_UNSUPPORTED: 'unsupported',
};

/** Reads the state of a scan: several occurrences may describe different analyses, of which the best counts. Pure. */
export function readDiscovery(rows: readonly unknown[]): ScanResult {
  const source = 'artifact-analysis';
  const states = rows
    .map((row) => fieldsOf(fieldsOf(row).discovery))
    .filter(({ analysisStatus }) => typeof analysisStatus === 'string')
    .map((discovery): ScanResult => {
      const { analysisStatus, analysisStatusError, continuousAnalysis, archiveTime, lastScanTime } = discovery;
      const status = STATUSES[String(analysisStatus)] ?? 'failed';
      const { message } = fieldsOf(analysisStatusError);
      const isStale = status === 'complete' && (continuousAnalysis === 'INACTIVE' || timeOf(archiveTime) !== undefined);
      const scanned = timeOf(lastScanTime);
      return {
        source,
        status: isStale ? 'stale' : status,
        ...(isStale
          ? { reason: 'Google scans only images that were pushed or pulled in the last 30 days.' }
          : typeof message === 'string' && message !== ''
            ? { reason: message.slice(0, 300) }
            : {}),
        ...(scanned === undefined ? {} : { scannedAt: scanned.toISOString() }),
      };
    });
  const order: readonly ScanResult['status'][] = ['complete', 'stale', 'pending', 'failed', 'unsupported'];
  return (
    states.toSorted((a, b) => order.indexOf(a.status) - order.indexOf(b.status))[0] ?? { source, status: 'missing' }
  );
}

/** Reads vulnerabilities; those that a VEX statement of the project clears do not count. Pure. */
export function readVulnerabilities(rows: readonly unknown[]): NonNullable<ScanResult['findings']> {
  return uniqueFindings(
    rows.flatMap((row) => {
      const { vulnerability, noteName } = fieldsOf(row);
      const { effectiveSeverity, severity, packageIssue, vexAssessment } = fieldsOf(vulnerability);
      const { state } = fieldsOf(vexAssessment);
      if (state === 'NOT_AFFECTED' || state === 'FIXED') return [];
      const id = typeof noteName === 'string' ? noteName.split('/').at(-1) : undefined;
      const worst = effectiveSeverity === 'SEVERITY_UNSPECIFIED' ? severity : (effectiveSeverity ?? severity);
      const issues = Array.isArray(packageIssue) ? packageIssue.map(fieldsOf) : [];
      return (issues.length === 0 ? [fieldsOf(undefined)] : issues).flatMap((issue) => {
        const { affectedPackage, affectedVersion, fixedVersion } = issue;
        return (
          scanFinding({
            id,
            severity: worst,
            package: affectedPackage,
            version: versionOf(affectedVersion),
            fixed: versionOf(fixedVersion),
          }) ?? []
        );
      });
    }),
  );
}

/** `MAXIMUM` stands for "no version". */
function versionOf(value: unknown): unknown {
  const { kind, fullName, name } = fieldsOf(value);
  return kind === 'MAXIMUM' || kind === 'MINIMUM' ? undefined : (fullName ?? name);
}
