import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Credentials } from '../credentials/credential.ts';
import { createCredentials, type Resolver } from '../credentials/credentials.ts';
import { requestIdToken } from '../credentials/id-token.ts';
import { ActionError } from '../errors/action-error.ts';
import { createApi } from '../http/api.ts';
import { createTransport } from '../http/transport.ts';
import type { RegistrySettings } from '../inputs/registry-inputs.ts';
import { createRegistryClient, type RegistryClient } from '../oci/client/registry-client.ts';
import { manage, type RepositoryManagement } from '../registries/management-port.ts';
import type { SetupContext } from '../registries/setup-port.ts';
import type { LoginContext, Vendor } from '../registries/vendor.ts';
import { vendorOf } from '../registries/vendors.ts';
import type { Runtime } from '../runtime/runtime.ts';

/** One registry: its distribution API, its management API, and the credentials for both. */
export interface Registry {
  /** As in image names. */
  readonly host: string;
  readonly vendor: Vendor;
  readonly client: RegistryClient;
  readonly credentials: () => Promise<Credentials | undefined>;
  readonly manage: (repository: string) => RepositoryManagement;
  /** For `command: setup`. */
  readonly setup: SetupContext;
}

/**
 * Opens registries with one client per host: repositories of one registry share tokens, connections and the request
 * limit. Sends nothing until a request is made.
 * @param actor who runs the job, for ghcr.io
 * @param attempts per request
 */
export async function openRegistries(
  runtime: Runtime,
  settings: RegistrySettings,
  hosts: readonly string[],
  actor: string,
  { signal = runtime.signal, attempts }: { readonly signal?: AbortSignal; readonly attempts?: number } = {},
): Promise<ReadonlyMap<string, Registry>> {
  const ca = await readAuthority(runtime, settings);
  const { insecureHosts, types, apis, githubToken: token } = settings;
  const { clock, log, env } = runtime;
  const shared = { clock, signal, log, mask: runtime.secret };
  const transport = createTransport({
    signal,
    insecureHosts,
    ...(ca === undefined ? {} : { ca }),
    env,
    userAgent: 'registry-action/1',
  });
  const api = createApi({ transport, ...shared });

  const placeOf = (host: string): LoginContext => ({
    host,
    keyless: settings.keylessByHost.get(host) ?? settings.keyless,
    api,
    transport,
    env,
    clock,
    log,
    idToken: (audience) => requestIdToken(env, api, audience),
  });
  const credentials: Resolver = createCredentials(
    runtime,
    { logins: settings.logins, ...(token === undefined ? {} : { github: { actor, token } }) },
    (host) => {
      const { login, ambient } = vendorOf(host, types);
      return {
        keyless: async () => login?.(placeOf(host)),
        ambient: async () => ambient?.(placeOf(host)),
      };
    },
  );
  const github =
    token === undefined
      ? {}
      : {
          github: {
            token,
            actor,
            apiUrl: env.GITHUB_API_URL ?? 'https://api.github.com',
            repository: env.GITHUB_REPOSITORY ?? '',
          },
        };

  const open = async (host: string): Promise<Registry> => {
    const vendor = vendorOf(host, types);
    const client = await createRegistryClient({
      host,
      credentials: (refused) => credentials(host, refused),
      ...shared,
      insecureHosts,
      ...(ca === undefined ? {} : { ca }),
      env,
      ...(attempts === undefined ? {} : { attempts }),
    });
    const apiUrl = apis.get(host);
    const setup: SetupContext = {
      ...placeOf(host),
      ...github,
      origin: new URL(client.origin),
      ...(apiUrl === undefined ? {} : { apiUrl }),
      credentials: () => credentials(host),
    };
    return {
      host,
      vendor,
      client,
      credentials: () => credentials(host),
      manage: (repository) => manage(vendor, { ...setup, repository, store: client.repository(repository) }),
      setup,
    };
  };
  const opened = await Promise.all([...new Set(hosts)].map(open));
  return new Map(opened.map((registry) => [registry.host, registry]));
}

/** The certificates in `registry-ca`, as PEM text. @throws ActionError INPUT_INVALID */
export async function readAuthority({ workspace }: Runtime, { authority }: RegistrySettings) {
  return authority === undefined ? undefined : readCertificates(resolve(workspace, authority));
}

async function readCertificates(file: string): Promise<string> {
  const pem = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new ActionError('INPUT_INVALID', `\`registry-ca\`: ${file} cannot be read.`, {
      cause,
      facts: { input: 'registry-ca' },
    });
  });
  const certificates = pem.match(/-----BEGIN CERTIFICATE-----[^-]*(?:-----END CERTIFICATE-----)?/g) ?? [];
  // Node ignores an invalid certificate silently, and requests to its registry would fail as untrusted.
  const broken = certificates.findIndex((each) => !isCertificate(each));
  if (certificates.length === 0 || broken !== -1) {
    const what = broken === -1 ? 'contains no PEM certificate' : `is broken at its certificate ${broken + 1}`;
    throw new ActionError('INPUT_INVALID', `\`registry-ca\`: ${file} ${what}.`, { facts: { input: 'registry-ca' } });
  }
  return pem;
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}
