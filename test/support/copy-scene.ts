import { expect } from 'vitest';
import type { RegistryClientOptions } from '../../src/oci/client/registry-client.ts';
import { fill, SOURCE } from './copy-source.ts';
import { startRegistry, type TestRegistry } from './registry.ts';
import { connect } from './registry-client.ts';

export const TARGET = 'org/target';
export const silent = { warning: () => undefined };

/** Digests of the blobs whose upload was closed, well or not. */
export function sent({ log }: TestRegistry): readonly string[] {
  const puts = log.filter(({ method, path }) => method === 'PUT' && path.includes('/blobs/'));
  return puts.map(({ query }) => new URLSearchParams(query).get('digest') ?? '');
}

/** Every manifest at a repository has what it refers to. */
export function expectWhole(registry: TestRegistry, name: string, digests: readonly string[]) {
  for (const digest of digests) {
    const bytes = registry.manifest(name, digest)?.bytes;
    if (bytes === undefined) continue;
    const { config, layers = [], manifests = [] } = JSON.parse(bytes.toString('utf8'));
    for (const each of config === undefined ? layers : [config, ...layers]) {
      expect(registry.blob(name, each.digest)).toBeDefined();
    }
    for (const each of manifests) expect(registry.manifest(name, each.digest)).toBeDefined();
  }
}

/** One registry with the source, and others that are empty. */
export async function across(
  options: Partial<RegistryClientOptions> = {},
  count = 1,
  settings: Parameters<typeof startRegistry>[0] = {},
  targetOptions: Partial<RegistryClientOptions> = {},
) {
  const source = await startRegistry({ referrers: true });
  const targets: TestRegistry[] = [];
  for (let at = 0; at < count; at++) targets.push(await startRegistry({ referrers: true, ...settings }));
  const [target = source] = targets;
  const { repository: from } = await connect(source, options, SOURCE);
  const clients = await Promise.all(targets.map((each) => connect(each, { ...options, ...targetOptions }, TARGET)));
  return {
    source,
    targets,
    target,
    from,
    to: clients.map(({ repository }) => repository),
    ...fill(source),
    [Symbol.asyncDispose]: async () => {
      for (const each of [source, ...targets]) await each.close();
    },
  };
}
