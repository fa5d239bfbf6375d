import { ActionError } from '../errors/action-error.ts';
import type { ErrorCode } from '../errors/catalogue.ts';
import type { CreateRepository } from '../inputs/create-repository.ts';
import type { Repository } from '../oci/client/repository.ts';
import { ignoreFailure } from '../registries/ignore-failure.ts';
import type { Destination } from './targets.ts';

/** Responses of registries to reads in a missing repository, besides "not found". */
const MAY_BE_MISSING: ReadonlySet<ErrorCode> = new Set([
  'UNAUTHORIZED',
  'DENIED',
  'SCOPE_TOO_NARROW',
  'REPOSITORY_UNKNOWN',
]);

/**
 * Reads a repository that may not exist yet. Harbor answers 401 to every request for a missing project, even to
 * administrators: only after such a refusal the vendor's API is queried. A repository to be created reads as empty.
 * @throws ActionError REPOSITORY_UNKNOWN when it does not exist and is not to be created; the refusal when it exists,
 * or the API cannot tell
 */
export async function readTarget<T>(
  creation: CreateRepository,
  { image, repository, registry }: Destination,
  read: (repository: Repository) => Promise<T>,
): Promise<T> {
  try {
    return await read(repository);
  } catch (error) {
    const { vendor } = registry;
    if (!(error instanceof ActionError) || !MAY_BE_MISSING.has(error.code) || vendor.hidesMissing !== true) throw error;
    const exists = await registry.manage(repository.name).exists().catch(ignoreFailure);
    if (exists !== false) throw error;
    if (creation.wanted) return read(empty(repository));
    throw new ActionError(
      'REPOSITORY_UNKNOWN',
      `${image} does not exist: the API of ${vendor.title} at ${repository.host} does not list it, and the registry refuses requests for it (${error.facts.status ?? error.code}).`,
      { facts: { registry: repository.host, repository: repository.name, operation: 'push' }, cause: error },
    );
  }
}

function empty(repository: Repository): Repository {
  return { ...repository, head: async () => undefined, get: async () => undefined, listTags: async () => [] };
}
