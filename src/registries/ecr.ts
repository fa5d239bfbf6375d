import {
  BatchDeleteImageCommand,
  CreateRepositoryCommand,
  DescribeImagesCommand,
  DescribeRepositoriesCommand,
  ECRClient,
  GetAuthorizationTokenCommand,
  type ImageIdentifier,
  type Repository,
} from '@aws-sdk/client-ecr';
import type { RegistryAnswer } from '../errors/classify.ts';
import { deleted, type EcrAnswer, following, identityFor, readAuthorization, toListed } from './aws/ecr-answers.ts';
import { ECR_HOSTS, readEcrHost } from './aws/ecr-host.ts';
import { ambientIdentity, type Identity, roleIdentity } from './aws/identity.ts';
import { immutableTags } from './aws/mutability.ts';
import { readSdkError, requestHandler, sdkError } from './aws/sdk.ts';
import type { Found, LoginPlace, Management, ManagementPlace, NewRepository, Vendor } from './vendor.ts';
import { noVerdict } from './verdict.ts';

/** Amazon ECR, private registries: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/ */
export const ecr: Vendor = {
  id: 'ecr',
  title: 'Amazon ECR',
  hosts: ECR_HOSTS,
  // A missing repository and a missing right are told at the beginning of an upload, and not before.
  probesPush: true,
  capabilities: {
    keyless: 'yes',
    'create-repository': 'yes',
    'list-images': 'yes',
    'push-time': 'yes',
    'pull-time': { partly: 'Amazon ECR renews the pull time once in 24 hours.' },
    size: 'yes',
    'delete-tag': { partly: 'Amazon ECR deletes the image with its last tag.' },
    'delete-digest': { partly: 'An image that an index names can be deleted after the index only.' },
    'immutable-tags': 'yes',
  },
  login: (place) => logIn(place, (region) => roleIdentity(place, region)),
  ambient: (place) => logIn(place, () => ambientIdentity(place)),
  manage,
};

async function logIn(
  place: LoginPlace,
  identify: (region: string) => Identity | undefined,
): Promise<Found | undefined> {
  const host = readEcrHost(place.host);
  const identity = host === undefined ? undefined : identify(host.region);
  if (host === undefined || identity === undefined) return undefined;
  const what = 'the request for a login';
  const answer = await send(place, identity, host.region, 'token', what, (client) =>
    client.send(new GetAuthorizationTokenCommand({})),
  );
  return readAuthorization(place, answer.authorizationData?.[0], identity.from);
}

function manage(place: ManagementPlace): Management {
  const { host, repository: repositoryName } = place;
  const found = readEcrHost(host);
  // Only `registry-type` can bring another host here; without a region nobody can be asked.
  if (found === undefined) return {};
  const { account: registryId, region } = found;
  let identity: Identity | undefined;
  const ask = async <T>(
    operation: 'read' | 'write' | 'delete',
    what: string,
    task: (client: ECRClient) => Promise<T>,
  ): Promise<T> => {
    identity ??= await identityFor(place, () => roleIdentity(place, region) ?? ambientIdentity(place));
    return send(place, identity, region, operation, `${what} ${repositoryName}`, task);
  };
  const remove = async (image: ImageIdentifier): Promise<'deleted' | 'absent'> => {
    const answer = await ask('delete', 'deleting from', (client) =>
      client.send(new BatchDeleteImageCommand({ registryId, repositoryName, imageIds: [image] })),
    );
    return deleted(place, answer, image);
  };

  const describe = async (): Promise<Repository | undefined> => {
    const answer = await ask('read', 'looking for', async (client) => {
      try {
        return await client.send(new DescribeRepositoriesCommand({ registryId, repositoryNames: [repositoryName] }));
      } catch (error) {
        if (readSdkError(error).name === 'RepositoryNotFoundException') return undefined;
        throw error;
      }
    });
    return answer?.repositories?.find((each) => each.repositoryName === repositoryName);
  };

  return {
    exists: async () => (await describe()) !== undefined,
    // Who may push need not be allowed to look at the settings, or may have nothing but docker's password.
    frozen: async (tags) => immutableTags((await describe().catch(noVerdict)) ?? {}, tags),

    create: ({ immutableTags, scanOnPush = true, kmsKey }: NewRepository) =>
      ask('write', 'creating', async (client) => {
        try {
          await client.send(
            new CreateRepositoryCommand({
              registryId,
              repositoryName,
              imageTagMutability: immutableTags === true ? 'IMMUTABLE' : 'MUTABLE',
              imageScanningConfiguration: { scanOnPush },
              encryptionConfiguration:
                kmsKey === undefined ? { encryptionType: 'AES256' } : { encryptionType: 'KMS', kmsKey },
            }),
          );
          return 'created';
        } catch (error) {
          if (readSdkError(error).name === 'RepositoryAlreadyExistsException') return 'exists';
          throw error;
        }
      }),

    list: async function* () {
      let nextToken: string | undefined;
      do {
        const page: EcrAnswer = await ask('read', 'listing', (client) =>
          client.send(
            new DescribeImagesCommand({
              registryId,
              repositoryName,
              maxResults: 1000,
              ...(nextToken === undefined ? {} : { nextToken }),
            }),
          ),
        );
        yield* toListed(place, page);
        nextToken = following(place, nextToken, page);
      } while (nextToken !== undefined);
    },

    deleteTag: (imageTag) => remove({ imageTag }),
    deleteDigest: (imageDigest) => remove({ imageDigest }),
  };
}

/** Sends one request as somebody, and makes what goes wrong a row of the catalogue. */
async function send<T>(
  place: LoginPlace,
  identity: Identity,
  region: string,
  operation: RegistryAnswer['operation'],
  what: string,
  task: (client: ECRClient) => Promise<T>,
): Promise<T> {
  const endpoint = place.env.AWS_ENDPOINT_URL_ECR || place.env.AWS_ENDPOINT_URL;
  const client = new ECRClient({
    region,
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
