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
/** The only region with its API. https://docs.aws.amazon.com/general/latest/gr/ecr-public.html */
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
  login: (context) => logIn(context, roleIdentity(context, REGION)),
  ambient: (context) => logIn(context, ambientIdentity(context)),
  manage,
};

async function logIn(context: LoginContext, identity: Identity | undefined): Promise<Credentials | undefined> {
  if (!HOST.test(context.host) || identity === undefined) return undefined;
  const ask = asking(context, () => open(context, identity));
  const answer = await ask('token', 'the request for a login', (client) => client.getAuthorizationToken());
  return readAuthorization(context, answer.authorizationData, identity.from);
}

function manage(context: ManagementContext): Management {
  // `public.ecr.aws/<alias>/<repository>`: the API names the account's repositories without the alias.
  const [alias = '', ...rest] = context.repository.split('/');
  const repositoryName = rest.join('/');
  if (alias === '' || repositoryName === '') {
    throw new ActionError(
      'NAME_INVALID',
      `${context.host}/${context.repository} lacks a part: expected public.ecr.aws/<alias>/<repository>.`,
      { facts: { registry: context.host, repository: context.repository } },
    );
  }
  let identity: Identity | undefined;
  let owned: Promise<void> | undefined;
  const ask = asking(context, async () => {
    identity ??= identityFor(context, roleIdentity(context, REGION) ?? ambientIdentity(context));
    return open(context, identity);
  });
  // Under another account's alias, the API would act on this account's repository of the same name.
  const askOwner: Ask<ECRPUBLIC> = async (...request) => {
    owned ??= requireAlias(context, ask, alias);
    await owned;
    return ask(...request);
  };
  return manageRepository(
    context,
    { repositoryName },
    askOwner,
    async (client, { immutableTags, scanOnPush, kmsKey }) => {
      if (immutableTags === true || scanOnPush === true || kmsKey !== undefined) {
        throw new ActionError(
          'CAPABILITY_MISSING',
          'Amazon ECR Public has no immutable tags, no scanning and no keys of your own. Leave `immutable`, `scan-on-push` and `kms-key` out of `create-repository`.',
          { facts: { registry: context.host, repository: context.repository } },
        );
      }
      await client.createRepository({ repositoryName });
    },
  );
}

/** @throws ActionError DENIED when the alias belongs to another account */
async function requireAlias(context: ManagementContext, ask: Ask<ECRPUBLIC>, alias: string): Promise<void> {
  const answer = await ask('read', 'the request for the aliases of the account', (client) =>
    client.describeRegistries(),
  );
  const own = (answer.registries ?? []).flatMap(({ aliases = [] }) => aliases.flatMap(({ name }) => name ?? []));
  if (own.includes(alias)) return;
  throw new ActionError(
    'DENIED',
    `${context.host}/${context.repository} is under the alias ${alias}, and the account of these credentials has ${own.length === 0 ? 'none' : own.join(', ')}.`,
    { facts: { registry: context.host, repository: context.repository } },
  );
}

async function open(context: LoginContext, { credentials }: Identity): Promise<ECRPUBLIC> {
  const { ECRPUBLIC } = await import('./sdk-clients.ts');
  return new ECRPUBLIC(clientOptions(context, 'ECR_PUBLIC', REGION, credentials));
}
