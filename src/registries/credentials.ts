import { ActionError } from '../errors/action-error.ts';
import { childEnvironment, type Runtime } from '../runtime/runtime.ts';
import { type DockerConfig, dockerConfigDirectory, keysOf, type Login, readDockerConfig } from './docker-config.ts';

/** Credentials of one host and where they came from, for the log: never the secret itself. */
export type Found =
  | { readonly kind: 'password'; readonly username: string; readonly password: string; readonly from: string }
  | { readonly kind: 'identity-token'; readonly token: string; readonly from: string };

export interface KnownCredentials {
  /** From `username`/`password` or `registry-auth`. */
  readonly logins: readonly Login[];
  /** The job's token and who runs it: good for GHCR, and for GHCR only. */
  readonly github?: { readonly actor: string; readonly token: string };
}

type Resolver = (host: string) => Promise<Found | undefined>;

/** What docker writes in place of a user name when the secret is an identity token. */
const TOKEN_USER = '<token>';

/**
 * Finds the credentials for a host. The order is the documented one: given to this step, then what docker on this runner
 * has (its file, then its credential helpers), then the job's own token for ghcr.io, else none (anonymous).
 * A host gets only what is filed under exactly its name.
 */
export function createCredentials(runtime: Runtime, known: KnownCredentials): Resolver {
  let config: Promise<DockerConfig> | undefined;
  const order: readonly Resolver[] = [
    async (host) => {
      const login = known.logins.find((each) => each.host === host);
      return login === undefined ? undefined : { kind: 'password', ...pick(login), from: 'inputs of this step' };
    },
    async (host) => {
      config ??= readDockerConfig(dockerConfigDirectory(runtime.env));
      return fromDocker(runtime, await config, host);
    },
    async (host) =>
      host === 'ghcr.io' && known.github !== undefined
        ? { kind: 'password', username: known.github.actor, password: known.github.token, from: 'github-token' }
        : undefined,
  ];
  return async (host) => {
    for (const resolve of order) {
      const found = await resolve(host);
      if (found === undefined) continue;
      runtime.secret(found.kind === 'password' ? found.password : found.token);
      return found;
    }
    return undefined;
  };
}

function pick({ username, password }: Login) {
  return { username, password };
}

async function fromDocker(runtime: Runtime, config: DockerConfig, host: string): Promise<Found | undefined> {
  for (const key of keysOf(host)) {
    const helper = config.credHelpers[key] ?? config.credsStore;
    if (helper) {
      const found = await askHelper(runtime, helper, key);
      if (found !== undefined) return found;
      continue;
    }
    const { auth, identitytoken } = config.auths[key] ?? {};
    if (identitytoken !== undefined)
      return { kind: 'identity-token', token: identitytoken, from: "docker's config.json" };
    const decoded = Buffer.from(auth ?? '', 'base64').toString('utf8');
    const colon = decoded.indexOf(':');
    if (colon > 0) {
      return {
        kind: 'password',
        username: decoded.slice(0, colon),
        password: decoded.slice(colon + 1),
        from: "docker's config.json",
      };
    }
  }
  return undefined;
}

/** https://github.com/docker/docker-credential-helpers#usage: the host on standard input, JSON on standard output. */
async function askHelper(runtime: Runtime, helper: string, key: string): Promise<Found | undefined> {
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
    // "credentials not found in native keychain" is the helpers' way to say that they have none.
    if (/not found/i.test(asked.stdout + asked.stderr)) return undefined;
    throw new ActionError(
      'UNAUTHORIZED',
      `${program} failed (exit code ${asked.exitCode}) when asked for the credentials of ${key}: ${(asked.stdout || asked.stderr).trim().slice(0, 300)}`,
    );
  }
  const answer: unknown = parse(asked.stdout);
  if (typeof answer !== 'object' || answer === null || !('Username' in answer) || !('Secret' in answer))
    return undefined;
  const { Username: username, Secret: secret } = answer;
  if (typeof username !== 'string' || typeof secret !== 'string' || secret === '') return undefined;
  const from = `credential helper ${helper}`;
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
