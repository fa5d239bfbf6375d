import { createHash } from 'node:crypto';
import type { Digest } from '../../src/domain/digest.ts';
import { type Descriptor, type ManifestBytes, MEDIA_TYPES } from '../../src/domain/manifest.ts';
import { createRegistryClient, type RegistryClientOptions } from '../../src/oci/client/registry-client.ts';
import type { Repository } from '../../src/oci/client/repository.ts';
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
  readonly repositoryOf: (name: string, access?: 'pull' | 'push') => Repository;
}

/** The descriptor of a layer with these bytes. */
export function layerOf(bytes: Uint8Array): Descriptor {
  const digest: Digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  return { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest, size: bytes.length };
}

/** A manifest without layers, whose config is the empty one. */
export function manifestOf(changes: Readonly<Record<string, unknown>> = {}): ManifestBytes {
  const mediaType = MEDIA_TYPES.ociManifest;
  const config = { ...layerOf(Buffer.from('{}')), mediaType: MEDIA_TYPES.ociEmpty };
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config, layers: [], ...changes }));
  return { descriptor: { ...layerOf(bytes), mediaType }, bytes };
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
