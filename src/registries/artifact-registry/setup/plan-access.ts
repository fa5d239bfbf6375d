import type { Fields } from '../../../domain/fields.ts';
import { denied, type Reading } from '../../setup/change.ts';
import type { DesiredGoogleRepository } from './desired.ts';
import { hasRole, type Membership, membershipsOf, ROLE_OF, sameMember } from './iam.ts';
import type { GoogleChange } from './step.ts';

const NAMES: Readonly<Record<string, 'pull' | 'push' | 'admin'>> = {
  [ROLE_OF.pull]: 'pull',
  [ROLE_OF.push]: 'push',
  [ROLE_OF.admin]: 'admin',
};
const EVERYBODY = ['allUsers', 'allAuthenticatedUsers'];

/** Who may use a repository. Others keep what they have; everything is one write of the IAM policy. */
export function planAccess(
  { name, members, isExact, isPublic }: DesiredGoogleRepository,
  read: Reading<Fields> | undefined,
): readonly GoogleChange[] {
  if (members.length === 0 && !isExact && isPublic === undefined) return [];
  if (read?.ok === false) return [denied('access', read.error, isPublic?.line ?? members[0]?.line)];
  const held = read === undefined ? [] : membershipsOf(read.value);
  const reader = ROLE_OF.pull;
  const add: Membership[] = [];
  const remove: Membership[] = [];
  const changes: GoogleChange[] = members.map(({ role, member, line }): GoogleChange => {
    const setting = NAMES[role] ?? 'pull';
    if (hasRole(held, { role, member }))
      return { action: 'equal', name: `${setting} ${member}`, is: member, should: member, line };
    add.push({ role, member });
    return { action: 'create', name: `${setting} ${member}`, is: null, should: member, line };
  });
  const isListed = ({ member }: Membership) => members.some((each) => sameMember(each.member, member));
  if (isPublic !== undefined) {
    const open = held.filter(({ member }) => EVERYBODY.includes(member));
    const is = open.some(({ member }) => member === 'allUsers') ? 'public' : 'private';
    const should = isPublic.value;
    const goes = should === 'private' ? open.filter((each) => !isListed(each)) : [];
    if (should === 'public' && is === 'private') add.push({ role: reader, member: 'allUsers' });
    remove.push(...goes);
    const isEqual = is === should && goes.length === 0;
    changes.push({ action: isEqual ? 'equal' : 'change', name: 'visibility', is, should, line: isPublic.line });
  }
  const others = held.filter(
    (each) =>
      !isListed(each) && !(isPublic !== undefined && EVERYBODY.includes(each.member)) && NAMES[each.role] !== undefined,
  );
  for (const { role, member } of others) {
    const setting = NAMES[role] ?? 'pull';
    if (isExact) remove.push({ role, member });
    changes.push(
      isExact
        ? { action: 'remove', name: `${setting} ${member}`, is: member, should: null }
        : { action: 'kept-foreign', name: `${setting} ${member}`, is: member },
    );
  }
  const request = { kind: 'access', name, add, remove } as const;
  const first = changes.findIndex(({ action }) => action === 'create' || action === 'change' || action === 'remove');
  const covers = changes
    .slice(first + 1)
    .flatMap(({ action, name: each }) => (action === 'equal' || action === 'kept-foreign' ? [] : [each]));
  return changes.map((change, at) => (at === first ? { ...change, request, covers: [...new Set(covers)] } : change));
}
