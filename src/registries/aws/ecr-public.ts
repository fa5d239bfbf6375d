import type { ECRPUBLIC } from '@aws-sdk/client-ecr-public';
import type { Credentials } from '../../credentials/credential.ts';
import { ActionError } from '../../errors/action-error.ts';
import type { LoginContext, Management, ManagementContext, Vendor } from '../vendor.ts';
import { identityFor, readAuthorization } from './ecr-answers.ts';
import { type Ask, asking, manageRepository } from './ecr-api.ts';
import { ecrPublicRemedies } from './ecr-public-remedies.ts';
import { ambientIdentity, roleIdentity } from './identity.ts';
import { clientOptions } from './sdk.ts';
import type { Identity } from './sdk-credentials.ts';

const HOST = /^public\.ecr\.aws$/;
/** The one region in which its API is. https://docs.aws.amazon.com/general/latest/gr/ecr-public.html */
const REGION = 'us-east-1';

/** Amazon ECR Public: https://docs.aws.amazon.com/AmazonECRPublic/latest/APIReference/ */
export const ecrPublic: Vendor = {
  id: 'ecr-public',
  title: 'Amazon ECR Public',
  hosts: [HOST],
  probesPush: true,
  remedies: ecrPublicRemedies,
  capabilities: {
    keyless: 'yes',
    'create-repository': {
      partly: 'Without immutability, scanning and keys of your own, which Amazon ECR Public lacks.',
    },
    'list-images': 'yes',
    'push-time': 'yes',
    'pull-time': { lacks: 'Amazon ECR Public does not record pulls; use the push time.' },
    size: 'yes',
    'delete-tag': { partly: 'Amazon ECR deletes the image with its last tag.' },
    'delete-digest': { partly: 'An image that an index names can be deleted after the index only.' },
    'immutable-tags': { lacks: 'Tags can always be moved there; this action itself never moves an immutable one.' },
  },
  login: (place) => logIn(place, roleIdentity(place, REGION)),
  ambient: (place) => logIn(place, ambientIdentity(place)),
  manage,
};

async function logIn(place: LoginContext, identity: Identity | undefined): Promise<Credentials | undefined> {
  if (!HOST.test(place.host) || identity === undefined) return undefined;
  const ask = asking(place, () => open(place, identity));
  const answer = await ask('token', 'the request for a login', (client) => client.getAuthorizationToken());
  return readAuthorization(place, answer.authorizationData, identity.from);
}

function manage(place: ManagementContext): Management {
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
  const ask = asking(place, async () => {
    identity ??= identityFor(place, roleIdentity(place, REGION) ?? ambientIdentity(place));
    return open(place, identity);
  });
  // The API would take the account's own repository of that name for one under somebody else's alias.
  const askOwner: Ask<ECRPUBLIC> = async (...request) => {
    owned ??= requireAlias(place, ask, alias);
    await owned;
    return ask(...request);
  };
  return manageRepository(
    place,
    { repositoryName },
    askOwner,
    async (client, { immutableTags, scanOnPush, kmsKey }) => {
      if (immutableTags === true || scanOnPush === true || kmsKey !== undefined) {
        throw new ActionError(
          'CAPABILITY_MISSING',
          'Amazon ECR Public has no immutable tags, no scanning and no keys of your own. Leave `immutable`, `scan-on-push` and `kms-key` out of `create-repository`.',
          { facts: { registry: place.host, repository: place.repository } },
        );
      }
      await client.createRepository({ repositoryName });
    },
  );
}

/** @throws ActionError DENIED when the alias is not one of the account's own */
async function requireAlias(place: ManagementContext, ask: Ask<ECRPUBLIC>, alias: string): Promise<void> {
  const answer = await ask('read', 'the request for the aliases of the account', (client) =>
    client.describeRegistries(),
  );
  const own = (answer.registries ?? []).flatMap(({ aliases = [] }) => aliases.flatMap(({ name }) => name ?? []));
  if (own.includes(alias)) return;
  throw new ActionError(
    'DENIED',
    `${place.host}/${place.repository} is under the alias ${alias}, and the account of these credentials has ${own.length === 0 ? 'none' : own.join(', ')}.`,
    { facts: { registry: place.host, repository: place.repository } },
  );
}

async function open(place: LoginContext, { credentials }: Identity): Promise<ECRPUBLIC> {
  const { ECRPUBLIC } = await import('./sdk-clients.ts');
  return new ECRPUBLIC(clientOptions(place, 'ECR_PUBLIC', REGION, credentials));
}
