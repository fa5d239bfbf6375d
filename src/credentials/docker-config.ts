import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type Fields, fieldsOf, isFields } from '../domain/fields.ts';
import { ActionError } from '../errors/action-error.ts';
import { programPath } from '../runtime/program-path.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { Credentials } from './credential.ts';

/** Prefix of `from` for credentials that docker on this runner already has. */
export const DOCKERS_OWN = "docker's ";

/** User name and password for one registry host, as configured by the user. */
export interface Login {
  /** Host as in image names: `docker.io`, `ghcr.io`, `registry.example.com:5000`. */
  readonly host: string;
  readonly username: string;
  readonly password: string;
}

/** The user name that Azure expects when the password is an identity token. */
const AZURE_TOKEN_USER = '00000000-0000-0000-0000-000000000000';

/** Credentials in docker's configuration format; undefined when they come from that file. */
export function loginOf(host: string, found: Credentials): Login | undefined {
  if (found.from.startsWith(DOCKERS_OWN)) return undefined;
  return found.kind === 'password'
    ? { host, username: found.username, password: found.password }
    : { host, username: AZURE_TOKEN_USER, password: found.token };
}

/** The parts of docker's `config.json` that contain credentials. Everything else is kept unchanged. */
export interface DockerConfig {
  readonly auths: Readonly<Record<string, Fields>>;
  /** An empty name makes docker read the entry from the file, even if there is a store for all others. */
  readonly credHelpers: Readonly<Record<string, string>>;
  readonly credsStore?: string;
  readonly rest: Readonly<Record<string, unknown>>;
}

const EMPTY_CONFIG: DockerConfig = { auths: {}, credHelpers: {}, rest: {} };
const MAX_CONFIG_BYTES = 4 * 1024 * 1024;

/** Docker Hub's credentials have been stored under this name since registry v1. */
export const DOCKER_HUB_KEY = 'https://index.docker.io/v1/';

/** Docker's configuration folder of this user. */
export function dockerConfigDirectory(env: Runtime['env']): string {
  return env.DOCKER_CONFIG || join(env.HOME || homedir(), '.docker');
}

/**
 * Reads `config.json` of a docker configuration directory; a missing file is an empty configuration.
 * @throws ActionError INPUT_INVALID when the file is not docker's configuration
 */
export async function readDockerConfig(directory: string): Promise<DockerConfig> {
  const file = join(directory, 'config.json');
  if (!existsSync(file)) return EMPTY_CONFIG;
  const refuse = (why: string, cause?: unknown) =>
    new ActionError('INPUT_INVALID', `docker's configuration ${file} ${why}.`, { cause, facts: { file } });
  const content = await readFile(file, 'utf8');
  if (content.length > MAX_CONFIG_BYTES) throw refuse('is larger than 4 MiB');
  let parsed: unknown;
  try {
    parsed = content.trim() === '' ? {} : JSON.parse(content);
  } catch (error) {
    throw refuse('is not JSON', error);
  }
  if (!isFields(parsed)) throw refuse('is not a JSON object');
  const { auths, credHelpers, credsStore, ...rest } = parsed;
  return {
    auths: Object.fromEntries(entries(auths).map(([host, value]) => [host, fieldsOf(value)])),
    credHelpers: Object.fromEntries(
      entries(credHelpers).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
    ),
    ...(isText(credsStore) ? { credsStore } : {}),
    rest,
  };
}

/**
 * The content of an `auths` entry: an identity token, or user name and password, encoded or plain.
 * https://github.com/docker/cli/blob/master/cli/config/configfile/file.go
 */
export function readEntry(entry: Fields, from: string): Credentials | undefined {
  const { auth, identitytoken: token } = entry;
  if (isText(token)) return { kind: 'identity-token', token, from };
  const decoded = isText(auth) ? Buffer.from(auth, 'base64').toString('utf8') : '';
  const colon = decoded.indexOf(':');
  if (colon > 0) {
    return { kind: 'password', username: decoded.slice(0, colon), password: decoded.slice(colon + 1), from };
  }
  const { username, password } = entry;
  return !isText(auth) && isText(username) && isText(password)
    ? { kind: 'password', username, password, from }
    : undefined;
}

/** The names under which docker may store the credentials of a host, the usual one first. */
export function keysOf(host: string): readonly string[] {
  if (host !== 'docker.io')
    return [host, `https://${host}`, `http://${host}`, `https://${host}/v2/`, `https://${host}/v1/`];
  return [DOCKER_HUB_KEY, 'index.docker.io', 'docker.io', 'registry-1.docker.io', 'https://index.docker.io'];
}

/**
 * A configuration directory for this run: the runner's configuration plus the given logins, in a file that only this
 * user can read. Plugins, contexts and builders of the user's own directory are linked. The directory is in the run's
 * temp directory, which the post step removes.
 * @returns the variables that make docker and buildx use it
 */
export async function writePrivateDockerConfig(
  runtime: Runtime,
  logins: readonly Login[],
): Promise<Readonly<Record<string, string>>> {
  const own = dockerConfigDirectory(runtime.env);
  const config = await readDockerConfig(own);
  const directory = join(runtime.temp, 'docker');
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700);
  // Plugins are programs, and programs in the workspace are never run (P8).
  const isOutside = (folder: string) => programPath(folder, runtime.workspace).path !== '';
  for (const name of ['cli-plugins', 'contexts', 'tls']) {
    const target = join(own, name);
    const link = join(directory, name);
    if (name === 'cli-plugins' && !isOutside(target)) continue;
    if (existsSync(target) && !existsSync(link)) await symlink(target, link, 'junction');
  }

  const auths = { ...config.auths };
  const credHelpers = { ...config.credHelpers };
  for (const { host, username, password } of logins) {
    for (const key of keysOf(host)) {
      delete auths[key];
      delete credHelpers[key];
    }
    const key = host === 'docker.io' ? DOCKER_HUB_KEY : host;
    auths[key] = { auth: Buffer.from(`${username}:${password}`).toString('base64') };
    // An empty helper makes docker read this entry from the file, even if a credential store is set for all others.
    if (config.credsStore !== undefined) credHelpers[key] = '';
  }
  const { cliPluginsExtraDirs: plugins, ...rest } = config.rest;
  const extraDirs = (Array.isArray(plugins) ? plugins : []).filter(isText).filter(isOutside);
  const content = {
    ...rest,
    ...(extraDirs.length > 0 ? { cliPluginsExtraDirs: extraDirs } : {}),
    auths,
    ...(Object.keys(credHelpers).length > 0 ? { credHelpers } : {}),
    ...(config.credsStore === undefined ? {} : { credsStore: config.credsStore }),
  };
  await writeFile(join(directory, 'config.json'), JSON.stringify(content), { mode: 0o600 });
  return { DOCKER_CONFIG: directory, BUILDX_CONFIG: runtime.env.BUILDX_CONFIG || join(own, 'buildx') };
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function entries(value: unknown): [string, unknown][] {
  return isFields(value) ? Object.entries(value) : [];
}
