import { ActionError } from '../errors/action-error.ts';
import { childEnvironment, type Runtime } from '../runtime/runtime.ts';
import type { Credentials } from './credential.ts';
import {
  DOCKERS_OWN,
  type DockerConfig,
  dockerConfigDirectory,
  keysOf,
  type Login,
  readDockerConfig,
  readEntry,
} from './docker-config.ts';

export interface KnownCredentials {
  /** From `username`/`password` or `registry-auth`. */
  readonly logins: readonly Login[];
  /** The job's token and actor: valid for GHCR only. */
  readonly github?: { readonly actor: string; readonly token: string };
}

/** The vendor's own sources of credentials, for one host. */
export interface VendorLogin {
  readonly keyless: () => Promise<Credentials | undefined>;
  readonly ambient: () => Promise<Credentials | undefined>;
}

/** @param refused credentials that the registry reports as expired; they are replaced by fresh ones if possible */
export type Resolver = (host: string, refused?: Refused) => Promise<Credentials | undefined>;

/** The secret of the refused credentials. */
interface Refused {
  readonly secret: string;
}

/** Docker's user name for identity tokens. */
const TOKEN_USER = '<token>';

/** Margin before expiry at which credentials are replaced, so that no request outlives them. */
const REFRESH_MARGIN_MS = 60_000;

/**
 * Finds the credentials for a host, in the documented order: inputs of this step, keyless login as configured, docker
 * on this runner (its file, then its credential helpers), the job's own token for ghcr.io and vendor credentials on the
 * runner, anonymous access. A host only gets credentials stored under exactly its name, and vendor logins only if it
 * belongs to that vendor.
 */
export function createCredentials(
  runtime: Runtime,
  known: KnownCredentials,
  vendorLogin: (host: string) => VendorLogin | undefined = () => undefined,
): Resolver {
  let config: Promise<DockerConfig> | undefined;
  const order: readonly ((host: string) => Promise<Credentials | undefined>)[] = [
    async (host) => {
      const login = known.logins.find((given) => given.host === host);
      return login === undefined ? undefined : { kind: 'password', ...pick(login), from: 'inputs of this step' };
    },
    async (host) => vendorLogin(host)?.keyless(),
    async (host) => {
      config ??= readDockerConfig(dockerConfigDirectory(runtime.env));
      return fromDocker(runtime, await config, host);
    },
    async (host) =>
      host === 'ghcr.io' && known.github !== undefined
        ? { kind: 'password', username: known.github.actor, password: known.github.token, from: 'github-token' }
        : undefined,
    async (host) => vendorLogin(host)?.ambient(),
  ];
  const logged = new Set<string>();
  const logOnce = (line: string) => {
    if (!logged.has(line)) runtime.log.info(line);
    logged.add(line);
  };
  const find = async (host: string): Promise<Credentials | undefined> => {
    for (const resolve of order) {
      const found = await resolve(host);
      if (found === undefined) continue;
      runtime.secret(secretOf(found));
      logOnce(`Credentials for ${host}: ${found.from}.`);
      return found;
    }
    logOnce(`No credentials for ${host}, using anonymous access.`);
    return undefined;
  };

  const held = new Map<string, Promise<Credentials | undefined>>();
  return async (host, refused) => {
    const before = held.get(host);
    if (before !== undefined) {
      const found = await before.catch(() => undefined);
      const good =
        found !== undefined &&
        secretOf(found) !== refused?.secret &&
        (found.until === undefined || found.until.getTime() - REFRESH_MARGIN_MS > runtime.clock.now().getTime());
      if (good || held.get(host) !== before) return good ? found : held.get(host);
    }
    const fresh = find(host);
    held.set(host, fresh);
    return fresh;
  };
}

/** The secret part of credentials. */
function secretOf(found: Credentials): string {
  return found.kind === 'password' ? found.password : found.token;
}

function pick({ username, password }: Login) {
  return { username, password };
}

async function fromDocker(runtime: Runtime, config: DockerConfig, host: string): Promise<Credentials | undefined> {
  // Docker also accepts entries under other addresses of the host, as its first versions wrote them.
  const old = Object.keys(config.auths).filter((key) => /^https?:\/\/([^/]+)/.exec(key)?.[1] === host);
  for (const key of new Set([...keysOf(host), ...(config.credsStore === undefined ? old : [])])) {
    const helper = Object.hasOwn(config.credHelpers, key) ? config.credHelpers[key] : config.credsStore;
    if (helper) {
      const found = await askHelper(runtime, helper, key);
      if (found !== undefined) return found;
      continue;
    }
    const entry = Object.hasOwn(config.auths, key) ? config.auths[key] : undefined;
    const found = entry && readEntry(entry, `${DOCKERS_OWN}config.json`);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** https://github.com/docker/docker-credential-helpers#usage: the host on standard input, JSON on standard output. */
async function askHelper(runtime: Runtime, helper: string, key: string): Promise<Credentials | undefined> {
  if (!/^[A-Za-z0-9._-]+$/.test(helper)) {
    throw new ActionError(
      'INPUT_INVALID',
      `docker's configuration names a credential helper "${helper.slice(0, 60)}", which is not a program name.`,
    );
  }
  const program = `docker-credential-${helper}`;
  // Helpers read their own credentials as they do below docker: they get the step's environment without the inputs and
  // the job's tokens.
  const env = childEnvironment(
    runtime.env,
    Object.keys(runtime.env).filter((name) => !/^(?:INPUT|ACTIONS|STATE)_/.test(name)),
  );
  const asked = await runtime.exec(program, ['get'], { env, input: key, timeout: 60_000 });
  if (asked.exitCode !== 0) {
    // Helpers report missing credentials with "credentials not found in native keychain". Similar messages ("gcloud:
    // command not found") come from a broken helper.
    if (/credentials not found/i.test(asked.stdout + asked.stderr)) return undefined;
    throw new ActionError(
      'UNAUTHORIZED',
      `${program} failed (exit code ${asked.exitCode}) while getting the credentials for ${key}: ${(asked.stdout || asked.stderr).trim().slice(0, 300)}`,
    );
  }
  const answer: unknown = parse(asked.stdout);
  if (typeof answer !== 'object' || answer === null || !('Username' in answer) || !('Secret' in answer))
    return undefined;
  const { Username: username, Secret: secret } = answer;
  if (typeof username !== 'string' || typeof secret !== 'string' || secret === '') return undefined;
  const from = `${DOCKERS_OWN}credential helper ${helper}`;
  return username === TOKEN_USER
    ? { kind: 'identity-token', token: secret, from }
    : { kind: 'password', username, password: secret, from };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
