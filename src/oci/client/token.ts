import { ActionError, type ErrorFacts } from '../../errors/action-error.ts';
import { parseErrorBody } from '../../http/error-body.ts';
import { limitOf } from '../../http/rate-limit.ts';
import { networkError, registryError } from '../../http/registry-error.ts';
import { readBody } from '../../http/response-body.ts';
import { parseRetryAfter } from '../../http/retry-after.ts';
import type { Transport } from '../../http/transport.ts';
import type { Clock } from '../../runtime/runtime.ts';
import { explainRefusal } from './refusal.ts';

export type Credentials =
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  /** A refresh token, exchanged at the token service (ACR and others call it identity token). */
  | { readonly kind: 'identity-token'; readonly token: string };

/**
 * Called before each token request, so that expired credentials can be replaced.
 * @param refused credentials that the registry reports as expired and that must not be returned again
 */
export type CredentialSource = (refused?: { readonly secret: string }) => Promise<Credentials | undefined>;

/**
 * Scopes of the token service, the repository to be written first: some registries read only the first one.
 * https://distribution.github.io/distribution/spec/auth/scope/
 */
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

/** The options, with a redactor for all secrets seen so far. */
export interface Guarded extends AuthOptions {
  readonly redact: (text: string) => string;
}

/** The scopes in the token service's format, separated by spaces. Also the cache key of the token. */
export function scopeText(scopes: readonly Scope[]): string {
  return scopes.map(({ repository, actions }) => `repository:${repository}:${actions.join(',')}`).join(' ');
}

export type Method =
  | { readonly kind: 'basic' }
  | {
      readonly kind: 'bearer';
      readonly realm: URL;
      readonly service: string | undefined;
      /** The scope that the registry requires for the refused request. */
      readonly scope: string | undefined;
    };

export interface Token {
  readonly value: string;
  /**
   * When to replace it, in milliseconds since the epoch: before it expires, because an upload may take longer than it
   * is valid.
   */
  readonly until: number;
}

const TOKEN_LIMIT = 64 * 1024;
/** Default lifetime of a token: https://distribution.github.io/distribution/spec/auth/token/ */
const DEFAULT_LIFETIME_SECONDS = 60;
/** Seconds before expiry at which a token is replaced; half the lifetime for tokens valid for less than a minute. */
const REFRESH_MARGIN_SECONDS = 30;
const CLIENT_ID = 'registry-action';

export function basicHeader({ host, mask }: AuthOptions, credentials: Credentials): string {
  if (credentials.kind !== 'password') {
    throw new ActionError(
      'UNAUTHORIZED',
      `${host} wants a user name and a password, and there is an identity token only.`,
      {
        facts: { registry: host },
      },
    );
  }
  return `Basic ${encoded(credentials, mask)}`;
}

function encoded({ username, password }: Credentials & { kind: 'password' }, mask: (secret: string) => void): string {
  const text = Buffer.from(`${username}:${password}`).toString('base64');
  mask(text);
  return text;
}

/**
 * Fetches a token for a scope (see {@link scopeText}): by POST with an identity token, by GET with a password or
 * anonymously.
 * @param repository for the facts of an error
 */
export async function fetchToken(
  options: Guarded,
  how: Method & { kind: 'bearer' },
  scope: string,
  repository: string | undefined,
): Promise<Token> {
  const credentials = await options.credentials();
  const transport: typeof options.transport = (request) =>
    options.transport(request).catch((error: unknown) => {
      // The token service may run on another host, which an error has to name.
      const doing = `GET a token from ${how.realm.host}, the token service of ${options.host},`;
      throw networkError(error, doing, { registry: options.host, ...(repository === undefined ? {} : { repository }) });
    });
  const asking = { ...options, transport };
  let response =
    credentials?.kind === 'identity-token'
      ? await post(asking, how, scope, credentials.token)
      : await get(asking, how, scope, credentials);
  // Not every service supports the OAuth form (https://distribution.github.io/distribution/spec/auth/oauth/). In that
  // case send the token as a password with an empty user name, as containerd does: without it, a failed login would
  // pass as anonymous access.
  if (credentials?.kind === 'identity-token' && (response.status === 404 || response.status === 405)) {
    await readBody(response, TOKEN_LIMIT);
    response = await get(asking, how, scope, { kind: 'password', username: '', password: credentials.token });
  }
  const body = await readBody(response, TOKEN_LIMIT);
  const { status } = response;
  if (status !== 200) {
    const seconds = parseRetryAfter(response.headers['retry-after'], options.clock.now());
    const error = registryError(
      { host: options.host, operation: 'token', status, ...parseErrorBody(body.toString('utf8'), options.redact) },
      `${how.realm.host} answered ${status} to the token request for ${scope || 'the login'}${limitOf(status, response.headers, options.clock.now())}`,
      {
        registry: options.host,
        ...(repository === undefined ? {} : { repository }),
        ...operationOf(scope),
        ...(seconds === undefined ? {} : { retryAfter: seconds }),
      },
    );
    throw explainRefusal(error, { anonymous: credentials === undefined, accepted: false });
  }
  return readToken(body, options);
}

/** What a token for a scope is needed for; empty for a login. */
function operationOf(scope: string): ErrorFacts {
  if (/[:,]delete\b/.test(scope)) return { operation: 'delete' };
  if (/[:,]push\b/.test(scope)) return { operation: 'push' };
  return scope === '' ? {} : { operation: 'read' };
}

function get(
  { transport, mask }: AuthOptions,
  { realm, service }: Method & { kind: 'bearer' },
  scope: string,
  credentials: Credentials | undefined,
) {
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set('service', service);
  for (const part of scope.split(' ').filter(Boolean)) url.searchParams.append('scope', part);
  const basic = credentials?.kind === 'password' ? { authorization: `Basic ${encoded(credentials, mask)}` } : {};
  return transport({ method: 'GET', url, headers: basic });
}

function post(
  { transport }: AuthOptions,
  { realm, service }: Method & { kind: 'bearer' },
  scope: string,
  token: string,
) {
  const form = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: token, client_id: CLIENT_ID });
  if (service !== undefined) form.set('service', service);
  form.set('scope', scope);
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
  // `issued_at` comes from another clock, so the lifetime is counted from the response.
  const life =
    typeof seconds === 'number' && Number.isFinite(seconds) ? Math.max(seconds, 1) : DEFAULT_LIFETIME_SECONDS;
  return { value, until: clock.now().getTime() + (life - Math.min(REFRESH_MARGIN_SECONDS, life / 2)) * 1000 };
}
