import { type Fields, fieldsOf } from '../../../domain/fields.ts';
import type { Access } from '../../setup/access.ts';

/** A right of a robot account: `repository:push`. */
export type Right = `${string}:${string}`;

const PULL: readonly Right[] = ['repository:pull', 'repository:read', 'artifact:read', 'artifact:list'];
const PUSH: readonly Right[] = [...PULL, 'repository:push', 'repository:list', 'tag:list', 'tag:create'];
const ADMIN: readonly Right[] = [
  ...PUSH,
  'artifact:delete',
  'tag:delete',
  'scan:create',
  'immutable-tag:list',
  'immutable-tag:create',
  'tag-retention:read',
];

/**
 * The rights of robot accounts in a project. Push includes pull, as Harbor wants it.
 * https://goharbor.io/docs/latest/working-with-projects/project-configuration/create-robot-accounts/
 */
export const ROBOT_RIGHTS: Readonly<Record<Access, readonly Right[]>> = { pull: PULL, push: PUSH, admin: ADMIN };

/** Ids of roles, from weak to strong: limited guest, guest, developer, maintainer, administrator. */
const ROLES: readonly number[] = [5, 3, 2, 4, 1];
const ROLE_NAMES: Readonly<Record<number, string>> = {
  1: 'project admin',
  2: 'developer',
  3: 'guest',
  4: 'maintainer',
  5: 'limited guest',
};
export const ROLE_OF: Readonly<Record<Access, number>> = { pull: 3, push: 2, admin: 1 };

/** Whether a role can do all that another can. */
export function includesRole(role: number, wanted: number): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(wanted);
}

export function roleName(id: number): string {
  return ROLE_NAMES[id] ?? `role ${id}`;
}

/** The rights that a robot account has in a project. The order and the effect `allow`, which Harbor adds, say nothing. */
export function rightsIn(robot: Fields, project: string): ReadonlySet<Right> {
  const permissions = Array.isArray(robot.permissions) ? robot.permissions.map(fieldsOf) : [];
  return new Set(
    permissions
      .filter(({ kind, namespace }) => kind === 'project' && (namespace === project || namespace === '*'))
      .flatMap(({ access }) => (Array.isArray(access) ? access.map(fieldsOf) : []))
      .filter(({ effect }) => effect !== 'deny')
      .map(({ resource, action }): Right => `${String(resource)}:${String(action)}`),
  );
}

/** Permissions of a robot account of a project, in Harbor's form. */
export function permissionsFor(project: string, rights: Iterable<Right>): readonly Fields[] {
  const access = [...new Set(rights)].toSorted().map((right) => {
    const [resource = '', action = ''] = right.split(':');
    return { resource, action };
  });
  return [{ kind: 'project', namespace: project, access }];
}
