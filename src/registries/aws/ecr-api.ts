import type { RegistryAnswer } from '../../errors/classify.ts';
import type { LoginContext, Management, ManagementContext, NewRepository } from '../vendor.ts';
import { allDeleted, type Deletion, deleted, type EcrAnswer, following, toListed } from './ecr-answers.ts';
import type { Mutability } from './mutability.ts';
import { readSdkError, sdkError } from './sdk.ts';

/** A repository as the API names it; without an account, the one of the credentials is used. */
export interface EcrName {
  readonly repositoryName: string;
  readonly registryId?: string;
}

/** The operations of both kinds of ECR, named as in the SDK's two clients. */
interface EcrClient {
  readonly describeRepositories: (input: {
    registryId?: string;
    repositoryNames: string[];
  }) => Promise<{ readonly repositories?: readonly EcrRepository[] | undefined }>;
  readonly describeImages: (
    input: EcrName & { readonly maxResults?: number; readonly nextToken?: string; readonly imageIds?: EcrImage[] },
  ) => Promise<EcrAnswer>;
  readonly batchDeleteImage: (input: EcrName & { imageIds: EcrImage[] }) => Promise<Deletion>;
}

interface EcrRepository extends Mutability {
  readonly repositoryName?: string | undefined;
}

type EcrImage = { readonly imageTag: string } | { readonly imageDigest: string };

/** Sends one request and classifies its errors. `what` is part of a sentence: `listing org/app`. */
export type Ask<Client> = <T>(
  operation: RegistryAnswer['operation'],
  what: string,
  task: (client: Client) => Promise<T>,
) => Promise<T>;

/** Uses a new client for each request. */
export function asking<Client extends { readonly destroy: () => void }>(
  { host }: LoginContext,
  open: () => Promise<Client>,
): Ask<Client> {
  return async (operation, what, task) => {
    const client = await open();
    try {
      return await task(client);
    } catch (error) {
      throw sdkError(error, host, operation, what, { registry: host });
    } finally {
      client.destroy();
    }
  };
}

/** The repository with its settings; undefined when it does not exist. */
export async function describeRepository(
  ask: Ask<EcrClient>,
  { repositoryName, ...account }: EcrName,
): Promise<EcrRepository | undefined> {
  const answer = await ask('read', `looking for ${repositoryName}`, async (client) => {
    try {
      return await client.describeRepositories({ ...account, repositoryNames: [repositoryName] });
    } catch (error) {
      if (readSdkError(error).name === 'RepositoryNotFoundException') return undefined;
      throw error;
    }
  });
  return answer?.repositories?.find((repository) => repository.repositoryName === repositoryName);
}

/**
 * Repository operations of both kinds of ECR.
 * @param create creates the repository; its settings differ between the two
 */
export function manageRepository<Client extends EcrClient>(
  context: ManagementContext,
  name: EcrName,
  ask: Ask<Client>,
  create: (client: Client, settings: NewRepository) => Promise<unknown>,
) {
  const remove = async (image: EcrImage): Promise<'deleted' | 'absent'> => {
    const answer = await ask('delete', `deleting from ${name.repositoryName}`, (client) =>
      client.batchDeleteImage({ ...name, imageIds: [image] }),
    );
    return deleted(context, answer, image);
  };
  return {
    exists: async () => (await describeRepository(ask, name)) !== undefined,

    create: (settings) =>
      ask('write', `creating ${name.repositoryName}`, async (client) => {
        try {
          await create(client, settings);
          return 'created';
        } catch (error) {
          if (readSdkError(error).name === 'RepositoryAlreadyExistsException') return 'exists';
          throw error;
        }
      }),

    list: async function* () {
      let nextToken: string | undefined;
      do {
        const more = nextToken === undefined ? {} : { nextToken };
        const page = await ask('read', `listing ${name.repositoryName}`, (client) =>
          client.describeImages({ ...name, maxResults: 1000, ...more }),
        );
        yield* toListed(context, page);
        nextToken = following(context, nextToken, page);
      } while (nextToken !== undefined);
    },

    deleteTag: (imageTag) => remove({ imageTag }),
    deleteDigest: (imageDigest) => remove({ imageDigest }),
    deleteDigests: async (digests) => {
      const imageIds = digests.map((imageDigest) => ({ imageDigest }));
      const what = `deleting ${digests.length} images of ${name.repositoryName}`;
      const answer = await ask('delete', what, (client) => client.batchDeleteImage({ ...name, imageIds }));
      return allDeleted(context, answer, digests);
    },
    currentTags: async (imageDigest) => {
      const answer = await ask('read', `looking for ${name.repositoryName}@${imageDigest}`, async (client) => {
        try {
          return await client.describeImages({ ...name, imageIds: [{ imageDigest }] });
        } catch (error) {
          if (readSdkError(error).name === 'ImageNotFoundException') return undefined;
          throw error;
        }
      });
      return answer === undefined
        ? undefined
        : toListed(context, answer).find(({ digest }) => digest === imageDigest)?.tags;
    },
  } satisfies Management;
}
