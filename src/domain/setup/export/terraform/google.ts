import { sortedByKey } from '../../../compare-text.ts';
import { type Fields, fieldsOf, isFields } from '../../../fields.ts';
import type { GoogleMember, GoogleRepositoryState, GoogleState } from '../google-state.ts';
import { notExported } from '../not-exported.ts';
import { type Block, type Line, raw } from './hcl.ts';
import { identifiers, identifiersBelow } from './identifiers.ts';
import {
  importOf,
  type ModuleSource,
  output,
  preventDestroy,
  type Resource,
  resource,
  type TerraformModule,
} from './module.ts';

/** https://registry.terraform.io/providers/hashicorp/google/latest/docs */
const GOOGLE = { name: 'google', source: 'hashicorp/google', version: '~> 7.0' };

/** Repositories of Artifact Registry with their members, one by one: those that others added stay. */
export function googleModule(source: ModuleSource): TerraformModule | undefined {
  const { state, desired } = source.registry;
  if (state?.kind !== 'artifact-registry') return undefined;
  const names = identifiers(state.repositories.map(({ name }) => name));
  const id = (name: string) => names.get(name) ?? name;
  const path = (name: string) => `projects/${state.project}/locations/${state.location}/repositories/${name}`;
  const repositories = state.repositories.map((each) => ({
    ...each,
    resource: repositoryOf(each, id(each.name), state, source),
  }));
  const access = repositories.flatMap((repository) => membersOf(repository, id(repository.name), source));
  const imports = [
    ...repositories.flatMap(({ exists, name, resource: own }) => (exists ? [importOf(own, path(name))] : [])),
    ...access.flatMap(({ member, repository, own }) =>
      member.exists ? [importOf(own, `${path(repository)} ${member.role} ${member.member}`)] : [],
    ),
  ];
  const addresses = sortedByKey(state.repositories.map(({ name }) => [name, `${desired.at}/${name}`]));
  return {
    provider: GOOGLE,
    blocks: {
      'providers.tf': [
        { comments: [], block: 'provider', labels: ['google'], body: [{ name: 'project', value: state.project }] },
      ],
      'repositories.tf': repositories.map(({ resource: own }) => own.block),
      'access.tf': access.map(({ own }) => own.block),
      'imports.tf': imports,
      'outputs.tf':
        addresses.length === 0
          ? []
          : [output('repository_urls', 'Addresses to push to and to pull from, by repository.', new Map(addresses))],
    },
    leftOut: notExported(desired.at, state.settings),
  };
}

/** https://registry.terraform.io/providers/hashicorp/google/latest/docs/resources/artifact_registry_repository */
function repositoryOf(
  { name, line, fields, exists }: GoogleRepositoryState,
  id: string,
  { project, location }: GoogleState,
  { from }: ModuleSource,
): Resource {
  const { description, mode, kmsKeyName, cleanupPolicyDryRun, labels } = fields;
  const key = typeof kmsKeyName === 'string' && kmsKeyName !== '' ? kmsKeyName : undefined;
  const owned = Object.entries(fieldsOf(labels)).sort();
  const body: Line[] = [
    { name: 'project', value: project },
    { name: 'location', value: location },
    { name: 'repository_id', value: name },
    { name: 'format', value: 'DOCKER' },
    ...(typeof mode === 'string' ? [{ name: 'mode', value: mode }] : []),
    ...(typeof description === 'string' && description !== '' ? [{ name: 'description', value: description }] : []),
    ...(key === undefined ? [] : [{ name: 'kms_key_name', value: key }]),
    ...(typeof cleanupPolicyDryRun === 'boolean'
      ? [{ name: 'cleanup_policy_dry_run', value: cleanupPolicyDryRun }]
      : []),
    ...(owned.length === 0
      ? []
      : ['blank' as const, { name: 'labels', value: new Map(owned.map(([label, value]) => [label, String(value)])) }]),
    ...dockerConfig(fields),
    ...scanning(fields),
    ...remoteConfig(fields),
    ...virtualConfig(fields),
    ...cleanupPolicies(fields),
    'blank',
    // A key is named without its version and read back with one.
    preventDestroy(key === undefined || !exists ? [] : ['kms_key_name']),
  ];
  return resource('google_artifact_registry_repository', id, [from(line, name)], body);
}

/** A block with an empty line above it. */
const spaced = (block: string, body: readonly Line[]): readonly Line[] => ['blank', { block, body }];

function dockerConfig({ dockerConfig: config }: Fields): readonly Line[] {
  const { immutableTags } = fieldsOf(config);
  return typeof immutableTags === 'boolean'
    ? spaced('docker_config', [{ name: 'immutable_tags', value: immutableTags }])
    : [];
}

function scanning({ vulnerabilityScanningConfig }: Fields): readonly Line[] {
  const { enablementConfig } = fieldsOf(vulnerabilityScanningConfig);
  return typeof enablementConfig === 'string'
    ? spaced('vulnerability_scanning_config', [{ name: 'enablement_config', value: enablementConfig }])
    : [];
}

/** The password of an upstream is a version of a secret: Terraform never has it. */
function remoteConfig({ remoteRepositoryConfig }: Fields): readonly Line[] {
  if (!isFields(remoteRepositoryConfig)) return [];
  const { description, dockerRepository, commonRepository, upstreamCredentials, disableUpstreamValidation } =
    remoteRepositoryConfig;
  const docker = fieldsOf(dockerRepository);
  const { uri: custom } = fieldsOf(docker.customRepository);
  const { uri: common } = fieldsOf(commonRepository);
  const { username, passwordSecretVersion } = fieldsOf(fieldsOf(upstreamCredentials).usernamePasswordCredentials);
  const upstream: readonly Block[] = [
    ...(typeof docker.publicRepository === 'string'
      ? [{ block: 'docker_repository', body: [{ name: 'public_repository', value: docker.publicRepository }] }]
      : typeof custom === 'string'
        ? [
            {
              block: 'docker_repository',
              body: [{ block: 'custom_repository', body: [{ name: 'uri', value: custom }] }],
            },
          ]
        : []),
    ...(typeof common === 'string' ? [{ block: 'common_repository', body: [{ name: 'uri', value: common }] }] : []),
    ...(typeof username === 'string' && typeof passwordSecretVersion === 'string'
      ? [
          {
            block: 'upstream_credentials',
            body: [
              {
                block: 'username_password_credentials',
                body: [
                  { name: 'username', value: username },
                  { name: 'password_secret_version', value: passwordSecretVersion },
                ],
              },
            ],
          },
        ]
      : []),
  ];
  const attributes: readonly Line[] = [
    ...(typeof description === 'string' && description !== '' ? [{ name: 'description', value: description }] : []),
    ...(typeof disableUpstreamValidation === 'boolean'
      ? [{ name: 'disable_upstream_validation', value: disableUpstreamValidation }]
      : []),
  ];
  const lines = upstream.flatMap((each, at): readonly Line[] =>
    at === 0 && attributes.length === 0 ? [each] : ['blank', each],
  );
  return spaced('remote_repository_config', [...attributes, ...lines]);
}

function virtualConfig({ virtualRepositoryConfig }: Fields): readonly Line[] {
  const { upstreamPolicies } = fieldsOf(virtualRepositoryConfig);
  const policies = Array.isArray(upstreamPolicies) ? upstreamPolicies.map(fieldsOf) : [];
  if (policies.length === 0) return [];
  const blocks = policies.flatMap(({ id, repository, priority }, at): readonly Line[] => [
    ...(at === 0 ? [] : ['blank' as const]),
    {
      block: 'upstream_policies',
      body: [
        { name: 'id', value: String(id) },
        { name: 'repository', value: String(repository) },
        { name: 'priority', value: Number(priority ?? 0) },
      ],
    },
  ]);
  return spaced('virtual_repository_config', blocks);
}

/** Ages are whole seconds, as Google stores them: `30d` would differ from the `2592000s` that is read back for ever. */
function cleanupPolicies({ cleanupPolicies: all }: Fields): readonly Line[] {
  return sortedByKey(Object.entries(fieldsOf(all))).flatMap(([id, policy]): readonly Line[] => {
    const { action, condition, mostRecentVersions } = fieldsOf(policy);
    return spaced('cleanup_policies', [
      { name: 'id', value: id },
      { name: 'action', value: String(action) },
      ...(isFields(condition) ? spaced('condition', conditionOf(condition)) : []),
      ...(isFields(mostRecentVersions)
        ? spaced('most_recent_versions', [
            ...(mostRecentVersions.keepCount === undefined
              ? []
              : [{ name: 'keep_count', value: Number(mostRecentVersions.keepCount) }]),
            ...listOf('package_name_prefixes', mostRecentVersions.packageNamePrefixes),
          ])
        : []),
    ]);
  });
}

function conditionOf({
  tagState,
  tagPrefixes,
  versionNamePrefixes,
  packageNamePrefixes,
  olderThan,
  newerThan,
}: Fields): readonly Line[] {
  const text = (name: string, value: unknown) => (typeof value === 'string' ? [{ name, value }] : []);
  return [
    ...text('tag_state', tagState),
    ...listOf('tag_prefixes', tagPrefixes),
    ...listOf('version_name_prefixes', versionNamePrefixes),
    ...listOf('package_name_prefixes', packageNamePrefixes),
    ...text('older_than', olderThan),
    ...text('newer_than', newerThan),
  ];
}

function listOf(name: string, value: unknown): readonly Line[] {
  return Array.isArray(value) && value.length > 0 ? [{ name, value: value.map(String) }] : [];
}

interface MemberResource {
  readonly member: GoogleMember;
  /** The name of the repository. */
  readonly repository: string;
  readonly own: Resource;
}

/** Never a binding or a policy, which would take away what others have. */
function membersOf(
  { name, members, resource: repository }: GoogleRepositoryState & { readonly resource: Resource },
  id: string,
  { from }: ModuleSource,
): readonly MemberResource[] {
  const keyOf = ({ role, member }: GoogleMember) => `${role.split('.').at(-1)} ${member}`;
  const names = identifiersBelow(id, members.map(keyOf));
  const seen = new Set<string>();
  return members.flatMap((member): readonly MemberResource[] => {
    const key = keyOf(member);
    if (seen.has(key)) return [];
    seen.add(key);
    const body: Line[] = ['project', 'location', 'repository'].map((attribute) => ({
      name: attribute,
      value: raw(`${repository.address}.${attribute === 'repository' ? 'repository_id' : attribute}`),
    }));
    body.push({ name: 'role', value: member.role }, { name: 'member', value: member.member });
    const own = resource(
      'google_artifact_registry_repository_iam_member',
      names.get(key) ?? key,
      [from(member.line, `access to ${name}`)],
      body,
    );
    return [{ member, repository: name, own }];
  });
}
