import type { Digest } from '../digest.ts';
import type { ScanReport } from './report.ts';
import type { Scanner } from './severity.ts';
import type { ViewFacts } from './view-facts.ts';

/** What a scan of one platform came to: the report, bound to the manifest, and what the scanner does not tell. */
export interface PlatformReport {
  /** `linux/arm64`. */
  readonly platform: string;
  /** Digest of the platform's manifest. */
  readonly digest: Digest;
  readonly report: ScanReport;
  /** What was looked for. */
  readonly scanners: readonly Scanner[];
  /** Files of the image that an operating system or its package manager has put there. */
  readonly osFiles: readonly string[];
  /** The scanner said that it does not know this release of the system; there may be no advisories for it either. */
  readonly isUnlisted?: boolean;
  /** What the scan can have missed. */
  readonly view?: ViewFacts;
  /** No secrets were looked for in what seems to be the base image. */
  readonly skipsSecrets?: boolean;
  /** Files with private keys that do not count, because anybody can have them: those of installed packages' tests. */
  readonly publicKeys?: readonly string[];
}

/** What a report must speak of. */
export interface ScannedPlatform {
  readonly name: string;
  readonly platform: { readonly os: string; readonly architecture: string };
  readonly configDigest: Digest;
  readonly diffIds: readonly string[];
}

/**
 * What is wrong between a report and the platform that it should be about, as a phrase; undefined when it is about exactly
 * that. A report of a layout names no manifest: config digest, layers and platform are what binds them.
 * https://github.com/aquasecurity/trivy/blob/main/pkg/fanal/image/archive.go
 */
export function bindingProblem(
  report: ScanReport,
  expected: ScannedPlatform,
  scannerVersion: string,
): string | undefined {
  const { os, architecture } = expected.platform;
  if (expected.diffIds.length === 0) return 'the image has no layers, so a scan would look at nothing';
  if (report.imageId !== expected.configDigest)
    return `the report is about the image ${report.imageId}, expected ${expected.configDigest}`;
  if (report.diffIds.join() !== expected.diffIds.join()) {
    return `the report is about ${report.diffIds.length} layers (${report.diffIds.join(', ') || 'none'}), expected ${expected.diffIds.join(', ')}`;
  }
  if (report.os !== os || report.architecture !== architecture)
    return `the report is about ${report.os}/${report.architecture}, expected ${os}/${architecture}`;
  if (report.scannerVersion !== scannerVersion)
    return `the report was written by version ${report.scannerVersion ?? '(none)'}, expected ${scannerVersion}`;
  return undefined;
}

/** What is wrong between the platforms of an image and the reports there are, as a phrase: each has exactly one. */
export function coverageProblem(
  expected: readonly { readonly digest: Digest; readonly name: string }[],
  reports: readonly PlatformReport[],
): string | undefined {
  if (expected.length === 0) return 'the image has no platform';
  for (const { digest, name } of expected) {
    const count = reports.filter((each) => each.digest === digest).length;
    if (count !== 1) return `${name} (${digest}) has ${count} reports, expected one`;
  }
  const surplus = reports.find((each) => !expected.some(({ digest }) => digest === each.digest));
  return surplus === undefined
    ? undefined
    : `there is a report about ${surplus.platform} (${surplus.digest}), which is not in the image`;
}
