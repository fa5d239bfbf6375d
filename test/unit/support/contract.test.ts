import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { checked } from '../../support/contract/checked.ts';
import { contractSource, extractFile, extractOf, readContract } from '../../support/contract/read.ts';
import { CONTRACTS, type ContractName, entryOf } from '../../support/contract/table.ts';
import type { Sent } from '../../support/contract.ts';

const NAMES = Object.keys(CONTRACTS).filter((name): name is ContractName => Object.hasOwn(CONTRACTS, name));
const P = '/v1/projects/p/locations/europe/repositories';
const FORM = 'application/x-www-form-urlencoded';
const AWS = 'application/x-amz-json-1.1';

interface Case {
  readonly contract: ContractName;
  readonly ask: string;
  readonly body?: unknown;
  readonly type?: string;
  readonly headers?: Sent['headers'];
}

function sent({ ask, body, type = 'application/json', headers = {} }: Case): Sent {
  const [method = '', path = ''] = ask.split(' ');
  const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
  const url = new URL(path, 'https://api.test');
  return { method, url, headers: { ...headers, ...(text === '' ? {} : { 'content-type': type }) }, body: text };
}

async function problems(request: Case): Promise<readonly string[]> {
  return (await readContract(request.contract)).check(sent(request));
}

function aws(contract: 'ecr' | 'ecr-public', operation: string, body: unknown): Case {
  const prefix = contract === 'ecr' ? 'AmazonEC2ContainerRegistry_V20150921' : 'SpencerFrontendService';
  const headers = { 'x-amz-target': `${prefix}.${operation}`, authorization: 'AWS4-HMAC-SHA256 x' };
  return { contract, ask: 'POST /', body, type: AWS, headers };
}

const hosted = {
  name: 'images',
  online: true,
  storage: { blobStoreName: 'default', strictContentTypeValidation: true, writePolicy: 'ALLOW' },
  docker: { v1Enabled: false, forceBasicAuth: true },
};
const exchange = {
  grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
  subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
  subject_token: 'jwt',
  connection_id: '0d6e8e0e-7f4e-4a44-8a0f-6f5f5f1f2a11',
  expires_in: '300',
};
const sts = {
  audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/a/providers/b',
  grantType: 'urn:ietf:params:oauth:grant-type:token-exchange',
  requestedTokenType: 'urn:ietf:params:oauth:token-type:access_token',
  scope: 'https://www.googleapis.com/auth/cloud-platform',
  subjectToken: 'jwt',
  subjectTokenType: 'urn:ietf:params:oauth:token-type:jwt',
};
const form = (fields: Readonly<Record<string, string>>) => new URLSearchParams(fields).toString();
const harborTags = '/api/v2.0/projects/p/repositories/a%252Fb/artifacts';

const GOOD: readonly Case[] = [
  { contract: 'harbor', ask: 'POST /api/v2.0/projects', body: { project_name: 'p', metadata: { public: 'true' } } },
  { contract: 'harbor', ask: `GET ${harborTags}?page=1&page_size=100&with_tag=true` },
  { contract: 'harbor', ask: `DELETE ${harborTags}/sha256:aa/tags/1.0` },
  { contract: 'nexus', ask: 'POST /service/rest/v1/repositories/docker/hosted', body: hosted },
  { contract: 'nexus', ask: 'DELETE /service/rest/v1/components/abc' },
  { contract: 'docker-hub', ask: 'POST /v2/auth/token', body: { identifier: 'me', secret: 's' } },
  { contract: 'docker-hub', ask: 'GET /v2/namespaces/n/repositories/r/tags?page=1&page_size=100' },
  { contract: 'docker-hub', ask: 'GET /v2/namespaces/n/repositories?page_size=100&ordering=-name' },
  { contract: 'docker-hub', ask: 'POST /oauth/token', body: form(exchange), type: FORM },
  { contract: 'docker-hub', ask: 'DELETE /v2/a/b/manifests/sha256:aa' },
  { contract: 'docker-hub', ask: 'DELETE /v2/repositories/n/r/tags/1.0' },
  { contract: 'github', ask: 'GET /orgs/o/packages/container/a%2Fb/versions?page=1&per_page=100&state=active' },
  { contract: 'github', ask: 'DELETE /users/u/packages/container/a/versions/12' },
  { contract: 'artifact-registry', ask: `GET ${P}/r/dockerImages?pageSize=10&alt=json` },
  {
    contract: 'artifact-registry',
    ask: `POST ${P}?repositoryId=r`,
    body: { format: 'DOCKER', mode: 'STANDARD_REPOSITORY', dockerConfig: { immutableTags: true }, labels: { a: 'b' } },
  },
  { contract: 'artifact-registry', ask: `POST ${P}/r:testIamPermissions`, body: { permissions: ['a.b.c'] } },
  { contract: 'artifact-registry', ask: `DELETE ${P}/r/packages/a%2Fb/versions/sha256:aa?force=true` },
  { contract: 'google-sts', ask: 'POST /v1/token', body: sts },
  {
    contract: 'google-iamcredentials',
    ask: 'POST /v1/projects/-/serviceAccounts/a@b.iam.gserviceaccount.com:generateAccessToken',
    body: { scope: ['https://www.googleapis.com/auth/cloud-platform'], lifetime: '3300s' },
  },
  { contract: 'acr', ask: 'GET /acr/v1/team/app/_tags?n=100&orderby=timedesc' },
  { contract: 'acr', ask: 'DELETE /acr/v1/team/app/_tags/1.0' },
  aws('ecr', 'DescribeImages', { repositoryName: 'a/b', maxResults: 100 }),
  aws('ecr', 'GetAuthorizationToken', {}),
  aws('ecr-public', 'CreateRepository', { repositoryName: 'a/b' }),
  { contract: 'artifactory', ask: 'DELETE /artifactory/r/image/1.0' },
  { contract: 'artifactory', ask: 'POST /artifactory/api/search/aql', body: 'items.find({})', type: 'text/plain' },
];

const BAD: readonly (Case & { readonly problem: RegExp })[] = [
  // Swagger 2
  { contract: 'harbor', ask: `GET ${harborTags}?tags=true`, problem: /query parameter tags is not described/ },
  { contract: 'harbor', ask: `GET ${harborTags}?page=one`, problem: /query parameter page must be integer/ },
  { contract: 'harbor', ask: 'HEAD /api/v2.0/projects', problem: /query parameter project_name is missing/ },
  { contract: 'harbor', ask: 'POST /api/v2.0/projects', problem: /the body is missing/ },
  {
    contract: 'harbor',
    ask: 'POST /api/v2.0/projects',
    body: { project_name: 1 },
    problem: /project_name must be string/,
  },
  { contract: 'harbor', ask: 'POST /api/v2.0/projects', body: { name: 'p' }, problem: /unevaluated properties: name/ },
  { contract: 'harbor', ask: 'GET /projects', problem: /^GET \/projects is not described$/ },
  { contract: 'harbor', ask: 'DELETE /api/v2.0/systeminfo', problem: /is not described$/ },
  // OpenAPI 3
  {
    contract: 'nexus',
    ask: 'POST /service/rest/v1/repositories/docker/hosted',
    body: { ...hosted, docker: undefined },
    problem: /required property 'docker'/,
  },
  {
    contract: 'nexus',
    ask: 'POST /service/rest/v1/repositories/docker/hosted',
    body: { ...hosted, online: 'yes' },
    problem: /online must be boolean/,
  },
  { contract: 'docker-hub', ask: 'POST /v2/auth/token', body: { identifier: 'me' }, problem: /'secret'/ },
  { contract: 'docker-hub', ask: 'POST /v2/auth/token', body: '{', problem: /no JSON/ },
  { contract: 'docker-hub', ask: 'POST /oauth/token', body: exchange, problem: /content type application\/json/ },
  {
    contract: 'docker-hub',
    ask: 'POST /oauth/token',
    body: form({ ...exchange, expires_in: '10' }),
    type: FORM,
    problem: /expires_in must be >= 300/,
  },
  { contract: 'docker-hub', ask: 'GET /v2/namespaces/n/repositories?page_size=101', problem: /must be <= 100/ },
  {
    contract: 'docker-hub',
    ask: 'GET /v2/namespaces/n/repositories?size=1',
    problem: /parameter size is not described/,
  },
  { contract: 'docker-hub', ask: 'DELETE /v2/namespaces/n/repositories/r', problem: /is not described$/ },
  { contract: 'github', ask: 'GET /orgs/o/packages/oci/a/versions', problem: /package_type must be equal to one/ },
  { contract: 'github', ask: 'GET /orgs/o/packages', problem: /query parameter package_type is missing/ },
  { contract: 'github', ask: 'DELETE /orgs/o/packages/container/a', body: {}, problem: /a body was sent/ },
  { contract: 'acr', ask: 'DELETE /acr/v1/a/b/_manifests/sha256:aa', problem: /is not described$/ },
  // Google discovery
  {
    contract: 'artifact-registry',
    ask: `POST ${P}?repositoryID=r`,
    body: {},
    problem: /repositoryID is not described/,
  },
  { contract: 'artifact-registry', ask: `POST ${P}?repositoryId=r`, problem: /the body is missing/ },
  {
    contract: 'artifact-registry',
    ask: `POST ${P}?repositoryId=r`,
    body: { format: 'DOCKER', docker_config: {} },
    problem: /additional properties: docker_config/,
  },
  { contract: 'artifact-registry', ask: `POST ${P}`, body: { format: 'OCI' }, problem: /format must be equal to one/ },
  { contract: 'artifact-registry', ask: `GET ${P}/r/dockerImages?pageSize=x`, problem: /pageSize must be integer/ },
  { contract: 'artifact-registry', ask: `GET ${P}/r/images`, problem: /is not described$/ },
  {
    contract: 'google-sts',
    ask: 'POST /v1/token',
    body: { ...sts, subjectToken: undefined },
    problem: /'subjectToken'/,
  },
  // AWS
  { ...aws('ecr', 'DescribeImages', {}), problem: /required property 'repositoryName'/ },
  { ...aws('ecr', 'DescribeImages', { repositoryName: 'A' }), problem: /must match pattern/ },
  { ...aws('ecr', 'DescribeImages', { repositoryName: 'aa', maxResults: 1001 }), problem: /must be <= 1000/ },
  { ...aws('ecr', 'BatchDeleteImage', { repositoryName: 'aa', imageIds: [{ tag: '1' }] }), problem: /properties: tag/ },
  { ...aws('ecr', 'DescribeImages', { repositoryName: 1 }), problem: /must be string/ },
  { ...aws('ecr', 'DropImages', {}), problem: /DropImages is not described/ },
  { ...aws('ecr', 'GetAuthorizationToken', {}), type: 'application/json', problem: /content type/ },
  { ...aws('ecr-public', 'CreateRepository', { repositoryName: 'aa', tagMutability: 'x' }), problem: /tagMutability/ },
];

describe(`contracts, from ${contractSource()}`, () => {
  it.each(GOOD.map((each) => [each.contract, each.ask, each] as const))('%s takes %s', async (_name, _ask, request) => {
    expect(await problems(request)).toEqual([]);
  });

  it.each(BAD.map((each) => [each.contract, each.ask, String(each.problem), each] as const))(
    '%s refuses %s with %s',
    async (_name, _ask, _problem, request) => {
      expect((await problems(request)).join('\n')).toMatch(request.problem);
    },
  );

  it('tells its source', async ({ annotate }) => {
    console.info(`Contracts are checked against ${contractSource()}.`);
    await annotate(contractSource());
    expect(contractSource('')).toContain('extracts');
    expect(contractSource('/x')).toContain('/x');
  });

  it.each(NAMES)('the extract of %s is small and names source and licence', async (name) => {
    const text = await readFile(extractFile(name), 'utf8');
    expect(text.length).toBeLessThan(100_000);
    for (const { source, version, licence } of entryOf(name).documents) {
      for (const fact of [source, version, licence]) expect(text).toContain(JSON.stringify(fact));
    }
  });

  const specs = process.env.SPECS_DIR;
  it.runIf(specs)('the extracts are what scripts/extract-contracts.ts writes', async () => {
    for (const name of NAMES) {
      expect(await readFile(extractFile(name), 'utf8'), name).toBe(await extractOf(name, specs ?? ''));
    }
  });
});

describe('checked', () => {
  it('throws and collects what breaks the contract, and lets the rest through', async () => {
    const contract = await readContract('docker-hub');
    const service = checked(
      () => ({ status: 200 }),
      contract,
      ({ url }) => url.pathname !== '/token',
    );
    const ask = (path: string) => {
      const url = new URL(path, 'https://hub.docker.com');
      return Promise.resolve(service({ method: 'GET', host: 'hub.docker.com', url, headers: {}, body: '' }));
    };
    expect(await ask('/v2/namespaces/n/repositories')).toEqual({ status: 200 });
    expect(await ask('/token')).toEqual({ status: 200 });
    expect(service.problems).toEqual([]);
    await expect(ask('/v2/nothing')).rejects.toThrow('GET /v2/nothing is not described');
    expect(service.problems).toEqual(['GET /v2/nothing is not described']);
  });
});
