import { createRegistryClient, type RegistryClientOptions, type Repository } from '../../src/oci/repository.ts';
import type { TestRegistry } from './registry.ts';
import { createTestClock } from './runtime.ts';

export interface TestClient {
  readonly repository: Repository;
  /** Every line that the client said, warnings too. */
  readonly lines: readonly string[];
  readonly masks: readonly string[];
  /** Milliseconds of each wait. */
  readonly sleeps: readonly number[];
  /** Requests as the client counts them. */
  readonly requests: () => number;
  readonly repositoryOf: (name: string) => Repository;
}

/** A client of a test registry, with a clock that waits in no time. */
export async function connect(
  registry: Pick<TestRegistry, 'host'>,
  options: Partial<RegistryClientOptions> = {},
  name = 'org/app',
): Promise<TestClient> {
  const lines: string[] = [];
  const masks: string[] = [];
  const clock = createTestClock();
  const say = (line: string) => void lines.push(line);
  const client = await createRegistryClient({
    host: registry.host,
    credentials: async () => undefined,
    clock,
    signal: new AbortController().signal,
    log: { info: say, debug: say, notice: say, warning: say, error: say, group: (_, task) => task() },
    mask: (secret) => void masks.push(secret),
    ...options,
  });
  return {
    repository: client.repository(name),
    lines,
    masks,
    sleeps: clock.sleeps,
    requests: client.requests,
    repositoryOf: client.repository,
  };
}
