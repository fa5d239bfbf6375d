import type { CleanupPolicy } from '../../../src/domain/retention/policy.ts';
import type { ExportedRegistry, ExportSource } from '../../../src/domain/setup/export/exported-file.ts';
import { parseDesiredState } from '../../../src/domain/setup/read-desired-state.ts';
import { resolveRegistry } from '../../../src/domain/setup/resolve.ts';
import type { VendorId } from '../../../src/inputs/vendors.ts';
import { setupDefinition } from '../../../src/registries/setup-vendors.ts';

/** A desired state as exports get it, without anything that a registry would say. */
export async function exportSource(
  text: string,
  vendors: Readonly<Record<string, VendorId>>,
  policies: ReadonlyMap<string, CleanupPolicy> = new Map(),
): Promise<ExportSource> {
  const state = parseDesiredState(text, 'setup.yml');
  if (!state.ok) throw new Error(state.problems.join('\n'));
  const registries = state.value.registries.map(async (entry): Promise<ExportedRegistry> => {
    const vendor = vendors[entry.key];
    if (vendor === undefined) throw new Error(`no vendor for ${entry.key}`);
    const traits = (await setupDefinition(vendor)) ?? {
      block: undefined,
      unitOf: (name: string) => name,
      principals: [],
    };
    const { desired, mistakes } = resolveRegistry(state.value, entry, traits, [], policies);
    const errors = mistakes.filter(({ severity }) => severity === 'error');
    if (errors.length > 0) throw new Error(errors.map(({ message }) => message).join('\n'));
    return { vendor, title: `title of ${vendor}`, desired, existing: undefined, state: undefined };
  });
  return { registries: await Promise.all(registries), configName: 'setup.yml' };
}
