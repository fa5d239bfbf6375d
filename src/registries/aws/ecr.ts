import type { ECR } from '@aws-sdk/client-ecr';
import type { Credentials } from '../../credentials/credential.ts';
import { ignoreFailure } from '../ignore-failure.ts';
import type { LoginContext, Management, ManagementContext, Vendor } from '../vendor.ts';
import { identityFor, readAuthorization } from './ecr-answers.ts';
import { asking, describeRepository, manageRepository } from './ecr-api.ts';
import { ECR_HOSTS, readEcrHost } from './ecr-host.ts';
import { lifecyclePolicy } from './ecr-lifecycle-api.ts';
import { ecrRemedies } from './ecr-remedies.ts';
import { ecrScan } from './ecr-scan.ts';
import { ambientIdentity, roleIdentity } from './identity.ts';
import { immutableTags } from './mutability.ts';
import { clientOptions } from './sdk.ts';
import type { Identity } from './sdk-credentials.ts';

/** Amazon ECR, private registries: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/ */
export const ecr: Vendor = {
  id: 'ecr',
  title: 'Amazon ECR',
  hosts: ECR_HOSTS,
  // Missing repositories and missing rights are reported when an upload starts, not before.
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
  login: (context) => logIn(context, (region) => roleIdentity(context, region)),
  ambient: (context) => logIn(context, () => ambientIdentity(context)),
  manage,
};

async function logIn(
  context: LoginContext,
  identify: (region: string) => Identity | undefined,
): Promise<Credentials | undefined> {
  const host = readEcrHost(context.host);
  const identity = host === undefined ? undefined : identify(host.region);
  if (host === undefined || identity === undefined) return undefined;
  const ask = asking(context, () => open(context, identity, host.region));
  const answer = await ask('token', 'the request for a login', (client) => client.getAuthorizationToken());
  return readAuthorization(context, answer.authorizationData?.[0], identity.from);
}

function manage(context: ManagementContext): Management {
  const { host, repository: repositoryName } = context;
  const found = readEcrHost(host);
  // Only `registry-type` can select ECR for another host; without a region there is no API to call.
  if (found === undefined) return {};
  const { account: registryId, region } = found;
  const name = { registryId, repositoryName };
  let identity: Identity | undefined;
  const ask = asking(context, async () => {
    identity ??= identityFor(context, roleIdentity(context, region) ?? ambientIdentity(context));
    return open(context, identity, region);
  });
  return {
    retention: lifecyclePolicy(context, name, ask),
    ...manageRepository(context, name, ask, (client, { immutableTags, scanOnPush, kmsKey }) =>
      // Settings that were not requested are left out, so that account defaults such as scanning rules apply.
      client.createRepository({
        ...name,
        ...(immutableTags === undefined ? {} : { imageTagMutability: immutableTags ? 'IMMUTABLE' : 'MUTABLE' }),
        ...(scanOnPush === undefined ? {} : { imageScanningConfiguration: { scanOnPush } }),
        ...(kmsKey === undefined ? {} : { encryptionConfiguration: { encryptionType: 'KMS', kmsKey } }),
      }),
    ),
    // An identity with push rights may lack the right to read settings, or have only docker's password.
    scans: { source: 'ecr', result: (digest) => ecrScan(context, name, ask, digest) },
    frozen: async (tags) => immutableTags((await describeRepository(ask, name).catch(ignoreFailure)) ?? {}, tags),
  };
}

async function open(context: LoginContext, { credentials }: Identity, region: string): Promise<ECR> {
  const { ECR } = await import('./sdk-clients.ts');
  return new ECR(clientOptions(context, 'ECR', region, credentials));
}
