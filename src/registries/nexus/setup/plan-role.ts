import type { Fields } from '../../../domain/fields.ts';
import type { Access } from '../../setup/access.ts';
import type { NexusChange } from './plan.ts';

const RIGHTS: Readonly<Record<Access, readonly string[]>> = {
  pull: ['browse', 'read'],
  push: ['browse', 'read', 'add', 'edit'],
  admin: ['browse', 'read', 'add', 'edit', 'delete'],
};

/** A role that setup makes, without its name and privileges. */
export const NEW_ROLE = { description: 'Made by registry-action setup.', roles: [] } as const;

/** Names of the privileges that Nexus makes for every repository. */
export function privilegesFor(repository: string, access: Access): readonly string[] {
  return RIGHTS[access].map((right) => `nx-repository-view-docker-${repository}-${right}`);
}

/** A role, with the privileges of all repositories of the file: a role is one document. */
export function planRole(
  role: string,
  privileges: readonly string[],
  line: number,
  live: Fields | undefined,
): NexusChange {
  const has = Array.isArray(live?.privileges) ? live.privileges.map(String) : [];
  const covers = (privilege: string) =>
    has.includes(privilege) ||
    has.includes(privilege.replace(/-[a-z]+$/, '-*')) ||
    has.some((each) => /^nx-(?:all|repository-view-\*-\*-\*|repository-view-docker-\*-\*)$/.test(each));
  const missing = privileges.filter((privilege) => !covers(privilege)).toSorted();
  const name = `role ${role}`;
  if (missing.length === 0) return { action: 'equal', name, is: privileges, should: privileges, line };
  const is = live === undefined ? null : has.toSorted();
  return {
    action: live === undefined ? 'create' : 'change',
    name,
    is,
    should: missing,
    line,
    request: { kind: 'role', role, add: missing },
  };
}
