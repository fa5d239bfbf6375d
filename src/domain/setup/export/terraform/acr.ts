import { fieldsOf } from '../../../fields.ts';
import type { AcrState } from '../acr-state.ts';
import { notExported } from '../not-exported.ts';
import { acrPart } from './acr-parts.ts';
import { type Line, raw, type TopBlock } from './hcl.ts';
import { identifiers } from './identifiers.ts';
import {
  importOf,
  type ModuleSource,
  output,
  preventDestroy,
  type Resource,
  resource,
  type TerraformModule,
} from './module.ts';

/** https://registry.terraform.io/providers/hashicorp/azurerm/latest/docs */
const AZURERM = { name: 'azurerm', source: 'hashicorp/azurerm', version: '~> 4.0' };

/** A registry of Azure with its replicas, caches, tokens, roles, webhooks and the task that purges. */
export function acrModule(source: ModuleSource): TerraformModule | undefined {
  const { desired, state } = source.registry;
  if (state?.kind !== 'acr') return undefined;
  const refused = notExported(desired.at, state.settings);
  const isThere = state.exists || fieldsOf(state.registry.sku).name !== undefined;
  if (!isThere) return { provider: AZURERM, blocks: {}, leftOut: refused };
  const own = registryOf(state, source);
  const names = identifiers(state.parts.map(({ kind, name }) => `${kind} ${name}`));
  const parts = state.parts.map((part) => ({
    part,
    own: acrPart(part, { id: names.get(`${part.kind} ${part.name}`) ?? part.name, names, registry: own, source }),
  }));
  const made = parts.flatMap(({ part, own: each }) => (each === undefined ? [] : [{ part, own: each }]));
  return {
    provider: AZURERM,
    blocks: {
      'providers.tf': [provider(state)],
      'repositories.tf': [own.block],
      'access.tf': made.filter(({ part }) => ACCESS.includes(part.kind)).map(({ own: { block } }) => block),
      'registry.tf': made.filter(({ part }) => !ACCESS.includes(part.kind)).map(({ own: { block } }) => block),
      'imports.tf': [
        ...(state.exists ? [importOf(own, state.id)] : []),
        ...made.flatMap(({ part, own: each }) =>
          part.id === undefined
            ? []
            : [importOf(each, part.id === '' ? `${state.id}/${part.kind}/${part.name}` : part.id)],
        ),
      ],
      'outputs.tf': [
        output('login_server', 'Host to log in to, to push to and to pull from.', raw(`${own.address}.login_server`)),
      ],
    },
    leftOut: [
      ...refused,
      ...state.parts
        .filter(({ kind, hasSecret }) => kind === 'webhooks' && hasSecret)
        .map(({ name }) => ({
          what: `${desired.at}: webhooks.${name}`,
          reason: 'Its authorization header would be in the state.',
          instead: '`command: setup` without `export` makes it.',
        })),
      ...state.parts
        .filter(({ kind, id }) => kind === 'tokens' && id === undefined)
        .map(({ name }) => ({
          what: `${desired.at}: token ${name} password`,
          reason: 'A password that Terraform makes is in its state.',
          instead: `Make one after the first apply: \`az acr token credential generate --name ${name} --registry ${nameOf(state)}\`.`,
        })),
    ],
  };
}

const ACCESS: readonly string[] = ['scopeMaps', 'tokens', 'roleAssignments'];
const nameOf = ({ id }: AcrState) => id.split('/').at(-1) ?? '';

function provider({ id }: AcrState): TopBlock {
  return {
    comments: [],
    block: 'provider',
    labels: ['azurerm'],
    body: [{ name: 'subscription_id', value: id.split('/')[2] ?? '' }, 'blank', { block: 'features', body: [] }],
  };
}

/** Arguments that the file has no words for: what exists has them as somebody set them. */
const UNSAID = ['encryption', 'identity', 'network_rule_bypass_option', 'network_rule_set', 'trust_policy_enabled'];

/** https://registry.terraform.io/providers/hashicorp/azurerm/latest/docs/resources/container_registry */
function registryOf(state: AcrState, { registry: { desired }, from }: ModuleSource): Resource {
  const { registry, id, replicas, exists } = state;
  const properties = fieldsOf(registry.properties);
  const policies = fieldsOf(properties.policies);
  const [, , , , group = ''] = id.split('/');
  const name = nameOf(state);
  const flags = (
    [
      ['admin_enabled', properties.adminUserEnabled],
      ['anonymous_pull_enabled', properties.anonymousPullEnabled],
      ['data_endpoint_enabled', properties.dataEndpointEnabled],
      ['public_network_access_enabled', switched(properties.publicNetworkAccess, 'Enabled')],
      ['zone_redundancy_enabled', switched(properties.zoneRedundancy, 'Enabled')],
      ['quarantine_policy_enabled', switched(fieldsOf(policies.quarantinePolicy).status, 'enabled')],
      ['export_policy_enabled', switched(fieldsOf(policies.exportPolicy).status, 'enabled')],
    ] as const
  ).flatMap(([argument, value]): readonly Line[] => (typeof value === 'boolean' ? [{ name: argument, value }] : []));
  const { days, status } = fieldsOf(policies.retentionPolicy);
  const tags = Object.entries(fieldsOf(registry.tags)).sort();
  const body: Line[] = [
    { name: 'name', value: name },
    { name: 'resource_group_name', value: group },
    { name: 'location', value: String(registry.location).toLowerCase().replaceAll(/\s/g, '') },
    { name: 'sku', value: String(fieldsOf(registry.sku).name) },
    ...flags,
    ...(status === 'enabled' && typeof days === 'number' ? [{ name: 'retention_policy_in_days', value: days }] : []),
    ...(tags.length === 0
      ? []
      : ['blank' as const, { name: 'tags', value: new Map(tags.map(([key, value]) => [key, String(value)])) }]),
    // In the order of the alphabet: Azure returns them in any, and the provider compares a list.
    ...(replicas ?? []).flatMap(
      ({ location, properties: { regionEndpointEnabled, zoneRedundancy } }): readonly Line[] => [
        'blank',
        {
          block: 'georeplications',
          body: [
            { name: 'location', value: location },
            ...(typeof regionEndpointEnabled === 'boolean'
              ? [{ name: 'regional_endpoint_enabled', value: regionEndpointEnabled }]
              : []),
            ...(zoneRedundancy === 'Enabled' ? [{ name: 'zone_redundancy_enabled', value: true }] : []),
          ],
        },
      ],
    ),
    'blank',
    preventDestroy(exists ? [...UNSAID, ...(replicas === undefined ? ['georeplications'] : [])].sort() : []),
  ];
  const names = identifiers([name]);
  return resource('azurerm_container_registry', names.get(name) ?? name, [from(desired.line, name)], body);
}

function switched(value: unknown, on: string): boolean | undefined {
  return typeof value === 'string' ? value.toLowerCase() === on.toLowerCase() : undefined;
}
