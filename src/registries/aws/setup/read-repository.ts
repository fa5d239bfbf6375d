import type { Repository } from '@aws-sdk/client-ecr';
import type { DesiredRepository } from '../../../domain/setup/desired-state.ts';
import type { EcrLiveRepository } from '../../../domain/setup/ecr/live.ts';
import { type AskEcr, readable, unless } from './ask-ecr.ts';

const LIST_LIMIT = 100_000;

/** All repositories of the registry, with the settings that the list has. */
export async function listRepositories(ask: AskEcr, registryId: string): Promise<ReadonlyMap<string, Repository>> {
  const found = new Map<string, Repository>();
  let nextToken: string | undefined;
  do {
    const page = await ask('read', 'listing the repositories', (client) =>
      client.describeRepositories({ registryId, maxResults: 1000, ...(nextToken === undefined ? {} : { nextToken }) }),
    );
    for (const repository of page.repositories ?? [])
      if (repository.repositoryName !== undefined) found.set(repository.repositoryName, repository);
    nextToken = page.nextToken === nextToken ? undefined : page.nextToken;
  } while (nextToken !== undefined && found.size < LIST_LIMIT);
  return found;
}

/** One repository; undefined when it does not exist. */
export async function describeOne(ask: AskEcr, registryId: string, name: string): Promise<Repository | undefined> {
  const answer = await ask('read', `looking for ${name}`, (client) =>
    unless('RepositoryNotFoundException', () => client.describeRepositories({ registryId, repositoryNames: [name] })),
  );
  return answer?.repositories?.find(({ repositoryName }) => repositoryName === name);
}

/** What the file has something to say about, of a repository that exists; with `isWhole` all of it. */
export async function readRepository(
  ask: AskEcr,
  registryId: string,
  found: Repository,
  { settings }: DesiredRepository,
  isWhole: boolean,
): Promise<EcrLiveRepository> {
  const { repositoryArn: arn = '', repositoryName = '', encryptionConfiguration, imageScanningConfiguration } = found;
  const name = { registryId, repositoryName };
  const own = settings.own.get('aws');
  const asksForAccess =
    isWhole ||
    settings.pull !== undefined ||
    settings.push !== undefined ||
    settings.admin !== undefined ||
    settings.access !== undefined ||
    own?.has('policyStatements') === true;
  const asksForLifecycle =
    isWhole ||
    settings.retention !== undefined ||
    own?.has('lifecyclePolicy') === true ||
    own?.has('lifecyclePolicyText') === true;
  return {
    arn,
    mutability: found.imageTagMutability ?? 'MUTABLE',
    exclusions: (found.imageTagMutabilityExclusionFilters ?? []).flatMap(({ filter }) => filter ?? []),
    scanOnPush: imageScanningConfiguration?.scanOnPush === true,
    encryption: { type: encryptionConfiguration?.encryptionType ?? 'AES256', key: encryptionConfiguration?.kmsKey },
    ...(settings.labels === undefined && !isWhole
      ? {}
      : {
          tags: await readable('ecr:ListTagsForResource', async () => {
            const { tags = [] } = await ask('read', `reading the tags of ${repositoryName}`, (client) =>
              client.listTagsForResource({ resourceArn: arn }),
            );
            return Object.fromEntries(tags.map(({ Key = '', Value = '' }) => [Key, Value]));
          }),
        }),
    // A lifecycle policy of a repository that Lambda pulls from is refused, and the policy shows that.
    ...(asksForAccess || asksForLifecycle
      ? {
          policy: await readable('ecr:GetRepositoryPolicy', async () => {
            const answer = await ask('read', `reading the policy of ${repositoryName}`, (client) =>
              unless('RepositoryPolicyNotFoundException', () => client.getRepositoryPolicy(name)),
            );
            return answer?.policyText ?? null;
          }),
        }
      : {}),
    ...(asksForLifecycle
      ? {
          lifecycle: await readable('ecr:GetLifecyclePolicy', async () => {
            const answer = await ask('read', `reading the lifecycle policy of ${repositoryName}`, (client) =>
              unless('LifecyclePolicyNotFoundException', () => client.getLifecyclePolicy(name)),
            );
            return answer?.lifecyclePolicyText ?? null;
          }),
        }
      : {}),
  };
}
