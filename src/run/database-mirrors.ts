import type { RegistrySettings } from '../inputs/registry-inputs.ts';
import { createRegistryClient, type RegistryClient } from '../oci/client/registry-client.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { MirrorAccess, OpenMirror } from '../tools/trivy/database.ts';
import { openRegistries, readAuthority } from './open-registries.ts';

/**
 * Opens mirrors of the scanner's database like registries: with the user's logins, authority, proxy and plain HTTP
 * hosts. The scanner itself gets none of these. The job's own token is used for images only: where it would be
 * accepted, the database is public.
 */
export function openMirrors(runtime: Runtime, settings: RegistrySettings): OpenMirror {
  return async (host, repository, access) => {
    const client = access.login
      ? await withLogin(runtime, settings, host, access)
      : await anonymously(runtime, settings, host, access);
    return client.repository(repository);
  };
}

async function withLogin(
  runtime: Runtime,
  settings: RegistrySettings,
  host: string,
  { signal, attempts }: MirrorAccess,
): Promise<RegistryClient> {
  const withoutToken = { ...settings, githubToken: undefined };
  const registries = await openRegistries(runtime, withoutToken, [host], '', { signal, attempts });
  return registries.get(host)?.client ?? anonymously(runtime, settings, host, { login: false, signal, attempts });
}

async function anonymously(
  runtime: Runtime,
  settings: RegistrySettings,
  host: string,
  { signal, attempts }: MirrorAccess,
): Promise<RegistryClient> {
  const ca = await readAuthority(runtime, settings);
  return createRegistryClient({
    host,
    credentials: async () => undefined,
    clock: runtime.clock,
    signal,
    log: runtime.log,
    mask: runtime.secret,
    insecureHosts: settings.insecureHosts,
    ...(ca === undefined ? {} : { ca }),
    env: runtime.env,
    attempts,
  });
}
