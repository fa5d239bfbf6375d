import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, constants, realpath, rm } from 'node:fs/promises';
import { delimiter, isAbsolute, join, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ActionError } from '../errors/action-error.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { ToolArchive, ToolRelease } from './checksums.ts';
import { isolate } from './isolation.ts';

/** A program that may run. */
export interface Tool {
  readonly version: string;
  /** Absolute path of the program. */
  readonly path: string;
  readonly origin: 'path' | 'cache' | 'download';
}

export interface InstallOptions {
  /** Exactly this version; empty or undefined: any allowed one that is on PATH, else the default. */
  readonly version?: string | undefined;
  /** Where releases are downloaded from instead, for tests and mirrors. The checksum is verified all the same. */
  readonly releases?: string;
  /** Default: of this machine, in Node's words. */
  readonly platform?: { readonly os: string; readonly arch: string };
}

/**
 * Finds a program on PATH when its version is allowed, else in the tool cache, else downloads its archive, whose SHA-256 is
 * checked against the table before anything in it is unpacked.
 * @throws ActionError SCANNER_REFUSED for a version that is not allowed or an archive that is not the known one;
 * SCANNER_UNAVAILABLE when there is no build for this machine or it cannot be downloaded
 */
export async function installTool(runtime: Runtime, release: ToolRelease, options: InstallOptions = {}): Promise<Tool> {
  const wanted = options.version?.replace(/^v/, '') || undefined;
  if (wanted !== undefined) refuseUnknown(release, wanted);
  const onPath = await findAllowed(runtime, release, wanted);
  if (onPath !== undefined) return onPath;

  const version = wanted ?? release.defaultVersion;
  const { os, arch } = options.platform ?? { os: process.platform, arch: process.arch };
  const program = os === 'win32' ? `${release.program}.exe` : release.program;
  // A name of our own: what other actions put into the tool cache has not been verified here.
  const cacheName = `registry-action-${release.program}`;
  const cached = runtime.toolCache.find(cacheName, version);
  if (cached !== undefined) {
    const path = join(cached, program);
    if ((await versionOf(runtime, path)) === version) return { version, path, origin: 'cache' };
    runtime.log.warning(`${path} in the tool cache does not run as version ${version}; it is downloaded again.`);
  }

  const archive = release.versions[version]?.[`${os}/${arch}`];
  if (archive === undefined) {
    const builds = Object.keys(release.versions[version] ?? {}).join(', ');
    throw new ActionError(
      'SCANNER_UNAVAILABLE',
      `There is no build of ${release.program} ${version} for ${os}/${arch}, only for ${builds}. Run this job on one of these, or put ${release.program} on PATH.`,
    );
  }
  const url = `${options.releases ?? release.releases}/v${version}/${archive.asset}`;
  const unpacked = await downloadVerified(runtime, url, archive);
  const saved = await runtime.toolCache.save(unpacked, cacheName, version);
  const path = join(saved, program);
  const runs = await versionOf(runtime, path);
  if (runs !== version) {
    throw new ActionError(
      'SCANNER_UNAVAILABLE',
      `${path} was installed as version ${version} and says ${runs ?? 'nothing'}.`,
    );
  }
  return { version, path, origin: 'download' };
}

function allowed(release: ToolRelease): string {
  return Object.keys(release.versions).join(', ');
}

function refuseUnknown(release: ToolRelease, version: string): void {
  if (Object.hasOwn(release.versions, version)) return;
  const reason = Object.hasOwn(release.refused, version)
    ? `is refused: ${release.refused[version]}`
    : version === 'latest'
      ? 'is not a version: what it means changes without notice'
      : 'is not known here, so there is no checksum to verify it with';
  throw new ActionError(
    'SCANNER_REFUSED',
    `${release.program} ${version.slice(0, 40)} ${reason}. Allowed: ${allowed(release)}.`,
  );
}

/** The first program of that name on PATH, when its version is one that may run. */
async function findAllowed(
  runtime: Runtime,
  release: ToolRelease,
  wanted: string | undefined,
): Promise<Tool | undefined> {
  const path = await findOnPath(runtime, release.program);
  if (path === undefined) return undefined;
  const version = await versionOf(runtime, path);
  if (version !== undefined && Object.hasOwn(release.versions, version) && (wanted ?? version) === version) {
    return { version, path, origin: 'path' };
  }
  const refused = version === undefined ? undefined : release.refused[version];
  if (refused !== undefined)
    runtime.log.warning(`${path} is version ${version}, which is refused: ${refused}. Remove it.`);
  else
    runtime.log.debug(
      `${path} is version ${version ?? 'unknown'}, not ${wanted ?? allowed(release)}; it is left aside.`,
    );
  return undefined;
}

async function findOnPath(runtime: Runtime, program: string): Promise<string | undefined> {
  const name = process.platform === 'win32' ? `${program}.exe` : program;
  // What is checked out, a pull request may have put there: relative entries lead into it, and others may.
  const repository = await realpath(runtime.workspace).catch(() => runtime.workspace);
  const folders = (runtime.env.PATH ?? runtime.env.Path ?? '').split(delimiter).filter((each) => isAbsolute(each));
  for (const folder of folders) {
    const path = join(folder, name);
    const runs = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (!runs) continue;
    if (!(await realpath(path)).startsWith(repository + sep)) return path;
    runtime.log.debug(`${path} lies in the repository; it is left aside.`);
  }
  return undefined;
}

/** What `<program> --version` says, or undefined when it does not run or says something else. */
async function versionOf(runtime: Runtime, path: string): Promise<string | undefined> {
  const world = await isolate(runtime, 'version', 'offline');
  try {
    const { exitCode, stdout } = await runtime.exec(path, ['--version'], {
      env: world.env,
      cwd: world.cwd,
      timeout: 30_000,
    });
    return exitCode === 0 ? /\b(\d+\.\d+\.\d+(?:-[\w.]+)?)/.exec(stdout)?.[1] : undefined;
  } catch (error) {
    runtime.signal.throwIfAborted();
    runtime.log.debug(String(error));
    return undefined;
  } finally {
    await rm(world.directory, { recursive: true, force: true });
  }
}

async function downloadVerified(runtime: Runtime, url: string, archive: ToolArchive): Promise<string> {
  let file: string;
  try {
    file = await runtime.toolCache.download(url);
  } catch (error) {
    runtime.signal.throwIfAborted();
    const reason = error instanceof Error ? error.message : String(error);
    throw new ActionError('SCANNER_UNAVAILABLE', `${url} could not be downloaded: ${reason.slice(0, 300)}.`, {
      cause: error,
    });
  }
  try {
    const hash = createHash('sha256');
    await pipeline(createReadStream(file), hash);
    const sha256 = hash.digest('hex');
    if (sha256 !== archive.sha256) {
      throw new ActionError(
        'SCANNER_REFUSED',
        `${url} has the SHA-256 ${sha256}, expected ${archive.sha256}. Nothing of it was unpacked.`,
      );
    }
    return archive.asset.endsWith('.zip')
      ? await runtime.toolCache.extractZip(file)
      : await runtime.toolCache.extractTar(file);
  } finally {
    await rm(file, { force: true });
  }
}
