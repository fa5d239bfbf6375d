import { mkdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import pLimit from 'p-limit';
import { isDigest } from '../../domain/digest.ts';
import { DecodeError } from '../../domain/gate/decode.ts';
import { bindingProblem, coverageProblem, type PlatformReport } from '../../domain/gate/platform-report.ts';
import { decodeReport, type ReportFinding, type ScanReport } from '../../domain/gate/report.ts';

import { isEmptyOverlay, type ScanOverlay } from '../../domain/gate/scan-overlay.ts';
import { managerOf } from '../../domain/gate/scanned-files.ts';
import { ScannerLog, type ScanProblem } from '../../domain/gate/scanner-log.ts';
import { isPublicKeyMaterial, secretConfig } from '../../domain/gate/secret-rules.ts';
import type { Scanner } from '../../domain/gate/severity.ts';
import { viewFacts } from '../../domain/gate/view-facts.ts';
import { ActionError } from '../../errors/action-error.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { Tool } from '../installer.ts';
import { isolate } from '../isolation.ts';
import { bucketNames } from './bolt.ts';
import { createLayerReader, type UnpackedLayer } from './layers.ts';
import { type OverlayLayers, writeOverlay } from './overlay-layer.ts';
import { makeView, type ScannableImage, type ScannablePlatform } from './view.ts';

export interface ScanOptions {
  readonly scanners: readonly Scanner[];
  /** Folder that holds `db/`, from `prepareDatabase`. Undefined when nothing that is looked for needs one. */
  readonly cacheDir?: string | undefined;
  /** Called once, before any scan, when an image holds a Java archive; answers the folder that holds `java-db/`. */
  readonly prepareJava?: (() => Promise<string>) | undefined;
  /** For each platform, in milliseconds. */
  readonly timeout: number;
}

/**
 * Scans every platform of an image, each by itself: Trivy looks only at the first platform of an index in a layout, whatever
 * `--platform` says (https://github.com/aquasecurity/trivy/issues/3571). Each scan is unfiltered and runs without credentials,
 * network or any configuration of the workspace, and its report must speak of exactly the platform that was to be scanned.
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
  const reading = Promise.all(image.platforms.map((each) => readLayers(layersOf(each))));
  // Trivy works in processes of its own while the layers are read here. An image with Java archives needs one more database
  // before a scan can say anything about them, one with links has to be shown otherwise: then what has begun is dropped.
  const [read, early] = await Promise.allSettled([reading, scanAll(runtime, trivy, image, options)]);
  if (read.status === 'rejected') throw read.reason;
  const facts = read.value;
  const looksForJava = options.scanners.some((each) => each === 'vuln' || each === 'license');
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
    const report = { ...whole, findings: whole.findings.filter((each) => !isPublicKeyMaterial(each)) };
    const real = shown === undefined ? report : withRealLayers(report, shown, overlay, layersOf(platform));
    return [
      {
        report: options.scanners.includes('secret') ? withSecrets(real, secrets) : real,
        isUnlisted,
        skipsSecrets,
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

/** The report, with the credentials in files that the scanner does not open. */
function withSecrets(report: ScanReport, secrets: readonly ReportFinding[]): ScanReport {
  return secrets.length === 0 ? report : { ...report, findings: [...report.findings, ...secrets] };
}

interface Scanned {
  readonly report: ScanReport;
  readonly isUnlisted: boolean;
  readonly skipsSecrets: boolean;
  readonly problems: readonly ScanProblem[];
  readonly repository: string | undefined;
  readonly shown: OverlayLayers | undefined;
}

/** What is only known once the layers are read. */
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

/** Findings in a layer that was only shown to the scanner belong to the layer that brought the file or its link. */
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

/** The platforms at the same time, as many as there are processors. */
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

/** `linux-arm-v7`: it becomes part of the report, so it is the same in each run. Twins get a number. */
function viewNames(platforms: readonly ScannablePlatform[]): readonly string[] {
  const seen = new Map<string, number>();
  return platforms.map(({ name }) => {
    const view = name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
    const count = (seen.get(view) ?? 0) + 1;
    seen.set(view, count);
    return count === 1 ? view : `${view}-${count}`;
  });
}

async function shownFolder(directory: string): Promise<string> {
  const folder = join(directory, 'shown');
  await mkdir(folder);
  return folder;
}

function layersOf({ name, manifest, diffIds }: ScannablePlatform): readonly UnpackedLayer[] {
  const document: unknown = JSON.parse(Buffer.from(manifest.bytes).toString('utf8'));
  const layers: unknown =
    typeof document === 'object' && document !== null && 'layers' in document ? document.layers : undefined;
  if (!Array.isArray(layers)) throw new ActionError('LAYOUT_CORRUPT', `The manifest of ${name} has no layers.`);
  return layers.map((layer: unknown, at): UnpackedLayer => {
    if (typeof layer === 'object' && layer !== null && 'digest' in layer && 'size' in layer && isDigest(layer.digest)) {
      const { digest, size } = layer;
      return { layer: { mediaType: '', digest, size: Number(size) }, diffId: diffIds[at] ?? '' };
    }
    throw new ActionError('LAYOUT_CORRUPT', `The manifest of ${name} names a layer without digest and size.`);
  });
}

interface PlatformScan extends ScanOptions {
  readonly view: string;
  readonly javaDir: string | undefined;
  readonly overlay: ScanOverlay | undefined;
}

async function scanPlatform(
  runtime: Runtime,
  trivy: Tool,
  image: ScannableImage,
  platform: ScannablePlatform,
  options: PlatformScan,
): Promise<Scanned> {
  const world = await isolate(runtime, `scan-${options.view}`, 'offline');
  try {
    const { overlay, scanners } = options;
    const shown =
      overlay === undefined || isEmptyOverlay(overlay)
        ? undefined
        : await writeOverlay(await shownFolder(world.directory), image.open, layersOf(platform), overlay);
    const view = await makeView(join(world.cwd, options.view), image, platform, { scanners, overlay: shown });
    const output = join(world.directory, 'report.json');
    const args = await scanArguments(world.directory, output, options);
    const started = performance.now();
    const tail: string[] = [];
    const log = new ScannerLog();
    const result = await runtime.exec(trivy.path, args, {
      env: world.env,
      cwd: world.cwd,
      timeout: options.timeout,
      // The lines are read as they come: at this level there are some for each file.
      keep: 64 * 1024,
      onStderr: (line) => {
        if (!log.take(line)) return;
        runtime.log.debug(`${platform.name}: ${line}`);
        tail.push(line);
        if (tail.length > 20) tail.shift();
      },
    });
    const facts = { facts: { platform: platform.name } };
    if (result.timedOut) {
      throw new ActionError(
        'SCANNER_TIMEOUT',
        `The scan of ${platform.name} timed out after ${Math.round(options.timeout / 1000)} seconds.`,
        facts,
      );
    }
    if (result.exitCode !== 0) {
      const how =
        result.exitCode === null
          ? `was killed by ${result.signal ?? 'a signal'}`
          : `ended with exit code ${result.exitCode}`;
      throw new ActionError(
        'SCANNER_FAILED',
        `Trivy ${trivy.version} ${how} while it scanned ${platform.name}.${lastWords(tail)}`,
        facts,
      );
    }
    const { configDigest, diffIds } = view;
    const report = await readReport(output, { ...platform, configDigest, diffIds }, trivy.version);
    runtime.log.debug(`${platform.name}: scanned in ${Math.round(performance.now() - started)} ms`);
    const { isUnlisted, problems, repository } = log;
    return { report, isUnlisted, skipsSecrets: view.skipsSecrets, problems, repository, shown };
  } finally {
    await rm(world.directory, { recursive: true, force: true });
  }
}

/** A scan of no layers would look at nothing, and pass. */
function requireLayers({ name, diffIds, manifest }: ScannablePlatform): void {
  if (diffIds.length > 0) return;
  throw new ActionError('IMAGE_EMPTY', `The image for ${name} (${manifest.descriptor.digest}) has no layers.`);
}

function lastWords(lines: readonly string[]): string {
  const text = lines
    .filter((line) => !/\b(?:INFO|DEBUG)\b/.test(line))
    .join('\n')
    .trim();
  return text === '' ? ' It wrote nothing.' : ` It wrote:\n${text.slice(-2000)}`;
}

/** Every setting is on the command line, and every file that Trivy would look for is one of ours. */
async function scanArguments(directory: string, output: string, options: PlatformScan): Promise<readonly string[]> {
  const file = async (name: string, content: string) => {
    const path = join(directory, name);
    await writeFile(path, content);
    return path;
  };
  const { scanners } = options;
  const configScanners = scanners.filter((each) => each === 'secret' || each === 'misconfig');
  return [
    'image',
    // Most of what Trivy leaves out it tells only there.
    '--debug',
    ...['--input', options.view, '--format', 'json', '--output', output],
    ...['--config', await file('config.yaml', ''), '--ignorefile', await file('ignore.yaml', '')],
    ...['--secret-config', await file('registry-action-secret-rules.yaml', secretConfig())],
    ...['--cache-dir', await cacheView(directory, options), '--cache-backend', 'memory'],
    ...['--skip-db-update', '--skip-java-db-update', '--skip-check-update', '--offline-scan'],
    ...['--skip-version-check', '--disable-telemetry', '--no-progress'],
    ...['--scanners', scanners.join(','), '--pkg-types', 'os,library'],
    ...(configScanners.length === 0 ? [] : ['--image-config-scanners', configScanners.join(',')]),
    // Also packages whose files the system's package manager claims to own.
    ...['--detection-priority', 'comprehensive'],
    ...['--severity', 'UNKNOWN,LOW,MEDIUM,HIGH,CRITICAL', '--list-all-pkgs', '--show-suppressed', '--exit-code', '0'],
    // Ours is the limit that counts; Trivy's own, of five minutes, would end as just another failure.
    ...['--timeout', `${Math.ceil(options.timeout / 1000) + 60}s`],
  ];
}

/** Each scan sees the databases, which Trivy opens for reading, through a cache folder of its own. */
async function cacheView(directory: string, { cacheDir, javaDir }: PlatformScan): Promise<string> {
  const cache = join(directory, 'cache');
  await mkdir(cache);
  if (cacheDir !== undefined) await symlink(resolve(cacheDir, 'db'), join(cache, 'db'), 'junction');
  if (javaDir !== undefined) await symlink(resolve(javaDir, 'java-db'), join(cache, 'java-db'), 'junction');
  return cache;
}

const LARGEST_REPORT = 256 * 1024 * 1024;

async function readReport(file: string, platform: ScannablePlatform, version: string): Promise<ScanReport> {
  const invalid = (problem: string, cause?: unknown) =>
    new ActionError('REPORT_INVALID', `The report about ${platform.name} cannot be used: ${problem}.`, {
      cause,
      facts: { platform: platform.name },
    });
  const size = await stat(file).then(
    (facts) => facts.size,
    () => undefined,
  );
  if (size === undefined) throw invalid('Trivy ended well but wrote none');
  if (size === 0) throw invalid('it is empty');
  if (size > LARGEST_REPORT) throw invalid(`it has ${size} bytes, more than ${LARGEST_REPORT}`);
  let json: unknown;
  try {
    json = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw invalid(`its ${size} bytes are not JSON, it may be cut off`, error);
  }
  let report: ScanReport;
  try {
    report = decodeReport(json);
  } catch (error) {
    if (error instanceof DecodeError) throw invalid(error.message, error);
    throw error;
  }
  const problem = bindingProblem(report, platform, version);
  if (problem !== undefined) throw invalid(problem);
  return report;
}
