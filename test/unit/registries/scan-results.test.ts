import { describe, expect, it } from 'vitest';
import { readAssessment, readDefender } from '../../../src/registries/acr/defender.ts';
import { readDiscovery, readVulnerabilities } from '../../../src/registries/artifact-registry/scan.ts';
import { readEcrScan } from '../../../src/registries/aws/ecr-scan.ts';
import { readOverview, readReport } from '../../../src/registries/harbor/scan.ts';

const ecr = (status: string, imageScanFindings: object = {}, description?: string) =>
  readEcrScan([{ imageScanStatus: { status, description }, imageScanFindings }]);
const DONE = { imageScanCompletedAt: new Date('2026-01-02T03:04:05Z') };
const BASIC = {
  ...DONE,
  findings: [
    {
      name: 'CVE-2024-1',
      severity: 'CRITICAL',
      attributes: [
        { key: 'package_name', value: 'openssl' },
        { key: 'package_version', value: '3.0' },
      ],
    },
    { name: 'CVE-2024-2', severity: 'INFORMATIONAL' },
    { name: 'CVE-2024-3', severity: 'UNDEFINED' },
  ],
  findingSeverityCounts: { CRITICAL: 1 },
};
const ENHANCED = {
  enhancedFindings: [
    {
      severity: 'HIGH',
      status: 'ACTIVE',
      packageVulnerabilityDetails: {
        vulnerabilityId: 'CVE-2022-49043',
        vulnerablePackages: [
          { name: 'libxml2', version: '2.9', fixedInVersion: '2.10' },
          { name: 'libxml2-utils', version: '2.9', fixedInVersion: 'NotAvailable' },
        ],
      },
    },
    { severity: 'HIGH', status: 'SUPPRESSED', packageVulnerabilityDetails: { vulnerabilityId: 'CVE-2020-1' } },
    { severity: 'UNTRIAGED', packageVulnerabilityDetails: { vulnerabilityId: 'CVE-2026-9' } },
  ],
};

describe('Amazon ECR', () => {
  it('reads basic scans', () => {
    expect(ecr('COMPLETE', BASIC)).toEqual({
      source: 'ecr',
      status: 'complete',
      scannedAt: '2026-01-02T03:04:05.000Z',
      findings: [
        { id: 'CVE-2024-1', severity: 'CRITICAL', package: 'openssl', version: '3.0' },
        { id: 'CVE-2024-2', severity: 'LOW' },
        { id: 'CVE-2024-3', severity: 'UNKNOWN' },
      ],
    });
  });

  it('a clean scan is complete with no findings', () => {
    expect(ecr('COMPLETE', { ...DONE, findings: [], findingSeverityCounts: {} })).toMatchObject({
      status: 'complete',
      findings: [],
    });
  });

  // https://github.com/kubescape/kubescape/issues/2962
  it('reads continuous scans, whose findings are in another list', () => {
    expect(ecr('ACTIVE', ENHANCED)).toEqual({
      source: 'inspector',
      status: 'complete',
      findings: [
        { id: 'CVE-2022-49043', severity: 'HIGH', package: 'libxml2', version: '2.9', fixed: '2.10' },
        { id: 'CVE-2022-49043', severity: 'HIGH', package: 'libxml2-utils', version: '2.9' },
        { id: 'CVE-2026-9', severity: 'UNKNOWN' },
      ],
    });
  });

  // https://github.com/aws/aws-sdk/issues/289, https://github.com/aws/aws-cli/issues/6759
  it.each(['COMPLETE', 'ACTIVE'])('%s without any result is pending, not clean', (status) => {
    const { findings, ...rest } = ecr(status, { findings: [] });
    expect(rest.status).toBe('pending');
    expect(findings).toBeUndefined();
  });

  it.each([
    ['IN_PROGRESS', 'pending'],
    ['PENDING', 'pending'],
    ['FAILED', 'failed'],
    ['UNSUPPORTED_IMAGE', 'unsupported'],
    ['IMAGE_SIZE_EXCEEDED', 'unsupported'],
    ['IMAGE_ARCHIVED', 'unsupported'],
    ['LIMIT_EXCEEDED', 'failed'],
    ['FINDINGS_UNAVAILABLE', 'stale'],
    ['SCAN_ELIGIBILITY_EXPIRED', 'stale'],
    ['SOMETHING_NEW', 'failed'],
  ])('%s is %s, without a count', (said, status) => {
    const read = ecr(said, {}, 'why');
    expect(read).toMatchObject({ status, reason: 'why' });
    expect(read.findings).toBeUndefined();
  });

  it('an image that cannot be scanned is not a failed scan', () => {
    expect(ecr('FAILED', {}, 'UnsupportedImageError: the operating system is not supported').status).toBe(
      'unsupported',
    );
  });

  it('old results are kept, as out of date', () => {
    expect(ecr('SCAN_ELIGIBILITY_EXPIRED', ENHANCED)).toMatchObject({ status: 'stale', source: 'inspector' });
    expect(ecr('SCAN_ELIGIBILITY_EXPIRED', ENHANCED).findings).toHaveLength(3);
  });

  it('adds up pages', () => {
    const page = (name: string) => ({
      imageScanStatus: { status: 'COMPLETE' },
      imageScanFindings: { ...DONE, findings: [{ name, severity: 'HIGH' }] },
    });
    expect(readEcrScan([page('CVE-1'), page('CVE-2')]).findings).toHaveLength(2);
  });
});

describe('Artifact Analysis', () => {
  it.each([
    [[{ discovery: { analysisStatus: 'FINISHED_SUCCESS' } }], 'complete'],
    [[{ discovery: { analysisStatus: 'COMPLETE', continuousAnalysis: 'ACTIVE' } }], 'complete'],
    [[{ discovery: { analysisStatus: 'FINISHED_SUCCESS', continuousAnalysis: 'INACTIVE' } }], 'stale'],
    [[{ discovery: { analysisStatus: 'FINISHED_SUCCESS', archiveTime: '2026-01-01T00:00:00Z' } }], 'stale'],
    [[{ discovery: { analysisStatus: 'SCANNING' } }], 'pending'],
    [[{ discovery: { analysisStatus: 'FINISHED_UNSUPPORTED' } }], 'unsupported'],
    [[{ discovery: { analysisStatus: 'FINISHED_FAILED', analysisStatusError: { message: 'x' } } }], 'failed'],
    [[{ discovery: { analysisStatus: 'FINISHED_FAILED' } }, { discovery: { analysisStatus: 'COMPLETE' } }], 'complete'],
    [[], 'missing'],
    [[{ discovery: {} }], 'missing'],
  ])('%j is %s', (rows, status) => {
    expect(readDiscovery(rows)).toMatchObject({ status });
  });

  it('reads the effective severity, and no fix where there is none', () => {
    const row = (id: string, more: object) => ({ noteName: `projects/goog-vulnz/notes/${id}`, vulnerability: more });
    expect(
      readVulnerabilities([
        row('CVE-2024-1', {
          severity: 'CRITICAL',
          effectiveSeverity: 'MINIMAL',
          packageIssue: [
            {
              affectedPackage: 'zlib',
              affectedVersion: { fullName: '1.2' },
              fixedVersion: { kind: 'MAXIMUM', fullName: 'x' },
            },
          ],
        }),
        row('CVE-2024-2', {
          effectiveSeverity: 'HIGH',
          packageIssue: [{ affectedPackage: 'curl', fixedVersion: { name: '8.1', kind: 'NORMAL' } }],
        }),
        row('CVE-2024-3', { effectiveSeverity: 'HIGH', vexAssessment: { state: 'NOT_AFFECTED' } }),
      ]),
    ).toEqual([
      { id: 'CVE-2024-1', severity: 'LOW', package: 'zlib', version: '1.2' },
      { id: 'CVE-2024-2', severity: 'HIGH', package: 'curl', fixed: '8.1' },
    ]);
  });
});

describe('Harbor', () => {
  const TYPE = 'application/vnd.security.vulnerability.report; version=1.1';
  it.each([
    [{ scan_status: 'Success', complete_percent: 100 }, 'complete'],
    [{ scan_status: 'Success' }, 'complete'],
    [{ scan_status: 'Success', complete_percent: 50 }, 'partial'],
    [{ scan_status: 'Running' }, 'pending'],
    [{ scan_status: 'Scheduled' }, 'pending'],
    [{ scan_status: 'Error' }, 'failed'],
    [{ scan_status: 'Stopped' }, 'failed'],
    [{ scan_status: 'Not Scanned' }, 'missing'],
    [{ scan_status: 'Unsupported' }, 'unsupported'],
  ])('%j is %s', (summary, status) => {
    expect(readOverview({ [TYPE]: summary })).toMatchObject({ status });
  });

  it('no summary is no scan', () => {
    expect(readOverview({})).toEqual({ source: 'harbor', status: 'missing' });
  });

  it('reads findings; null is an empty list, and no report is unknown', () => {
    expect(
      readReport({
        [TYPE]: {
          vulnerabilities: [{ id: 'CVE-1', severity: 'Negligible', package: 'a', version: '1', fix_version: '' }],
        },
      }),
    ).toEqual([{ id: 'CVE-1', severity: 'LOW', package: 'a', version: '1' }]);
    expect(readReport({ [TYPE]: { vulnerabilities: null } })).toEqual([]);
    expect(readReport({})).toBeUndefined();
  });
});

describe('Microsoft Defender', () => {
  const row = (id: string, code: string, severity: string) => ({
    properties: {
      id,
      status: { code },
      timeGenerated: '2026-01-02T00:00:00Z',
      additionalData: {
        vulnerabilityDetails: { severity },
        softwareDetails: { packageName: 'zlib', version: '1.2', fixedVersion: '1.3' },
      },
    },
  });

  it('reads findings without healthy and exempted ones', () => {
    expect(
      readDefender([
        row('CVE-1', 'Unhealthy', 'High'),
        row('CVE-2', 'Healthy', 'High'),
        row('CVE-3', 'NotApplicable', 'Low'),
      ]),
    ).toEqual({
      source: 'defender',
      status: 'complete',
      scannedAt: '2026-01-02T00:00:00.000Z',
      findings: [{ id: 'CVE-1', severity: 'HIGH', package: 'zlib', version: '1.2', fixed: '1.3' }],
    });
  });

  it.each([
    [[{ properties: { status: { code: 'Healthy' } } }], 'complete', 0],
    [[{ properties: { status: { code: 'NotApplicable', cause: 'NoImages' } } }], 'unsupported', undefined],
    [[{ properties: { status: { code: 'Unhealthy' } } }], 'missing', undefined],
    [[], 'missing', undefined],
  ])('without findings the assessment %j decides: %s', (rows, status, count) => {
    const { findings, ...read } = readAssessment(rows);
    expect(read.status).toBe(status);
    expect(findings?.length).toBe(count);
  });
});

it.each([
  ['ECR', () => readEcrScan([null, 'text', { imageScanFindings: [] }])],
  ['Artifact Analysis', () => readVulnerabilities([null, 1, { vulnerability: [] }])],
  ['Harbor', () => readReport({ a: { vulnerabilities: [null, 'x', { id: 5 }] } })],
  ['Defender', () => readDefender([null, { properties: 'x' }])],
])('%s: an answer of another form does not break the report', (_, read) => {
  expect(read).not.toThrow();
});
