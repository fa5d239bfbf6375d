import { type Fields, isFields } from '../../../domain/fields.ts';
import type { Access } from '../../setup/access.ts';

/** Roles of a repository by what they allow, from little to much: each can do all that the ones before it can. */
const ROLES: readonly [string, string, string, string] = [
  'roles/artifactregistry.reader',
  'roles/artifactregistry.writer',
  'roles/artifactregistry.repoAdmin',
  'roles/artifactregistry.admin',
];

export const ROLE_OF: Readonly<Record<Access, string>> = {
  pull: ROLES[0],
  push: ROLES[1],
  admin: ROLES[2],
};

/** One member of one role. */
export interface Membership {
  readonly role: string;
  readonly member: string;
}

/** Google writes addresses in lower case. */
export function sameMember(a: string, b: string): boolean {
  const folded = (text: string) => (/^(?:serviceAccount|user|group|domain):/.test(text) ? text.toLowerCase() : text);
  const fold = (text: string) => folded(text).replace(/^serviceaccount:/, 'serviceAccount:');
  return fold(a) === fold(b);
}

/** The members of roles that this action sets. Bindings with a condition are not ours to read as plain access. */
export function membershipsOf(policy: Fields): readonly Membership[] {
  const bindings = Array.isArray(policy.bindings) ? policy.bindings.filter(isFields) : [];
  return bindings
    .filter(({ role, condition }) => condition === undefined && ROLES.some((known) => known === role))
    .flatMap(({ role, members }) =>
      (Array.isArray(members) ? members : []).map((member) => ({ role: String(role), member: String(member) })),
    );
}

/** Whether somebody has a role, or one that can do more. */
export function hasRole(held: readonly Membership[], { role, member }: Membership): boolean {
  const least = ROLES.indexOf(role);
  return held.some((each) => sameMember(each.member, member) && ROLES.indexOf(each.role) >= least);
}

/** The policy with members added and removed; all others, their conditions and the etag stay. */
export function changedPolicy(
  policy: Fields,
  add: readonly Membership[],
  remove: readonly Membership[],
): { readonly policy: Fields; readonly isChanged: boolean } {
  let isChanged = false;
  const bindings: (Fields & { readonly members: string[] })[] = [];
  for (const binding of Array.isArray(policy.bindings) ? policy.bindings.filter(isFields) : []) {
    const members = Array.isArray(binding.members) ? binding.members.map(String) : [];
    const goes = (member: string) =>
      binding.condition === undefined &&
      remove.some((each) => each.role === binding.role && sameMember(each.member, member));
    const kept = members.filter((member) => !goes(member));
    isChanged ||= kept.length !== members.length;
    bindings.push({ ...binding, members: kept });
  }
  for (const { role, member } of add) {
    const found = bindings.find((each) => each.role === role && each.condition === undefined);
    if (found?.members.some((each) => sameMember(each, member)) === true) continue;
    isChanged = true;
    if (found === undefined) bindings.push({ role, members: [member] });
    else found.members.push(member);
  }
  // Version 3 is the one that conditions survive in.
  return {
    policy: { ...policy, version: 3, bindings: bindings.filter(({ members }) => members.length > 0) },
    isChanged,
  };
}
