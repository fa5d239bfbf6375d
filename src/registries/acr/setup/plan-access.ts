import { createHash } from 'node:crypto';
import { fieldsOf } from '../../../domain/fields.ts';
import type { DesiredRegistry } from '../../../domain/setup/desired-state.ts';
import { denied } from '../../setup/change.ts';
import type { AcrChange } from './plan-registry.ts';
import { type LiveAcr, propertiesOf } from './read.ts';
import type { WantedAcr } from './wanted.ts';

/**
 * Tokens and their scope maps. A scope map of ours belongs to one token; those of others may be shared and are left alone.
 * @param resource `/subscriptions/…/registries/name`
 */
export function planTokens(
  { owner, repositories }: DesiredRegistry,
  { tokens }: WantedAcr,
  live: LiveAcr,
  resource: string,
): readonly AcrChange[] {
  if (tokens.length === 0) return [];
  const { scopeMaps, tokens: found } = live;
  if (!scopeMaps.ok) return [denied('tokens', scopeMaps.error)];
  if (!found.ok) return [denied('tokens', found.error)];
  const isExact = repositories.every(({ settings }) => settings.access?.value === 'exact');
  return tokens.flatMap(({ name, actions, line }): readonly AcrChange[] => {
    const mapName = `setup-${owner}-${name}`.slice(0, 50);
    const mapId = `${resource}/scopeMaps/${mapName}`;
    const token = found.value.find((row) => String(row.name).toLowerCase() === name.toLowerCase());
    const mapOf = (id: unknown) =>
      scopeMaps.value.find(
        (row) => `${resource}/scopeMaps/${String(row.name)}`.toLowerCase() === String(id).toLowerCase(),
      );
    const usedId = propertiesOf(token).scopeMapId;
    const isForeign = token !== undefined && String(usedId).toLowerCase() !== mapId.toLowerCase();
    const map = isForeign ? mapOf(usedId) : mapOf(mapId);
    const has = actionsOf(map);
    const missing = actions.filter((action) => !has.includes(action));
    const more = has.filter((action) => !actions.includes(action));
    const setting = `token ${name}`;
    if (isForeign) {
      if (missing.length === 0) return [{ action: 'equal', name: setting, is: has, should: actions, line }];
      const reason = `The token uses the scope map ${String(usedId).split('/').at(-1)}, which other tokens may share. Add ${missing.join(', ')} to it, or write another token.`;
      return [{ action: 'unsupported', name: setting, is: has, should: actions, line, reason }];
    }
    const changes: AcrChange[] = [];
    const wanted = isExact ? actions : [...new Set([...has, ...actions])].toSorted();
    const isRight = missing.length === 0 && (!isExact || more.length === 0);
    const path = `/scopeMaps/${mapName}`;
    const what = `the scope map ${mapName}`;
    const description = `Made by registry-action setup for ${owner}.`;
    if (map === undefined) {
      const json = { properties: { description, actions: wanted } };
      changes.push({
        action: 'create',
        name: setting,
        is: null,
        should: actions,
        line,
        request: { method: 'PUT', path, json, what },
      });
    } else if (isRight) changes.push({ action: 'equal', name: setting, is: has, should: actions, line });
    else {
      const json = { properties: { actions: wanted } };
      changes.push({
        action: 'change',
        name: setting,
        is: has,
        should: wanted,
        line,
        request: { method: 'PATCH', path, json, what },
      });
    }
    const { status, credentials } = propertiesOf(token);
    const tokenPath = `/tokens/${name}`;
    if (token === undefined) {
      const json = { properties: { scopeMapId: mapId, status: 'enabled' } };
      const request = { method: 'PUT', path: tokenPath, json, what: `the token ${name}` } as const;
      changes.push({ action: 'create', name: `${setting}.status`, is: null, should: 'enabled', line, request });
    } else if (status === 'disabled') {
      const json = { properties: { status: 'enabled' } };
      const request = { method: 'PATCH', path: tokenPath, json, what: `the token ${name}` } as const;
      changes.push({ action: 'change', name: `${setting}.status`, is: 'disabled', should: 'enabled', line, request });
    }
    const { passwords, certificates } = fieldsOf(credentials);
    const hasSecret = [passwords, certificates].some((list) => Array.isArray(list) && list.length > 0);
    if (!hasSecret) {
      const json = { tokenId: `${resource}/tokens/${name}`, name: 'password1' };
      const request = {
        method: 'POST',
        path: '/generateCredentials',
        json,
        what: `a password for the token ${name}`,
      } as const;
      changes.push({
        action: 'create',
        name: `${setting}.password`,
        is: null,
        should: 'password1',
        line,
        request,
        reason: 'Azure shows it only now: set `credentials-file` to keep it, or generate a new one later.',
      });
    }
    return changes;
  });
}

function actionsOf(map: unknown): readonly string[] {
  const { actions } = propertiesOf(map);
  return Array.isArray(actions) ? actions.map(String).toSorted() : [];
}

/** https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/containers */
const ROLES = {
  pull: { id: '7f951dda-4ed3-4680-a7ca-43fe172d538d', name: 'AcrPull' },
  push: { id: '8311e382-0749-4cb8-b61a-304f252e45ec', name: 'AcrPush' },
} as const;

/** Entra identities get a role on the registry: it holds for all repositories, which the plan says. */
export function planRoles({ roles }: WantedAcr, live: LiveAcr, resource: string): readonly AcrChange[] {
  if (roles.length === 0) return [];
  if (!live.roles.ok) return [denied('roles', live.roles.error, roles[0]?.line)];
  const isByRepository = propertiesOf(live.registry).roleAssignmentMode === 'AbacRepositoryPermissions';
  const held = live.roles.value.map(propertiesOf);
  return roles.map(({ principal, access, line }): AcrChange => {
    const { id, name } = ROLES[access];
    const setting = `${access} ${principal}`;
    if (isByRepository) {
      const role = access === 'pull' ? 'Reader' : 'Writer';
      const reason = `This registry gives roles by repository, with conditions that setup does not write: \`az role assignment create --assignee ${principal} --role "Container Registry Repository ${role}" --scope ${resource} --condition …\`.`;
      return { action: 'unsupported', name: setting, should: name, line, reason };
    }
    const enough = access === 'pull' ? [ROLES.pull.id, ROLES.push.id] : [ROLES.push.id];
    const found = held.find(
      ({ principalId, roleDefinitionId }) =>
        String(principalId).toLowerCase() === principal &&
        enough.some((each) => String(roleDefinitionId).toLowerCase().endsWith(each)),
    );
    if (found !== undefined) return { action: 'equal', name: setting, is: name, should: name, line };
    const subscription = resource.split('/').slice(0, 3).join('/');
    const json = {
      properties: {
        roleDefinitionId: `${subscription}/providers/Microsoft.Authorization/roleDefinitions/${id}`,
        principalId: principal,
      },
    };
    const path = `/providers/Microsoft.Authorization/roleAssignments/${guidOf(`${resource} ${principal} ${id}`.toLowerCase())}`;
    return {
      action: 'create',
      name: setting,
      is: null,
      should: `${name} on all repositories of the registry`,
      line,
      request: { method: 'PUT', path, json, what: `the role ${name} of ${principal}` },
    };
  });
}

/** The same assignment always gets the same name, so that a repeated run does not make a second one. */
function guidOf(text: string): string {
  const hash = createHash('sha256').update(text).digest('hex');
  return [
    hash.slice(0, 8),
    hash.slice(8, 12),
    `5${hash.slice(13, 16)}`,
    `8${hash.slice(17, 20)}`,
    hash.slice(20, 32),
  ].join('-');
}
