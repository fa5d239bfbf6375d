import type { Finding } from '../../domain/gate/finding.ts';
import { judge } from '../../domain/gate/policy.ts';
import { SEVERITIES } from '../../domain/gate/severity.ts';
import { type ScanResult, scanFinding, uniqueFindings } from '../../domain/report/scan.ts';
import type { LocalImage } from '../../oci/image/image.ts';
import { scanReports, startScanner } from '../../run/scan.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { ReportInputs } from './inputs.ts';

/** Scans images with one installation and one database. Both are prepared with the first image. */
export function createTrivyScan(
  runtime: Runtime,
  { scanner: settings, registries, maxDatabaseAge }: ReportInputs,
): (image: LocalImage, name: string) => Promise<ScanResult> {
  let started: ReturnType<typeof startScanner> | undefined;
  const scan = {
    terms: {
      severity: SEVERITIES,
      'ignore-unfixed': false,
      scanners: ['vuln' as const],
      ignorefile: undefined,
      vex: [],
      'fail-on-eol': false,
      'allow-unknown-os': false,
      'accept-unscanned': [],
      'max-db-age': maxDatabaseAge,
    },
    scanner: settings,
    registries,
  };
  return async (image, name) => {
    started ??= startScanner(runtime, scan);
    const reports = await scanReports(runtime, scan, started, image);
    const now = runtime.clock.now().toISOString();
    const { gated, others } = judge({
      image: { digest: image.root.descriptor.digest, names: [name] },
      reports,
      policy: { severities: SEVERITIES, ignoreUnfixed: false, failOnEol: false, allowUnknownOs: false, accepted: [] },
      ignores: [],
      vex: [],
      today: now.slice(0, 10),
    });
    return resultOf([...gated, ...others], now);
  };
}

/** What the scanner did not look at makes a result partial. */
function resultOf(found: readonly Finding[], scannedAt: string): ScanResult {
  const blind = found.filter(({ class: kind }) => kind === 'unscanned' || kind === 'operating-system');
  const [first] = blind;
  const findings = found
    .filter(({ class: kind }) => kind === 'vulnerability')
    .flatMap(
      ({ id, severity, package: pkg }) =>
        scanFinding({ id, severity, package: pkg?.name, version: pkg?.installed, fixed: pkg?.fixed }) ?? [],
    );
  return {
    source: 'trivy',
    status: first === undefined ? 'complete' : 'partial',
    ...(first === undefined
      ? {}
      : {
          reason: `Trivy did not look at ${blind.length === 1 ? '' : `${blind.length} things, such as `}${first.title ?? first.target}.`,
        }),
    scannedAt,
    findings: uniqueFindings(findings),
  };
}
