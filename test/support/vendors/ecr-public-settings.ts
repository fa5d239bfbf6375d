import { type Fields, fieldsOf } from '../../../src/domain/fields.ts';
import type { CloudReply, CloudRequest, Service } from '../cloud.ts';

export const ECR_PUBLIC_API = 'api.ecr-public.us-east-1.amazonaws.com';

interface StoredRepository {
  catalog?: Fields;
  tags: Record<string, string>;
  policy?: string;
}

/** What an account's public registry with the alias `acme` stores besides images. */
export function ecrPublicSettings() {
  const repositories = new Map<string, StoredRepository>();
  const asked: string[] = [];
  const service: Service = (request) => {
    const [target, operation = ''] = String(request.headers['x-amz-target']).split('.');
    if (target !== 'SpencerFrontendService') return failure('UnknownOperationException', '');
    asked.push(operation);
    return answer(repositories, operation, request);
  };
  return {
    repositories,
    hosts: { [ECR_PUBLIC_API]: service },
    writes: () => asked.filter((operation) => !/^(?:Describe|Get|List)/.test(operation)),
    clear: () => asked.splice(0),
  };
}

const ok = (body: unknown): CloudReply => ({ status: 200, body });
const failure = (type: string, message: string): CloudReply => ({ status: 400, body: { __type: type, message } });
const arnOf = (name: string) => `arn:aws:ecr-public::111122223333:repository/${name}`;

function answer(repositories: Map<string, StoredRepository>, operation: string, request: CloudRequest): CloudReply {
  const input = fieldsOf(JSON.parse(request.body));
  const name = String(input.repositoryName ?? String(input.resourceArn).split('repository/')[1]);
  if (operation === 'DescribeRegistries') {
    const aliases = [{ name: 'acme', status: 'ACTIVE', primaryRegistryAlias: true, defaultRegistryAlias: false }];
    return ok({
      registries: [
        { registryId: '111122223333', registryArn: 'arn', registryUri: 'public.ecr.aws/acme', verified: true, aliases },
      ],
    });
  }
  if (operation === 'DescribeRepositories') {
    return ok({
      repositories: [...repositories.keys()].map((each) => ({ repositoryName: each, repositoryArn: arnOf(each) })),
    });
  }
  const pairs = [input.tags ?? []]
    .flat()
    .map(fieldsOf)
    .map(({ Key, Value }) => [String(Key), String(Value)] as const);
  if (operation === 'CreateRepository') {
    if (repositories.has(name)) return failure('RepositoryAlreadyExistsException', name);
    repositories.set(name, {
      tags: Object.fromEntries(pairs),
      ...(input.catalogData === undefined ? {} : { catalog: fieldsOf(input.catalogData) }),
    });
    return ok({ repository: { repositoryName: name } });
  }
  const found = repositories.get(name);
  if (found === undefined) return failure('RepositoryNotFoundException', name);
  switch (operation) {
    case 'GetRepositoryCatalogData':
      return found.catalog === undefined
        ? failure('RepositoryCatalogDataNotFoundException', name)
        : ok({ catalogData: { ...found.catalog, marketplaceCertified: false } });
    case 'PutRepositoryCatalogData':
      found.catalog = fieldsOf(input.catalogData);
      return ok({ catalogData: found.catalog });
    case 'ListTagsForResource':
      return ok({ tags: Object.entries(found.tags).map(([Key, Value]) => ({ Key, Value })) });
    case 'TagResource':
      Object.assign(found.tags, Object.fromEntries(pairs));
      return ok({});
    case 'UntagResource':
      for (const key of [input.tagKeys].flat()) delete found.tags[String(key)];
      return ok({});
    case 'GetRepositoryPolicy':
      return found.policy === undefined
        ? failure('RepositoryPolicyNotFoundException', name)
        : ok({ policyText: found.policy });
    case 'SetRepositoryPolicy':
      found.policy = String(input.policyText);
      return ok({});
    case 'DeleteRepositoryPolicy':
      delete found.policy;
      return ok({});
    default:
      return failure('UnknownOperationException', operation);
  }
}
