import type { ImageName } from '../../domain/reference.ts';
import { createRegistryClient, type Repository } from '../../oci/repository.ts';
import { createCredentials, type KnownCredentials } from '../../registries/credentials.ts';
import type { Runtime } from '../../runtime/runtime.ts';

/** The repository behind a name that the user gave. */
export interface Destination {
  /** As the user wrote it, lower-cased. */
  readonly image: string;
  readonly repository: Repository;
}

export interface RegistryOptions {
  readonly known: KnownCredentials;
  readonly insecureHosts: readonly string[];
  /** PEM text of further certificate authorities. */
  readonly ca?: string;
}

/** One client for each host, so that repositories of one registry share tokens, connections and the limit of requests. */
export async function openDestinations(
  runtime: Runtime,
  names: readonly ImageName[],
  { known, insecureHosts, ca }: RegistryOptions,
): Promise<readonly Destination[]> {
  const credentials = createCredentials(runtime, known);
  const hosts = [...new Set(names.map(({ host }) => host))];
  const opened = await Promise.all(
    hosts.map(async (host) => {
      const client = await createRegistryClient({
        host,
        credentials: (refused) => credentials(host, refused),
        clock: runtime.clock,
        signal: runtime.signal,
        log: runtime.log,
        mask: runtime.secret,
        insecureHosts,
        ...(ca === undefined ? {} : { ca }),
        env: runtime.env,
      });
      return [host, client] as const;
    }),
  );
  const clients = new Map(opened);
  return names.flatMap((name) => {
    const client = clients.get(name.host);
    return client === undefined ? [] : [{ image: name.familiarName, repository: client.repository(name.repository) }];
  });
}
