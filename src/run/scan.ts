import type { Digest } from '../domain/digest.ts';
import type { BuildSteps } from '../domain/dockerfile.ts';
import { describeFinding } from '../domain/gate/finding.ts';
import { layerOrigins } from '../domain/gate/layer-origin.ts';
import type { PlatformReport } from '../domain/gate/platform-report.ts';
import { baselineOf, type GatePolicy, type GateResult, judge } from '../domain/gate/policy.ts';
import { NOT_SEARCHED } from '../domain/gate/secret-rules.ts';
import { ActionError, toActionError } from '../errors/action-error.ts';
import { CATALOGUE } from '../errors/catalogue.ts';
import type { GateTerms, ScannerSettings } from '../inputs/gate.ts';
import type { RegistrySettings } from '../inputs/registry-inputs.ts';
import type { LocalImage } from '../oci/image/image.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { TRIVY } from '../tools/checksums.ts';
import { installTool, type Tool } from '../tools/installer.ts';
import { type Database, databaseDirectory, prepareDatabase, prepareJavaDatabase } from '../tools/trivy/database.ts';
import { scanPlatforms } from '../tools/trivy/scan.ts';
import type { ScannableImage } from '../tools/trivy/view.ts';
import { openMirrors } from './database-mirrors.ts';
import type { GateFiles } from './gate-files.ts';
import { openKeptScans } from './kept-scans.ts';

/** How images are scanned, and how findings are evaluated. */
export interface ScanSettings {
  readonly terms: GateTerms;
  readonly scanner: ScannerSettings;
  /** For mirrors of the databases. */
  readonly registries: RegistrySettings;
}

/** A scanner, with its database if it needs one. */
export interface Scanner {
  readonly trivy: Tool;
  readonly database?: Database;
}

const MINUTE_MS = 60_000;
const SCAN_TIMEOUT_MS = 15 * MINUTE_MS;

/** Prepares the scanner and its database. Started before the build, to run in parallel with it. */
export function startScanner(runtime: Runtime, { terms, scanner, registries }: ScanSettings): () => Promise<Scanner> {
  const start = async (): Promise<Scanner> => {
    const { version, sha256 } = scanner;
    const trivy = await installTool(runtime, TRIVY, { version, sha256 });
    if (!terms.scanners.includes('vuln')) return { trivy };
    const database = await prepareDatabase(runtime, {
      repositories: scanner.databases,
      maxAge: terms['max-db-age'],
      cacheDir: databaseDirectory(runtime),
      open: openMirrors(runtime, registries),
    });
    return { trivy, database };
  };
  const started = start();
  // The error is reported when the result is awaited; until then an unhandled rejection would end the process.
  started.catch(() => undefined);
  return () => started;
}

/** The image whose findings serve as the baseline. */
export interface BaselineImage {
  /** In full: `ghcr.io/org/app:main`. */
  readonly image: string;
  readonly digest: Digest;
  /** Given by digest. */
  readonly isPinned: boolean;
  /** Fetches the platforms it shares with an image; undefined when there are none. */
  readonly fetch: (beside: LocalImage) => Promise<ScannableImage | undefined>;
}

/** Additional scan options of publish. */
export interface ScanContext {
  /** Scanned in parallel, by the same scanner with the same database. */
  readonly baseline?: BaselineImage | undefined;
  /** The Dockerfile's steps, to attribute findings to them. */
  readonly build?: BuildSteps | undefined;
}

/** The scanner with its databases, ready for any number of images. */
async function openScan(
  runtime: Runtime,
  { terms, scanner: settings, registries }: ScanSettings,
  scanner: () => Promise<Scanner>,
) {
  const { trivy, database } = await scanner();
  const cacheDir = databaseDirectory(runtime);
  runtime.log.info(
    `Trivy ${trivy.version}${database === undefined ? '' : `, database of ${database.updatedAt.toISOString()}`}`,
  );
  let java: Promise<string> | undefined;
  const prepareJava = async () => {
    const open = openMirrors(runtime, registries);
    return (await prepareJavaDatabase(runtime, { repositories: settings.javaDatabases, cacheDir, open })).cacheDir;
  };
  const scan = (scanned: ScannableImage) =>
    scanPlatforms(runtime, trivy, scanned, {
      scanners: terms.scanners,
      cacheDir: database?.cacheDir,
      prepareJava: () => (java ??= prepareJava()),
      timeout: SCAN_TIMEOUT_MS,
    });
  /** Scans what no earlier step of this job has scanned in the same way. */
  const scanOnce = async (scanned: ScannableImage): Promise<readonly PlatformReport[]> => {
    const { scanners } = terms;
    const kept = await openKeptScans(runtime, { trivyVersion: trivy.version, scanners, cacheDir: database?.cacheDir });
    const found = await Promise.all(scanned.platforms.map((platform) => kept.find(platform)));
    const platforms = scanned.platforms.filter((_, at) => found[at] === undefined);
    const fresh = platforms.length === 0 ? [] : await scan({ ...scanned, platforms });
    // Another index decides what a Java archive is, and may be newer by the next step: those images are scanned again.
    if (java === undefined) await kept.keep(fresh, platforms);
    for (const report of found) {
      if (report === undefined) continue;
      runtime.log.info(
        `${report.platform} was scanned in this job at ${report.scannedAt}, with the same scanner and database: its findings are evaluated again.`,
      );
    }
    return scanned.platforms.flatMap(
      ({ manifest }, at) => found[at] ?? fresh.find(({ digest }) => digest === manifest.descriptor.digest) ?? [],
    );
  };
  return { trivy, scan, scanOnce };
}

/**
 * Scans every platform of an image, without a policy.
 * @throws ActionError when the scan cannot be completed
 */
export async function scanReports(
  runtime: Runtime,
  settings: ScanSettings,
  scanner: () => Promise<Scanner>,
  image: LocalImage,
): Promise<readonly PlatformReport[]> {
  const { scan } = await openScan(runtime, settings, scanner);
  return scan(image);
}

/**
 * Scans every platform of an image and applies the policy to the findings.
 * @param names of the image, without tags: ignore file entries may apply to some of them
 * @throws ActionError when the scan cannot be completed; findings are in the gate result
 */
export async function scanImage(
  runtime: Runtime,
  { terms, scanner: settings, registries }: ScanSettings,
  { ignores, vex }: GateFiles,
  scanner: () => Promise<Scanner>,
  image: LocalImage,
  names: readonly string[],
  { baseline, build }: ScanContext = {},
): Promise<{ readonly gateResult: GateResult; readonly trivy: Tool }> {
  const { trivy, scanOnce: scan } = await openScan(runtime, { terms, scanner: settings, registries }, scanner);
  const { digest } = image.root.descriptor;
  const policy: GatePolicy = {
    severities: terms.severity,
    ignoreUnfixed: terms['ignore-unfixed'],
    failOnEol: terms['fail-on-eol'],
    allowUnknownOs: terms['allow-unknown-os'],
    accepted: terms['accept-unscanned'],
  };
  const isItself = baseline?.digest === digest;
  const [own, before] = await Promise.allSettled([
    scan(image),
    baseline === undefined || isItself ? [] : scanBaseline(baseline, image, scan),
  ]);
  if (own.status === 'rejected') throw own.reason;
  if (before.status === 'rejected') throw before.reason;
  const reports = own.value.map((each) => withOrigins(each, image, build));
  // Blobs already in the registry are not sent, and so not hashed again: the scan must have seen exactly the digests.
  await image.verify();
  const judged = judge({
    image: { digest, names },
    reports,
    policy,
    ignores,
    vex,
    baseline:
      baseline === undefined
        ? undefined
        : baselineOf(baseline.image, baseline.digest, isItself ? reports : before.value, policy),
    today: runtime.clock.now().toISOString().slice(0, 10),
  });
  const notes = terms.scanners.includes('secret') ? [...judged.notes, NOT_SEARCHED] : judged.notes;
  const gateResult = { ...judged, notes };
  for (const { platform, packages, system, counts, gated } of gateResult.platforms) {
    const found = Object.entries(counts).map(([severity, count]) => `${count} ${severity.toLowerCase()}`);
    runtime.log.info(
      `${platform}: ${system ?? 'no operating system'}, packages: ${packages}, findings: ${found.join(', ')}; failing the gate: ${gated}`,
    );
  }
  for (const note of gateResult.notes) runtime.log.info(note);
  const { comparison } = gateResult;
  if (comparison !== undefined) {
    const known = gateResult.suppressed.filter(({ by }) => by === 'baseline');
    runtime.log.info(
      `Compared with ${comparison.image}: known ${known.length}, new ${gateResult.gated.length}, fixed ${comparison.fixed.length}`,
    );
    for (const { finding } of known) runtime.log.info(`known: ${describeFinding(finding)}`);
    for (const finding of comparison.fixed) runtime.log.info(`fixed: ${describeFinding(finding)}`);
  }
  for (const finding of gateResult.gated) runtime.log.info(describeFinding(finding));
  return { gateResult, trivy };
}

/** The report with the origin of each finding in the image. */
function withOrigins(report: PlatformReport, image: LocalImage, build: BuildSteps | undefined): PlatformReport {
  const platform = image.platforms.find(({ manifest }) => manifest.descriptor.digest === report.digest);
  if (platform === undefined) return report;
  const origins = layerOrigins({ ...platform, baseName: platform.labels['org.opencontainers.image.base.name'] }, build);
  const findings = report.report.findings.map((finding) => {
    const origin = origins.get(finding.layer ?? '');
    return origin === undefined ? finding : { ...finding, origin };
  });
  return { ...report, report: { ...report.report, findings } };
}

async function scanBaseline(
  { image, fetch }: BaselineImage,
  beside: LocalImage,
  scan: (image: ScannableImage) => Promise<readonly PlatformReport[]>,
): Promise<readonly PlatformReport[]> {
  const fetched = await fetch(beside);
  return fetched === undefined ? [] : aboutBaseline(image, () => scan(fetched));
}

const CONTENT_CODES: ReadonlySet<string> = new Set([
  'MANIFEST_UNKNOWN',
  'BLOB_UNKNOWN',
  'SOURCE_INVALID',
  'SOURCE_UNSAFE',
]);

/** Errors name the baseline; any problem with its content is a single error. */
export async function aboutBaseline<T>(image: string, task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (thrown) {
    const error = toActionError(thrown);
    const isUnusable = CATALOGUE[error.code].outcome === 'image-rejected' || CONTENT_CODES.has(error.code);
    throw new ActionError(isUnusable ? 'BASELINE_UNUSABLE' : error.code, `\`baseline\` (${image}): ${error.message}`, {
      cause: error,
      facts: { ...error.facts, input: 'baseline' },
    });
  }
}
