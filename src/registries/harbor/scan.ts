import type { Digest } from '../../domain/digest.ts';
import { type Fields, fieldsOf } from '../../domain/fields.ts';
import { type ScanResult, scanFinding, uniqueFindings } from '../../domain/report/scan.ts';
import { timeOf } from '../listed-tags.ts';
import type { Harbor } from './api.ts';

/** The forms of a report that Harbor's scanners write, the richest first. */
const REPORT_TYPES = [
  'application/vnd.security.vulnerability.report; version=1.1',
  'application/vnd.scanner.adapter.vuln.report.harbor+json; version=1.0',
] as const;
const ACCEPT = { 'x-accept-vulnerabilities': REPORT_TYPES.join(', ') };

/** The scan of one manifest by the scanner that is connected to Harbor: its state, then its findings. */
export async function harborScan({ ask, artifacts }: Harbor, repository: string, digest: Digest): Promise<ScanResult> {
  const path = `${artifacts}/${encodeURIComponent(digest)}`;
  const overview = await ask({
    method: 'GET',
    path: `${path}?with_scan_overview=true`,
    headers: ACCEPT,
    expect: [200, 404],
    operation: 'read',
    what: `the scan of ${repository}@${digest}`,
  });
  const state = readOverview(overview.status === 404 ? {} : fieldsOf(fieldsOf(overview.json).scan_overview));
  if (state.status !== 'complete' && state.status !== 'partial') return state;
  const details = await ask({
    method: 'GET',
    path: `${path}/additions/vulnerabilities`,
    headers: ACCEPT,
    expect: [200, 404],
    operation: 'read',
    what: `the vulnerabilities of ${repository}@${digest}`,
  });
  const findings = details.status === 404 ? undefined : readReport(fieldsOf(details.json));
  // A report may be gone although its summary is still there.
  return findings === undefined
    ? { source: 'harbor', status: 'missing', reason: 'Harbor has a summary of a scan, but no report.' }
    : { ...state, findings };
}

const STATUSES: Readonly<Record<string, ScanResult['status']>> = {
  success: 'complete',
  pending: 'pending',
  running: 'pending',
  scheduled: 'pending',
  error: 'failed',
  stopped: 'failed',
  unsupported: 'unsupported',
  'not scanned': 'missing',
};

/** Reads the state of a scan from a summary by form of report. An index succeeds as soon as one of its platforms does. Pure. */
export function readOverview(overview: Fields): ScanResult {
  const source = 'harbor';
  const [first] = REPORT_TYPES.flatMap((type) => overview[type] ?? []).concat(Object.values(overview));
  if (first === undefined) return { source, status: 'missing' };
  const { scan_status, complete_percent, end_time } = fieldsOf(first);
  const status = STATUSES[String(scan_status).toLowerCase()] ?? 'failed';
  const scanned = timeOf(end_time);
  const isPartial = status === 'complete' && typeof complete_percent === 'number' && complete_percent < 100;
  return {
    source,
    status: isPartial ? 'partial' : status,
    ...(isPartial ? { reason: `Harbor scanned ${complete_percent} % of the image.` } : {}),
    ...(scanned === undefined ? {} : { scannedAt: scanned.toISOString() }),
  };
}

/** Reads the findings of a report; undefined when there is no report. Pure. */
export function readReport(reports: Fields): ScanResult['findings'] {
  const [first] = REPORT_TYPES.flatMap((type) => reports[type] ?? []).concat(Object.values(reports));
  const { vulnerabilities } = fieldsOf(first);
  if (vulnerabilities === null) return [];
  if (!Array.isArray(vulnerabilities)) return undefined;
  return uniqueFindings(
    vulnerabilities.flatMap((each: unknown) => {
      const { id, severity, package: name, version, fix_version } = fieldsOf(each);
      return scanFinding({ id, severity, package: name, version, fixed: fix_version }) ?? [];
    }),
  );
}
