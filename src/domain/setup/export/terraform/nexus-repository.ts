import { type Fields, fieldsOf } from '../../../fields.ts';
import type { NexusRepositoryState } from '../nexus-state.ts';
import { type Line, raw, type Value } from './hcl.ts';
import { type ModuleSource, preventDestroy, type Resource, resource } from './module.ts';

/** Arguments by the fields of the API. The third is for arguments that the provider requires: what Nexus takes where the field is absent. */
type Arguments = readonly (readonly [argument: string, field: string, absent?: string | number | boolean])[];

const DOCKER: Arguments = [
  ['force_basic_auth', 'forceBasicAuth', true],
  ['v1_enabled', 'v1Enabled', false],
  ['http_port', 'httpPort'],
  ['https_port', 'httpsPort'],
  ['subdomain', 'subdomain'],
  ['path_based_routing', 'pathEnabled'],
];
const STORAGE: Arguments = [
  ['blob_store_name', 'blobStoreName', 'default'],
  ['strict_content_type_validation', 'strictContentTypeValidation', true],
];
const HOSTED_STORAGE: Arguments = [...STORAGE, ['write_policy', 'writePolicy'], ['latest_policy', 'latestPolicy']];

/** Blocks by the part of the settings that they come from, in the order of the documentation. */
const BLOCKS: Readonly<
  Record<NexusRepositoryState['type'], readonly (readonly [block: string, part: string, of: Arguments])[]>
> = {
  hosted: [
    ['docker', 'docker', DOCKER],
    ['storage', 'storage', HOSTED_STORAGE],
    ['cleanup', 'cleanup', [['policy_names', 'policyNames']]],
    ['component', 'component', [['proprietary_components', 'proprietaryComponents']]],
  ],
  proxy: [
    ['docker', 'docker', DOCKER],
    [
      'docker_proxy',
      'dockerProxy',
      [
        ['index_type', 'indexType', 'REGISTRY'],
        ['index_url', 'indexUrl'],
        ['cache_foreign_layers', 'cacheForeignLayers'],
        ['foreign_layer_url_whitelist', 'foreignLayerUrlWhitelist'],
      ],
    ],
    ['storage', 'storage', STORAGE],
    [
      'proxy',
      'proxy',
      [
        ['remote_url', 'remoteUrl', ''],
        ['content_max_age', 'contentMaxAge'],
        ['metadata_max_age', 'metadataMaxAge'],
      ],
    ],
    [
      'negative_cache',
      'negativeCache',
      [
        ['enabled', 'enabled', true],
        ['ttl', 'timeToLive', 1440],
      ],
    ],
    [
      'http_client',
      'httpClient',
      [
        ['blocked', 'blocked', false],
        ['auto_block', 'autoBlock', true],
      ],
    ],
    ['cleanup', 'cleanup', [['policy_names', 'policyNames']]],
  ],
  group: [
    ['docker', 'docker', DOCKER],
    [
      'group',
      'group',
      [
        ['member_names', 'memberNames'],
        ['writable_member', 'writableMember'],
      ],
    ],
    ['storage', 'storage', STORAGE],
  ],
};

/** The order of all other lists says nothing. */
const ORDERED = 'memberNames';
/** Other repositories, which have to exist before. */
const REFERENCES = new Set(['memberNames', 'writableMember']);

/**
 * A repository with all its settings: the provider resets what the code does not name.
 * https://registry.terraform.io/providers/datadrivers/nexus/latest/docs/resources/repository_docker_hosted
 * @param addresses of the repositories of the code, by name
 */
export function nexusRepository(
  { name, line, type, fields }: NexusRepositoryState,
  id: string,
  addresses: ReadonlyMap<string, string>,
  { from }: ModuleSource,
): Resource {
  const reference = (to: Value): Value => {
    const address = typeof to === 'string' ? addresses.get(to) : undefined;
    return address === undefined ? to : raw(`${address}.name`);
  };
  const blocks = BLOCKS[type].flatMap(([block, part, rows]): readonly Line[] => {
    const values = fieldsOf(fields[part]);
    const body = rows.flatMap(([argument, field, absent]): readonly Line[] => {
      const value = valueFor(field, values[field]) ?? absent;
      if (value === undefined) return [];
      if (!REFERENCES.has(field)) return [{ name: argument, value }];
      return [{ name: argument, value: isList(value) ? value.map(reference) : reference(value) }];
    });
    return body.length === 0 ? [] : ['blank', { block, body }];
  });
  const rule = fields.routingRuleName ?? fields.routingRule;
  return resource(
    `nexus_repository_docker_${type}`,
    id,
    [from(line, name)],
    [
      { name: 'name', value: name },
      { name: 'online', value: fields.online !== false },
      ...(type === 'proxy' && typeof rule === 'string' ? [{ name: 'routing_rule', value: rule }] : []),
      ...blocks,
      'blank',
      preventDestroy(),
    ],
  );
}

function valueFor(field: string, value: Fields[string]): Value | undefined {
  // Nexus has shown it in both cases, and the provider takes one.
  if (field === 'writePolicy' && typeof value === 'string') return value.toUpperCase();
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const texts = value.map(String);
  return field === ORDERED ? texts : texts.toSorted();
}

const isList = (value: Value): value is readonly Value[] => Array.isArray(value);
