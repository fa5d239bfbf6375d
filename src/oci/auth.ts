import { ActionError } from '../errors/action-error.ts';
import { isInternal, isLoopback } from '../http/addresses.ts';
import { createRedactor } from '../http/redact.ts';
import type { HttpResponse } from '../http/transport.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import {
  type AuthOptions,
  basicHeader,
  fetchToken,
  type Guarded,
  keyOf,
  type Method,
  type Scope,
  type Token,
} from './token.ts';

export type { AuthOptions, CredentialSource, Credentials, Scope } from './token.ts';

/** Knows which `Authorization` a registry wants. */
export interface Authenticator {
  /** The header to begin with: undefined until the registry has said what it wants. */
  readonly header: (scopes: readonly Scope[]) => Promise<string | undefined>;
  /**
   * Takes the challenge of a refused request.
   * @param sent the `Authorization` that it was sent with
   * @returns whether there is something new to try
   */
  readonly challenged: (response: HttpResponse, scopes: readonly Scope[], sent: string | undefined) => Promise<boolean>;
  /** Drops the token that was sent: the registry says that it has expired. */
  readonly expire: (scopes: readonly Scope[], sent: string | undefined) => Promise<void>;
  /** Takes every password and token out of a text that a server wrote. */
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

  const bearer = async (how: Method & { kind: 'bearer' }, scopes: readonly Scope[]): Promise<string> => {
    const key = keyOf(scopes);
    for (;;) {
      const held = tokens.get(key) ?? fetchToken(options, how, scopes);
      tokens.set(key, held);
      try {
        const { value, until } = await held;
        if (until > options.clock.now().getTime()) return value;
      } catch (error) {
        forget(key, held);
        throw error;
      }
      forget(key, held);
    }
  };
  /** Unless somebody else has replaced it by now. */
  const forget = (key: string, held: Promise<Token>): void => {
    if (tokens.get(key) === held) tokens.delete(key);
  };
  const expire: Authenticator['expire'] = async (scopes, sent) => {
    if (method?.kind === 'basic') return renew(sent);
    const key = keyOf(scopes);
    const held = tokens.get(key);
    // Of several requests that were refused with the same token, the first one drops it and all wait for the next.
    if (held === undefined) return;
    const token = await held.catch(() => undefined);
    if (token === undefined || sent === `Bearer ${token.value}`) forget(key, held);
  };

  /** Basic credentials that have run out, as those of ECR do after twelve hours. */
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

    challenged: async (response, scopes, sent) => {
      const chosen = choose(parseChallenges(joined(response.headers['www-authenticate'])), response.url, options.host);
      if (chosen === undefined) return false;
      method = chosen;
      if (chosen.kind === 'bearer') {
        await expire(scopes, sent);
        return true;
      }
      const credentials = await options.credentials();
      return credentials !== undefined && basicHeader(options, credentials) !== sent;
    },

    expire,
    redact,
  };
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
  if (url.username !== '' || url.password !== '') throw refuse('holds credentials');
  if (url.host === from.host && url.protocol === from.protocol) return url;
  const localRegistry = isLoopback(from.hostname);
  if (url.protocol !== 'https:' && !(localRegistry && isLoopback(url.hostname))) throw refuse('is not HTTPS');
  if (isInternal(url.hostname) && !isInternal(from.hostname)) throw refuse('is an internal address');
  return url;
}
