import type { Digest } from '../../domain/digest.ts';
import { type Fields, fieldsOf } from '../../domain/fields.ts';
import { type ScanResult, scanFinding, uniqueFindings } from '../../domain/report/scan.ts';
import { unexpected } from '../../http/api.ts';
import type { ManagementContext } from '../vendor.ts';
import { entraToken } from './identity.ts';

const ARM_HOST = 'management.azure.com';
const GRAPH = `https://${ARM_HOST}/providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01`;
const MAX_PAGES = 50;

/**
 * The findings of Microsoft Defender for one manifest, from Azure Resource Graph. No rows may mean that nothing was found or that
 * nothing was scanned: then the assessment of the registry decides.
 * https://learn.microsoft.com/azure/defender-for-cloud/subassessment-rest-api
 */
export async function defenderScan(context: ManagementContext, digest: Digest): Promise<ScanResult> {
  const { host } = context;
  const token = await entraToken(context, `https://${ARM_HOST}/.default`);
  context.api.secret(token);
  const query = async (text: string, what: string): Promise<readonly unknown[]> => {
    const found: unknown[] = [];
    for (let page = '', count = 0; count < MAX_PAGES; count += 1) {
      const { json } = await context.api.request({
        method: 'POST',
        url: new URL(GRAPH),
        headers: { authorization: `Bearer ${token}` },
        json: {
          query: text,
          options: { resultFormat: 'objectArray', $top: 1000, ...(page === '' ? {} : { $skipToken: page }) },
        },
        expect: [200],
        operation: 'read',
        what,
        facts: { registry: host },
      });
      const { data, $skipToken = '' } = fieldsOf(json);
      if (!Array.isArray(data) || typeof $skipToken !== 'string') throw unexpected(ARM_HOST, what);
      found.push(...data);
      if ($skipToken === '') return found;
      if ($skipToken === page) break;
      page = $skipToken;
    }
    throw unexpected(ARM_HOST, `${what} (its pages do not end)`);
  };
  const rows = await query(
    [
      'securityresources',
      "where type =~ 'microsoft.security/assessments/subassessments'",
      "where tostring(properties.additionalData.assessedResourceType) =~ 'AzureContainerRegistryVulnerability'",
      `where tostring(properties.additionalData.artifactDetails.registryHost) =~ '${host}'`,
      `where tostring(properties.additionalData.artifactDetails.digest) =~ '${digest}'`,
      'project properties',
    ].join(' | '),
    `the findings of ${digest}`,
  );
  if (rows.length > 0) return readDefender(rows);
  const registry = host.split('.', 1)[0] ?? host;
  const assessments = await query(
    [
      'securityresources',
      "where type =~ 'microsoft.security/assessments'",
      `where name =~ '${ASSESSMENT}'`,
      `where tostring(properties.resourceDetails.Id) endswith '/registries/${registry}'`,
      'project properties',
    ].join(' | '),
    `the assessment of ${host}`,
  );
  return readAssessment(assessments);
}

/** "Azure registry container images should have vulnerabilities resolved". */
const ASSESSMENT = 'c0b7cfc6-3172-465a-b378-53c7ff2cc0d5';

/** Reads findings of one image. Healthy and exempted ones do not count. Pure. */
export function readDefender(rows: readonly unknown[]): ScanResult {
  const findings = rows.flatMap((row) => {
    const { id, status, additionalData, timeGenerated: _ } = fieldsOf(fieldsOf(row).properties);
    if (fieldsOf(status).code === 'Healthy' || fieldsOf(status).code === 'NotApplicable') return [];
    const { vulnerabilityDetails, softwareDetails } = fieldsOf(additionalData);
    const { severity, cveId } = fieldsOf(vulnerabilityDetails);
    const { packageName, version, fixedVersion } = fieldsOf(softwareDetails);
    return (
      scanFinding({
        id: id ?? cveId,
        severity: severity ?? fieldsOf(status).severity,
        package: packageName,
        version,
        fixed: fixedVersion,
      }) ?? []
    );
  });
  const times = rows
    .map((row) => fieldsOf(fieldsOf(row).properties).timeGenerated)
    .flatMap((time) =>
      typeof time === 'string' && !Number.isNaN(Date.parse(time)) ? new Date(time).toISOString() : [],
    );
  const newest = times.toSorted().at(-1);
  return {
    source: 'defender',
    status: 'complete',
    ...(newest === undefined ? {} : { scannedAt: newest }),
    findings: uniqueFindings(findings),
  };
}

/** What no finding means, by the assessment of the registry. Pure. */
export function readAssessment(rows: readonly unknown[]): ScanResult {
  const source = 'defender';
  const statuses = rows.map((row): Fields => fieldsOf(fieldsOf(fieldsOf(row).properties).status));
  const [first] = statuses;
  if (first === undefined) {
    return { source, status: 'missing', reason: 'Defender has no assessment of this registry: its plan may be off.' };
  }
  const { code, cause, description } = first;
  const why = [cause, description].filter((part) => typeof part === 'string' && part !== '').join(': ');
  if (code === 'Healthy') return { source, status: 'complete', findings: [] };
  if (code === 'NotApplicable')
    return { source, status: 'unsupported', ...(why === '' ? {} : { reason: why.slice(0, 300) }) };
  return {
    source,
    status: 'missing',
    reason:
      'Defender lists findings for other images of this registry and none for this one: it was not scanned, or nothing was found.',
  };
}
