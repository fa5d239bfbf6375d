import { ActionError } from '../../errors/action-error.ts';
import { isInternal, isLoopback } from '../../http/addresses.ts';
import { createRedactor } from '../../http/redact.ts';
import type { HttpResponse } from '../../http/response-body.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import {
  type AuthOptions,
  basicHeader,
  fetchToken,
  type Guarded,
  type Method,
  type Scope,
  scopeText,
  type Token,
} from './token.ts';

export type { AuthOptions, CredentialSource, Credentials, Scope } from './token.ts';

/** Provides the `Authorization` header that a registry expects. */
export interface Authenticator {
  /** The initial header: undefined until the registry has sent a challenge. */
  readonly header: (scopes: readonly Scope[]) => Promise<string | undefined>;
  /**
   * Handles the challenge of a refused request.
   * @param sent the `Authorization` it was sent with
   * @param first whether this is the first refusal: only another scope justifies a third try
   * @returns whether there is something new to try
   */
  readonly challenged: (
    response: HttpResponse,
    scopes: readonly Scope[],
    sent: string | undefined,
    first: boolean,
  ) => Promise<boolean>;
  /** Announces writes to this repository, so that one token serves the reads before them as well. */
  readonly expectWrites: (repository: string) => void;
  /** Drops the token that was sent because the registry reports it as expired. */
  readonly expire: (scopes: readonly Scope[], sent: string | undefined) => Promise<void>;
  /**
   * Drops the tokens for a repository. Rights are fixed when a token is issued, and Harbor grants none on a project
   * that did not exist at that time.
   */
  readonly renew: (repository: string) => void;
  /** Whether the registry requested a login and no credentials are available. */
  readonly isAnonymous: () => Promise<boolean>;
  /** Removes every password and token from a text written by a server. */
  readonly redact: (text: string) => string;
}

/** Handles Basic and Bearer, GET and POST, with a cache of tokens by scope; requests for the same token share one fetch. */
export function createAuthenticator(given: AuthOptions): Authenticator {
  const { add, redact } = createRedactor();
  const options: Guarded = {
    ...given,
    mask: (secret) => {
      add(secret);
      given.mask(secret);
    },
    redact,
    credentials: async (refused) => {
      const credentials = await given.credentials(refused);
      const secret = credentials?.kind === 'password' ? credentials.password : credentials?.token;
      if (secret !== undefined && secret !== '') options.mask(secret);
      return credentials;
    },
  };
  let method: Method | undefined;
  const tokens = new Map<string, Promise<Token>>();
  const writers = new Set<string>();
  /** Scopes that the token service refused although it granted another one. */
  const refused = new Set<string>();
  /** Scopes named by the registry, by the requested scope that turned out to be insufficient. */
  const named = new Map<string, string>();
  /**
   * Scopes named by the registry in its first challenge: used only if the token service refuses the requested scope.
   */
  const offered = new Map<string, string>();

  const token = async (how: Method & { kind: 'bearer' }, scope: string, repository?: string): Promise<string> => {
    for (;;) {
      const held = tokens.get(scope) ?? fetchToken(options, how, scope, repository);
      tokens.set(scope, held);
      try {
        const { value, until } = await held;
        if (until > options.clock.now().getTime()) return value;
      } catch (error) {
        forget(scope, held);
        throw error;
      }
      forget(scope, held);
    }
  };
  /** Drops a token unless it has been replaced already. */
  const forget = (scope: string, held: Promise<Token>): void => {
    if (tokens.get(scope) === held) tokens.delete(scope);
  };

  /** Scopes to request, in order. One that is wider than needed only if it is cached or will be needed anyway. */
  const candidates = (scopes: readonly Scope[]): readonly string[] => {
    const own = scopeText(scopes);
    const [only, ...more] = scopes;
    const isRead = only !== undefined && more.length === 0 && only.actions.join() === 'pull';
    const wide = isRead ? scopeText([{ ...only, actions: ['pull', 'push'] }]) : own;
    const useWide = isRead && (writers.has(only.repository) || tokens.has(wide));
    const all = [...new Set([named.get(own) ?? [], useWide ? wide : [], own, offered.get(own) ?? []].flat())];
    const open = all.filter((scope) => !refused.has(scope));
    return open.length > 0 ? open : [own];
  };
  const bearer = async (how: Method & { kind: 'bearer' }, scopes: readonly Scope[]): Promise<string> => {
    const all = candidates(scopes);
    for (const [at, scope] of all.entries()) {
      try {
        return await token(how, scope, scopes[0]?.repository);
      } catch (error) {
        if (at === all.length - 1 || !isRefusal(error)) throw error;
        refused.add(scope);
      }
    }
    throw new ActionError('INTERNAL', `There is no scope to request from ${options.host} for.`);
  };
  const expire: Authenticator['expire'] = async (scopes, sent) => {
    if (method?.kind === 'basic') return renew(sent);
    // When several requests are refused with the same token, the first drops it and all of them wait for the next one.
    for (const scope of candidates(scopes)) {
      const held = tokens.get(scope);
      const value = (await held?.catch(() => undefined))?.value;
      if (held !== undefined && (value === undefined || sent === `Bearer ${value}`)) forget(scope, held);
    }
  };

  const isTokenOf = async (scope: string, sent: string | undefined): Promise<boolean> => {
    const held = await tokens.get(scope)?.catch(() => undefined);
    return held !== undefined && sent === `Bearer ${held.value}`;
  };

  /** Replaces expired Basic credentials, such as those of ECR after twelve hours. */
  const renew = async (sent: string | undefined): Promise<void> => {
    const held = await options.credentials();
    if (held?.kind === 'password' && basicHeader(options, held) === sent)
      await options.credentials({ secret: held.password });
  };

  return {
    header: async (scopes) => {
      if (method === undefined) return undefined;
      if (method.kind === 'bearer') return `Bearer ${await bearer(method, scopes)}`;
      const credentials = await options.credentials();
      return credentials === undefined ? undefined : basicHeader(options, credentials);
    },

    challenged: async (response, scopes, sent, first) => {
      const challenges = parseChallenges(joined(response.headers['www-authenticate']));
      const chosen = choose(challenges, response.url, options.host);
      if (chosen === undefined) return false;
      method = chosen;
      if (chosen.kind === 'bearer') {
        const own = scopeText(scopes);
        // Behind a proxy the token scope may use another repository name than the path:
        // https://github.com/oras-project/oras-go/issues/650
        const asked = candidates(scopes).filter((scope) => scope !== offered.get(own));
        const other = otherScope(chosen.scope, asked);
        if (other !== undefined && sent === undefined) offered.set(own, other);
        else if (other !== undefined && !named.has(own)) {
          named.set(own, other);
          return true;
        }
        const isNew = named.has(own) && !(await isTokenOf(named.get(own) ?? '', sent));
        if (!first) return isNew;
        await expire(scopes, sent);
        return true;
      }
      if (!first) return false;
      const credentials = await options.credentials();
      return credentials !== undefined && basicHeader(options, credentials) !== sent;
    },

    expire,
    renew: (repository) => {
      for (const scope of tokens.keys()) if (scope.includes(`repository:${repository}:`)) tokens.delete(scope);
    },
    isAnonymous: async () => method !== undefined && (await options.credentials()) === undefined,
    expectWrites: (repository) => void writers.add(repository),
    redact,
  };
}

/** Whether the token service refuses this scope, so that a narrower one may work. */
function isRefusal(error: unknown): boolean {
  const status = error instanceof ActionError ? error.facts.status : undefined;
  return status === 400 || status === 403 || status === 404;
}

/** The scopes of a challenge that were not requested; undefined when all were, or it is not a list of scopes. */
function otherScope(challenged: string | undefined, asked: readonly string[]): string | undefined {
  if (challenged === undefined || challenged.length > 1024) return undefined;
  const scopes = challenged.split(' ').filter(Boolean);
  if (scopes.length === 0 || !scopes.every((scope) => /^[a-z()]+:[\x21-\x7e]+:[a-z_*,]+$/i.test(scope)))
    return undefined;
  const known = new Set(asked.flatMap((scope) => scope.split(' ').flatMap(rightsOf)));
  return scopes.flatMap(rightsOf).every((right) => known.has(right)) ? undefined : scopes.join(' ');
}

/** `repository:org/app:pull,push` as one right for each action. */
function rightsOf(scope: string): readonly string[] {
  const at = scope.lastIndexOf(':');
  return scope
    .slice(at + 1)
    .split(',')
    .map((action) => `${scope.slice(0, at)}:${action}`);
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
      scope: bearer.parameters.scope,
    };
  }
  return challenges.some(({ scheme }) => scheme === 'basic') ? { kind: 'basic' } : undefined;
}

/**
 * The registry chooses where credentials are sent, so the realm must be HTTPS and outside this network, unless the
 * registry itself is inside it (go-containerregistry#2243 and its successors).
 * @throws ActionError REDIRECT_REFUSED
 */
function trustedRealm(realm: string, from: URL, host: string): URL {
  const shown = realm
    .replace(/\/\/[^/]*@/, '//…@')
    .replace(/[?#].*$/s, '')
    .slice(0, 200);
  const refuse = (why: string) =>
    new ActionError('REDIRECT_REFUSED', `${host} wants credentials to be sent to "${shown}", which ${why}.`, {
      facts: { registry: host },
    });
  let url: URL;
  try {
    url = new URL(realm, from);
  } catch {
    throw refuse('is no address');
  }
  if (url.username !== '' || url.password !== '') throw refuse('contains credentials');
  if (url.host === from.host && url.protocol === from.protocol) return url;
  const localRegistry = isLoopback(from.hostname);
  if (url.protocol !== 'https:' && !(localRegistry && isLoopback(url.hostname))) throw refuse('is not HTTPS');
  if (isInternal(url.hostname) && !isInternal(from.hostname)) throw refuse('is an internal address');
  return url;
}
