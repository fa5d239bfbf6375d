import { type Fields, fieldsOf, isFields } from '../../../domain/fields.ts';
import { cacheRepository } from '../../../domain/setup/cache.ts';
import type { DesiredRegistry } from '../../../domain/setup/desired-state.ts';
import type { NexusRepositoryState, NexusRoleState, NexusState } from '../../../domain/setup/export/nexus-state.ts';
import type { RegistryPlan } from '../../../domain/setup/setting.ts';
import { ownOf } from './own-fields.ts';
import type { NexusRequest } from './plan.ts';
import { NEW_ROLE } from './plan-role.ts';
import { type NexusLive, rolesOf } from './read.ts';

/**
 * Applies the plan to what was read. Pure.
 * @param url of Nexus itself
 */
export function nexusState(
  url: string,
  desired: DesiredRegistry,
  live: NexusLive,
  { settings, steps }: RegistryPlan<NexusRequest>,
): NexusState {
  const requests = steps.map(({ request }) => request);
  const wanted = [
    ...(desired.cache?.value ?? []).map((cache) => ({
      name: cacheRepository(cache),
      line: cache.line,
      type: 'proxy' as const,
    })),
    ...desired.repositories.map((each) => ({ name: each.name, line: each.line, type: ownOf(each.settings).type })),
  ];
  const isRefused = (name: string) =>
    settings.some(({ subject, action }) => subject === name && action === 'needs-recreation');
  return {
    kind: 'nexus',
    url,
    repositories: wanted.flatMap(({ name, line, type }): readonly NexusRepositoryState[] => {
      const read = live.repositories.get(name);
      if (read?.ok === false || isRefused(name)) return [];
      const written = requests.find((each) => each.kind !== 'role' && each.name === name);
      const after = written?.kind === 'role' ? undefined : written;
      const fields = after?.body ?? read?.value?.fields;
      if (fields === undefined) return [];
      const hasLogin = after?.login !== undefined || isFields(fieldsOf(fields.httpClient).authentication);
      return [{ name, line, type, exists: read?.value !== undefined, fields, hasLogin }];
    }),
    roles: [...rolesOf(desired)].flatMap(([id, { line }]): readonly NexusRoleState[] => {
      const read = live.roles.get(id);
      if (read?.ok === false) return [];
      const written = requests.find((each) => each.kind === 'role' && each.role === id);
      return [roleState(id, line, read?.value, written?.kind === 'role' ? written.add : [])];
    }),
    settings,
  };
}

function roleState(id: string, line: number, live: Fields | undefined, added: readonly string[]): NexusRoleState {
  const texts = (value: unknown) => (Array.isArray(value) ? value.map(String) : []);
  const { name, description, privileges, roles } = live ?? { ...NEW_ROLE, name: id };
  return {
    id,
    line,
    exists: live !== undefined,
    name: typeof name === 'string' && name !== '' ? name : id,
    description: typeof description === 'string' ? description : '',
    privileges: [...new Set([...texts(privileges), ...added])].toSorted(),
    roles: texts(roles).toSorted(),
  };
}
