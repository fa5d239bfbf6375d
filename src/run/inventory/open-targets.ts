import type { ImageName } from '../../domain/reference.ts';
import { ActionError } from '../../errors/action-error.ts';
import type { RegistrySettings } from '../../inputs/registry-inputs.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { openRegistries } from '../open-registries.ts';
import type { CleanupTarget } from './collected.ts';
import type { InventoryReading } from './read-inventory.ts';

/** A repository of the run, opened. */
export interface OpenTarget {
  readonly name: ImageName;
  readonly target: CleanupTarget;
}

/** @param access `pull` for a run that only reads: read-only credentials have to do */
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

/** Where the registry has no answer, nothing speaks for it. */
async function askExistence({ managed }: CleanupTarget): Promise<boolean> {
  try {
    return await managed.exists();
  } catch (error) {
    if (error instanceof ActionError && error.code === 'CANCELLED') throw error;
    return false;
  }
}

/**
 * A registry answers for a repository that does not exist, or that the credentials may not see, as for an empty one. This turns such an
 * answer into a gap, unless the registry confirms that the repository exists.
 * @param remedy first step of the error: what to do about a wrong name
 */
export async function withExistence(
  { name, target }: OpenTarget,
  reading: InventoryReading,
  remedy: string,
): Promise<InventoryReading> {
  const { inventory } = reading;
  if (inventory.tags.length + inventory.manifests.length + inventory.gaps.length > 0) return reading;
  const exists = await askExistence(target);
  if (exists) return reading;
  const reason = 'it does not exist, is empty, or the credentials may not read it';
  const facts = { registry: name.host, repository: name.repository, operation: 'read' } as const;
  const error = new ActionError('REPOSITORY_UNKNOWN', `There are no images in ${name.name}: ${reason}.`, {
    facts,
    remedy: [remedy, 'Check that the credentials may list the repository.'],
  });
  return {
    ...reading,
    errors: [error],
    inventory: { ...inventory, gaps: [{ what: 'tags', subject: 'list', reason }] },
  };
}
