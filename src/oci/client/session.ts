import pLimit from 'p-limit';
import { ActionError, type ErrorFacts } from '../../errors/action-error.ts';
import type { RegistryAnswer } from '../../errors/classify.ts';
import { isInternal } from '../../http/addresses.ts';
import { parseErrorBody } from '../../http/error-body.ts';
import { limitOf, type PullQuota, pullQuota } from '../../http/rate-limit.ts';
import { networkError, registryError } from '../../http/registry-error.ts';
import { discard, type HttpResponse, readBody } from '../../http/response-body.ts';
import { withRetry } from '../../http/retry.ts';
import { parseRetryAfter, retryAfterIn } from '../../http/retry-after.ts';
import type { HttpRequest, Transport } from '../../http/transport.ts';
import type { Clock, Log } from '../../runtime/runtime.ts';
import type { Authenticator, Scope } from './auth.ts';
import { explainRefusal } from './refusal.ts';
import { grantedActions } from './token-rights.ts';

/** A request to the registry, and how to interpret its response. */
interface RegistryRequest extends HttpRequest {
  readonly operation: RegistryAnswer['operation'];
  readonly scopes: readonly Scope[];
  /** Statuses that the caller handles; every other one is an error. */
  readonly expect: readonly number[];
  /** For messages: `HEAD manifest org/app:1.2.3`. */
  readonly what: string;
  readonly facts: ErrorFacts;
  /** False when the caller retries, as with uploads. */
  readonly retry?: boolean;
  /** Returns a redirect to another host as the response instead of following it. */
  readonly noCrossHostRedirect?: boolean;
}

export interface Session {
  readonly request: (request: RegistryRequest) => Promise<HttpResponse>;
  /**
   * A request with its whole body, of at most `limit` bytes: a connection that breaks while reading is retried as well.
   */
  readonly read: (request: RegistryRequest, limit: number) => Promise<HttpResponse & { readonly body: Buffer }>;
  /** Retries a task of several requests as a whole, by the same rules as a single request. */
  readonly retrying: <T>(task: () => Promise<T>) => Promise<T>;
  /** Waits between two polls of the registry. @throws the reason of a cancellation, at once */
  readonly pause: (milliseconds: number) => Promise<void>;
  /** Checks whether requests may be sent to a URL that the registry returned. @throws ActionError REDIRECT_REFUSED */
  readonly checkAddress: (target: URL, from: URL, what: string, facts: ErrorFacts) => void;
  /** Drops the tokens for a repository, so that the next request fetches a new one. */
  readonly renew: (repository: string) => void;
  /** Whether the registry requested a login and no credentials are available. */
  readonly isAnonymous: () => Promise<boolean>;
  /** What the cached token allows on a repository; undefined without a token, or when it does not say. */
  readonly tokenRights: (scopes: readonly Scope[], repository: string) => Promise<readonly string[] | undefined>;
  /** Requests sent to the registry so far, without those to token services and storage. */
  readonly requests: () => number;
  /** The pull quota in the last response that had one. */
  readonly quota: () => PullQuota | undefined;
}

export interface SessionOptions {
  readonly host: string;
  readonly origin: string;
  readonly transport: Transport;
  readonly auth: Authenticator;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly attempts?: number;
}

const ERROR_LIMIT = 64 * 1024;
const MAX_REDIRECTS = 5;
/** Concurrent requests to one registry: the limit that browsers, containerd and oras use. */
const MAX_CONCURRENT_REQUESTS = 6;

export function createSession(options: SessionOptions): Session {
  const { host, origin, transport, auth, clock, signal, log } = options;
  const limit = pLimit(MAX_CONCURRENT_REQUESTS);
  const { attempts } = options;
  const retries = { clock, signal, log, ...(attempts === undefined ? {} : { attempts }) };
  const warned = new Set<string>();
  let requests = 0;
  let quota: PullQuota | undefined;
  /** Whether an authenticated read has succeeded. */
  let accepted = false;

  /**
   * Sends one request and follows its redirects. Credentials go only to the registry's own origin, and never again
   * after leaving it.
   */
  const follow = async (request: RegistryRequest, authorization: string | undefined): Promise<HttpResponse> => {
    const { path: given, ...rest } = request;
    let { url } = request;
    let path = given;
    let home = url.origin === origin;
    for (let hop = 0; ; hop++) {
      if (home) requests++;
      const response = await transport({
        ...rest,
        url,
        ...(path === undefined ? {} : { path }),
        headers: { ...request.headers, ...(home && authorization !== undefined ? { authorization } : {}) },
      });
      noteWarning(response);
      if (home) quota = pullQuota(response.headers, clock.now()) ?? quota;
      const { location } = response.headers;
      if (!isRedirect(request.method, response.status) || location === undefined) return response;
      if (request.noCrossHostRedirect === true && resolveLocation(location, url)?.origin !== origin) return response;
      await discard(response);
      if (hop >= MAX_REDIRECTS)
        throw refused(request.what, request.facts, `${host} redirects more than ${MAX_REDIRECTS} times`);
      const target = resolveLocation(location, url);
      if (target === undefined) {
        throw refused(
          request.what,
          request.facts,
          `${url.host} sent the address "${location.replace(/[?#].*$/s, '').slice(0, 200)}", which is none`,
        );
      }
      checkAddress(target, url, request.what, request.facts);
      url = target;
      path = pathOf(location, target);
      home &&= url.origin === origin;
    }
  };

  const checkAddress: Session['checkAddress'] = (target, from, what, facts) => {
    if (target.protocol !== 'https:' && target.protocol !== 'http:') {
      throw refused(what, facts, `${from.host} leads to ${target.protocol}//${target.host}, which is no web address`);
    }
    if (from.protocol === 'https:' && target.protocol !== 'https:') {
      const why = `${from.host} leads to ${target.protocol}//${target.host}, away from HTTPS. Behind a proxy that ends TLS the registry needs X-Forwarded-Proto`;
      throw refused(what, facts, why);
    }
    if (target.host !== from.host && isInternal(target.hostname) && !isInternal(new URL(origin).hostname)) {
      throw refused(what, facts, `${from.host} leads to ${target.host}, an internal address`);
    }
  };

  /** https://github.com/opencontainers/distribution-spec/blob/main/spec.md#warnings: logged once, never acted on. */
  const noteWarning = ({ headers }: HttpResponse) => {
    const text = /^299 - "((?:[^"\\]|\\.){1,4096})"/.exec(String(headers.warning ?? ''))?.[1];
    if (text === undefined || warned.has(text) || warned.size >= 20) return;
    warned.add(text);
    log.warning(`Warning from ${host}: ${auth.redact(text).slice(0, 500)}`);
  };

  /**
   * Sends an authenticated request, then retries with fresh credentials if they are refused, and once with the scope
   * that the registry names.
   */
  const authorized = async (request: RegistryRequest): Promise<HttpResponse> => {
    for (let first = true; ; first = false) {
      const sent = await auth.header(request.scopes);
      const response = await follow(request, sent);
      const { status } = response;
      if (request.expect.includes(status)) {
        accepted ||= sent !== undefined && request.operation === 'read' && status !== 401 && status !== 403;
        return response;
      }
      if (status === 401) {
        // Only the registry may name a token service: storage it redirects to would otherwise receive the credentials.
        if (response.url.origin !== origin) return response;
        if (!(await auth.challenged(response, request.scopes, sent, first))) return response;
        await discard(response);
      } else if (first && (status === 400 || status === 403)) {
        // An expired token gets a 403 from ECR, and a 400 without a challenge from ECR Public.
        const error = await toError(request, response);
        if (error.code !== 'TOKEN_EXPIRED') throw error;
        await auth.expire(request.scopes, sent);
      } else return response;
    }
  };

  const toError = async (request: RegistryRequest, response: HttpResponse): Promise<ActionError> => {
    const { status, headers } = response;
    const body = await readBody(response, ERROR_LIMIT).catch(() => Buffer.alloc(0));
    const text = body.toString('utf8');
    const seconds =
      parseRetryAfter(headers['retry-after'], clock.now()) ?? (status === 429 ? retryAfterIn(text) : undefined);
    const from = response.url.host === new URL(origin).host ? host : `${host} (${response.url.host})`;
    const error = registryError(
      { host, operation: request.operation, status, ...parseErrorBody(text, auth.redact) },
      `${from} answered ${status} to ${request.what}${limitOf(status, headers, clock.now())}`,
      { ...request.facts, ...(seconds === undefined ? {} : { retryAfter: seconds }) },
    );
    const narrow = /error="?insufficient_scope/.test(String(headers['www-authenticate'] ?? ''));
    const lacking =
      narrow && status !== 429 && error.code !== 'TOKEN_EXPIRED'
        ? new ActionError(
            'SCOPE_TOO_NARROW',
            `${error.message} The token lacks ${request.scopes.map(({ actions }) => actions.join(' and ')).join(', ')}.`,
            { facts: error.facts },
          )
        : error;
    // Storage behind a redirect does not need the registry's credentials.
    if (response.url.origin !== origin) return lacking;
    return explainRefusal(lacking, { anonymous: await auth.isAnonymous(), accepted });
  };

  const attempt = async <T>(request: RegistryRequest, use: (response: HttpResponse) => Promise<T>): Promise<T> => {
    try {
      const response = await limit(() => authorized(request));
      if (!request.expect.includes(response.status)) throw await toError(request, response);
      return await use(response);
    } catch (error) {
      signal.throwIfAborted();
      throw networkError(error, `${request.what} at ${host}`, request.facts);
    }
  };

  const retrying = <T>(task: () => Promise<T>) => withRetry(task, retries);
  const send = <T>(request: RegistryRequest, use: (response: HttpResponse) => Promise<T>): Promise<T> =>
    request.retry === false ? attempt(request, use) : retrying(() => attempt(request, use));
  return {
    request: (request) => send(request, async (response) => response),
    read: (request, most) => send(request, async (response) => ({ ...response, body: await readBody(response, most) })),
    retrying,
    pause: (milliseconds) => clock.sleep(milliseconds, signal),
    checkAddress,
    renew: auth.renew,
    isAnonymous: auth.isAnonymous,
    tokenRights: async (scopes, repository) => grantedActions(await auth.header(scopes), repository),
    requests: () => requests,
    quota: () => quota,
  };
}

function refused(what: string, facts: ErrorFacts, why: string): ActionError {
  return new ActionError('REDIRECT_REFUSED', `${why} (${what}).`, { facts });
}

/** Redirects that may be followed: all for reads, for writes only those that keep method and body. */
function isRedirect(method: HttpRequest['method'], status: number): boolean {
  if (status === 307 || status === 308) return true;
  return (method === 'GET' || method === 'HEAD') && (status === 301 || status === 302 || status === 303);
}

/**
 * The target of a `Location`: absolute, relative to the request's final URL, or, as containerd accepts, a host and path
 * without a scheme.
 */
export function resolveLocation(location: string, from: URL): URL | undefined {
  if (location.length > 8192) return undefined;
  const absolute = location.startsWith(`${from.host}/`) ? `${from.protocol}//${location}` : location;
  try {
    const url = new URL(absolute, from);
    return url.username === '' && url.password === '' ? url : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Path and query exactly as the registry wrote them: URL parsing may change the encoding, and some registries sign it
 * or keep opaque state in it (`_state=a%20b%2Bc~d`, `%FF`, flags without a value).
 */
export function pathOf(location: string, url: URL): string {
  const query = /^[^?#]*(\?[^#]*)/.exec(location)?.[1] ?? '';
  // Node sends no other characters.
  return url.pathname + (/^[\x21-\x7e]*$/.test(query) ? query : url.search);
}
