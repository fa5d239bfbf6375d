import { ActionError } from '../errors/action-error.ts';
import type { Clock } from '../runtime/runtime.ts';
import { isInternal, isLoopback } from './addresses.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import { parseErrorBody } from './error-body.ts';
import { registryError } from './registry-error.ts';
import { type HttpResponse, readBody, type Transport } from './transport.ts';

export type Credentials =
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  /** A refresh token, exchanged at the token service (ACR and others call it identity token). */
  | { readonly kind: 'identity-token'; readonly token: string };

/** Asked anew before each token, so that credentials that run out can be replaced. */
export type CredentialSource = () => Promise<Credentials | undefined>;

/** A scope of the token service, the repository that is written to first: some registries read only the first one.
 *  https://distribution.github.io/distribution/spec/auth/scope/ */
export interface Scope {
  readonly repository: string;
  readonly actions: readonly ('pull' | 'push' | 'delete')[];
}

export interface AuthOptions {
  /** Host of the registry's API. */
  readonly host: string;
  readonly credentials: CredentialSource;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly mask: (secret: string) => void;
}

/** Knows which `Authorization` a registry wants. */
export interface Authenticator {
  /** The header to begin with: undefined until the registry has said what it wants. */
  readonly header: (scopes: readonly Scope[]) => Promise<string | undefined>;
  /**
   * Takes the challenge of a refused request.
   * @returns whether there is something new to try
   */
  readonly challenged: (response: HttpResponse, scopes: readonly Scope[]) => Promise<boolean>;
  /** Drops what is cached for these scopes: the registry says that it has expired. */
  readonly expire: (scopes: readonly Scope[]) => void;
}

type Method =
  | { readonly kind: 'basic' }
  | { readonly kind: 'bearer'; readonly realm: URL; readonly service: string | undefined };

interface Token {
  readonly value: string;
  /** When it is replaced, in milliseconds since the epoch: before it ends, because an upload may outlive its beginning. */
  readonly until: number;
}

const TOKEN_LIMIT = 64 * 1024;
/** A token service that does not say grants 60 seconds: https://distribution.github.io/distribution/spec/auth/token/ */
const SHORTEST = 60;
/** Seconds before its end in which a token is replaced; half of its life for one that lives shorter than a minute. */
const SPARE = 30;
const CLIENT = 'registry-action';

/** Handles Basic and Bearer, GET and POST, with a cache of tokens by scope; requests for the same token share one fetch. */
export function createAuthenticator(options: AuthOptions): Authenticator {
  let method: Method | undefined;
  const tokens = new Map<string, Promise<Token>>();

  const bearer = async (how: Method & { kind: 'bearer' }, scopes: readonly Scope[]): Promise<string> => {
    const key = scopes.map(scopeText).join(' ');
    const cached = await tokens.get(key)?.catch(() => undefined);
    if (cached !== undefined && cached.until > options.clock.now().getTime()) return cached.value;
    const fetching = fetchToken(options, how, scopes);
    tokens.set(key, fetching);
    try {
      return (await fetching).value;
    } catch (error) {
      tokens.delete(key);
      throw error;
    }
  };

  return {
    header: async (scopes) => {
      if (method === undefined) return undefined;
      if (method.kind === 'bearer') return `Bearer ${await bearer(method, scopes)}`;
      const credentials = await options.credentials();
      return credentials === undefined ? undefined : basicHeader(options, credentials);
    },

    challenged: async (response, scopes) => {
      const chosen = choose(parseChallenges(joined(response.headers['www-authenticate'])), response.url, options.host);
      if (chosen === undefined) return false;
      const same = method !== undefined && method.kind === chosen.kind;
      method = chosen;
      if (chosen.kind === 'basic') return !same && (await options.credentials()) !== undefined;
      tokens.delete(scopes.map(scopeText).join(' '));
      return true;
    },

    expire: (scopes) => {
      tokens.delete(scopes.map(scopeText).join(' '));
    },
  };
}

function scopeText({ repository, actions }: Scope): string {
  return `repository:${repository}:${actions.join(',')}`;
}

function joined(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === 'object' ? header.join(', ') : header;
}

function choose(challenges: readonly Challenge[], from: URL, host: string): Method | undefined {
  const bearer = challenges.find(({ scheme, parameters }) => scheme === 'bearer' && parameters.realm !== undefined);
  if (bearer?.parameters.realm !== undefined) {
    return {
      kind: 'bearer',
      realm: trustedRealm(bearer.parameters.realm, from, host),
      service: bearer.parameters.service,
    };
  }
  return challenges.some(({ scheme }) => scheme === 'basic') ? { kind: 'basic' } : undefined;
}

/**
 * Where credentials are sent is the registry's word: it must be HTTPS and outside of this network, unless the registry
 * itself is there (go-containerregistry#2243 and its successors).
 * @throws ActionError REDIRECT_REFUSED
 */
function trustedRealm(realm: string, from: URL, host: string): URL {
  const refuse = (why: string) =>
    new ActionError(
      'REDIRECT_REFUSED',
      `${host} wants credentials to be sent to "${realm.slice(0, 200)}", which ${why}.`,
      {
        facts: { registry: host },
      },
    );
  let url: URL;
  try {
    url = new URL(realm, from);
  } catch {
    throw refuse('is no address');
  }
  if (url.host === from.host && url.protocol === from.protocol) return url;
  if (url.username !== '' || url.password !== '') throw refuse('holds credentials');
  const localRegistry = isLoopback(from.hostname);
  if (url.protocol !== 'https:' && !(localRegistry && isLoopback(url.hostname))) throw refuse('is not HTTPS');
  if (isInternal(url.hostname) && !isInternal(from.hostname)) throw refuse('is an internal address');
  return url;
}

function basicHeader({ host, mask }: AuthOptions, credentials: Credentials): string {
  if (credentials.kind !== 'password') {
    throw new ActionError(
      'UNAUTHORIZED',
      `${host} wants a user name and a password, and there is an identity token only.`,
      {
        facts: { registry: host },
      },
    );
  }
  const encoded = Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64');
  mask(encoded);
  return `Basic ${encoded}`;
}

async function fetchToken(
  options: AuthOptions,
  how: Method & { kind: 'bearer' },
  scopes: readonly Scope[],
): Promise<Token> {
  const credentials = await options.credentials();
  let response =
    credentials?.kind === 'identity-token'
      ? await post(options, how, scopes, credentials.token)
      : await get(options, how, scopes, credentials);
  // Not every service knows the OAuth form: https://distribution.github.io/distribution/spec/auth/oauth/
  if (credentials?.kind === 'identity-token' && (response.status === 404 || response.status === 405)) {
    await readBody(response, TOKEN_LIMIT);
    response = await get(options, how, scopes, undefined);
  }
  const body = await readBody(response, TOKEN_LIMIT);
  if (response.status !== 200) {
    throw registryError(
      { host: options.host, operation: 'token', status: response.status, ...parseErrorBody(body.toString('utf8')) },
      `${how.realm.host} answered ${response.status} when asked for a token for ${scopes.map(scopeText).join(' ')}`,
      { registry: options.host, ...(scopes[0] === undefined ? {} : { repository: scopes[0].repository }) },
    );
  }
  return readToken(body, options);
}

function get(
  { transport }: AuthOptions,
  { realm, service }: Method & { kind: 'bearer' },
  scopes: readonly Scope[],
  credentials: Credentials | undefined,
) {
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set('service', service);
  for (const scope of scopes) url.searchParams.append('scope', scopeText(scope));
  const basic =
    credentials?.kind === 'password'
      ? { authorization: `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}` }
      : {};
  return transport({ method: 'GET', url, headers: basic });
}

function post(
  { transport }: AuthOptions,
  { realm, service }: Method & { kind: 'bearer' },
  scopes: readonly Scope[],
  token: string,
) {
  const form = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: token, client_id: CLIENT });
  if (service !== undefined) form.set('service', service);
  form.set('scope', scopes.map(scopeText).join(' '));
  const content = Buffer.from(form.toString());
  return transport({
    method: 'POST',
    url: realm,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: { size: content.length, open: () => content },
  });
}

function readToken(body: Buffer, { host, clock, mask }: AuthOptions): Token {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString('utf8'));
  } catch {
    parsed = undefined;
  }
  const fields =
    typeof parsed === 'object' && parsed !== null ? new Map(Object.entries(parsed)) : new Map<string, unknown>();
  const value = [fields.get('token'), fields.get('access_token')].find(
    (each) => typeof each === 'string' && each !== '',
  );
  if (typeof value !== 'string') {
    throw new ActionError('ANSWER_INVALID', `The token service of ${host} answered 200 without a token.`, {
      facts: { registry: host },
    });
  }
  mask(value);
  const seconds = fields.get('expires_in');
  // `issued_at` is of another clock: the life is counted from when the answer came.
  const life = typeof seconds === 'number' && Number.isFinite(seconds) ? Math.max(seconds, 1) : SHORTEST;
  return { value, until: clock.now().getTime() + (life - Math.min(SPARE, life / 2)) * 1000 };
}
