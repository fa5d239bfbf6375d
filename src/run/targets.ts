import type { ImageName } from '../domain/reference.ts';
import type { Repository } from '../oci/client/repository.ts';
import type { Registry } from './open-registries.ts';

/** The repository for a name in the inputs. */
export interface Destination {
  /** As the user wrote it, in lower case. */
  readonly image: string;
  readonly repository: Repository;
  readonly registry: Registry;
}

/**
 * The repositories for several names, in their order.
 * @param access `push` for repositories to be written
 */
export function destinationsOf(
  registries: ReadonlyMap<string, Registry>,
  names: readonly ImageName[],
  access: 'pull' | 'push',
): readonly Destination[] {
  return names.flatMap((name) => {
    const registry = registries.get(name.host);
    return registry === undefined
      ? []
      : [{ image: name.familiarName, repository: registry.client.repository(name.repository, access), registry }];
  });
}
