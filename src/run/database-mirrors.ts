import type { Inputs } from '../inputs/parse.ts';
import { createRegistryClient, type RegistryClient } from '../oci/client/registry-client.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { MirrorAccess, OpenMirror } from '../tools/trivy/database.ts';
import { openRegistries, readAuthority } from './open-registries.ts';

/**
 * Opens mirrors of the scanner's database as registries are opened: with the logins, the authority, the proxy and the hosts
 * without TLS of the user. The scanner itself gets none of them. The job's own token stays with the images: where it would be
 * good the database is public.
 */
export function openMirrors(runtime: Runtime, inputs: Inputs): OpenMirror {
  return async (host, repository, access) => {
    const client = access.login
      ? await withLogin(runtime, inputs, host, access)
      : await anonymously(runtime, inputs, host, access);
    return client.repository(repository);
  };
}

async function withLogin(
  runtime: Runtime,
  inputs: Inputs,
  host: string,
  { signal, attempts }: MirrorAccess,
): Promise<RegistryClient> {
  const withoutToken = { ...inputs, 'github-token': undefined };
  const registries = await openRegistries(runtime, withoutToken, [host], '', { signal, attempts });
  return registries.get(host)?.client ?? anonymously(runtime, inputs, host, { login: false, signal, attempts });
}

async function anonymously(
  runtime: Runtime,
  inputs: Inputs,
  host: string,
  { signal, attempts }: MirrorAccess,
): Promise<RegistryClient> {
  const ca = await readAuthority(runtime, inputs);
  return createRegistryClient({
    host,
    credentials: async () => undefined,
    clock: runtime.clock,
    signal,
    log: runtime.log,
    mask: runtime.secret,
    insecureHosts: inputs['insecure-registries'],
    ...(ca === undefined ? {} : { ca }),
    env: runtime.env,
    attempts,
  });
}
