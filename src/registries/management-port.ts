import { ActionError } from '../errors/action-error.ts';
import type { Capability, Management, ManagementContext, Support, Vendor } from './vendor.ts';

/** Functions that have no stand-in: whoever calls them has another way where the vendor lacks them. */
type Optional = 'deleteDigests' | 'currentTags';

/** Everything that can be asked of a repository; what the vendor lacks answers with CAPABILITY_MISSING. */
export type RepositoryManagement = Required<Omit<Management, Optional>> & Pick<Management, Optional>;

/**
 * Opens one repository of a vendor for management.
 * @throws from its functions: ActionError CAPABILITY_MISSING with what to do instead, when the vendor lacks them
 */
export function manage(vendor: Vendor, place: ManagementContext): RepositoryManagement {
  const own = vendor.manage(place);
  const where = `${place.host}/${place.repository}`;
  const lacks = (capability: Capability) => () => {
    throw missing(vendor, capability, where);
  };
  return {
    exists: own.exists ?? lacks('create-repository'),
    create: own.create ?? lacks('create-repository'),
    list: own.list ?? lacks('list-images'),
    deleteTag: own.deleteTag ?? lacks('delete-tag'),
    deleteDigest: own.deleteDigest ?? lacks('delete-digest'),
    preflight: own.preflight ?? (async () => []),
    frozen: own.frozen ?? (async () => []),
    ...(own.deleteDigests === undefined ? {} : { deleteDigests: own.deleteDigests }),
    ...(own.currentTags === undefined ? {} : { currentTags: own.currentTags }),
  };
}

/** The error of somebody who asks a vendor for what it lacks. */
export function missing(vendor: Vendor, capability: Capability, where: string): ActionError {
  const support: Support = vendor.capabilities[capability];
  const instead = typeof support === 'object' && 'lacks' in support ? ` ${support.lacks}` : '';
  return new ActionError('CAPABILITY_MISSING', `${vendor.title} has no "${capability}" (${where}).${instead}`, {
    facts: { registry: where.split('/', 1)[0] ?? where },
  });
}
