import type { Digest } from '../digest.ts';
import type { ScanReport } from './report.ts';
import type { Scanner } from './severity.ts';
import type { ViewFacts } from './view-facts.ts';

/** The result of scanning one platform: the report for its manifest, and what the scanner does not report. */
export interface PlatformReport {
  /** `linux/arm64`. */
  readonly platform: string;
  /** Digest of the platform's manifest. */
  readonly digest: Digest;
  readonly report: ScanReport;
  /** The requested scanners. */
  readonly scanners: readonly Scanner[];
  /** Files of an operating system or its package manager. */
  readonly osFiles: readonly string[];
  /** The scanner reported an unknown system release, which may have no advisories. */
  readonly isUnlisted?: boolean;
  /** What the scan may have missed. */
  readonly view?: ViewFacts;
  /** Secrets were not searched for in what looks like the base image. */
  readonly skipsSecrets?: boolean;
  /** Files with private keys that do not count because they are public: test keys of installed packages. */
  readonly publicKeys?: readonly string[];
  /** When an earlier step of the job scanned it, ISO 8601; absent when this run did. */
  readonly scannedAt?: string;
}

/** What a report must be about. */
export interface ScannedPlatform {
  readonly name: string;
  readonly platform: { readonly os: string; readonly architecture: string };
  readonly configDigest: Digest;
  readonly diffIds: readonly string[];
}

/**
 * The mismatch between a report and its platform, as a phrase; undefined when it is about exactly that. A report about
 * a layout names no manifest, so it is matched by config digest, layers and platform.
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

/** The mismatch between the platforms of an image and its reports, as a phrase: there must be exactly one each. */
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
