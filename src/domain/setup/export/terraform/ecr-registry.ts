import type { EcrState } from '../../ecr/state.ts';
import type { LeftOut } from '../exported-file.ts';
import type { Lookups } from './aws-lookups.ts';
import { block, exclusionFilters, type Imported, jsonText, tagsOf } from './ecr-repository.ts';
import type { Line } from './hcl.ts';
import { identifiers } from './identifiers.ts';
import { type ModuleSource, resource } from './module.ts';

interface RegistryParts {
  readonly resources: readonly Imported[];
  readonly leftOut: readonly LeftOut[];
}

/** An account has one of each per region, which all its users share. */
const SHARED = 'The registry has one of these for everybody, so no other configuration may have it.';
const READ = 'What others set is part of it.';
const UNREAD =
  'What others set is not part of it, and is lost: the registry was not read. Export with credentials first.';

/** The documents of the registry as a whole, its caches and its templates. */
export function registryParts(state: EcrState, source: ModuleSource, found: Lookups): RegistryParts {
  const { desired } = source.registry;
  const { replication, signing } = state;
  const left = (what: string, reason: string): LeftOut => ({
    what: `${desired.at}: ${what}`,
    reason,
    instead: '`command: setup` without `export` applies it.',
  });
  const isGone = replication?.value.length === 0;
  return {
    resources: [
      ...documents(state, source),
      ...caches(state, source, found),
      ...templates(state, source, found),
      ...accountSettings(state, source),
    ],
    leftOut: [
      ...(replication?.value.some(({ deletes }) => deletes === true) === true
        ? [left('replicate.deletes', 'The provider has no argument for deletions that travel.')]
        : []),
      ...(isGone && replication.exists ? [left('replicate', 'Terraform cannot remove what is not in its state.')] : []),
      ...(desired.replicate?.value?.some(({ copiesExisting }) => copiesExisting) === true
        ? [left('replicate.existing', 'Copying what exists is done once, and is no state.')]
        : []),
      ...(signing === undefined
        ? []
        : [left('signing', 'The provider has no resource for the signing configuration.')]),
      ...(state.pullTimeExclusions.length === 0
        ? []
        : [left('aws.pullTimeUpdateExclusions', 'The provider has no resource for them.')]),
    ],
  };
}

function documents(state: EcrState, { from, registry }: ModuleSource): readonly Imported[] {
  const isRead = registry.existing !== undefined;
  const { scanning, replication, registryPolicy, account } = state;
  const one = (type: string, line: number, what: string, body: readonly Line[], exists: boolean): Imported => ({
    resource: resource(type, 'this', [from(line, what), `${SHARED} ${isRead ? READ : UNREAD}`], body),
    importId: exists && isRead ? account : undefined,
  });
  return [
    ...(scanning === undefined
      ? []
      : [
          one(
            'aws_ecr_registry_scanning_configuration',
            scanning.line,
            'scanning',
            [
              { name: 'scan_type', value: scanning.value.scanType },
              ...scanning.value.rules
                .filter(({ filters }) => filters.length > 0)
                .flatMap(({ scanFrequency, filters }): readonly Line[] => [
                  'blank',
                  {
                    block: 'rule',
                    body: [
                      { name: 'scan_frequency', value: scanFrequency },
                      ...filters.flatMap((filter) =>
                        block('repository_filter', [
                          ['filter', filter],
                          ['filter_type', 'WILDCARD'],
                        ]),
                      ),
                    ],
                  },
                ]),
            ],
            scanning.exists,
          ),
        ]),
    ...(replication === undefined || replication.value.length === 0
      ? []
      : [
          one(
            'aws_ecr_replication_configuration',
            replication.line,
            'replication',
            [{ block: 'replication_configuration', body: spaced(replication.value.map(replicationRule)) }],
            replication.exists,
          ),
        ]),
    ...(registryPolicy === undefined || registryPolicy.value === null
      ? []
      : [
          one(
            'aws_ecr_registry_policy',
            registryPolicy.line,
            'registry policy',
            [{ name: 'policy', value: jsonText(registryPolicy.value) }],
            registryPolicy.exists,
          ),
        ]),
  ];
}

function replicationRule({ destinations, filters }: NonNullable<EcrState['replication']>['value'][number]): Line {
  return {
    block: 'rule',
    body: spaced([
      ...destinations.map(
        ({ region, registryId }): Line => ({
          block: 'destination',
          body: [
            { name: 'region', value: region },
            { name: 'registry_id', value: registryId },
          ],
        }),
      ),
      ...filters.map(
        (filter): Line => ({
          block: 'repository_filter',
          body: [
            { name: 'filter', value: filter },
            { name: 'filter_type', value: 'PREFIX_MATCH' },
          ],
        }),
      ),
    ]),
  };
}

/** Blocks with an empty line between them. */
function spaced(lines: readonly Line[]): readonly Line[] {
  return lines.flatMap((line, index): readonly Line[] => (index === 0 ? [line] : ['blank', line]));
}

function caches({ caches: all }: EcrState, { from }: ModuleSource, { secret }: Lookups): readonly Imported[] {
  const names = identifiers(all.map(({ value }) => value.prefix));
  return all.map(({ value, line, exists }) => {
    const { prefix, url, upstreamPrefix, credential, role } = value;
    const body: Line[] = [
      { name: 'ecr_repository_prefix', value: prefix },
      { name: 'upstream_registry_url', value: url },
      ...(upstreamPrefix === undefined || upstreamPrefix === 'ROOT'
        ? []
        : [{ name: 'upstream_repository_prefix', value: upstreamPrefix }]),
      ...(credential === undefined ? [] : [{ name: 'credential_arn', value: secret(credential) }]),
      ...(role === undefined ? [] : [{ name: 'custom_role_arn', value: role }]),
    ];
    return {
      resource: resource(
        'aws_ecr_pull_through_cache_rule',
        names.get(prefix) ?? prefix,
        [from(line, `cache ${prefix}`)],
        body,
      ),
      importId: exists ? prefix : undefined,
    };
  });
}

function templates({ templates: all }: EcrState, { from }: ModuleSource, { key }: Lookups): readonly Imported[] {
  const names = identifiers(all.map(({ value }) => value.prefix));
  return all.map(({ value, line, exists }) => {
    const { prefix, encryption, lifecyclePolicy, repositoryPolicy } = value;
    const body: Line[] = [
      { name: 'prefix', value: prefix },
      ...(value.description === undefined ? [] : [{ name: 'description', value: value.description }]),
      { name: 'applied_for', value: [...value.appliedFor].sort() },
      { name: 'image_tag_mutability', value: value.mutability },
      ...(value.role === undefined ? [] : [{ name: 'custom_role_arn', value: value.role }]),
      ...(lifecyclePolicy === undefined ? [] : [{ name: 'lifecycle_policy', value: jsonText(lifecyclePolicy) }]),
      ...(repositoryPolicy === undefined ? [] : [{ name: 'repository_policy', value: jsonText(repositoryPolicy) }]),
      ...exclusionFilters(value.exclusions),
      ...(encryption.type === 'AES256'
        ? []
        : block('encryption_configuration', [
            ['encryption_type', encryption.type],
            ...(encryption.key === undefined ? [] : [['kms_key', key(encryption.key, 'registry')] as const]),
          ])),
      ...tagsOf('resource_tags', value.tags),
    ];
    return {
      resource: resource(
        'aws_ecr_repository_creation_template',
        names.get(prefix) ?? prefix,
        [from(line, `template ${prefix}`)],
        body,
      ),
      importId: exists ? prefix : undefined,
    };
  });
}

function accountSettings({ accountSettings: all }: EcrState, { from }: ModuleSource): readonly Imported[] {
  const names = identifiers(all.map(({ value }) => value.name));
  return all.map(({ value: { name, value }, line, exists }) => ({
    resource: resource(
      'aws_ecr_account_setting',
      names.get(name) ?? name,
      [from(line, `account setting ${name}`)],
      [
        { name: 'name', value: name },
        { name: 'value', value },
      ],
    ),
    importId: exists ? name : undefined,
  }));
}
