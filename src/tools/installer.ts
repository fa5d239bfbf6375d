import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, chmod, constants, copyFile, mkdtemp, realpath, rm } from 'node:fs/promises';
import { basename, delimiter, isAbsolute, join, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ActionError } from '../errors/action-error.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { ToolArchive, ToolRelease } from './checksums.ts';
import { isolate } from './isolation.ts';

/** A verified program. */
export interface Tool {
  readonly version: string;
  /** Absolute path of the program: a verified copy for this run alone. */
  readonly path: string;
  /** Where it was found; undefined for a download. */
  readonly found?: string;
  readonly origin: 'path' | 'cache' | 'download';
}

export interface InstallOptions {
  /** Exactly this version; empty or undefined: any accepted one on PATH, otherwise the default. */
  readonly version?: string | undefined;
  /** SHA-256 of a program on PATH to accept although it is not in the table. */
  readonly sha256?: string | undefined;
  /** Alternative download URL, for tests and mirrors. The checksum is verified all the same. */
  readonly releases?: string;
  /** Default: this machine's, in Node's terms. */
  readonly platform?: { readonly os: string; readonly arch: string };
}

/**
 * Finds a program on PATH, in the tool cache, or downloads its archive. Nothing runs before its SHA-256 is checked:
 * that of the program against the table (or the user's checksum), otherwise that of its archive. The verified program
 * is copied to the run's own folder, so that it cannot be changed afterwards.
 * @throws ActionError of the tool: refused for a version that is not accepted or an unknown archive, unavailable when
 * no build exists for this machine or the download fails
 */
export async function installTool(runtime: Runtime, release: ToolRelease, options: InstallOptions = {}): Promise<Tool> {
  const wanted = options.version?.replace(/^v/, '') || undefined;
  if (wanted !== undefined) refuseUnknown(release, wanted);
  const { os, arch } = options.platform ?? { os: process.platform, arch: process.arch };
  const onPath = await findAllowed(runtime, release, wanted, `${os}/${arch}`, options.sha256);
  if (onPath !== undefined) return onPath;

  const version = wanted ?? release.defaultVersion;
  const program = os === 'win32' ? `${release.program}.exe` : release.program;
  // Our own name: tools cached by other actions have not been verified.
  const cacheName = `registry-action-${release.program}`;
  const archive = release.versions[version]?.[`${os}/${arch}`];
  if (archive === undefined) {
    const builds = Object.keys(release.versions[version] ?? {}).join(', ');
    throw new ActionError(
      release.errors.unavailable,
      `There is no build of ${release.program} ${version} for ${os}/${arch}, only for ${builds}. Run this job on one of these, or put ${release.program} on PATH.`,
    );
  }
  const cached = await runtime.toolCache.find(cacheName, version);
  if (cached !== undefined) {
    const path = await fromCache(runtime, cached, program, archive);
    if (path !== undefined) return { version, path, found: cached, origin: 'cache' };
    runtime.log.warning(`${cached} in the tool cache is not what was verified when it was saved. It is replaced.`);
  }
  const url = `${options.releases ?? release.releases}/v${version}/${archive.asset}`;
  const file = await downloadVerified(runtime, release, url, archive);
  try {
    const unpacked = await unpack(runtime, file, archive, program);
    const { path, sha256 } = await privateCopy(runtime, join(unpacked, program));
    if (archive.program !== undefined && sha256 !== archive.program) {
      throw new ActionError(
        release.errors.refused,
        `${program} in ${url} has the SHA-256 ${sha256}, expected ${archive.program}.`,
      );
    }
    const runs = await versionOf(runtime, release, path);
    if (runs !== version) {
      throw new ActionError(
        release.errors.unavailable,
        `${url} was installed as version ${version} and reports ${runs ?? 'nothing'}.`,
      );
    }
    await runtime.toolCache.save(await cacheFolder(runtime, file, unpacked, archive), cacheName, version);
    return { version, path, origin: 'download' };
  } finally {
    await rm(file, { force: true });
  }
}

/** What to cache: the program if its own checksum is known, otherwise the archive, whose checksum always is. */
async function cacheFolder(runtime: Runtime, file: string, unpacked: string, archive: ToolArchive): Promise<string> {
  if (archive.program !== undefined) return unpacked;
  const folder = await mkdtemp(join(runtime.temp, 'archive-'));
  await copyFile(file, join(folder, archive.asset));
  return folder;
}

/** The verified copy of a cached program; undefined when it is missing or differs. */
async function fromCache(
  runtime: Runtime,
  cached: string,
  program: string,
  archive: ToolArchive,
): Promise<string | undefined> {
  const isThere = (file: string) =>
    access(file).then(
      () => true,
      () => false,
    );
  const source = join(cached, archive.program === undefined ? archive.asset : program);
  if (!(await isThere(source))) return undefined;
  const copy = await privateCopy(runtime, source);
  if (archive.program !== undefined) return copy.sha256 === archive.program ? copy.path : undefined;
  if (copy.sha256 !== archive.sha256) return undefined;
  return (await privateCopy(runtime, join(await unpack(runtime, copy.path, archive, program), program))).path;
}

/** Copies a file to a folder of this run, where it can be executed, and hashes the copy. */
async function privateCopy(
  runtime: Runtime,
  file: string,
): Promise<{ readonly path: string; readonly sha256: string }> {
  const folder = await mkdtemp(join(runtime.temp, 'tool-'));
  const path = join(folder, basename(file));
  await copyFile(file, path, constants.COPYFILE_FICLONE);
  await chmod(path, 0o700);
  return { path, sha256: await hashOf(path) };
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file, { highWaterMark: 1024 * 1024 }), hash);
  return hash.digest('hex');
}

async function unpack(runtime: Runtime, file: string, { asset }: ToolArchive, program: string): Promise<string> {
  if (asset.endsWith('.zip')) return runtime.toolCache.extractZip(file);
  if (asset.endsWith('.tar.gz')) return runtime.toolCache.extractTar(file);
  const folder = await mkdtemp(join(runtime.temp, 'program-'));
  await copyFile(file, join(folder, program));
  return folder;
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
    release.errors.refused,
    `${release.program} ${version.slice(0, 40)} ${reason}. Allowed: ${allowed(release)}.`,
  );
}

/** The first program of that name on PATH, if it is known or accepted by the user. */
async function findAllowed(
  runtime: Runtime,
  release: ToolRelease,
  wanted: string | undefined,
  platform: string,
  accepted: string | undefined,
): Promise<Tool | undefined> {
  const found = await findOnPath(runtime, release.program);
  if (found === undefined) return undefined;
  const { path, sha256 } = await privateCopy(runtime, found);
  const known = Object.keys(release.versions).find((each) => release.versions[each]?.[platform]?.program === sha256);
  if (known === undefined && sha256 !== accepted) {
    runtime.log.warning(
      `${found} is not run: its SHA-256 ${sha256} does not match any known release. ${release.program} is installed instead. If you trust this build, set \`${release.accepts.input}: ${sha256}\`.`,
    );
    return undefined;
  }
  const version = known ?? (await versionOf(runtime, release, path));
  // Distributions use their own versions: the user vouches for this one.
  if (known === undefined && release.accepts.anyVersion && !Object.hasOwn(release.refused, version ?? '')) {
    return { version: version ?? 'of unknown version', path, found, origin: 'path' };
  }
  if (version !== undefined && Object.hasOwn(release.versions, version) && (wanted ?? version) === version) {
    return { version, path, found, origin: 'path' };
  }
  const refused = version === undefined ? undefined : release.refused[version];
  if (refused !== undefined)
    runtime.log.warning(`${found} is version ${version}, which is refused: ${refused}. Remove it.`);
  else
    runtime.log.debug(
      `${found} is version ${version ?? 'unknown'}, not ${wanted ?? allowed(release)}; it is left aside.`,
    );
  return undefined;
}

async function findOnPath(runtime: Runtime, program: string): Promise<string | undefined> {
  const name = process.platform === 'win32' ? `${program}.exe` : program;
  // A pull request can add programs to the checkout: relative entries resolve inside it, and absolute ones may.
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
    runtime.log.debug(`${path} is inside the repository and is not used.`);
  }
  return undefined;
}

/** The version that the program reports; undefined when it does not run or reports something else. */
async function versionOf(runtime: Runtime, release: ToolRelease, path: string): Promise<string | undefined> {
  const world = await isolate(runtime, 'version', 'offline');
  try {
    const { exitCode, stdout } = await runtime.exec(path, release.version.arguments, {
      env: world.env,
      cwd: world.cwd,
      timeout: 30_000,
    });
    return exitCode === 0 ? release.version.pattern.exec(stdout)?.[1] : undefined;
  } catch (error) {
    runtime.signal.throwIfAborted();
    runtime.log.debug(String(error));
    return undefined;
  } finally {
    await rm(world.directory, { recursive: true, force: true });
  }
}

async function downloadVerified(
  runtime: Runtime,
  release: ToolRelease,
  url: string,
  archive: ToolArchive,
): Promise<string> {
  let file: string;
  try {
    file = await runtime.toolCache.download(url);
  } catch (error) {
    runtime.signal.throwIfAborted();
    const reason = error instanceof Error ? error.message : String(error);
    throw new ActionError(release.errors.unavailable, `${url} could not be downloaded: ${reason.slice(0, 300)}.`, {
      cause: error,
    });
  }
  const sha256 = await hashOf(file);
  if (sha256 === archive.sha256) return file;
  await rm(file, { force: true });
  throw new ActionError(
    release.errors.refused,
    `${url} has the SHA-256 ${sha256}, expected ${archive.sha256}. Nothing of it was unpacked.`,
  );
}
