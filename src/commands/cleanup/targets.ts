import type { ImageName } from '../../domain/reference.ts';
import { ActionError } from '../../errors/action-error.ts';
import type { RegistrySettings } from '../../inputs/registry-inputs.ts';
import type { ReadTarget } from '../../run/in-use/read-in-use.ts';
import type { CleanupTarget } from '../../run/inventory/collected.ts';
import { type InventoryReading, readInventory } from '../../run/inventory/read-inventory.ts';
import { openRegistries } from '../../run/open-registries.ts';
import type { Runtime } from '../../runtime/runtime.ts';

/** A repository of the run, opened. */
export interface OpenTarget {
  readonly name: ImageName;
  readonly target: CleanupTarget;
}

/** @param access `pull` for a run that only plans: read-only credentials have to do */
export async function openTargets(
  runtime: Runtime,
  settings: RegistrySettings,
  names: readonly ImageName[],
  access: 'pull' | 'push',
): Promise<readonly OpenTarget[]> {
  const hosts = names.map(({ host }) => host);
  const registries = await openRegistries(runtime, settings, hosts, runtime.env.GITHUB_ACTOR ?? '');
  return names.flatMap((name) => {
    const registry = registries.get(name.host);
    if (registry === undefined) return [];
    const { vendor, client, manage } = registry;
    const repository = client.repository(name.repository, access);
    return [{ name, target: { image: name, vendor, managed: manage(name.repository), repository } }];
  });
}

/**
 * Reads what the repositories have, one after the other, so that a rate limit is met by one of them. What cannot be read is a gap in
 * the inventory.
 * @param known what an earlier reading of them found
 */
export async function readTargets(
  { clock, log }: Runtime,
  targets: readonly OpenTarget[],
  known: ReadonlyMap<string, InventoryReading> = new Map(),
): Promise<readonly ReadTarget[]> {
  const read: ReadTarget[] = [];
  for (const each of targets) {
    const facts = known.get(each.name.name)?.facts;
    const reading = await readInventory(each.target, { clock, log, ...(facts === undefined ? {} : { known: facts }) });
    read.push({ ...each, reading: await withExistence(each, reading) });
  }
  return read;
}

/** Where the registry has no answer, nothing speaks for it. */
async function askExistence({ managed }: CleanupTarget): Promise<boolean> {
  try {
    return await managed.exists();
  } catch (error) {
    if (error instanceof ActionError && error.code === 'CANCELLED') throw error;
    return false;
  }
}

/** A registry answers for a repository that does not exist, or that the credentials may not see, as for an empty one. */
async function withExistence({ name, target }: OpenTarget, reading: InventoryReading): Promise<InventoryReading> {
  const { inventory } = reading;
  if (inventory.tags.length + inventory.manifests.length + inventory.gaps.length > 0) return reading;
  const exists = await askExistence(target);
  if (exists) return reading;
  const reason = 'it does not exist, is empty, or the credentials may not read it';
  const facts = { registry: name.host, repository: name.repository, operation: 'read' } as const;
  const error = new ActionError('REPOSITORY_UNKNOWN', `There are no images in ${name.name}: ${reason}.`, {
    facts,
    remedy: [
      'Check the name in `images` or in the policy, and remove a repository that has nothing to clean up.',
      'Check that the credentials may list the repository.',
    ],
  });
  return {
    ...reading,
    errors: [error],
    inventory: { ...inventory, gaps: [{ what: 'tags', subject: 'list', reason }] },
  };
}
