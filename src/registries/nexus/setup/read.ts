import type { Fields } from '../../../domain/fields.ts';
import { cacheRepository } from '../../../domain/setup/cache.ts';
import type { DesiredRegistry } from '../../../domain/setup/desired-state.ts';
import { grantsOf, grantsTo } from '../../setup/access.ts';
import type { Reading } from '../../setup/change.ts';
import type { LiveNexusRepository } from './plan.ts';
import { privilegesFor } from './plan-role.ts';

/** What was read of a Nexus. */
export interface NexusLive {
  readonly repositories: ReadonlyMap<string, Reading<LiveNexusRepository | undefined>>;
  /** Undefined: there is no such role. */
  readonly roles: ReadonlyMap<string, Reading<Fields | undefined>>;
  /** Whether people who do not log in are let in at all. */
  readonly anonymous: Reading<boolean>;
}

/** Roles of the file with the privileges that they need, over all repositories and caches. */
export function rolesOf(
  desired: DesiredRegistry,
): ReadonlyMap<string, { readonly privileges: Set<string>; readonly line: number }> {
  const roles = new Map<string, { readonly privileges: Set<string>; readonly line: number }>();
  const give = (role: string, line: number, privileges: readonly string[]) => {
    const found = roles.get(role) ?? { privileges: new Set<string>(), line };
    for (const privilege of privileges) found.privileges.add(privilege);
    roles.set(role, found);
  };
  for (const cache of desired.cache?.value ?? []) {
    for (const { id, line } of cache.pull) give(id, line, privilegesFor(cacheRepository(cache), 'pull'));
  }
  for (const repository of desired.repositories) {
    for (const { principal, access } of grantsTo(grantsOf(repository), 'nexus-role')) {
      give(principal.id, principal.line, privilegesFor(repository.name, access));
    }
  }
  return roles;
}
