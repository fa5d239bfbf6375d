import type { Digest } from '../../src/domain/digest.ts';
import type { Finding } from '../../src/domain/gate/finding.ts';
import type { PlatformReport } from '../../src/domain/gate/platform-report.ts';
import { type GateResult, type Judged, judge } from '../../src/domain/gate/policy.ts';
import type { ReportFinding, ScanReport } from '../../src/domain/gate/report.ts';

export const TODAY = '2026-06-15';
export const INDEX_DIGEST: Digest = `sha256:${'1'.repeat(64)}`;
export const ARM64_DIGEST: Digest = `sha256:${'a'.repeat(64)}`;
export const AMD64_DIGEST: Digest = `sha256:${'b'.repeat(64)}`;

/** CVE-2019-10744, CRITICAL, in lodash 4.17.11, fixed in 4.17.12. */
export function lodash(change: Partial<ReportFinding> = {}): ReportFinding {
  return {
    class: 'vulnerability',
    id: 'CVE-2019-10744',
    severity: 'CRITICAL',
    target: 'Node.js',
    title: 'prototype pollution in defaultsDeep',
    url: 'https://avd.aquasec.com/nvd/cve-2019-10744',
    path: 'app/node_modules/lodash/package.json',
    layer: `sha256:${'c'.repeat(64)}`,
    aliases: ['GHSA-jf85-cpcp-j695'],
    package: {
      name: 'lodash',
      type: 'node-pkg',
      installed: '4.17.11',
      fixed: '4.17.12',
      status: 'fixed',
      purl: 'pkg:npm/lodash@4.17.11',
    },
    ...change,
  };
}

/** CVE-2024-29415, HIGH, in ip, which nobody has fixed. */
export function ip(change: Partial<ReportFinding> = {}): ReportFinding {
  const pkg = { name: 'ip', type: 'node-pkg', installed: '2.0.1', status: 'affected', purl: 'pkg:npm/ip@2.0.1' };
  return {
    ...lodash({ id: 'CVE-2024-29415', severity: 'HIGH', path: 'app/node_modules/ip/package.json', package: pkg }),
    ...change,
  };
}

export const SECRET: ReportFinding = {
  class: 'secret',
  id: 'github-pat',
  severity: 'CRITICAL',
  target: 'app/.npmrc',
  path: 'app/.npmrc',
  line: 3,
  title: 'GitHub Personal Access Token',
};

export function platformReport(
  findings: readonly ReportFinding[] = [],
  change: Partial<Omit<PlatformReport, 'report'>> & { readonly report?: Partial<ScanReport> } = {},
): PlatformReport {
  const arm64 = change.platform === 'linux/arm64';
  return {
    platform: 'linux/amd64',
    digest: arm64 ? ARM64_DIGEST : AMD64_DIGEST,
    scanners: ['vuln', 'secret'],
    osFiles: ['etc/os-release', 'lib/apk/db/installed'],
    ...change,
    report: {
      scannerVersion: '0.76.0',
      imageId: 'sha256:1',
      diffIds: ['sha256:2'],
      os: 'linux',
      architecture: arm64 ? 'arm64' : 'amd64',
      system: { family: 'alpine', version: '3.22.1', endOfLife: false },
      systemPackages: 15,
      installed: [],
      languagePackages: 3,
      findings,
      ...change.report,
    },
  };
}

/** Judges with the default policy, on {@link TODAY}. */
export function judgeReports(
  reports: readonly PlatformReport[],
  change: Partial<Omit<Judged, 'policy'>> & { readonly policy?: Partial<Judged['policy']> } = {},
): GateResult {
  return judge({
    image: { digest: INDEX_DIGEST, names: ['ghcr.io/org/app'] },
    ignores: [],
    vex: [],
    today: TODAY,
    ...change,
    reports,
    policy: {
      severities: ['CRITICAL', 'HIGH'],
      ignoreUnfixed: false,
      failOnEol: true,
      allowUnknownOs: false,
      ...change.policy,
    },
  });
}

export const idsOf = (findings: readonly Finding[]) => findings.map(({ id }) => id);
