import type { Fields } from '../../../domain/fields.ts';
import type { DesiredRegistry } from '../../../domain/setup/desired-state.ts';
import type { GoogleMember, GoogleRepositoryState, GoogleState } from '../../../domain/setup/export/google-state.ts';
import type { RegistryPlan } from '../../../domain/setup/setting.ts';
import type { Reading } from '../../setup/change.ts';
import type { DesiredGoogleRepository } from './desired.ts';
import { membershipsOf, ROLE_OF, sameMember } from './iam.ts';
import { type LiveGoogleRepository, parentOf } from './read.ts';
import type { GoogleRequest } from './step.ts';
import { wantedOf } from './wanted.ts';

/** What was read, by the name of the repository. */
export type GoogleLive = ReadonlyMap<string, Reading<LiveGoogleRepository | undefined>>;

/** Applies the plan to what was read. Pure. */
export function googleState(
  desired: DesiredRegistry,
  live: GoogleLive,
  { settings, steps }: RegistryPlan<GoogleRequest>,
): GoogleState {
  const [, project = '', , location = ''] = parentOf(desired).split('/');
  const requests = steps.map(({ request }) => request);
  const isRefused = (name: string) =>
    settings.some(({ subject, action }) => subject === name && action === 'needs-recreation');
  return {
    kind: 'artifact-registry',
    project: decodeURIComponent(project),
    location,
    repositories: wantedOf(desired).flatMap((wanted) =>
      isRefused(wanted.name) ? [] : repositoryState(wanted, live.get(wanted.name), requests),
    ),
    settings,
  };
}

function repositoryState(
  wanted: DesiredGoogleRepository,
  read: Reading<LiveGoogleRepository | undefined> | undefined,
  requests: readonly GoogleRequest[],
): readonly GoogleRepositoryState[] {
  const { name, line } = wanted;
  const present = read?.ok === true ? read.value : undefined;
  const own = requests.filter((each) => each.name === name);
  const bodies = own.flatMap((each): readonly Fields[] => (each.kind === 'access' ? [] : [each.body]));
  if (present === undefined && bodies.length === 0) return [];
  const fields: Fields = Object.assign({}, present?.fields, ...bodies);
  return [{ name, line, exists: present !== undefined, fields, members: membersOf(wanted, present, own) }];
}

/** Those that have a role already or get it. One that can do more than the file says keeps that, without a line here. */
function membersOf(
  { members, isPublic }: DesiredGoogleRepository,
  present: LiveGoogleRepository | undefined,
  requests: readonly GoogleRequest[],
): readonly GoogleMember[] {
  const held = present?.policy.ok === true ? membershipsOf(present.policy.value) : [];
  const added = requests.flatMap((each) => (each.kind === 'access' ? each.add : []));
  const everybody =
    isPublic?.value === 'public' ? [{ role: ROLE_OF.pull, member: 'allUsers', line: isPublic.line }] : [];
  return [...members, ...everybody].flatMap(({ role, member, line }): readonly GoogleMember[] => {
    const before = held.find((each) => each.role === role && sameMember(each.member, member));
    // As Google writes it: another spelling would be another member.
    if (before !== undefined) return [{ role, member: before.member, exists: true, line }];
    const isAdded = added.some((each) => each.role === role && each.member === member);
    return isAdded ? [{ role, member, exists: false, line }] : [];
  });
}

/** A project of which nothing was read, as if it were empty. */
export function unreadGoogle(desired: DesiredRegistry): GoogleLive {
  return new Map(wantedOf(desired).map(({ name }) => [name, { ok: true, value: undefined }]));
}
