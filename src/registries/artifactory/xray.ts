import { type Digest, splitDigest } from '../../domain/digest.ts';
import { fieldsOf } from '../../domain/fields.ts';
import { type ScanResult, scanFinding, uniqueFindings } from '../../domain/report/scan.ts';
import { ActionError } from '../../errors/action-error.ts';
import { unexpected } from '../../http/api.ts';
import type { ManagementContext } from '../vendor.ts';
import { type Artifactory, openArtifactory } from './api.ts';

const STATUSES: Readonly<Record<string, Pick<ScanResult, 'status' | 'reason'>>> = {
  DONE: { status: 'complete' },
  PARTIAL: { status: 'partial', reason: 'Xray has looked at a part of the image.' },
  PENDING: { status: 'pending' },
  SCANNING: { status: 'pending' },
  NOT_SCANNED: { status: 'missing' },
  NOT_SUPPORTED: { status: 'unsupported', reason: 'Xray does not support the image.' },
  FAILED: { status: 'failed', reason: 'The scan of Xray failed.' },
};

/**
 * The findings of JFrog Xray for one manifest. The status is asked for first: an image that was never scanned has no issues, either.
 * https://jfrog.com/help/r/xray-rest-apis
 */
export async function xrayScan(context: ManagementContext, digest: Digest): Promise<ScanResult> {
  const { host } = context;
  const { key, image, ask, folders } = openArtifactory(context);
  const [folder] = await folders({ digest });
  if (folder === undefined) return { source: 'xray', status: 'missing' };
  const path = `${image}/${folder.name}/manifest.json`;
  const status = await readStatus(ask, { host, repo: key, path });
  if (status.status !== 'complete' && status.status !== 'partial') return { source: 'xray', ...status };
  const what = `the findings of Xray for ${path}`;
  const { json } = await ask({
    method: 'POST',
    path: '/xray/api/v2/summary/artifact',
    json: { checksums: [splitDigest(digest).hex] },
    expect: [200],
    operation: 'read',
    what,
  });
  const { artifacts, errors } = fieldsOf(json);
  if (!Array.isArray(artifacts)) throw unexpected(host, what);
  const [failed] = Array.isArray(errors) ? errors.map(fieldsOf) : [];
  if (artifacts.length === 0)
    return {
      source: 'xray',
      status: 'missing',
      reason: typeof failed?.error === 'string' ? failed.error : 'Xray has no summary of the image.',
    };
  return { source: 'xray', ...status, findings: readIssues(artifacts) };
}

async function readStatus(
  ask: Artifactory['ask'],
  { host, repo, path }: { readonly host: string; readonly repo: string; readonly path: string },
): Promise<Pick<ScanResult, 'status' | 'reason'>> {
  const what = `the status of Xray for ${path}`;
  try {
    const { json } = await ask({
      method: 'POST',
      path: '/xray/api/v1/artifact/status',
      json: { repo, path },
      expect: [200],
      operation: 'read',
      what,
    });
    const { overall } = fieldsOf(json);
    const word = typeof overall === 'string' ? overall : fieldsOf(overall).status;
    const known = typeof word === 'string' && Object.hasOwn(STATUSES, word) ? STATUSES[word] : undefined;
    if (known === undefined) throw unexpected(host, what);
    return known;
  } catch (error) {
    // An Artifactory without Xray has no such API.
    if (error instanceof ActionError && error.facts.status === 404)
      return {
        status: 'missing',
        reason: 'There is no Xray at this Artifactory, or it does not index the repository.',
      };
    throw error;
  }
}

/** Vulnerabilities of all artifacts. An issue without a CVE keeps the id of Xray. Pure. */
function readIssues(artifacts: readonly unknown[]) {
  const findings = artifacts.flatMap((artifact) => {
    const { issues } = fieldsOf(artifact);
    return (Array.isArray(issues) ? issues.map(fieldsOf) : []).flatMap(({ issue_id, severity, issue_type, cves }) => {
      if (issue_type !== undefined && issue_type !== 'security') return [];
      const ids = (Array.isArray(cves) ? cves : []).flatMap((each) => fieldsOf(each).cve ?? []);
      return (ids.length === 0 ? [issue_id] : ids).flatMap((id) => scanFinding({ id, severity }) ?? []);
    });
  });
  return uniqueFindings(findings);
}
