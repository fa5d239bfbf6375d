import type { ECRPUBLIC, Repository } from '@aws-sdk/client-ecr-public';
import type { Reading } from '../../../domain/setup/compare.ts';
import type { DesiredRegistry, DesiredRepository } from '../../../domain/setup/desired-state.ts';
import { ecrPublicMistakes } from '../../../domain/setup/ecr-public/mistakes.ts';
import {
  CATALOG_FIELDS,
  type EcrPublicLive,
  type EcrPublicRepository,
  type EcrPublicRequest,
  planEcrPublic,
} from '../../../domain/setup/ecr-public/plan.ts';
import { ecrPublicState } from '../../../domain/setup/ecr-public/state.ts';
import { ActionError } from '../../../errors/action-error.ts';
import { type Applied, registrySetup, type SetupContext, type SetupDefinition } from '../../setup-port.ts';
import { identityFor } from '../ecr-answers.ts';
import { type Ask, asking } from '../ecr-api.ts';
import { ambientIdentity, roleIdentity } from '../identity.ts';
import { clientOptions, readSdkError } from '../sdk.ts';
import type { Identity } from '../sdk-credentials.ts';
import { readable, unless } from './ask-ecr.ts';

/** The only region with its API. */
const REGION = 'us-east-1';

/** Setup of Amazon ECR Public. */
export const ecrPublicSetup: SetupDefinition = {
  block: 'aws',
  // The API names the account's repositories without the alias.
  unitOf: (repository, alias) =>
    alias !== '' && repository.startsWith(`${alias}/`) ? repository.slice(alias.length + 1) : repository,
  principals: ['aws-role', 'aws-account', 'aws-organization', 'aws-function', 'public'],
  mistakes: ecrPublicMistakes,
  open: (context) => {
    const ask = askEcrPublic(context);
    let listed: Reading<ReadonlyMap<string, Repository>> | undefined;
    return registrySetup<EcrPublicLive, EcrPublicRequest>({
      names: async (alias) => {
        await requireAlias(ask, context, alias, 'The file is about the alias');
        listed = await readable('ecr-public:DescribeRepositories', () => listAll(ask));
        return listed.ok ? [...listed.value.keys()].sort() : undefined;
      },
      readLive: (desired, isWhole) => readLive(ask, desired, listed, isWhole === true),
      plan: planEcrPublic,
      state: { of: ecrPublicState, unread: () => ({ repositories: new Map() }) },
      apply: (request) => applyPublic(ask, context, request),
    });
  },
};

/**
 * The repositories of the account that has the alias, without the alias.
 * @throws ActionError DENIED when the credentials may not list them, or the alias belongs to another account
 */
export async function listPublicRepositories(context: SetupContext, alias: string): Promise<readonly string[]> {
  const ask = askEcrPublic(context);
  await requireAlias(ask, context, alias, 'The images are those of the alias');
  return [...(await listAll(ask)).keys()].sort();
}

function askEcrPublic(context: SetupContext): Ask<ECRPUBLIC> {
  let identity: Identity | undefined;
  return asking(context, async () => {
    identity ??= identityFor({ host: context.host }, roleIdentity(context, REGION) ?? ambientIdentity(context));
    const { ECRPUBLIC } = await import('../sdk-clients.ts');
    return new ECRPUBLIC(clientOptions(context, 'ECR_PUBLIC', REGION, identity.credentials));
  });
}

/** Under another account's alias, the API would answer for this account's repositories of the same names. */
async function requireAlias(ask: Ask<ECRPUBLIC>, { host }: SetupContext, alias: string, asked: string): Promise<void> {
  const answer = await ask('read', 'the request for the aliases of the account', (client) =>
    client.describeRegistries({}),
  );
  const own = (answer.registries ?? []).flatMap(({ aliases = [] }) => aliases.flatMap(({ name }) => name ?? []));
  if (own.includes(alias)) return;
  const has = own.length === 0 ? 'none' : own.join(', ');
  throw new ActionError('DENIED', `${asked} ${alias}, and the account of these credentials has ${has}.`, {
    facts: { registry: host },
  });
}

async function listAll(ask: Ask<ECRPUBLIC>): Promise<ReadonlyMap<string, Repository>> {
  const found = new Map<string, Repository>();
  let nextToken: string | undefined;
  do {
    const page = await ask('read', 'listing the repositories', (client) =>
      client.describeRepositories({ maxResults: 1000, ...(nextToken === undefined ? {} : { nextToken }) }),
    );
    for (const repository of page.repositories ?? [])
      if (repository.repositoryName !== undefined) found.set(repository.repositoryName, repository);
    nextToken = page.nextToken === nextToken ? undefined : page.nextToken;
  } while (nextToken !== undefined);
  return found;
}

async function readLive(
  ask: Ask<ECRPUBLIC>,
  { repositories }: DesiredRegistry,
  listed: Reading<ReadonlyMap<string, Repository>> | undefined,
  isWhole: boolean,
): Promise<EcrPublicLive> {
  const live = new Map<string, EcrPublicRepository>();
  for (const repository of repositories) {
    const { name } = repository;
    const found = listed?.ok === true ? listed.value.get(name) : await describeOne(ask, name);
    if (found !== undefined) live.set(name, await readRepository(ask, found, repository, isWhole));
  }
  return { repositories: live, ...(listed?.ok === false ? { unlistable: listed.reason } : {}) };
}

async function describeOne(ask: Ask<ECRPUBLIC>, name: string): Promise<Repository | undefined> {
  const answer = await ask('read', `looking for ${name}`, (client) =>
    unless('RepositoryNotFoundException', () => client.describeRepositories({ repositoryNames: [name] })),
  );
  return answer?.repositories?.find(({ repositoryName }) => repositoryName === name);
}

async function readRepository(
  ask: Ask<ECRPUBLIC>,
  { repositoryArn: arn = '', repositoryName = '' }: Repository,
  { settings }: DesiredRepository,
  isWhole: boolean,
): Promise<EcrPublicRepository> {
  const own = settings.own.get('aws');
  const asksForAccess =
    isWhole ||
    settings.push !== undefined ||
    settings.admin !== undefined ||
    settings.access !== undefined ||
    own?.has('policyStatements') === true;
  return {
    arn,
    ...(settings.labels === undefined && !isWhole
      ? {}
      : {
          tags: await readable('ecr-public:ListTagsForResource', async () => {
            const { tags = [] } = await ask('read', `reading the tags of ${repositoryName}`, (client) =>
              client.listTagsForResource({ resourceArn: arn }),
            );
            return Object.fromEntries(tags.map(({ Key = '', Value = '' }) => [Key, Value]));
          }),
        }),
    ...(asksForAccess
      ? { policy: await readable('ecr-public:GetRepositoryPolicy', () => readPolicy(ask, repositoryName)) }
      : {}),
    ...(settings.description === undefined && own?.has('catalogData') !== true && !isWhole
      ? {}
      : {
          catalog: await readable('ecr-public:GetRepositoryCatalogData', async () => {
            const answer = await ask('read', `reading the catalog data of ${repositoryName}`, (client) =>
              unless('RepositoryCatalogDataNotFoundException', () =>
                client.getRepositoryCatalogData({ repositoryName }),
              ),
            );
            const data = answer?.catalogData;
            const fields = ['description', ...CATALOG_FIELDS] as const;
            return Object.fromEntries(
              fields.flatMap((name) => (data?.[name] === undefined ? [] : [[name, data[name]]])),
            );
          }),
        }),
  };
}

async function readPolicy(ask: Ask<ECRPUBLIC>, repositoryName: string): Promise<string | null> {
  const answer = await ask('read', `reading the policy of ${repositoryName}`, (client) =>
    unless('RepositoryPolicyNotFoundException', () => client.getRepositoryPolicy({ repositoryName })),
  );
  return answer?.policyText ?? null;
}

async function applyPublic(ask: Ask<ECRPUBLIC>, { host }: SetupContext, request: EcrPublicRequest): Promise<Applied> {
  if (request.operation === 'SetRepositoryPolicy') {
    const now = await readPolicy(ask, request.input.repositoryName);
    if (now !== request.before) {
      const message = `${host}: the policy of ${request.input.repositoryName} was changed by somebody else since it was read, and left alone.`;
      throw new ActionError('SETUP_CONFLICT', message, { facts: { registry: host } });
    }
  }
  const isDone = await ask('write', request.operation, async (client) => {
    try {
      await send(client, request);
      return true;
    } catch (error) {
      if (readSdkError(error).name === 'RepositoryAlreadyExistsException') return false;
      throw error;
    }
  });
  return isDone ? {} : { isStale: true };
}

async function send(client: ECRPUBLIC, request: EcrPublicRequest): Promise<unknown> {
  switch (request.operation) {
    case 'CreateRepository':
      return client.createRepository(request.input);
    case 'PutRepositoryCatalogData':
      return client.putRepositoryCatalogData(request.input);
    case 'TagResource':
      return client.tagResource({ resourceArn: request.input.resourceArn, tags: request.input.tags });
    case 'UntagResource':
      return client.untagResource(request.input);
    case 'SetRepositoryPolicy': {
      const { repositoryName, policyText } = request.input;
      return policyText === null
        ? unless('RepositoryPolicyNotFoundException', () => client.deleteRepositoryPolicy({ repositoryName }))
        : client.setRepositoryPolicy({ repositoryName, policyText });
    }
  }
}
