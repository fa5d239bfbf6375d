import { apiHost } from '../../domain/reference.ts';
import type { PullQuota } from '../../http/rate-limit.ts';
import { discard } from '../../http/response-body.ts';
import { createTransport, type Timeouts } from '../../http/transport.ts';
import type { Clock, Log } from '../../runtime/runtime.ts';
import { type CredentialSource, createAuthenticator } from './auth.ts';
import { listCatalog } from './catalog.ts';
import type { RepositoryContext, RepositoryMemory } from './context.ts';
import { createRepository, type Repository } from './repository.ts';
import { originOf } from './scheme-detection.ts';
import { createSession } from './session.ts';

export interface RegistryClient {
  /** Origin of the registry API: `https://ghcr.io`. */
  readonly origin: string;
  /** @param access `push` for repositories to be written: then one token serves the preceding reads as well */
  readonly repository: (name: string, access?: 'pull' | 'push') => Repository;
  /**
   * Verifies the credentials as `docker login` does, with an authenticated request to /v2/.
   * @returns false when the registry requires no login there, so nothing was verified
   * @throws ActionError UNAUTHORIZED, DENIED, REGISTRY_UNREACHABLE, …
   */
  readonly checkLogin: () => Promise<boolean>;
  /**
   * All repositories that the credentials may see, for registries that list them there.
   * @throws ActionError CAPABILITY_MISSING when this one does not
   */
  readonly catalog: () => Promise<readonly string[]>;
  /** Requests sent to the registry so far. */
  readonly requests: () => number;
  /** The pulls that the registry still allows, where it says so. */
  readonly quota: () => PullQuota | undefined;
}

export interface RegistryClientOptions {
  /** As in image names. */
  readonly host: string;
  readonly credentials: CredentialSource;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly mask: (secret: string) => void;
  readonly insecureHosts?: readonly string[];
  readonly ca?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly timeouts?: Partial<Timeouts>;
  /** Attempts per request. */
  readonly attempts?: number;
}

/** The client of one registry: https://github.com/opencontainers/distribution-spec/blob/main/spec.md */
export async function createRegistryClient(options: RegistryClientOptions): Promise<RegistryClient> {
  const { host, clock, signal, log, insecureHosts = [], ca, env = {}, timeouts } = options;
  const api = apiHost(host);
  const transport = createTransport({
    signal,
    insecureHosts,
    ...(ca === undefined ? {} : { ca }),
    env,
    userAgent: 'registry-action/1',
    ...(timeouts === undefined ? {} : { timeouts }),
  });
  const auth = createAuthenticator({ host, credentials: options.credentials, transport, clock, mask: options.mask });
  const origin = await originOf(api, insecureHosts);
  const { attempts } = options;
  const session = createSession({
    host,
    origin,
    transport,
    auth,
    clock,
    signal,
    log,
    ...(attempts === undefined ? {} : { attempts }),
  });
  const uploads: RepositoryContext['uploads'] = new Map();
  const memories = new Map<string, RepositoryMemory>();
  return {
    origin,
    repository: (name, access = 'pull') => {
      if (access === 'push') auth.expectWrites(name);
      const memory = memories.get(name) ?? {};
      memories.set(name, memory);
      const scopes = {
        pull: [{ repository: name, actions: ['pull'] }],
        push: [{ repository: name, actions: ['pull', 'push'] }],
        // Requested separately from push: a token service may grant a publisher no delete right and then refuse the
        // whole scope.
        delete: [{ repository: name, actions: ['pull', 'delete'] }],
      } as const;
      return createRepository({ session, host, name, origin, scopes, uploads, memory });
    },
    checkLogin: async () => {
      const response = await session.request({
        method: 'GET',
        url: new URL('/v2/', origin),
        operation: 'read',
        scopes: [],
        expect: [200],
        what: 'GET /v2/',
        facts: { registry: host },
      });
      await discard(response);
      return (await auth.header([])) !== undefined;
    },
    catalog: () => listCatalog(session, host, origin),
    requests: session.requests,
    quota: session.quota,
  };
}
