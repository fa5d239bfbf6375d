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
  /** The job's token and who runs it: good for GHCR, and for GHCR only. */
  readonly github?: { readonly actor: string; readonly token: string };
}

/** The vendor's own ways to credentials, bound to one host. */
export interface VendorLogin {
  readonly keyless: () => Promise<Credentials | undefined>;
  readonly ambient: () => Promise<Credentials | undefined>;
}

/** @param refused credentials that the registry calls expired: fresh ones are fetched where there are fresh ones */
export type Resolver = (host: string, refused?: Refused) => Promise<Credentials | undefined>;

/** The secret of the credentials that were refused. */
export interface Refused {
  readonly secret: string;
}

/** What docker writes in place of a user name when the secret is an identity token. */
const TOKEN_USER = '<token>';

/** Credentials are replaced this long before they end, so that a request does not outlive them. In milliseconds. */
const SPARE = 60_000;

/**
 * Finds the credentials for a host. The order is the documented one: given to this step, then keyless as the inputs say,
 * then what docker on this runner has (its file, then its credential helpers), then the job's own token for ghcr.io and
 * what else lies on the runner for the vendor, else none (anonymous). A host gets only what is filed under exactly its
 * name, and a vendor's logins only when it is that vendor's.
 */
export function createCredentials(
  runtime: Runtime,
  known: KnownCredentials,
  vendorLogin: (host: string) => VendorLogin | undefined = () => undefined,
): Resolver {
  let config: Promise<DockerConfig> | undefined;
  const order: readonly ((host: string) => Promise<Credentials | undefined>)[] = [
    async (host) => {
      const login = known.logins.find((each) => each.host === host);
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
  const told = new Set<string>();
  const tell = (line: string) => {
    if (!told.has(line)) runtime.log.info(line);
    told.add(line);
  };
  const find = async (host: string): Promise<Credentials | undefined> => {
    for (const resolve of order) {
      const found = await resolve(host);
      if (found === undefined) continue;
      runtime.secret(secretOf(found));
      tell(`Credentials for ${host}: ${found.from}.`);
      return found;
    }
    tell(`No credentials for ${host}, using anonymous access.`);
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
        (found.until === undefined || found.until.getTime() - SPARE > runtime.clock.now().getTime());
      if (good || held.get(host) !== before) return good ? found : held.get(host);
    }
    const fresh = find(host);
    held.set(host, fresh);
    return fresh;
  };
}

/** The part of credentials that nobody may see. */
export function secretOf(found: Credentials): string {
  return found.kind === 'password' ? found.password : found.token;
}

function pick({ username, password }: Login) {
  return { username, password };
}

async function fromDocker(runtime: Runtime, config: DockerConfig, host: string): Promise<Credentials | undefined> {
  // Docker also takes an entry under any other address of the host, as its first versions wrote them.
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
  // A helper reads its own credentials from wherever it keeps them, as it does below docker: it gets the environment of the
  // step, without the inputs and the tokens of the job, which are none of its business.
  const env = childEnvironment(
    runtime.env,
    Object.keys(runtime.env).filter((name) => !/^(?:INPUT|ACTIONS|STATE)_/.test(name)),
  );
  const asked = await runtime.exec(program, ['get'], { env, input: key, timeout: 60_000 });
  if (asked.exitCode !== 0) {
    // "credentials not found in native keychain" is the helpers' way to say that they have none. What only resembles it
    // ("gcloud: command not found") is a broken helper.
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
