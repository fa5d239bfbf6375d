import { cp, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ActionError } from '../../errors/action-error.ts';
import type { ErrorCode } from '../../errors/catalogue.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { type Inspected, inspect, JAVA, type Kind, VULNERABILITIES } from './metadata.ts';
import { fetchDatabase, type MirrorRepository, parseMirror } from './mirror.ts';

/** A usable database. */
export interface Database {
  /** Folder for Trivy's `--cache-dir`. */
  readonly cacheDir: string;
  readonly updatedAt: Date;
  /** Its age in milliseconds. */
  readonly age: number;
  /** `cache`: a current one was cached; `stale`: an old one was cached, and no mirror had a newer one. */
  readonly origin: 'cache' | 'download' | 'stale';
  /** The mirror it came from. */
  readonly repository?: string;
}

export interface DatabaseOptions {
  /** Mirrors, tried in order: `ghcr.io/aquasecurity/trivy-db:2`. */
  readonly repositories: readonly string[];
  /** Milliseconds. */
  readonly maxAge: number;
  /** Shared by all runs of a job; see {@link databaseDirectory}. */
  readonly cacheDir: string;
  readonly open: OpenMirror;
}

/** How to access a mirror. */
export interface MirrorAccess {
  /** With the user's credentials for the host, or anonymously. */
  readonly login: boolean;
  /** Attempts per request: with another mirror left, trying that one is better than a retry. */
  readonly attempts: number;
  readonly signal: AbortSignal;
}

export type OpenMirror = (host: string, repository: string, access: MirrorAccess) => Promise<MirrorRepository>;

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/**
 * Where databases are cached during a job, so that a second run of this action finds them. Outside a job, a folder that
 * no other process can have prepared.
 */
export function databaseDirectory(runtime: Runtime): string {
  const { RUNNER_TEMP } = runtime.env;
  return RUNNER_TEMP ? join(RUNNER_TEMP, 'registry-action-trivy') : join(runtime.temp, 'trivy');
}

/**
 * Provides a vulnerability database that is not older than allowed. A current one in the cache is used; otherwise each
 * mirror is tried in turn, whatever the error of the one before. Trivy does not download it itself: it runs without
 * credentials, and stops at the first mirror that cannot be resolved or denies access. If no mirror works, the cached
 * database is used with a warning, as long as it is within `maxAge`. Databases are not signed: their content is trusted
 * because of the mirror.
 * @throws ActionError DATABASE_TOO_OLD, DATABASE_INVALID, DATABASE_DENIED, DATABASE_UNREACHABLE
 */
export function prepareDatabase(runtime: Runtime, options: DatabaseOptions): Promise<Database> {
  return prepare(runtime, VULNERABILITIES, options);
}

/**
 * The same for the index that identifies Java archives by hash; needed only when an image contains one. It lists
 * releases, not vulnerabilities, so an old one is safe and it has no age limit.
 * @throws ActionError DATABASE_INVALID, DATABASE_DENIED, DATABASE_UNREACHABLE
 */
export function prepareJavaDatabase(runtime: Runtime, options: Omit<DatabaseOptions, 'maxAge'>): Promise<Database> {
  return prepare(runtime, JAVA, { ...options, maxAge: Number.POSITIVE_INFINITY });
}

async function prepare(runtime: Runtime, kind: Kind, options: DatabaseOptions): Promise<Database> {
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
  for (const [at, repository] of options.repositories.entries()) {
    const attempts = at === options.repositories.length - 1 ? MAX_ATTEMPTS_AT_LAST_MIRROR : 1;
    const outcome = await download(runtime, kind, repository, attempts, options, now);
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
  const code = REPORT_ORDER.find((each) => failures.some((failure) => failure.code === each)) ?? 'DATABASE_UNREACHABLE';
  throw new ActionError(
    code,
    `The ${kind.title} could not be downloaded from any of ${failures.length} mirrors:${tried || ' none is named'}`,
  );
}

type DatabaseCode = Extract<ErrorCode, `DATABASE_${string}`>;

/** The failure to report among those of several mirrors: the most actionable one. */
const REPORT_ORDER: readonly DatabaseCode[] = [
  'DATABASE_TOO_OLD',
  'DATABASE_INVALID',
  'DATABASE_DENIED',
  'DATABASE_UNREACHABLE',
];

interface Failure {
  readonly repository: string;
  readonly code: DatabaseCode;
  readonly reason: string;
}

/** Trivy's own rule: no newer one is due yet, or the last download was less than an hour ago. */
function isCurrent({ nextUpdate, downloadedAt }: Inspected, now: Date): boolean {
  return now < nextUpdate || now.getTime() - downloadedAt.getTime() < HOUR_MS;
}

/** Attempts at the last mirror. */
const MAX_ATTEMPTS_AT_LAST_MIRROR = 3;
const MAX_TIME_PER_MIRROR_MS = 10 * MINUTE_MS;

/** Downloads into a separate folder, so that the cache is complete at any time. */
async function download(
  runtime: Runtime,
  kind: Kind,
  repository: string,
  attempts: number,
  { cacheDir, maxAge, open }: DatabaseOptions,
  now: Date,
): Promise<Inspected | Failure> {
  const mirror = parseMirror(repository, kind);
  if (mirror === undefined)
    return { repository, code: 'DATABASE_UNREACHABLE', reason: 'this is not the name of a repository' };
  const directory = await mkdtemp(join(runtime.temp, 'database-'));
  const late = AbortSignal.timeout(MAX_TIME_PER_MIRROR_MS);
  const signal = AbortSignal.any([runtime.signal, late]);
  const fetch = async (login: boolean): Promise<void> => {
    const from = await open(mirror.host, mirror.repository, { login, attempts, signal });
    await fetchDatabase(from, mirror.reference, kind, join(directory, kind.folder), now);
  };
  try {
    // A public mirror may refuse a login that is valid elsewhere, and requires none.
    await fetch(true).catch(async (error: unknown) => {
      if (!isRefused(error)) throw error;
      await fetch(false).catch((second: unknown) => {
        throw isRefused(second) ? error : second;
      });
    });
    const inspected = await inspect(join(directory, kind.folder), kind, now);
    if (inspected.age > maxAge) {
      const reason = `it is ${duration(inspected.age)} old (of ${inspected.updatedAt.toISOString()}), and at most ${duration(maxAge)} is allowed`;
      return { repository, code: 'DATABASE_TOO_OLD', reason };
    }
    await replace(join(directory, kind.folder), join(cacheDir, kind.folder));
    return inspected;
  } catch (error) {
    runtime.signal.throwIfAborted();
    if (late.aborted) return { repository, code: 'DATABASE_UNREACHABLE', reason: 'no answer in 10 minutes' };
    if (!(error instanceof ActionError)) throw error;
    return { repository, ...explain(error) };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** A mirror without read access, or a failed login. */
const REFUSAL_CODE =
  /^(?:UNAUTHORIZED|DENIED|SCOPE_TOO_NARROW|TOKEN_EXPIRED|CREDENTIALS_\w+|KEYLESS_\w+|ID_TOKEN_\w+)$/;

function isRefused(error: unknown): error is ActionError {
  return error instanceof ActionError && REFUSAL_CODE.test(error.code);
}

/** A mirror's error in a few words. */
const REASONS: Readonly<Partial<Record<ErrorCode, string>>> = {
  TOO_MANY_REQUESTS: 'rate limited (too many requests)',
  PULL_LIMIT: 'rate limited (too many requests)',
  ABUSE_LIMIT: 'rate limited (too many requests)',
  MANIFEST_UNKNOWN: 'not found',
  REPOSITORY_UNKNOWN: 'not found',
  TLS_UNTRUSTED:
    'the certificate of the host is not trusted (TLS); `registry-ca` gives the certificate of an own authority',
  PLAIN_HTTP: 'the host does not support TLS; `insecure-registries` allows plain HTTP',
  REGISTRY_UNAVAILABLE: 'the registry has a fault (5xx)',
};

function explain(error: ActionError): { readonly code: DatabaseCode; readonly reason: string } {
  const { code, message } = error;
  if (code === 'DATABASE_INVALID') return { code, reason: message };
  if (isRefused(error)) return { code: 'DATABASE_DENIED', reason: `refused (access denied): ${message}` };
  if (code === 'DIGEST_MISMATCH' || code === 'ANSWER_INVALID') return { code: 'DATABASE_INVALID', reason: message };
  return { code: 'DATABASE_UNREACHABLE', reason: REASONS[code] ?? network(error) ?? message };
}

function network({ code, cause, message }: ActionError): string | undefined {
  if (code !== 'REGISTRY_UNREACHABLE') return undefined;
  const own = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  return /^(?:ENOTFOUND|EAI_)/.test(own) ? 'the name of the host has no address (DNS)' : `no connection (${message})`;
}

/** Replaces a folder with another one. A running scan keeps its open files of the old one. */
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

/** `3d 4h`, `25m`: an age for messages. */
function duration(milliseconds: number): string {
  const minutes = Math.floor(milliseconds / MINUTE_MS);
  const [days, hours] = [Math.floor(minutes / 1440), Math.floor((minutes % 1440) / 60)];
  if (days > 0) return hours > 0 ? `${days}d ${hours}h` : `${days}d`;
  return hours > 0 ? `${hours}h` : `${minutes}m`;
}
