import {
  BatchDeleteImageCommand,
  CreateRepositoryCommand,
  DescribeImagesCommand,
  DescribeRegistriesCommand,
  DescribeRepositoriesCommand,
  ECRPUBLICClient,
  GetAuthorizationTokenCommand,
  type ImageIdentifier,
} from '@aws-sdk/client-ecr-public';
import { ActionError } from '../errors/action-error.ts';
import type { RegistryAnswer } from '../errors/classify.ts';
import { deleted, type EcrAnswer, following, identityFor, readAuthorization, toListed } from './aws/ecr-answers.ts';
import { ambientIdentity, type Identity, roleIdentity } from './aws/identity.ts';
import { readSdkError, requestHandler, sdkError } from './aws/sdk.ts';
import type { Found, LoginPlace, Management, ManagementPlace, Vendor } from './vendor.ts';

const HOST = /^public\.ecr\.aws$/;
/** The one region in which its API is. https://docs.aws.amazon.com/general/latest/gr/ecr-public.html */
const REGION = 'us-east-1';

/** Amazon ECR Public: https://docs.aws.amazon.com/AmazonECRPublic/latest/APIReference/ */
export const ecrPublic: Vendor = {
  id: 'ecr-public',
  title: 'Amazon ECR Public',
  hosts: [HOST],
  probesPush: true,
  capabilities: {
    keyless: 'yes',
    'create-repository': {
      partly: 'Without immutability, scanning and keys of your own, which Amazon ECR Public lacks.',
    },
    'list-images': 'yes',
    'push-time': 'yes',
    'pull-time': { lacks: 'Amazon ECR Public does not tell when an image was pulled; choose by push time.' },
    size: 'yes',
    'delete-tag': { partly: 'Amazon ECR deletes the image with its last tag.' },
    'delete-digest': { partly: 'An image that an index names can be deleted after the index only.' },
    'immutable-tags': { lacks: 'Tags can always be moved there; this action itself never moves an immutable one.' },
  },
  login: (place) => logIn(place, roleIdentity(place, REGION)),
  ambient: (place) => logIn(place, ambientIdentity(place)),
  manage,
};

async function logIn(place: LoginPlace, identity: Identity | undefined): Promise<Found | undefined> {
  if (!HOST.test(place.host) || identity === undefined) return undefined;
  const answer = await send(place, identity, 'token', 'the request for a login', (client) =>
    client.send(new GetAuthorizationTokenCommand({})),
  );
  return readAuthorization(place, answer.authorizationData, identity.from);
}

function manage(place: ManagementPlace): Management {
  // `public.ecr.aws/<alias>/<repository>`: the API knows the repositories of the account, without the alias.
  const [alias = '', ...rest] = place.repository.split('/');
  const repositoryName = rest.join('/');
  if (alias === '' || repositoryName === '') {
    throw new ActionError(
      'NAME_INVALID',
      `${place.host}/${place.repository} lacks a part: expected public.ecr.aws/<alias>/<repository>.`,
      { facts: { registry: place.host, repository: place.repository } },
    );
  }
  let identity: Identity | undefined;
  let owned: Promise<void> | undefined;
  const ask = async <T>(
    operation: 'read' | 'write' | 'delete',
    what: string,
    task: (client: ECRPUBLICClient) => Promise<T>,
  ): Promise<T> => {
    identity ??= await identityFor(place, () => roleIdentity(place, REGION) ?? ambientIdentity(place));
    const who = identity;
    // The API would take the account's own repository of that name for one under somebody else's alias.
    owned ??= requireAlias(place, who, alias);
    await owned;
    return send(place, who, operation, `${what} ${repositoryName}`, task);
  };
  const remove = async (image: ImageIdentifier): Promise<'deleted' | 'absent'> => {
    const answer = await ask('delete', 'deleting from', (client) =>
      client.send(new BatchDeleteImageCommand({ repositoryName, imageIds: [image] })),
    );
    return deleted(place, answer, image);
  };

  return {
    exists: async () => {
      const answer = await ask('read', 'looking for', async (client) => {
        try {
          return await client.send(new DescribeRepositoriesCommand({ repositoryNames: [repositoryName] }));
        } catch (error) {
          if (readSdkError(error).name === 'RepositoryNotFoundException') return undefined;
          throw error;
        }
      });
      return answer?.repositories?.some((each) => each.repositoryName === repositoryName) ?? false;
    },

    create: async ({ immutableTags, scanOnPush, kmsKey }) => {
      if (immutableTags === true || scanOnPush === true || kmsKey !== undefined) {
        throw new ActionError(
          'CAPABILITY_MISSING',
          'Amazon ECR Public has no immutable tags, no scanning and no keys of your own. Leave `immutable`, `scan-on-push` and `kms-key` out of `create-repository`.',
          { facts: { registry: place.host, repository: place.repository } },
        );
      }
      return ask('write', 'creating', async (client) => {
        try {
          await client.send(new CreateRepositoryCommand({ repositoryName }));
          return 'created';
        } catch (error) {
          if (readSdkError(error).name === 'RepositoryAlreadyExistsException') return 'exists';
          throw error;
        }
      });
    },

    list: async function* () {
      let nextToken: string | undefined;
      do {
        const more = nextToken === undefined ? {} : { nextToken };
        const page: EcrAnswer = await ask('read', 'listing', (client) =>
          client.send(new DescribeImagesCommand({ repositoryName, maxResults: 1000, ...more })),
        );
        yield* toListed(place, page);
        nextToken = following(place, nextToken, page);
      } while (nextToken !== undefined);
    },

    deleteTag: (imageTag) => remove({ imageTag }),
    deleteDigest: (imageDigest) => remove({ imageDigest }),
  };
}

/** @throws ActionError DENIED when the alias is not one of the account's own */
async function requireAlias(place: ManagementPlace, identity: Identity, alias: string): Promise<void> {
  const answer = await send(place, identity, 'read', 'the request for the aliases of the account', (client) =>
    client.send(new DescribeRegistriesCommand({})),
  );
  const own = (answer.registries ?? []).flatMap(({ aliases = [] }) => aliases.flatMap(({ name }) => name ?? []));
  if (own.includes(alias)) return;
  throw new ActionError(
    'DENIED',
    `${place.host}/${place.repository} is under the alias ${alias}, and the account of these credentials has ${own.length === 0 ? 'none' : own.join(', ')}.`,
    { facts: { registry: place.host, repository: place.repository } },
  );
}

async function send<T>(
  place: LoginPlace,
  identity: Identity,
  operation: RegistryAnswer['operation'],
  what: string,
  task: (client: ECRPUBLICClient) => Promise<T>,
): Promise<T> {
  const endpoint = place.env.AWS_ENDPOINT_URL_ECR_PUBLIC || place.env.AWS_ENDPOINT_URL;
  const client = new ECRPUBLICClient({
    region: REGION,
    credentials: identity.credentials,
    requestHandler: requestHandler(place.transport),
    ...(endpoint ? { endpoint } : {}),
  });
  try {
    return await task(client);
  } catch (error) {
    throw sdkError(error, place.host, operation, what, { registry: place.host });
  } finally {
    client.destroy();
  }
}
