import { ActionError } from '../errors/action-error.ts';
import type { Capability, Management, ManagementContext, Support, Vendor } from './vendor.ts';

/** Functions without a default: callers have an alternative for vendors that lack them. */
type Optional = 'deleteDigests' | 'currentTags' | 'retention' | 'scans' | 'usage';

/** All management operations of a repository; unsupported ones raise CAPABILITY_MISSING. */
export type RepositoryManagement = Required<Omit<Management, Optional>> & Pick<Management, Optional>;

/**
 * Opens one repository of a vendor for management.
 * @throws from its functions: ActionError CAPABILITY_MISSING with an alternative, for operations that the vendor lacks
 */
export function manage(vendor: Vendor, context: ManagementContext): RepositoryManagement {
  const own = vendor.manage(context);
  const where = `${context.host}/${context.repository}`;
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
    ...(own.scans === undefined ? {} : { scans: own.scans }),
    ...(own.usage === undefined ? {} : { usage: own.usage }),
    ...(own.retention === undefined ? {} : { retention: own.retention }),
  };
}

/** The error for an operation that a vendor lacks. */
function missing(vendor: Vendor, capability: Capability, where: string): ActionError {
  const support: Support = vendor.capabilities[capability];
  const instead = typeof support === 'object' && 'lacks' in support ? ` ${support.lacks}` : '';
  return new ActionError('CAPABILITY_MISSING', `${vendor.title} has no "${capability}" (${where}).${instead}`, {
    facts: { registry: where.split('/', 1)[0] ?? where },
  });
}
