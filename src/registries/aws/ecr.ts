import type { ECR } from '@aws-sdk/client-ecr';
import type { Credentials } from '../../credentials/credential.ts';
import { ignoreFailure } from '../ignore-failure.ts';
import type { LoginContext, Management, ManagementContext, Vendor } from '../vendor.ts';
import { identityFor, readAuthorization } from './ecr-answers.ts';
import { asking, describeRepository, manageRepository } from './ecr-api.ts';
import { ECR_HOSTS, readEcrHost } from './ecr-host.ts';
import { ecrRemedies } from './ecr-remedies.ts';
import { ambientIdentity, roleIdentity } from './identity.ts';
import { immutableTags } from './mutability.ts';
import { clientOptions } from './sdk.ts';
import type { Identity } from './sdk-credentials.ts';

/** Amazon ECR, private registries: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/ */
export const ecr: Vendor = {
  id: 'ecr',
  title: 'Amazon ECR',
  hosts: ECR_HOSTS,
  // A missing repository and a missing right are told at the beginning of an upload, and not before.
  probesPush: true,
  remedies: ecrRemedies,
  reading: { manifests: 'counted' },
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
  place: LoginContext,
  identify: (region: string) => Identity | undefined,
): Promise<Credentials | undefined> {
  const host = readEcrHost(place.host);
  const identity = host === undefined ? undefined : identify(host.region);
  if (host === undefined || identity === undefined) return undefined;
  const ask = asking(place, () => open(place, identity, host.region));
  const answer = await ask('token', 'the request for a login', (client) => client.getAuthorizationToken());
  return readAuthorization(place, answer.authorizationData?.[0], identity.from);
}

function manage(place: ManagementContext): Management {
  const { host, repository: repositoryName } = place;
  const found = readEcrHost(host);
  // Only `registry-type` can bring another host here; without a region nobody can be asked.
  if (found === undefined) return {};
  const { account: registryId, region } = found;
  const name = { registryId, repositoryName };
  let identity: Identity | undefined;
  const ask = asking(place, async () => {
    identity ??= identityFor(place, roleIdentity(place, region) ?? ambientIdentity(place));
    return open(place, identity, region);
  });
  return {
    ...manageRepository(place, name, ask, (client, { immutableTags, scanOnPush, kmsKey }) =>
      // What is not asked for is left out: defaults of the account, such as its scanning rules, are not overruled.
      client.createRepository({
        ...name,
        ...(immutableTags === undefined ? {} : { imageTagMutability: immutableTags ? 'IMMUTABLE' : 'MUTABLE' }),
        ...(scanOnPush === undefined ? {} : { imageScanningConfiguration: { scanOnPush } }),
        ...(kmsKey === undefined ? {} : { encryptionConfiguration: { encryptionType: 'KMS', kmsKey } }),
      }),
    ),
    // Who may push need not be allowed to look at the settings, or may have nothing but docker's password.
    frozen: async (tags) => immutableTags((await describeRepository(ask, name).catch(ignoreFailure)) ?? {}, tags),
  };
}

async function open(place: LoginContext, { credentials }: Identity, region: string): Promise<ECR> {
  const { ECR } = await import('./sdk-clients.ts');
  return new ECR(clientOptions(place, 'ECR', region, credentials));
}
