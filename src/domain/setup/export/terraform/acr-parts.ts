import { fieldsOf } from '../../../fields.ts';
import type { AcrPart } from '../acr-state.ts';
import { type Line, raw, type Value } from './hcl.ts';
import { type ModuleSource, type Resource, resource } from './module.ts';

interface PartContext {
  /** Name of its block. */
  readonly id: string;
  /** Names of the blocks of all parts, by `<kind> <name>`. */
  readonly names: ReadonlyMap<string, string>;
  readonly registry: Resource;
  readonly source: ModuleSource;
}

const TYPES: Readonly<Record<AcrPart['kind'], string>> = {
  credentialSets: 'azurerm_container_registry_credential_set',
  cacheRules: 'azurerm_container_registry_cache_rule',
  scopeMaps: 'azurerm_container_registry_scope_map',
  tokens: 'azurerm_container_registry_token',
  webhooks: 'azurerm_container_registry_webhook',
  tasks: 'azurerm_container_registry_task',
  roleAssignments: 'azurerm_role_assignment',
};

const WHAT: Readonly<Record<AcrPart['kind'], string>> = {
  credentialSets: 'credentials of a cache',
  cacheRules: 'cache',
  scopeMaps: 'what a token may do',
  tokens: 'token',
  webhooks: 'webhook',
  tasks: 'retention',
  roleAssignments: 'access',
};

/** Undefined: it has a secret that would be in the state. */
export function acrPart(part: AcrPart, { id, names, registry, source }: PartContext): Resource | undefined {
  const { kind, name, line, hasSecret } = part;
  if (kind === 'webhooks' && hasSecret) return undefined;
  const comment = source.from(line, WHAT[kind]);
  return resource(TYPES[kind], id, [comment], bodyOf(part, registry, names, name));
}

function bodyOf(
  { kind, properties, location }: AcrPart,
  { address }: Resource,
  names: ReadonlyMap<string, string>,
  name: string,
): readonly Line[] {
  const of = (attribute: string) => raw(`${address}.${attribute}`);
  const inGroup: readonly Line[] = [
    { name: 'name', value: name },
    { name: 'resource_group_name', value: of('resource_group_name') },
  ];
  const byName: readonly Line[] = [...inGroup, { name: 'container_registry_name', value: of('name') }];
  const byId: readonly Line[] = [
    { name: 'name', value: name },
    { name: 'container_registry_id', value: of('id') },
  ];
  const to = (other: AcrPart['kind'], resourceId: unknown): Value => {
    const own = String(resourceId).split('/').at(-1) ?? '';
    const found = names.get(`${other} ${own}`);
    return found === undefined ? String(resourceId) : raw(`${TYPES[other]}.${found}.id`);
  };
  const texts = (value: unknown) => (Array.isArray(value) ? value.map(String).toSorted() : []);
  switch (kind) {
    case 'credentialSets': {
      const [credential] = [properties.authCredentials].flat().map(fieldsOf);
      return [
        ...byId,
        { name: 'login_server', value: String(properties.loginServer) },
        'blank',
        { block: 'identity', body: [{ name: 'type', value: 'SystemAssigned' }] },
        'blank',
        {
          block: 'authentication_credentials',
          body: [
            { name: 'username_secret_id', value: String(credential?.usernameSecretIdentifier) },
            { name: 'password_secret_id', value: String(credential?.passwordSecretIdentifier) },
          ],
        },
      ];
    }
    case 'cacheRules':
      return [
        ...byId,
        { name: 'source_repo', value: String(properties.sourceRepository) },
        { name: 'target_repo', value: String(properties.targetRepository) },
        ...(typeof properties.credentialSetResourceId === 'string'
          ? [{ name: 'credential_set_id', value: to('credentialSets', properties.credentialSetResourceId) }]
          : []),
      ];
    case 'scopeMaps':
      return [
        ...byName,
        ...(typeof properties.description === 'string' ? [{ name: 'description', value: properties.description }] : []),
        { name: 'actions', value: texts(properties.actions) },
      ];
    case 'tokens':
      return [
        ...byName,
        { name: 'scope_map_id', value: to('scopeMaps', properties.scopeMapId) },
        { name: 'enabled', value: properties.status !== 'disabled' },
      ];
    case 'webhooks':
      return [
        ...inGroup,
        { name: 'registry_name', value: of('name') },
        { name: 'location', value: location === '' ? of('location') : location },
        { name: 'service_uri', value: String(properties.serviceUri) },
        { name: 'actions', value: texts(properties.actions) },
        { name: 'scope', value: String(properties.scope ?? '') },
        { name: 'status', value: 'enabled' },
      ];
    case 'tasks': {
      const { platform, step, trigger } = properties;
      const [timer] = [fieldsOf(trigger).timerTriggers].flat().map(fieldsOf);
      return [
        ...byId,
        { name: 'timeout_in_seconds', value: Number(properties.timeout ?? 3600) },
        'blank',
        { block: 'platform', body: [{ name: 'os', value: String(fieldsOf(platform).os ?? 'Linux') }] },
        'blank',
        {
          block: 'encoded_step',
          body: [{ name: 'task_content', value: contentOf(fieldsOf(step).encodedTaskContent) }],
        },
        'blank',
        {
          block: 'timer_trigger',
          body: [
            { name: 'name', value: String(timer?.name ?? 'daily') },
            { name: 'schedule', value: String(timer?.schedule ?? '0 2 * * *') },
          ],
        },
      ];
    }
    case 'roleAssignments': {
      const role = String(properties.roleDefinitionId).split('/').at(-1) ?? '';
      const known = ROLES[role];
      return [
        { name: 'scope', value: of('id') },
        known === undefined
          ? { name: 'role_definition_id', value: String(properties.roleDefinitionId) }
          : { name: 'role_definition_name', value: known },
        { name: 'principal_id', value: String(properties.principalId) },
      ];
    }
  }
}

/** https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/containers */
const ROLES: Readonly<Record<string, string>> = {
  '7f951dda-4ed3-4680-a7ca-43fe172d538d': 'AcrPull',
  '8311e382-0749-4cb8-b61a-304f252e45ec': 'AcrPush',
};

/** The commands of a task, so that a review can read them. */
function contentOf(encoded: unknown): Value {
  const bytes = Uint8Array.from(atob(String(encoded)), (character) => character.codePointAt(0) ?? 0);
  return { call: 'base64encode', argument: new TextDecoder().decode(bytes) };
}
