import { type Fields, fieldsOf } from '../../../domain/fields.ts';
import type { DesiredRegistry, DesiredRepository } from '../../../domain/setup/desired-state.ts';
import type { HubRepositoryState, HubState } from '../../../domain/setup/export/hub-state.ts';
import type { RegistryPlan } from '../../../domain/setup/setting.ts';
import { grantsOf, grantsTo } from '../../setup/access.ts';
import type { Reading } from '../../setup/change.ts';
import type { HubRequestData, LiveHubRepository } from './plan.ts';

/** Applies the plan to what was read. Pure. */
export function hubState(
  { repositories, namespace }: DesiredRegistry,
  live: ReadonlyMap<string, Reading<LiveHubRepository | undefined>>,
  { settings, steps }: RegistryPlan<HubRequestData>,
): HubState {
  return {
    kind: 'docker-hub',
    namespace,
    repositories: repositories.flatMap((repository) => {
      const read = live.get(repository.name);
      if (read?.ok === false || (read?.value === undefined && !repository.creates)) return [];
      const requests = steps.flatMap(({ subject, request }) => (subject === repository.name ? [request] : []));
      return [repositoryState(repository, read?.value, requests)];
    }),
    settings,
  };
}

function repositoryState(
  repository: DesiredRepository,
  live: LiveHubRepository | undefined,
  requests: readonly HubRequestData[],
): HubRepositoryState {
  const { name, line } = repository;
  const written: Fields = Object.assign(
    {},
    ...requests.flatMap(({ json, team }) => (team === undefined ? [json] : [])),
  );
  const { description, is_private: isPrivate } = { ...live?.fields, ...written };
  const before = fieldsOf(live?.fields.immutable_tags_settings);
  const hasImmutableTags = (written.immutable_tags ?? before.enabled) === true;
  const rules = written.immutable_tags_rules ?? before.rules;
  return {
    name,
    line,
    exists: live !== undefined,
    description: typeof description === 'string' ? description : '',
    isPrivate: isPrivate === true,
    hasImmutableTags,
    immutableTags: hasImmutableTags && Array.isArray(rules) ? rules.map(String) : [],
    teams: teamsOf(repository, live, requests),
  };
}

function teamsOf(
  repository: DesiredRepository,
  live: LiveHubRepository | undefined,
  requests: readonly HubRequestData[],
): HubRepositoryState['teams'] {
  if (live?.teams.ok === false) return [];
  const held = live?.teams.value ?? [];
  return grantsTo(grantsOf(repository), 'hub-team').map(({ principal: { id: name, line } }) => {
    const row = held.find((each) => String(each.group_name).toLowerCase() === name.toLowerCase());
    const id = row === undefined ? undefined : Number(row.group_id);
    const written = requests.find(
      ({ team, path }) => team === name || (id !== undefined && path.endsWith(`/groups/${id}/`)),
    );
    return { name, permission: String(written?.json?.permission ?? row?.permission), id, line };
  });
}
