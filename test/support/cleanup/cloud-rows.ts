import { checked } from '../contract/checked.ts';
import { readContract } from '../contract/read.ts';
import { awsDouble } from '../vendors/aws.ts';
import { type AcrImage, azureDouble } from '../vendors/azure.ts';
import { googleDouble } from '../vendors/google.ts';
import { idTokens, SUBJECT } from '../vendors/oidc.ts';
import { as, digestsIn, missing, PUSHED, tagsIn, under, type VendorRow } from './vendor-api.ts';

/** The application that may log in without a password. */
export const AZURE = {
  tenant: '22222222-2222-4222-8222-222222222222',
  client: '11111111-1111-4111-8111-111111111111',
};
const ROLE = 'arn:aws:iam::123456789012:role/publish';
const PROVIDER = 'projects/1/locations/global/workloadIdentityPools/pool/providers/github';

function amazon(id: 'ecr' | 'ecr-public', host: string, repository: string, name: string): VendorRow {
  const region = id === 'ecr' ? 'eu-west-1' : 'us-east-1';
  const apiHost = id === 'ecr' ? `api.ecr.${region}.amazonaws.com` : 'api.ecr-public.us-east-1.amazonaws.com';
  const sts = `sts.${region}.amazonaws.com`;
  return {
    id,
    host,
    repository,
    inputs: { 'role-to-assume': ROLE },
    start: async (now) => {
      const double = awsDouble({ region, role: ROLE, subject: SUBJECT, now, repositories: [name] });
      const api = checked(double.hosts[apiHost] ?? missing, await readContract(id));
      const images = double.state.repositories.get(name)?.images ?? [];
      return {
        api,
        hosts: { [apiHost]: api, [sts]: double.hosts[sts] ?? missing },
        fields: { keyless: { 'role-to-assume': ROLE }, idToken: idTokens({ now }) },
        load: (stored) =>
          void images.splice(
            0,
            images.length,
            ...stored.map(({ bytes: size, tags, ...image }) => ({ ...image, size, tags: [...tags] })),
          ),
        left: () => ({ tags: tagsIn(images), digests: digestsIn(images) }),
      };
    },
  };
}

/** The vendors that a cloud runs. */
export const CLOUD_ROWS: readonly VendorRow[] = [
  amazon('ecr', '123456789012.dkr.ecr.eu-west-1.amazonaws.com', 'team/app', 'team/app'),
  amazon('ecr-public', 'public.ecr.aws', 'alias/app', 'app'),
  {
    id: 'artifact-registry',
    host: 'us-docker.pkg.dev',
    repository: 'p/r/team/app',
    inputs: { 'workload-identity-provider': PROVIDER },
    start: async (now) => {
      const double = googleDouble({ provider: PROVIDER, subject: SUBJECT, now });
      const name = 'projects/p/locations/us/repositories/r';
      double.state.repositories.set(name, { name });
      const api = checked(double.hosts['artifactregistry.googleapis.com'], await readContract('artifact-registry'));
      const { images } = double.state;
      return {
        api,
        hosts: { 'artifactregistry.googleapis.com': api, 'sts.googleapis.com': double.hosts['sts.googleapis.com'] },
        fields: { keyless: { 'workload-identity-provider': PROVIDER }, idToken: idTokens({ now }) },
        load: (stored) =>
          void images.splice(
            0,
            images.length,
            ...stored.map(({ digest, tags, mediaType }) => ({
              uri: `us-docker.pkg.dev/p/r/team/app@${digest}`,
              digest,
              package: 'team/app',
              tags: [...tags],
              mediaType,
              parents: stored.flatMap((each) => (each.children.some((child) => child === digest) ? [each.digest] : [])),
            })),
          ),
        left: () => ({ tags: tagsIn(images), digests: digestsIn(images) }),
      };
    },
  },
  {
    id: 'acr',
    host: 'acme.azurecr.io',
    repository: 'org/app',
    inputs: { registry: 'acme.azurecr.io', username: 'ci', password: 'good' },
    start: async (now) => {
      const images: AcrImage[] = [];
      const common = { now, host: 'acme.azurecr.io', ...AZURE, subject: SUBJECT };
      const double = azureDouble({ ...common, users: { ci: 'good' }, repositories: { 'org/app': { images } } });
      const api = checked(double.hosts['acme.azurecr.io'] ?? missing, await readContract('acr'), under('/acr/'));
      return {
        api,
        hosts: { ...double.hosts, 'acme.azurecr.io': api },
        fields: as('ci', 'good'),
        load: (stored) =>
          void images.splice(
            0,
            images.length,
            ...stored.map(({ bytes: size, tags, children: _, ...image }) => ({
              ...image,
              size,
              tags: [...tags],
              created: PUSHED,
            })),
          ),
        left: () => ({ tags: tagsIn(images), digests: digestsIn(images) }),
      };
    },
  },
];
