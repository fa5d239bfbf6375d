import type { Entry } from './entry.ts';
import { CLOUDS } from './table-clouds.ts';

const APACHE = 'Apache-2.0';
const OVERLAY = { version: 'docker/docs c065f80', licence: `written for this project; facts from ${APACHE}` };

const TAGS = '/v2/namespaces/{namespace}/repositories/{repository}/tags';
const REPOSITORIES = '/v2/namespaces/{namespace}/repositories';
const ARTIFACTS = '/projects/{project_name}/repositories/{repository_name}/artifacts';
const RULES = '/projects/{project_name_or_id}/immutabletagrules';
const PACKAGE = '/{package_type}/{package_name}';

const HARBOR_SETUP = [
  'PUT /projects/{project_name_or_id}',
  'PUT /quotas/{id}',
  'GET /permissions',
  ...['GET', 'POST'].flatMap((method) => [
    `${method} /projects/{project_name_or_id}/members`,
    `${method} /projects/{project_name_or_id}/webhook/policies`,
    `${method} /robots`,
    `${method} /registries`,
    `${method} /replication/policies`,
    `${method} /replication/executions`,
  ]),
  ...['PUT', 'DELETE'].flatMap((method) => [
    `${method} /projects/{project_name_or_id}/members/{mid}`,
    `${method} /projects/{project_name_or_id}/webhook/policies/{webhook_policy_id}`,
    `${method} /robots/{robot_id}`,
  ]),
  'PUT /registries/{id}',
  ...['PUT', 'DELETE'].map((method) => `${method} /replication/policies/{id}`),
];

const HUB_TEAMS = [
  'GET /v2/repositories/{namespace}/{repository}/groups',
  ...['PATCH', 'DELETE'].map((method) => `${method} /v2/repositories/{namespace}/{repository}/groups/{group_id}/`),
];

const GITHUB = ['/orgs/{org}', '/users/{username}', '/user'].flatMap((owner) => [
  `GET ${owner}/packages`,
  ...['', '/versions', '/versions/{package_version_id}'].map((end) => `GET ${owner}/packages${PACKAGE}${end}`),
  ...['', '/versions/{package_version_id}'].map((end) => `DELETE ${owner}/packages${PACKAGE}${end}`),
  `POST ${owner}/packages${PACKAGE}/versions/{package_version_id}/restore`,
]);

const NEXUS = ['docker', 'oci'].flatMap((format) => [
  `POST /v1/repositories/${format}/hosted`,
  `GET /v1/repositories/${format}/hosted/{repositoryName}`,
  `PUT /v1/repositories/${format}/hosted/{repositoryName}`,
]);

/** Every vendor's description that requests are checked against. */
export const CONTRACTS = {
  ...CLOUDS,
  harbor: {
    documents: [
      {
        format: 'openapi',
        file: 'harbor/swagger.yaml',
        source: 'https://github.com/goharbor/harbor api/v2.0/swagger.yaml',
        version: '2.16.0 (c50c7dd)',
        licence: APACHE,
        operations: [
          ...['GET', 'HEAD', 'POST'].map((method) => `${method} /projects`),
          'GET /projects/{project_name_or_id}',
          'GET /projects/{project_name_or_id}/summary',
          'GET /projects/{project_name}/repositories',
          'GET /projects/{project_name}/repositories/{repository_name}',
          `GET ${ARTIFACTS}`,
          ...['GET', 'DELETE'].map((method) => `${method} ${ARTIFACTS}/{reference}`),
          ...['GET', 'POST'].map((method) => `${method} ${ARTIFACTS}/{reference}/tags`),
          `DELETE ${ARTIFACTS}/{reference}/tags/{tag_name}`,
          ...['GET', 'POST'].map((method) => `${method} ${RULES}`),
          ...['PUT', 'DELETE'].map((method) => `${method} ${RULES}/{immutable_rule_id}`),
          'POST /retentions',
          ...['GET', 'PUT', 'DELETE'].map((method) => `${method} /retentions/{id}`),
          ...['GET', 'POST'].map((method) => `${method} /retentions/{id}/executions`),
          'GET /retentions/{id}/executions/{eid}/tasks',
          'GET /quotas',
          'GET /systeminfo',
          ...HARBOR_SETUP,
          'GET /users/current',
          'GET /users/current/permissions',
        ],
      },
    ],
    // The description has objects where Harbor stores and wants numbers: `params: {latestPushedK: 10}`.
    exceptions: ['POST /api/v2.0/retentions', 'PUT /api/v2.0/retentions/{id}'].map((operation) => ({
      operation,
      source: 'https://github.com/goharbor/harbor/blob/main/src/pkg/retention/policy/rule/models.go',
    })),
  },
  nexus: {
    documents: [
      {
        format: 'openapi',
        file: 'nexus/openapi.yaml',
        source: 'https://github.com/sonatype-nexus-community/nexus-repo-api-client spec/openapi.yaml',
        version: '3.94.0-12 (0e5bc9e)',
        licence: APACHE,
        operations: [
          ...NEXUS,
          ...['proxy', 'group'].flatMap((type) => [
            `POST /v1/repositories/docker/${type}`,
            ...['GET', 'PUT'].map((method) => `${method} /v1/repositories/docker/${type}/{repositoryName}`),
          ]),
          'POST /v1/security/roles',
          ...['GET', 'PUT'].map((method) => `${method} /v1/security/roles/{id}`),
          'GET /v1/security/anonymous',
          'GET /v1/repositories',
          'GET /v1/repositories/{repositoryName}',
          'GET /v1/search',
          'GET /v1/search/assets',
          'GET /v1/components',
          'GET /v1/assets',
          'GET /v1/components/{id}',
          'DELETE /v1/components/{id}',
          'GET /v1/assets/{id}',
          'DELETE /v1/assets/{id}',
          'GET /v1/blobstores/{name}/quota-status',
          'GET /v1/status',
          'GET /v1/status/writable',
        ],
      },
    ],
  },
  'docker-hub': {
    documents: [
      {
        format: 'openapi',
        file: 'docker-hub/latest.yaml',
        source:
          'https://github.com/docker/docs content/reference/api/hub/latest.yaml, as docsdevbr/docker-doc-pt-br holds it',
        version: '2-beta (47d9f76)',
        licence: APACHE,
        operations: [
          'POST /v2/users/login',
          'POST /v2/auth/token',
          'GET /v2/orgs/{org_name}/groups',
          ...['GET', 'HEAD'].flatMap((method) => [`${method} ${TAGS}`, `${method} ${TAGS}/{tag}`]),
        ],
      },
      {
        format: 'openapi',
        file: 'docker-hub/overlay-2025-2026.yaml',
        source: 'https://github.com/docker/docs content/reference/api/hub/latest.yaml',
        ...OVERLAY,
        operations: [
          ...['GET', 'POST'].map((method) => `${method} ${REPOSITORIES}`),
          ...['GET', 'HEAD'].map((method) => `${method} ${REPOSITORIES}/{repository}`),
          `PATCH ${REPOSITORIES}/{repository}`,
          `PATCH ${REPOSITORIES}/{repository}/immutabletags`,
          `POST ${REPOSITORIES}/{repository}/immutabletags/verify`,
          'POST /v2/repositories/{namespace}/{repository}/groups',
        ],
      },
      {
        format: 'openapi',
        file: 'docker-hub/hub-oidc-and-registry-delete.yaml',
        source:
          'https://github.com/docker/login-action src/dockerhub.ts, and docker/docs content/reference/api/registry/latest.yaml',
        version: 'docker/docs 0ca8e19',
        licence: OVERLAY.licence,
        operations: ['POST /oauth/token', 'DELETE /v2/{name}/manifests/{reference}'],
      },
    ],
    spans: ['name'],
    exceptions: [
      ...['POST /v2/repositories/{namespace}/{repository}/privacy', ...HUB_TEAMS].map((operation) => ({
        operation,
        source: 'https://github.com/docker/terraform-provider-docker internal/hubclient (a15631f)',
      })),
      {
        operation: 'DELETE /v2/repositories/{namespace}/{repository}/tags/{tag}',
        source: 'https://github.com/docker/hub-feedback/issues/1759',
      },
      {
        operation: 'DELETE /v2/repositories/{namespace}/{repository}/tags/{tag}/',
        source: 'https://github.com/docker/hub-feedback/issues/1759',
      },
    ],
  },
  github: {
    documents: [
      {
        format: 'openapi',
        file: 'github/api.github.com.packages-attestations-deployments.json',
        source: 'https://github.com/octokit/openapi generated/api.github.com.json',
        version: '23.0.2',
        licence: 'MIT',
        operations: [
          ...GITHUB,
          'GET /repos/{owner}/{repo}/actions/oidc/customization/sub',
          ...['POST /repos/{owner}/{repo}/attestations', 'GET /repos/{owner}/{repo}/attestations/{subject_digest}'],
          'POST /orgs/{org}/artifacts/metadata/storage-record',
          'GET /repos/{owner}/{repo}/deployments',
          ...['GET', 'POST'].map((method) => `${method} /repos/{owner}/{repo}/deployments/{deployment_id}/statuses`),
        ],
      },
    ],
  },
  artifactory: {
    documents: [
      {
        format: 'openapi',
        file: 'artifactory/artifactory-subset.openapi.yaml',
        source:
          'https://github.com/jfrog/jfrog-client-go, jfrog/setup-jfrog-cli and jfrog/terraform-provider-artifactory',
        version: 'jfrog-client-go 0f2168d, setup-jfrog-cli deda456, terraform-provider-artifactory 1616e9f',
        licence: `written for this project; facts from ${APACHE}`,
        operations: [
          'POST /access/api/v1/oidc/token',
          'GET /artifactory/api/repositories',
          'GET /artifactory/api/repositories/{key}',
          ...['PUT', 'POST'].map((method) => `${method} /artifactory/api/repositories/{key}`),
          ...['GET', 'PUT', 'POST'].map((method) => `${method} /artifactory/api/v2/security/permissions/{name}`),
          'POST /artifactory/api/search/aql',
          'GET /artifactory/api/storage/{repo}/{path}',
          'DELETE /artifactory/{repo}/{path}',
          'GET /artifactory/api/storageinfo',
          'GET /artifactory/api/system/ping',
          'POST /xray/api/v1/artifact/status',
          'POST /xray/api/v2/summary/artifact',
        ],
      },
    ],
    spans: ['path'],
  },
} as const satisfies Readonly<Record<string, Entry>>;

export type ContractName = keyof typeof CONTRACTS;

/** The row of a contract. */
export function entryOf(name: ContractName): Entry {
  return CONTRACTS[name];
}
