import { ActionError, type ErrorFacts } from '../../errors/action-error.ts';
import { parseErrorBody } from '../../http/error-body.ts';
import { limitOf } from '../../http/rate-limit.ts';
import { networkError, registryError } from '../../http/registry-error.ts';
import { parseRetryAfter } from '../../http/retry.ts';
import { readBody, type Transport } from '../../http/transport.ts';
import type { Clock } from '../../runtime/runtime.ts';
import { explainRefusal } from './refusal.ts';

export type Credentials =
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  /** A refresh token, exchanged at the token service (ACR and others call it identity token). */
  | { readonly kind: 'identity-token'; readonly token: string };

/**
 * Asked anew before each token, so that credentials that run out can be replaced.
 * @param refused what the registry calls expired: something else is wanted
 */
export type CredentialSource = (refused?: { readonly secret: string }) => Promise<Credentials | undefined>;

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

/** The options, with all secrets known by now taken out of texts. */
export interface Guarded extends AuthOptions {
  readonly redact: (text: string) => string;
}

/** The scopes as the token service reads them, with spaces between: a token is asked for, and kept, under this text. */
export function scopeText(scopes: readonly Scope[]): string {
  return scopes.map(({ repository, actions }) => `repository:${repository}:${actions.join(',')}`).join(' ');
}

export type Method =
  | { readonly kind: 'basic' }
  | {
      readonly kind: 'bearer';
      readonly realm: URL;
      readonly service: string | undefined;
      /** What the refused request needs, in the registry's words. */
      readonly scope: string | undefined;
    };

export interface Token {
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
 * Fetches a token for a scope (see {@link scopeText}): by POST with an identity token, by GET with a password or none.
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
      // Another host than the registry, perhaps, which an error has to name.
      const doing = `GET a token from ${how.realm.host}, the token service of ${options.host},`;
      throw networkError(error, doing, { registry: options.host, ...(repository === undefined ? {} : { repository }) });
    });
  const asking = { ...options, transport };
  let response =
    credentials?.kind === 'identity-token'
      ? await post(asking, how, scope, credentials.token)
      : await get(asking, how, scope, credentials);
  // Not every service knows the OAuth form: https://distribution.github.io/distribution/spec/auth/oauth/
  // Then the token goes as containerd sends it, a password of nobody: without it a login that is none would look like one.
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

/** What a token for a scope is wanted for; nothing for a login. */
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
  for (const each of scope.split(' ').filter(Boolean)) url.searchParams.append('scope', each);
  const basic = credentials?.kind === 'password' ? { authorization: `Basic ${encoded(credentials, mask)}` } : {};
  return transport({ method: 'GET', url, headers: basic });
}

function post(
  { transport }: AuthOptions,
  { realm, service }: Method & { kind: 'bearer' },
  scope: string,
  token: string,
) {
  const form = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: token, client_id: CLIENT });
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
  // `issued_at` is of another clock: the life is counted from when the answer came.
  const life = typeof seconds === 'number' && Number.isFinite(seconds) ? Math.max(seconds, 1) : SHORTEST;
  return { value, until: clock.now().getTime() + (life - Math.min(SPARE, life / 2)) * 1000 };
}
