import { type Fields, fieldsOf } from '../../../domain/fields.ts';
import { denied, type Reading } from '../../setup/change.ts';
import type { DesiredMember, DesiredProject, DesiredRobot } from './desired.ts';
import { projectPath } from './read.ts';
import { includesRole, permissionsFor, type Right, ROBOT_RIGHTS, ROLE_OF, rightsIn, roleName } from './robots.ts';
import type { HarborChange } from './step.ts';

interface LiveAccess {
  readonly members: Reading<readonly Fields[]>;
  readonly robots: Reading<readonly Fields[]>;
  readonly authMode: Reading<string>;
}

/** Who may use a project: people and groups are members, machines are robot accounts. */
export function planAccess(wanted: DesiredProject, { members, robots, authMode }: LiveAccess): readonly HarborChange[] {
  const isExact = wanted.exactAccess === true;
  return [
    ...(wanted.members.length === 0 && !isExact
      ? []
      : members.ok
        ? planMembers(wanted, members.value, authMode)
        : [denied('members', members.error)]),
    ...(wanted.robots.length === 0 && !isExact
      ? []
      : robots.ok
        ? planRobots(wanted, robots.value)
        : [denied('robots', robots.error)]),
  ];
}

function planMembers(
  { name: project, members, exactAccess }: DesiredProject,
  live: readonly Fields[],
  authMode: Reading<string>,
): readonly HarborChange[] {
  const isOf = (row: Fields, { kind, name }: DesiredMember) =>
    row.entity_type === (kind === 'user' ? 'u' : 'g') && String(row.entity_name).toLowerCase() === name.toLowerCase();
  const path = projectPath(project, '/members');
  const changes = members.map((member): HarborChange => {
    const { kind, name, access, line } = member;
    const role = ROLE_OF[access];
    const what = `the role of the ${kind} ${name} in ${project}`;
    const should = `${kind} ${name}: ${roleName(role)}`;
    const found = live.find((row) => isOf(row, member));
    if (found !== undefined) {
      const is = `${kind} ${name}: ${roleName(Number(found.role_id))}`;
      const has = Number(found.role_id);
      if (exactAccess === true ? has === role : includesRole(has, role)) {
        return { name: `${access} ${kind} ${name}`, line, action: 'equal', is, should };
      }
      const request = { method: 'PUT', path: `${path}/${Number(found.id)}`, json: { role_id: role }, what } as const;
      return { name: `${access} ${kind} ${name}`, line, action: 'change', is, should, request };
    }
    const body = memberBody(member, authMode);
    if (body === undefined) {
      return {
        name: `${access} ${kind} ${name}`,
        line,
        action: 'unsupported',
        should,
        reason: 'This Harbor keeps its users itself and has no groups: write harbor:user/… instead.',
      };
    }
    return {
      name: `${access} ${kind} ${name}`,
      line,
      action: 'create',
      should,
      request: { method: 'POST', path, json: { role_id: role, ...body }, what },
    };
  });
  const others = live.filter((row) => !members.some((member) => isOf(row, member)));
  return [
    ...changes,
    ...others.map((row): HarborChange => {
      const kind = row.entity_type === 'u' ? 'user' : 'group';
      const is = `${kind} ${String(row.entity_name)}: ${roleName(Number(row.role_id))}`;
      // Harbor makes the creator of a project its administrator: without one nobody could change it any more.
      if (exactAccess !== true || Number(row.role_id) === 1)
        return { name: `member ${kind} ${String(row.entity_name)}`, action: 'kept-foreign', is };
      const what = `the membership of ${String(row.entity_name)} in ${project}`;
      return {
        name: `member ${kind} ${String(row.entity_name)}`,
        action: 'remove',
        is,
        request: { method: 'DELETE', path: `${path}/${Number(row.id)}`, what },
      };
    }),
  ];
}

/** Types of groups by the way of login: https://goharbor.io/docs/latest/administration/configure-authentication/ */
const GROUP_TYPES: Readonly<Record<string, number>> = { ldap_auth: 1, http_auth: 2, oidc_auth: 3 };

function memberBody({ kind, name }: DesiredMember, authMode: Reading<string>): Fields | undefined {
  if (kind === 'user') return { member_user: { username: name } };
  const type = authMode.ok ? GROUP_TYPES[authMode.value] : GROUP_TYPES.oidc_auth;
  if (type === undefined) return undefined;
  return { member_group: type === 1 ? { group_type: 1, ldap_group_dn: name } : { group_type: type, group_name: name } };
}

function planRobots(
  { name: project, robots, exactAccess }: DesiredProject,
  live: readonly Fields[],
): readonly HarborChange[] {
  // The prefix is a setting of the instance (`robot$`, `robot_`, …): the rest of the name says which one it is.
  const isOf = (row: Fields, { name }: DesiredRobot) => String(row.name).endsWith(`${project}+${name}`);
  const changes = robots.map((robot): HarborChange => {
    const { name, access, days, line } = robot;
    const should = `robot ${name}: ${access}`;
    const what = `the robot account ${name} of ${project}`;
    const found = live.find((row) => isOf(row, robot));
    const wanted = ROBOT_RIGHTS[access];
    if (found === undefined) {
      const json = {
        name,
        level: 'project',
        description: 'Made by registry-action setup.',
        disable: false,
        duration: days ?? DEFAULT_DAYS,
        permissions: permissionsFor(project, wanted),
      };
      return {
        name: `${access} robot ${name}`,
        line,
        action: 'create',
        should: `${should}, ${daysWords(days ?? DEFAULT_DAYS)}`,
        reason:
          'Harbor shows the secret only now: set `credentials-file` to keep it, or set a new one later in Harbor → project → Robot Accounts.',
        request: { method: 'POST', path: '/robots', json, what, robot: `${project}+${name}` },
      };
    }
    const has = rightsIn(found, project);
    const missing = wanted.filter((right) => !has.has(right) && !hasAll(has, right));
    const more = [...has].filter((right) => !wanted.includes(right));
    const isLonger = days !== undefined && Number(found.duration) !== days;
    const isOff = found.disable === true;
    const isRight = missing.length === 0 && !isLonger && !isOff && (exactAccess !== true || more.length === 0);
    const is = [
      `robot ${name}`,
      ...(isOff ? ['switched off'] : []),
      ...(missing.length > 0 ? [`without ${missing.join(', ')}`] : []),
      ...(isLonger ? [daysWords(Number(found.duration))] : []),
      ...(more.length > 0 ? [`also ${more.toSorted().join(', ')}`] : []),
    ].join(', ');
    if (isRight) return { name: `${access} robot ${name}`, line, action: 'equal', is, should };
    const rights: readonly Right[] = exactAccess === true ? wanted : [...has, ...missing];
    const other = (Array.isArray(found.permissions) ? found.permissions.map(fieldsOf) : []).filter(
      ({ kind, namespace }) => !(kind === 'project' && namespace === project),
    );
    return {
      name: `${access} robot ${name}`,
      line,
      action: 'change',
      is,
      should: days === undefined ? should : `${should}, ${daysWords(days)}`,
      request: {
        method: 'PUT',
        path: `/robots/${Number(found.id)}`,
        json: {
          id: found.id,
          name: found.name,
          level: found.level,
          description: found.description ?? '',
          disable: false,
          duration: days ?? found.duration ?? DEFAULT_DAYS,
          permissions: [...other, ...permissionsFor(project, rights)],
        },
        what,
      },
    };
  });
  const others = live.filter((row) => !robots.some((robot) => isOf(row, robot)));
  return [
    ...changes,
    ...others.map((row): HarborChange => {
      const is = `robot ${String(row.name)}`;
      if (exactAccess !== true) return { name: is, action: 'kept-foreign', is };
      const what = `the robot account ${String(row.name)}`;
      return {
        name: is,
        action: 'remove',
        is,
        request: { method: 'DELETE', path: `/robots/${Number(row.id)}`, what },
      };
    }),
  ];
}

/** Harbor's own default for new robot accounts. */
const DEFAULT_DAYS = 30;

function daysWords(days: number): string {
  return days < 0 ? 'never expires' : `expires after ${days} days`;
}

/** Whether a right is part of one for everything, which older accounts have. */
function hasAll(has: ReadonlySet<Right>, right: Right): boolean {
  const [resource = ''] = right.split(':');
  return has.has(`${resource}:*`) || has.has('*:*');
}
