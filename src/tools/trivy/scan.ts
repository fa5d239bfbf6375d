import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { coverageProblem, type PlatformReport } from '../../domain/gate/platform-report.ts';
import type { ReportFinding, ScanReport } from '../../domain/gate/report.ts';
import { isEmptyOverlay, type ScanOverlay } from '../../domain/gate/scan-overlay.ts';
import { managerOf } from '../../domain/gate/scanned-files.ts';
import { isPublicKeyMaterial } from '../../domain/gate/secret-rules.ts';
import type { Scanner } from '../../domain/gate/severity.ts';
import { viewFacts } from '../../domain/gate/view-facts.ts';
import { ActionError } from '../../errors/action-error.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { Tool } from '../installer.ts';
import { bucketNames } from './bolt.ts';
import { createLayerReader, type UnpackedLayer } from './layers.ts';
import type { OverlayLayers } from './overlay-layer.ts';
import { layersOf, requireLayers } from './platform-layers.ts';
import { type Scanned, scanPlatform } from './scan-platform.ts';
import type { ScannableImage, ScannablePlatform } from './view.ts';

export interface ScanOptions {
  readonly scanners: readonly Scanner[];
  /** Folder that contains `db/`, from `prepareDatabase`. Undefined when no requested scanner needs one. */
  readonly cacheDir?: string | undefined;
  /**
   * Called at most once, before any scan, when an image contains a Java archive; returns the folder with `java-db/`.
   */
  readonly prepareJava?: (() => Promise<string>) | undefined;
  /** Per platform, in milliseconds. */
  readonly timeout: number;
}

/**
 * Scans every platform of an image separately: Trivy only scans the first platform of an index in a layout, whatever
 * `--platform` says (https://github.com/aquasecurity/trivy/issues/3571). Each scan is unfiltered and runs without
 * credentials, network or workspace configuration, and its report must be about exactly the requested platform.
 * @returns one report for each platform, in their order
 * @throws ActionError SCANNER_FAILED, SCANNER_TIMEOUT, REPORT_INVALID; what `prepareJava` throws; LAYOUT_CORRUPT
 */
export async function scanPlatforms(
  runtime: Runtime,
  trivy: Tool,
  image: ScannableImage,
  options: ScanOptions,
): Promise<readonly PlatformReport[]> {
  for (const platform of image.platforms) requireLayers(platform);
  const readLayers = createLayerReader(image.open);
  const reading = Promise.all(image.platforms.map((platform) => readLayers(layersOf(platform))));
  // Trivy runs in its own processes while the layers are read here. Java archives need another database and links need
  // an overlay: in either case the scans already started are discarded.
  const [read, early] = await Promise.allSettled([reading, scanAll(runtime, trivy, image, options)]);
  if (read.status === 'rejected') throw read.reason;
  const facts = read.value;
  const looksForJava = options.scanners.some((scanner) => scanner === 'vuln' || scanner === 'license');
  const javaDir = looksForJava && facts.some(({ hasJava }) => hasJava) ? await options.prepareJava?.() : undefined;
  const isShown = javaDir === undefined && facts.every(({ overlay }) => isEmptyOverlay(overlay));
  if (isShown && early.status === 'rejected') throw early.reason;
  const scanned =
    isShown && early.status === 'fulfilled'
      ? early.value
      : await scanAll(runtime, trivy, image, options, { javaDir, overlays: facts.map(({ overlay }) => overlay) });
  const sources = options.cacheDir === undefined ? undefined : await advisoriesIn(options.cacheDir);

  const reports = image.platforms.flatMap((platform, at): readonly PlatformReport[] => {
    const [found, fact] = [scanned[at], facts[at]];
    if (found === undefined || fact === undefined) return [];
    const { report: whole, isUnlisted, skipsSecrets, problems, repository, shown } = found;
    const { osFiles, files, overlay, secrets } = fact;
    const report = { ...whole, findings: whole.findings.filter((finding) => !isPublicKeyMaterial(finding)) };
    const publicKeys = whole.findings.filter(isPublicKeyMaterial).flatMap(({ path }) => path ?? []);
    const real = shown === undefined ? report : withRealLayers(report, shown, overlay, layersOf(platform));
    return [
      {
        report: options.scanners.includes('secret') ? withSecrets(real, secrets) : real,
        isUnlisted,
        skipsSecrets,
        publicKeys,
        platform: platform.name,
        digest: platform.manifest.descriptor.digest,
        scanners: options.scanners,
        osFiles,
        view: viewFacts({
          files,
          overlay,
          packages: shown?.packages ?? new Map(),
          texts: shown?.texts ?? new Map(),
          problems,
          repository,
          sources,
        }),
      },
    ];
  });
  const expected = image.platforms.map(({ name, manifest }) => ({ name, digest: manifest.descriptor.digest }));
  const problem = coverageProblem(expected, reports);
  if (problem !== undefined) throw new ActionError('REPORT_INVALID', `The scan does not cover the image: ${problem}.`);
  return reports;
}

/** The report plus the credentials in files that the scanner skips. */
function withSecrets(report: ScanReport, secrets: readonly ReportFinding[]): ScanReport {
  return secrets.length === 0 ? report : { ...report, findings: [...report.findings, ...secrets] };
}

/** Facts known only after the layers were read. */
interface Known {
  readonly javaDir?: string | undefined;
  readonly overlays: readonly ScanOverlay[];
}

/** Names of the advisories in the database. @throws ActionError SCANNER_FAILED when it cannot be read */
async function advisoriesIn(cacheDir: string): Promise<ReadonlySet<string>> {
  const file = join(cacheDir, 'db', 'trivy.db');
  try {
    return await bucketNames(file);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ActionError('SCANNER_FAILED', `The vulnerability database ${file} cannot be read: ${reason}.`, {
      cause: error,
    });
  }
}

/** Findings in an overlay layer are attributed to the layer with the file or its link. */
function withRealLayers(
  report: ScanReport,
  { above, below }: OverlayLayers,
  { files }: ScanOverlay,
  layers: readonly UnpackedLayer[],
): ScanReport {
  const ofPath = new Map(files.map(({ path, layer }) => [path, layers[layer]?.layer.digest]));
  const database = files.find(({ path }) => managerOf(path) !== undefined);
  const findings = report.findings.map((finding) => {
    if (finding.layer !== above.digest && finding.layer !== below?.digest) return finding;
    const layer = finding.path === undefined ? undefined : ofPath.get(finding.path);
    return { ...finding, layer: layer ?? (database === undefined ? undefined : layers[database.layer]?.layer.digest) };
  });
  return { ...report, findings };
}

/** Scans platforms in parallel, up to the number of processors. */
function scanAll(
  runtime: Runtime,
  trivy: Tool,
  image: ScannableImage,
  options: ScanOptions,
  { javaDir, overlays }: Known = { overlays: [] },
): Promise<readonly Scanned[]> {
  const limit = pLimit(availableParallelism());
  const names = viewNames(image.platforms);
  return Promise.all(
    image.platforms.map((platform, at) =>
      limit(() =>
        scanPlatform(runtime, trivy, image, platform, {
          ...options,
          view: names[at] ?? `platform-${at}`,
          javaDir,
          overlay: overlays[at],
        }),
      ),
    ),
  );
}

/** `linux-arm-v7`: part of the report, and therefore the same in each run. Duplicates get a number. */
function viewNames(platforms: readonly ScannablePlatform[]): readonly string[] {
  const seen = new Map<string, number>();
  return platforms.map(({ name }) => {
    const view = name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
    const count = (seen.get(view) ?? 0) + 1;
    seen.set(view, count);
    return count === 1 ? view : `${view}-${count}`;
  });
}
