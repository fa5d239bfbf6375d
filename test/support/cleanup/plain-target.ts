import { createApi } from '../../../src/http/api.ts';
import { createTransport } from '../../../src/http/transport.ts';
import { createRegistryClient } from '../../../src/oci/client/registry-client.ts';
import { manage } from '../../../src/registries/management-port.ts';
import { VENDORS } from '../../../src/registries/vendors.ts';
import type { CleanupTarget } from '../../../src/run/inventory/collected.ts';
import type { Clock, Log } from '../../../src/runtime/runtime.ts';

/** A repository of a plain registry on loopback, opened for a cleanup. */
export async function plainTarget(
  host: string,
  name: string,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Promise<CleanupTarget> {
  const { signal } = new AbortController();
  const common = { clock, signal, log, mask: () => undefined };
  const client = await createRegistryClient({ host, credentials: async () => undefined, ...common });
  const repository = client.repository(name);
  const transport = createTransport({ signal, insecureHosts: [], env: {}, userAgent: 'test' });
  const place = {
    host,
    repository: name,
    origin: new URL(client.origin),
    keyless: {},
    api: createApi({ transport, ...common }),
    transport,
    env: {},
    clock,
    log,
    idToken: async () => '',
    credentials: async () => undefined,
    store: repository,
  };
  const vendor = VENDORS.distribution;
  return { image: { name: `${host}/${name}` }, vendor, managed: manage(vendor, place), repository };
}
