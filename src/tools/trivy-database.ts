import { cp, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ActionError } from '../errors/action-error.ts';
import type { ErrorCode } from '../errors/catalogue.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { Tool } from './installer.ts';
import { isolate } from './isolation.ts';
import { type Inspected, inspect, JAVA, type Kind, VULNERABILITIES } from './trivy-metadata.ts';

/** A database that may be scanned with. */
export interface Database {
  /** Folder for Trivy's `--cache-dir`. */
  readonly cacheDir: string;
  readonly updatedAt: Date;
  /** Milliseconds since it was made. */
  readonly age: number;
  /** `cache`: it was there and is current; `stale`: it was there, and no mirror gave a newer one. */
  readonly origin: 'cache' | 'download' | 'stale';
  /** The mirror that gave it. */
  readonly repository?: string;
}

export interface DatabaseOptions {
  /** Mirrors, tried in order: `ghcr.io/aquasecurity/trivy-db:2`. */
  readonly repositories: readonly string[];
  /** Milliseconds. */
  readonly maxAge: number;
  /** Shared by all runs of a job; see {@link databaseDirectory}. */
  readonly cacheDir: string;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/**
 * Where the databases are kept for the length of a job, so that a second run of this action finds them. Outside of a job
 * it is a place that nobody else can have prepared.
 */
export function databaseDirectory(runtime: Runtime): string {
  const { RUNNER_TEMP } = runtime.env;
  return RUNNER_TEMP ? join(RUNNER_TEMP, 'registry-action-trivy') : join(runtime.temp, 'trivy');
}

/**
 * Makes sure that there is a vulnerability database that is not older than allowed. A current one in the cache is used as it
 * is; else each mirror is asked in turn, whatever is wrong with the one before (Trivy itself gives up at the first that
 * has no address or says no). What is in the cache serves when no mirror does, with a warning, as long as it is within `maxAge`.
 * Databases are not signed: a mirror is trusted for the content.
 * @throws ActionError DATABASE_TOO_OLD, DATABASE_INVALID, DATABASE_UNREACHABLE
 */
export function prepareDatabase(runtime: Runtime, trivy: Tool, options: DatabaseOptions): Promise<Database> {
  return prepare(runtime, trivy, VULNERABILITIES, options);
}

/**
 * The same for the index that names Java archives by their hash; needed only when an image holds one. It lists what
 * was released, not what is vulnerable, so an old one is no danger and it has no age limit.
 * @throws ActionError DATABASE_INVALID, DATABASE_UNREACHABLE
 */
export function prepareJavaDatabase(
  runtime: Runtime,
  trivy: Tool,
  options: Omit<DatabaseOptions, 'maxAge'>,
): Promise<Database> {
  return prepare(runtime, trivy, JAVA, { ...options, maxAge: Number.POSITIVE_INFINITY });
}

async function prepare(runtime: Runtime, trivy: Tool, kind: Kind, options: DatabaseOptions): Promise<Database> {
  const { cacheDir, maxAge } = options;
  const now = runtime.clock.now();
  const cached = await inspect(join(cacheDir, kind.folder), kind, now).catch((error: unknown) => {
    runtime.log.debug(`The cached ${kind.title} is left aside: ${String(error)}`);
    return undefined;
  });
  if (cached !== undefined && cached.age <= maxAge && isCurrent(cached, now)) {
    return { cacheDir, updatedAt: cached.updatedAt, age: cached.age, origin: 'cache' };
  }

  const failures: Failure[] = [];
  for (const repository of options.repositories) {
    const outcome = await download(runtime, trivy, kind, repository, options, now);
    if ('code' in outcome) {
      failures.push(outcome);
      runtime.log.info(`${repository}: ${outcome.reason}`);
    } else return { cacheDir, updatedAt: outcome.updatedAt, age: outcome.age, origin: 'download', repository };
  }

  const tried = failures.map(({ repository, reason }) => `\n- ${repository}: ${reason}`).join('');
  if (cached !== undefined && cached.age <= maxAge) {
    runtime.log.warning(
      `No mirror gave the ${kind.title}; the one in the cache is ${duration(cached.age)} old and is used.${tried}`,
    );
    return { cacheDir, updatedAt: cached.updatedAt, age: cached.age, origin: 'stale' };
  }
  if (cached !== undefined) {
    throw new ActionError(
      'DATABASE_TOO_OLD',
      `The ${kind.title} in the cache is ${duration(cached.age)} old (of ${cached.updatedAt.toISOString()}), and at most ${duration(maxAge)} is allowed. No mirror gave a newer one:${tried}`,
    );
  }
  const code = ORDER.find((each) => failures.some((failure) => failure.code === each)) ?? 'DATABASE_UNREACHABLE';
  throw new ActionError(
    code,
    `The ${kind.title} could not be had from any of ${failures.length} mirrors:${tried || ' none is named'}`,
  );
}

type DatabaseCode = Extract<ErrorCode, `DATABASE_${string}`>;

/** Of several mirrors' failures the one that its owner can do something about. */
const ORDER: readonly DatabaseCode[] = ['DATABASE_TOO_OLD', 'DATABASE_INVALID', 'DATABASE_UNREACHABLE'];

interface Failure {
  readonly repository: string;
  readonly code: DatabaseCode;
  readonly reason: string;
}

/** Trivy's own rule: nothing newer is to be expected, or it was asked for less than an hour ago. */
function isCurrent({ nextUpdate, downloadedAt }: Inspected, now: Date): boolean {
  return now < nextUpdate || now.getTime() - downloadedAt.getTime() < HOUR;
}

/** Downloads into a folder of its own, so that what is in the cache is whole at any time. */
async function download(
  runtime: Runtime,
  trivy: Tool,
  kind: Kind,
  repository: string,
  { cacheDir, maxAge }: DatabaseOptions,
  now: Date,
): Promise<Inspected | Failure> {
  const failed = (code: DatabaseCode, reason: string): Failure => ({ repository, code, reason });
  // A name that begins with a hyphen would be read as a flag.
  if (!/^[a-z0-9][\w.:/@-]*$/i.test(repository))
    return failed('DATABASE_UNREACHABLE', 'this is not the name of a repository');
  const world = await isolate(runtime, 'database', 'online');
  try {
    const target = join(world.directory, 'cache');
    const [flag, mirror] = kind.flags;
    const result = await runtime.exec(
      trivy.path,
      [
        'image',
        flag,
        mirror,
        repository,
        '--cache-dir',
        target,
        '--config',
        await emptyFile(world.directory),
        ...QUIET,
      ],
      { env: world.env, cwd: world.cwd, timeout: 10 * MINUTE, onStderr: (line) => runtime.log.debug(line) },
    );
    if (result.exitCode !== 0) {
      return {
        repository,
        ...explain(
          result.stderr,
          result.timedOut ? 'no answer in 10 minutes' : `Trivy ended with ${result.signal ?? result.exitCode}`,
        ),
      };
    }
    const inspected = await inspect(join(target, kind.folder), kind, now);
    if (inspected.age > maxAge) {
      const made = inspected.updatedAt.toISOString();
      return failed(
        'DATABASE_TOO_OLD',
        `it is ${duration(inspected.age)} old (of ${made}), and at most ${duration(maxAge)} is allowed`,
      );
    }
    await replace(join(target, kind.folder), join(cacheDir, kind.folder));
    return inspected;
  } catch (error) {
    runtime.signal.throwIfAborted();
    if (error instanceof ActionError && error.code !== 'DATABASE_INVALID') throw error;
    return failed('DATABASE_INVALID', error instanceof Error ? error.message : String(error));
  } finally {
    await rm(world.directory, { recursive: true, force: true });
  }
}

const QUIET = ['--no-progress', '--skip-version-check', '--disable-telemetry'] as const;

async function emptyFile(directory: string): Promise<string> {
  const path = join(directory, 'empty.yaml');
  await writeFile(path, '');
  return path;
}

/** What Trivy says when it cannot get a database: words of its own and of its registry client. */
const REASONS: readonly (readonly [RegExp, DatabaseCode, string])[] = [
  [/must be a single layer/i, 'DATABASE_INVALID', 'the artifact has several layers, and one is expected'],
  [
    /unacceptable media type/i,
    'DATABASE_INVALID',
    'the layer is of another media type, so this is not such a database',
  ],
  [/annotation \S*title is missing/i, 'DATABASE_INVALID', 'the layer has no title annotation'],
  [/oci download error/i, 'DATABASE_INVALID', 'the layer cannot be unpacked'],
  [/TOOMANYREQUESTS|\b429\b|toomanyrequests/i, 'DATABASE_UNREACHABLE', 'rate limited (too many requests)'],
  [/MANIFEST_UNKNOWN|NAME_UNKNOWN|\b404\b|NOT_FOUND/, 'DATABASE_UNREACHABLE', 'not found'],
  [/UNAUTHORIZED|DENIED|\b40[13]\b/, 'DATABASE_UNREACHABLE', 'refused (access denied)'],
  [
    /no such host|server misbehaving|Temporary failure in name resolution/i,
    'DATABASE_UNREACHABLE',
    'the name of the host has no address (DNS)',
  ],
  [/x509:|tls:/i, 'DATABASE_UNREACHABLE', 'the certificate of the host is not trusted (TLS)'],
  [
    /connection refused|connection reset|no route to host|i\/o timeout|deadline exceeded|\bEOF\b/i,
    'DATABASE_UNREACHABLE',
    'no connection',
  ],
  [/UNAVAILABLE|\b50[0234]\b/, 'DATABASE_UNREACHABLE', 'the registry has a fault (5xx)'],
  [/could not parse reference/i, 'DATABASE_UNREACHABLE', 'this is not the name of a repository'],
];

function explain(stderr: string, fallback: string): { readonly code: DatabaseCode; readonly reason: string } {
  const at = stderr.lastIndexOf('FATAL');
  const fatal = stderr.slice(Math.max(at, 0));
  for (const [pattern, code, reason] of REASONS) if (pattern.test(fatal)) return { code, reason };
  const words = fatal.replaceAll(/\s+/g, ' ').trim().slice(-300);
  return { code: 'DATABASE_UNREACHABLE', reason: words === '' ? fallback : `${fallback}: ${words}` };
}

/** Puts a folder in the place of another. A scan that has files of the old one open keeps them. */
async function replace(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  const aside = await mkdtemp(join(dirname(to), 'old-'));
  await rename(to, join(aside, 'db')).catch(() => undefined);
  try {
    await rename(from, to);
  } catch {
    // Another run was faster, or the folders are on different disks.
    await cp(from, to, { recursive: true, force: true });
  }
  await rm(aside, { recursive: true, force: true });
}

/** `3d 4h`, `25m`: an age as people say it. */
function duration(milliseconds: number): string {
  const minutes = Math.floor(milliseconds / MINUTE);
  const [days, hours] = [Math.floor(minutes / 1440), Math.floor((minutes % 1440) / 60)];
  if (days > 0) return hours > 0 ? `${days}d ${hours}h` : `${days}d`;
  return hours > 0 ? `${hours}h` : `${minutes}m`;
}
