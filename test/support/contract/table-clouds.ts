import type { Entry } from './entry.ts';

const BOTOCORE = { version: 'botocore 1.44.8', licence: 'Apache-2.0' } as const;
const GOOGLE = { version: 'googleapis.dart 444fd6c', licence: 'BSD-3-Clause' } as const;
const ARM =
  '/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.ContainerRegistry/registries/{registryName}';
const GAR = 'artifactregistry.projects.locations.repositories';
const ECR = ['GetAuthorizationToken', 'DescribeRepositories', 'CreateRepository', 'DescribeImages', 'BatchDeleteImage'];
/** What setup reads and writes. */
const ECR_SETTINGS = [
  'CreatePullThroughCacheRule',
  'CreateRepositoryCreationTemplate',
  'DeleteLifecyclePolicy',
  'DeleteRegistryPolicy',
  'DeleteRepositoryPolicy',
  'DescribePullThroughCacheRules',
  'DescribeRegistry',
  'DescribeRepositoryCreationTemplates',
  'GetAccountSetting',
  'GetLifecyclePolicy',
  'GetRegistryPolicy',
  'GetRegistryScanningConfiguration',
  'GetRepositoryPolicy',
  'GetSigningConfiguration',
  'ListPullTimeUpdateExclusions',
  'ListReplicationBackfills',
  'ListTagsForResource',
  'PutAccountSetting',
  'PutImageScanningConfiguration',
  'PutImageTagMutability',
  'PutLifecyclePolicy',
  'PutRegistryPolicy',
  'PutRegistryScanningConfiguration',
  'PutReplicationConfiguration',
  'PutSigningConfiguration',
  'RegisterPullTimeUpdateExclusion',
  'SetRepositoryPolicy',
  'StartReplicationBackfill',
  'TagResource',
  'UntagResource',
  'UpdatePullThroughCacheRule',
  'UpdateRepositoryCreationTemplate',
];

const ECR_COMMON = [...ECR, 'PutImage', 'TagResource', 'SetRepositoryPolicy', 'GetRepositoryPolicy'];
const ECR_PREVIEW = ['StartLifecyclePolicyPreview', 'GetLifecyclePolicyPreview'];

/** The contracts of Google, Azure and AWS. */
export const CLOUDS = {
  'artifact-registry': {
    documents: [
      {
        format: 'google',
        file: 'gar/artifactregistry-v1.discovery.json',
        source: 'https://github.com/google/googleapis.dart discovery/googleapis/artifactregistry__v1.json',
        ...GOOGLE,
        operations: [
          'artifactregistry.projects.locations.operations.get',
          'artifactregistry.projects.getProjectSettings',
          ...['create', 'get', 'list', 'patch', 'testIamPermissions', 'getIamPolicy', 'setIamPolicy'].map(
            (name) => `${GAR}.${name}`,
          ),
          ...['get', 'list'].map((name) => `${GAR}.dockerImages.${name}`),
          ...['delete', 'get', 'list'].map((name) => `${GAR}.packages.${name}`),
          ...['create', 'delete', 'get', 'list'].map((name) => `${GAR}.packages.tags.${name}`),
          ...['batchDelete', 'delete', 'get', 'list'].map((name) => `${GAR}.packages.versions.${name}`),
        ],
      },
    ],
  },
  'acr-arm': {
    documents: [
      {
        format: 'openapi',
        file: 'azure/acr-arm.2022-12-01.converted-openapi.json',
        source: 'npm @azure/arm-containerregistry dist-esm/src, operation specs and mappers',
        version: '10.1.0',
        licence: 'MIT',
        operations: [
          ...['GET', 'PUT', 'PATCH'].map((method) => `${method} ${ARM}`),
          ...[
            'replications/{replicationName}',
            'scopeMaps/{scopeMapName}',
            'tokens/{tokenName}',
            'webhooks/{webhookName}',
            'tasks/{taskName}',
          ].flatMap((path) => ['GET', 'PUT', 'PATCH', 'DELETE'].map((method) => `${method} ${ARM}/${path}`)),
          ...['replications', 'scopeMaps', 'tokens', 'webhooks'].map((path) => `GET ${ARM}/${path}`),
          `POST ${ARM}/generateCredentials`,
        ],
      },
    ],
  },
  'google-sts': {
    documents: [
      {
        format: 'google',
        file: 'gar/sts-v1.discovery.json',
        source: 'https://github.com/google/googleapis.dart discovery/googleapis/sts__v1.json',
        ...GOOGLE,
        operations: ['sts.token'],
      },
    ],
  },
  'google-iamcredentials': {
    documents: [
      {
        format: 'google',
        file: 'gar/iamcredentials-v1.discovery.json',
        source: 'https://github.com/google/googleapis.dart discovery/googleapis/iamcredentials__v1.json',
        ...GOOGLE,
        operations: ['iamcredentials.projects.serviceAccounts.generateAccessToken'],
      },
    ],
  },
  acr: {
    documents: [
      {
        format: 'openapi',
        file: 'azure/acr-dataplane.swagger.yaml',
        source: 'https://github.com/Azure/acr-cli docs/swagger.yaml',
        version: '2019-07-15-preview (cfbb835)',
        licence: 'MIT',
        operations: acrOperations('{reference}'),
      },
      {
        format: 'openapi',
        file: 'azure/acr-dataplane.2021-07-01.converted-openapi.json',
        source: 'https://github.com/Azure/azure-sdk-for-js @azure/container-registry 1.1.2, converted',
        version: '2021-07-01',
        licence: 'MIT',
        operations: acrOperations('{digest}'),
      },
    ],
    spans: ['name'],
  },
  ecr: {
    documents: [
      {
        format: 'aws',
        file: 'aws/ecr.service-2.json',
        source: 'https://github.com/boto/botocore botocore/data/ecr/2015-09-21/service-2.json',
        ...BOTOCORE,
        operations: [...ECR_COMMON, ...ECR_SETTINGS, ...ECR_PREVIEW, 'BatchGetImage', 'ListImages'],
      },
    ],
  },
  'ecr-public': {
    documents: [
      {
        format: 'aws',
        file: 'aws/ecr-public.service-2.json',
        source: 'https://github.com/boto/botocore botocore/data/ecr-public/2020-10-30/service-2.json',
        ...BOTOCORE,
        operations: [
          ...ECR_COMMON,
          'DescribeImageTags',
          'DescribeRegistries',
          'DeleteRepositoryPolicy',
          'GetRepositoryCatalogData',
          'ListTagsForResource',
          'PutRepositoryCatalogData',
          'UntagResource',
        ],
      },
    ],
  },
} as const satisfies Readonly<Record<string, Entry>>;

function acrOperations(manifest: string): readonly string[] {
  return [
    'POST /oauth2/exchange',
    'POST /oauth2/token',
    'GET /acr/v1/_catalog',
    ...['GET', 'PATCH'].map((method) => `${method} /acr/v1/{name}`),
    'GET /acr/v1/{name}/_tags',
    ...['GET', 'PATCH', 'DELETE'].map((method) => `${method} /acr/v1/{name}/_tags/{reference}`),
    'GET /acr/v1/{name}/_manifests',
    ...['GET', 'PATCH'].map((method) => `${method} /acr/v1/{name}/_manifests/${manifest}`),
    'DELETE /v2/{name}/manifests/{reference}',
  ];
}
