import { mkdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import pLimit from 'p-limit';
import { isDigest } from '../domain/digest.ts';
import { DecodeError } from '../domain/gate/decode.ts';
import { bindingProblem, coverageProblem, type PlatformReport } from '../domain/gate/platform-report.ts';
import { decodeReport, type ReportFinding, type ScanReport } from '../domain/gate/report.ts';
import { secretConfig } from '../domain/gate/secret-rules.ts';
import type { Scanner } from '../domain/gate/severity.ts';
import { ActionError } from '../errors/action-error.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { Tool } from './installer.ts';
import { isolate } from './isolation.ts';
import { createLayerReader, type UnpackedLayer } from './osfiles.ts';
import { makeView, type ScannableImage, type ScannablePlatform } from './scan-view.ts';

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
  const readLayers = createLayerReader(image.open);
  const reading = Promise.all(image.platforms.map((each) => readLayers(layersOf(each))));
  // Trivy works in processes of its own while the layers are read here. Only an image with Java archives needs one more
  // database before a scan can say anything about them: then what has begun without it is dropped.
  const [read, early] = await Promise.allSettled([reading, scanAll(runtime, trivy, image, options)]);
  if (read.status === 'rejected') throw read.reason;
  const facts = read.value;
  const looksForJava = options.scanners.some((each) => each === 'vuln' || each === 'license');
  const javaDir = looksForJava && facts.some(({ hasJava }) => hasJava) ? await options.prepareJava?.() : undefined;
  if (javaDir === undefined && early.status === 'rejected') throw early.reason;
  const scanned =
    javaDir === undefined && early.status === 'fulfilled'
      ? early.value
      : await scanAll(runtime, trivy, image, options, javaDir);

  const reports = image.platforms.flatMap((platform, at): readonly PlatformReport[] => {
    const found = scanned[at];
    if (found === undefined) return [];
    return [
      {
        ...found,
        report: options.scanners.includes('secret')
          ? withSecrets(found.report, facts[at]?.secrets ?? [])
          : found.report,
        platform: platform.name,
        digest: platform.manifest.descriptor.digest,
        scanners: options.scanners,
        osFiles: facts[at]?.osFiles ?? [],
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

type Scanned = Pick<PlatformReport, 'report' | 'isUnlisted' | 'skipsSecrets'>;

/** The platforms at the same time, as many as there are processors. */
function scanAll(
  runtime: Runtime,
  trivy: Tool,
  image: ScannableImage,
  options: ScanOptions,
  javaDir?: string,
): Promise<readonly Scanned[]> {
  const limit = pLimit(availableParallelism());
  const names = viewNames(image.platforms);
  return Promise.all(
    image.platforms.map((platform, at) =>
      limit(() =>
        scanPlatform(runtime, trivy, image, platform, { ...options, view: names[at] ?? `platform-${at}`, javaDir }),
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
    const view = await makeView(join(world.cwd, options.view), image, platform, options.scanners);
    const output = join(world.directory, 'report.json');
    const args = await scanArguments(world.directory, output, options);
    const started = performance.now();
    const tail: string[] = [];
    const result = await runtime.exec(trivy.path, args, {
      env: world.env,
      cwd: world.cwd,
      timeout: options.timeout,
      onStderr: (line) => {
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
    const report = await readReport(output, { ...platform, configDigest: view.configDigest }, trivy.version);
    runtime.log.debug(`${platform.name}: scanned in ${Math.round(performance.now() - started)} ms`);
    // Nothing in the report tells it. https://github.com/aquasecurity/trivy/blob/main/pkg/detector/ospkg/version/version.go
    const isUnlisted = result.stderr.includes('This OS version is not on the EOL list');
    return { report, isUnlisted, skipsSecrets: view.skipsSecrets };
  } finally {
    await rm(world.directory, { recursive: true, force: true });
  }
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
    ...['--input', options.view, '--format', 'json', '--output', output],
    ...['--config', await file('config.yaml', ''), '--ignorefile', await file('ignore.yaml', '')],
    ...['--secret-config', await file('registry-action-secret-rules.yaml', secretConfig())],
    ...['--cache-dir', await cacheView(directory, options), '--cache-backend', 'memory'],
    ...['--skip-db-update', '--skip-java-db-update', '--skip-check-update', '--offline-scan'],
    ...['--skip-version-check', '--disable-telemetry', '--no-progress'],
    ...['--scanners', scanners.join(','), '--pkg-types', 'os,library'],
    ...(configScanners.length === 0 ? [] : ['--image-config-scanners', configScanners.join(',')]),
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
