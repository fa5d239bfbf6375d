import type { ECR } from '@aws-sdk/client-ecr';
import type { Digest } from '../../domain/digest.ts';
import { fieldsOf } from '../../domain/fields.ts';
import { type ScanResult, scanFinding, uniqueFindings } from '../../domain/report/scan.ts';
import { unexpected } from '../../http/api.ts';
import type { ManagementContext } from '../vendor.ts';
import type { Ask, EcrName } from './ecr-api.ts';
import { readSdkError } from './sdk.ts';

/** Pages of one image: a page has at most 1000 findings. */
const MAX_PAGES = 100;

type Status = Pick<ScanResult, 'status'> & { readonly reason?: string };

/**
 * ECR's statuses of basic and enhanced scanning. Continuous scans are `ACTIVE` for as long as they go on.
 * https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ImageScanStatus.html
 */
const STATUSES: Readonly<Record<string, Status['status']>> = {
  COMPLETE: 'complete',
  ACTIVE: 'complete',
  IN_PROGRESS: 'pending',
  PENDING: 'pending',
  FAILED: 'failed',
  UNSUPPORTED_IMAGE: 'unsupported',
  IMAGE_ARCHIVED: 'unsupported',
  IMAGE_SIZE_EXCEEDED: 'unsupported',
  LIMIT_EXCEEDED: 'failed',
  SCAN_ELIGIBILITY_EXPIRED: 'stale',
  FINDINGS_UNAVAILABLE: 'stale',
};

/** The scan of one manifest by ECR itself or by Amazon Inspector. */
export async function ecrScan(
  context: ManagementContext,
  name: EcrName,
  ask: Ask<ECR>,
  imageDigest: Digest,
): Promise<ScanResult> {
  const what = `reading the scan of ${name.repositoryName}@${imageDigest}`;
  const pages: unknown[] = [];
  const seen = new Set<string>();
  for (let nextToken: string | undefined; pages.length < MAX_PAGES; ) {
    const more = nextToken === undefined ? {} : { nextToken };
    const page = await ask('read', what, async (client) => {
      try {
        return await client.describeImageScanFindings({ ...name, imageId: { imageDigest }, maxResults: 1000, ...more });
      } catch (error) {
        if (NOT_SCANNED.has(readSdkError(error).name)) return undefined;
        throw error;
      }
    });
    if (page === undefined) return { source: 'ecr', status: 'missing' };
    pages.push(page);
    nextToken = page.nextToken;
    if (nextToken === undefined || nextToken === '') return readEcrScan(pages);
    if (seen.has(nextToken)) throw unexpected(context.host, `${what} (its pages do not end)`);
    seen.add(nextToken);
  }
  const { findings = [], ...read } = readEcrScan(pages);
  return { ...read, status: 'partial', reason: `Only the first ${findings.length} findings were read.`, findings };
}

const NOT_SCANNED: ReadonlySet<string> = new Set(['ScanNotFoundException', 'ImageNotFoundException']);

/** Reads the pages of an answer. Pure. */
export function readEcrScan(pages: readonly unknown[]): ScanResult {
  const last = fieldsOf(pages.at(-1));
  const results = pages.map((page) => fieldsOf(fieldsOf(page).imageScanFindings));
  const basic = results.flatMap(({ findings }) => listOf(findings));
  const enhanced = results.flatMap(({ enhancedFindings }) => listOf(enhancedFindings));
  const { status: said, description } = fieldsOf(last.imageScanStatus);
  const isInspector = enhanced.length > 0 || said === 'ACTIVE' || said === 'SCAN_ELIGIBILITY_EXPIRED';
  const source = isInspector ? 'inspector' : 'ecr';
  const reason = typeof description === 'string' ? description.slice(0, 300) : undefined;
  const completed = results
    .map(({ imageScanCompletedAt }) => imageScanCompletedAt)
    .find((time) => time instanceof Date);
  const counts = results.some(({ findingSeverityCounts }) => Object.keys(fieldsOf(findingSeverityCounts)).length > 0);
  const status = statusOf(said, reason);
  const why = status === 'complete' || reason === undefined ? {} : { reason };
  const hasResult = basic.length + enhanced.length > 0 || completed !== undefined || counts;
  // Both scanners report success before their first result: https://github.com/aws/aws-sdk/issues/289
  if (status === 'complete' && !hasResult) {
    return { source, status: 'pending', reason: 'The scan is reported as done, but has no result yet.' };
  }
  if (status !== 'complete' && (status !== 'stale' || !hasResult)) return { source, status, ...why };
  return {
    source,
    status,
    ...why,
    ...(completed instanceof Date ? { scannedAt: completed.toISOString() } : {}),
    findings: uniqueFindings([...basic.flatMap(basicFinding), ...enhanced.flatMap(enhancedFinding)]),
  };
}

function statusOf(said: unknown, reason = ''): Status['status'] {
  if (said === 'FAILED' && /unsupported/i.test(reason)) return 'unsupported';
  const known = String(said);
  return Object.hasOwn(STATUSES, known) ? (STATUSES[known] ?? 'failed') : 'failed';
}

function basicFinding(value: unknown) {
  const { name: id, severity, attributes } = fieldsOf(value);
  const values = new Map(listOf(attributes).map((each) => [fieldsOf(each).key, fieldsOf(each).value]));
  return (
    scanFinding({ id, severity, package: values.get('package_name'), version: values.get('package_version') }) ?? []
  );
}

/** Inspector lists one finding for several packages; closed and suppressed ones do not count. */
function enhancedFinding(value: unknown) {
  const { packageVulnerabilityDetails, severity, status } = fieldsOf(value);
  if (status === 'CLOSED' || status === 'SUPPRESSED') return [];
  const { vulnerabilityId: id, vulnerablePackages } = fieldsOf(packageVulnerabilityDetails);
  const packages = listOf(vulnerablePackages).map(fieldsOf);
  return (packages.length === 0 ? [{}] : packages).flatMap(
    (pkg: { readonly name?: unknown; readonly version?: unknown; readonly fixedInVersion?: unknown }) =>
      scanFinding({ id, severity, package: pkg.name, version: pkg.version, fixed: pkg.fixedInVersion }) ?? [],
  );
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
