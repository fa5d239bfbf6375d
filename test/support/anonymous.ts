import { setTimeout as sleep } from 'node:timers/promises';
import { createRegistryClient } from '../../src/oci/client/registry-client.ts';
import type { Repository } from '../../src/oci/client/repository.ts';

const quiet = () => undefined;

/** A repository (`host/name`) for programs of tests: nobody logs in, and nothing is said. */
export async function anonymousRepository(reference: string, ca?: string): Promise<Repository> {
  const [host = '', ...name] = reference.split('/');
  const client = await createRegistryClient({
    host,
    credentials: async () => undefined,
    clock: { now: () => new Date(), sleep: (milliseconds) => sleep(milliseconds) },
    signal: new AbortController().signal,
    log: { info: quiet, debug: quiet, notice: quiet, warning: quiet, error: quiet, group: (_, task) => task() },
    mask: quiet,
    ...(ca === undefined ? {} : { ca }),
  });
  return client.repository(name.join('/'));
}
