import { sorted } from '../../compare.ts';
import type { DesiredRegistry, DesiredRepository } from '../../desired-state.ts';
import { secretArn } from '../../ecr/upstream.ts';
import type { IamStatement } from './policy.ts';

interface Registry {
  readonly account: string;
  readonly region: string;
  readonly partition: string;
}

type Uses<T> = readonly (readonly [use: (desired: T) => boolean, actions: readonly string[]])[];

/** What a repository of the file needs, by the settings that it has. */
const REPOSITORY_USES: Uses<DesiredRepository> = [
  [({ creates }) => creates, ['CreateRepository']],
  [({ settings }) => settings.immutable !== undefined, ['PutImageTagMutability']],
  [({ settings }) => settings.scan !== undefined, ['PutImageScanningConfiguration']],
  [({ settings }) => settings.labels !== undefined, ['TagResource', 'UntagResource']],
  [hasAccess, ['SetRepositoryPolicy', 'DeleteRepositoryPolicy']],
  [hasLifecycle, ['PutLifecyclePolicy', 'DeleteLifecyclePolicy']],
];

/** What the registry as a whole needs: these take no resource. */
const REGISTRY_USES: Uses<DesiredRegistry> = [
  [
    ({ scanning, repositories }) => scanning !== undefined || repositories.some(({ settings }) => settings.scan),
    ['GetRegistryScanningConfiguration', 'PutRegistryScanningConfiguration'],
  ],
  [({ replicate }) => replicate !== undefined, ['DescribeRegistry', 'PutReplicationConfiguration']],
  [
    ({ replicate }) => replicate?.value?.some(({ copiesExisting }) => copiesExisting) === true,
    ['ListReplicationBackfills', 'StartReplicationBackfill'],
  ],
  [
    ({ receive, cache, own }) =>
      receive !== undefined || cache !== undefined || own.get('aws')?.has('policyStatements') === true,
    ['GetRegistryPolicy', 'PutRegistryPolicy', 'DeleteRegistryPolicy'],
  ],
  [
    ({ cache }) => cache !== undefined,
    ['DescribePullThroughCacheRules', 'CreatePullThroughCacheRule', 'UpdatePullThroughCacheRule'],
  ],
  [
    ({ templates, cache }) => templates !== undefined || cache?.value?.some(({ pull }) => pull.length > 0) === true,
    ['DescribeRepositoryCreationTemplates', 'CreateRepositoryCreationTemplate', 'UpdateRepositoryCreationTemplate'],
  ],
  [({ signing }) => signing !== undefined, ['GetSigningConfiguration', 'PutSigningConfiguration']],
  [({ own }) => own.get('aws')?.has('accountSettings') === true, ['GetAccountSetting', 'PutAccountSetting']],
  [
    ({ own }) => own.get('aws')?.has('pullTimeUpdateExclusions') === true,
    ['ListPullTimeUpdateExclusions', 'RegisterPullTimeUpdateExclusion'],
  ],
];

/** AWS makes a role of its own for these the first time. https://docs.aws.amazon.com/AmazonECR/latest/userguide/using-service-linked-roles.html */
const SERVICE_ROLES: readonly (readonly [use: (desired: DesiredRegistry) => boolean, sid: string, service: string])[] =
  [
    [({ replicate }) => (replicate?.value ?? []).length > 0, 'RoleOfReplication', 'replication.ecr.amazonaws.com'],
    [({ scanning }) => scanning?.value === 'enhanced', 'RoleOfScanning', 'inspector2.amazonaws.com'],
    [({ cache }) => (cache?.value ?? []).length > 0, 'RoleOfCaches', 'pullthroughcache.ecr.amazonaws.com'],
  ];

/** What `command: setup` needs for this registry, and nothing that the file has no use for. */
export function setupStatements(desired: DesiredRegistry, registry: Registry): readonly IamStatement[] {
  const { account, region, partition } = registry;
  const all = `arn:${partition}:ecr:${region}:${account}:repository/*`;
  const actions = <T>(uses: Uses<T>, given: readonly T[]) =>
    uses.flatMap(([use, names]) => (given.some(use) ? names.map((name) => `ecr:${name}`) : []));
  const templates = desired.templates?.value ?? [];
  const caches = desired.cache?.value ?? [];
  const roles = [...templates, ...caches].flatMap(({ role }) => role ?? []);
  const secrets = caches.flatMap(({ secret }) =>
    secret === undefined ? [] : [secretPattern(secretArn(secret, registry))],
  );
  return [
    { sid: 'List', actions: ['ecr:DescribeRepositories'], on: [all] },
    {
      sid: 'Repositories',
      actions: [
        'ecr:GetLifecyclePolicy',
        'ecr:GetRepositoryPolicy',
        'ecr:ListTagsForResource',
        ...actions(REPOSITORY_USES, desired.repositories),
      ],
      on: 'repositories',
    },
    { sid: 'Registry', actions: actions(REGISTRY_USES, [desired]), on: ['*'] },
    ...keyStatements(desired, registry),
    {
      sid: 'EnhancedScanning',
      actions: desired.scanning?.value === 'enhanced' ? ['inspector2:Enable', 'inspector2:ListAccountPermissions'] : [],
      on: ['*'],
    },
    { sid: 'Secrets', actions: ['secretsmanager:GetSecretValue'], on: secrets },
    { sid: 'PassRoles', actions: ['iam:PassRole'], on: roles },
    ...SERVICE_ROLES.filter(([use]) => use(desired)).map(
      ([, sid, service]): IamStatement => ({
        sid,
        actions: ['iam:CreateServiceLinkedRole'],
        on: [`arn:${partition}:iam::${account}:role/aws-service-role/${service}/*`],
        condition: { StringEquals: { 'iam:AWSServiceName': service } },
      }),
    ),
  ];
}

/** What making a repository with a key needs. https://docs.aws.amazon.com/AmazonECR/latest/userguide/encryption-at-rest.html */
const KEY_ACTIONS = ['kms:CreateGrant', 'kms:DescribeKey', 'kms:RetireGrant'];

function keyStatements(desired: DesiredRegistry, { account, region, partition }: Registry): readonly IamStatement[] {
  const given = [desired.newKey?.value, ...desired.repositories.map(({ settings }) => settings.key?.value)];
  const keys = sorted(given.flatMap((key) => (key === undefined || key === null || key === 'AES256' ? [] : [key])));
  const prefix = `arn:${partition}:kms:${region}:${account}:`;
  const aliases = keys.flatMap((key) => /(?:^|:)(alias\/.+)$/.exec(key)?.[1] ?? []);
  const arns = keys.flatMap((key) => {
    if (/(?:^|:)alias\//.test(key)) return [];
    return key.startsWith('arn:') ? key : `${prefix}key/${key}`;
  });
  return [
    { sid: 'Keys', actions: KEY_ACTIONS, on: arns },
    {
      sid: 'KeysByAlias',
      actions: KEY_ACTIONS,
      on: aliases.length === 0 ? [] : [`${prefix}key/*`],
      condition: { 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': aliases } },
    },
  ];
}

/** Secrets Manager adds six characters to the name of a secret. */
const secretPattern = (arn: string) => (/-[A-Za-z0-9]{6}$/.test(arn) ? arn : `${arn}-??????`);

function hasAccess({ settings: { pull, push, admin, access, own } }: DesiredRepository): boolean {
  return [pull, push, admin, access].some(Boolean) || own.get('aws')?.has('policyStatements') === true;
}

function hasLifecycle({ settings: { retention, own } }: DesiredRepository): boolean {
  const fields = own.get('aws');
  return (
    retention !== undefined || fields?.has('lifecyclePolicy') === true || fields?.has('lifecyclePolicyText') === true
  );
}
