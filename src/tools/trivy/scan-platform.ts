import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { ScanReport } from '../../domain/gate/report.ts';
import { isEmptyOverlay, type ScanOverlay } from '../../domain/gate/scan-overlay.ts';
import { ScannerLog, type ScanProblem } from '../../domain/gate/scanner-log.ts';
import { secretConfig } from '../../domain/gate/secret-rules.ts';
import type { Scanner } from '../../domain/gate/severity.ts';
import { ActionError } from '../../errors/action-error.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { Tool } from '../installer.ts';
import { isolate } from '../isolation.ts';
import { type OverlayLayers, writeOverlay } from './overlay-layer.ts';
import { layersOf } from './platform-layers.ts';
import { readReport } from './read-report.ts';
import { makeView, type ScannableImage, type ScannablePlatform } from './view.ts';

export interface PlatformScan {
  readonly scanners: readonly Scanner[];
  /** Folder that contains `db/`. Undefined when no requested scanner needs one. */
  readonly cacheDir?: string | undefined;
  /** Folder that contains `java-db/`. */
  readonly javaDir: string | undefined;
  /** In milliseconds. */
  readonly timeout: number;
  /** Name of the folder passed to Trivy; it becomes part of the report. */
  readonly view: string;
  readonly overlay: ScanOverlay | undefined;
}

export interface Scanned {
  readonly report: ScanReport;
  readonly isUnlisted: boolean;
  readonly skipsSecrets: boolean;
  readonly problems: readonly ScanProblem[];
  readonly repository: string | undefined;
  readonly shown: OverlayLayers | undefined;
}

/**
 * Runs Trivy on one platform of an image, without credentials, network or workspace configuration.
 * @throws ActionError SCANNER_FAILED, SCANNER_TIMEOUT, REPORT_INVALID
 */
export async function scanPlatform(
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
      // Processed as they arrive: at this log level each file produces several lines.
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
function lastWords(lines: readonly string[]): string {
  const text = lines
    .filter((line) => !/\b(?:INFO|DEBUG)\b/.test(line))
    .join('\n')
    .trim();
  return text === '' ? ' It wrote nothing.' : ` It wrote:\n${text.slice(-2000)}`;
}

async function shownFolder(directory: string): Promise<string> {
  const folder = join(directory, 'shown');
  await mkdir(folder);
  return folder;
}

/** Every setting is on the command line, and every file that Trivy looks for is one of ours. */
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
    // Most of what Trivy skips is only logged at this level.
    '--debug',
    ...['--input', options.view, '--format', 'json', '--output', output],
    ...['--config', await file('config.yaml', ''), '--ignorefile', await file('ignore.yaml', '')],
    ...['--secret-config', await file('registry-action-secret-rules.yaml', secretConfig())],
    ...['--cache-dir', await cacheView(directory, options), '--cache-backend', 'memory'],
    ...['--skip-db-update', '--skip-java-db-update', '--skip-check-update', '--offline-scan'],
    ...['--skip-version-check', '--disable-telemetry', '--no-progress'],
    ...['--scanners', scanners.join(','), '--pkg-types', 'os,library'],
    ...(configScanners.length === 0 ? [] : ['--image-config-scanners', configScanners.join(',')]),
    // Includes packages whose files belong to the system's package manager.
    ...['--detection-priority', 'comprehensive'],
    ...['--severity', 'UNKNOWN,LOW,MEDIUM,HIGH,CRITICAL', '--list-all-pkgs', '--show-suppressed', '--exit-code', '0'],
    // Our own limit applies; Trivy's default of five minutes would look like any other failure.
    ...['--timeout', `${Math.ceil(options.timeout / 1000) + 60}s`],
  ];
}

/** Gives each scan its own cache folder with the databases, which Trivy opens read-only. */
async function cacheView(directory: string, { cacheDir, javaDir }: PlatformScan): Promise<string> {
  const cache = join(directory, 'cache');
  await mkdir(cache);
  if (cacheDir !== undefined) await symlink(resolve(cacheDir, 'db'), join(cache, 'db'), 'junction');
  if (javaDir !== undefined) await symlink(resolve(javaDir, 'java-db'), join(cache, 'java-db'), 'junction');
  return cache;
}
