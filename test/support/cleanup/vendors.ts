import type { Credentials } from '../../../src/credentials/credential.ts';
import type { VendorId } from '../../../src/inputs/vendors.ts';
import type { ManagementPlace } from '../../../src/registries/vendor.ts';
import type { Service } from '../cloud.ts';
import { type CheckedService, checked } from '../contract/checked.ts';
import { readContract } from '../contract/read.ts';
import type { Sent } from '../contract.ts';
import { artifactoryDouble } from '../vendors/artifactory.ts';
import { awsDouble } from '../vendors/aws.ts';
import { type AcrImage, azureDouble } from '../vendors/azure.ts';
import { dockerHubDouble } from '../vendors/docker-hub.ts';
import { gitHubDouble } from '../vendors/github.ts';
import { googleDouble } from '../vendors/google.ts';
import { type HarborArtifact, harborDouble } from '../vendors/harbor.ts';
import { nexusDouble } from '../vendors/nexus.ts';
import { idTokens, SUBJECT } from '../vendors/oidc.ts';
import type { StoredImage } from './content.ts';

/** The API of a vendor over the content of a registry in memory. */
export interface VendorApi {
  readonly api: CheckedService;
  readonly hosts: Readonly<Record<string, Service>>;
  readonly fields: Partial<ManagementPlace>;
  /** Tells the API what the registry has. */
  readonly load: (images: readonly StoredImage[]) => void;
  /** What is left in the API: tags with their digests, and digests, where the API deletes those. */
  readonly left: () => { readonly tags: ReadonlySet<string>; readonly digests?: ReadonlySet<string> };
}

export interface VendorRow {
  readonly id: Exclude<VendorId, 'distribution'>;
  readonly host: string;
  readonly repository: string;
  readonly start: (now: () => Date) => Promise<VendorApi>;
}

const ROLE = 'arn:aws:iam::123456789012:role/publish';
const PUSHED = '2026-01-02T03:04:05.000Z';
const hex = (digest: string) => digest.slice('sha256:'.length);
const login = (username: string, password: string): Credentials => ({
  kind: 'password',
  username,
  password,
  from: 'the inputs',
});
const as = (username: string, password: string) => ({ credentials: async () => login(username, password) });
const under =
  (prefix: string) =>
  ({ url }: Sent) =>
    url.pathname.startsWith(prefix);
const missing: Service = () => ({ status: 500, body: 'no such host' });
const tagsIn = (images: Iterable<{ readonly tags: readonly string[] }>) =>
  new Set([...images].flatMap(({ tags }) => tags));
const digestsIn = (images: Iterable<{ readonly digest: string }>) => new Set([...images].map(({ digest }) => digest));

function amazon(id: 'ecr' | 'ecr-public', host: string, repository: string, name: string): VendorRow {
  const region = id === 'ecr' ? 'eu-west-1' : 'us-east-1';
  const apiHost = id === 'ecr' ? `api.ecr.${region}.amazonaws.com` : 'api.ecr-public.us-east-1.amazonaws.com';
  const sts = `sts.${region}.amazonaws.com`;
  return {
    id,
    host,
    repository,
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

export const VENDOR_ROWS: readonly VendorRow[] = [
  {
    id: 'docker-hub',
    host: 'docker.io',
    repository: 'acme/app',
    start: async (now) => {
      const double = dockerHubDouble({
        now,
        users: { acme: 'pat' },
        repositories: { 'acme/app': { writers: ['acme'] } },
      });
      const api = checked(double.hosts['hub.docker.com'], await readContract('docker-hub'));
      const tags = double.state.repositories.get('acme/app')?.tags ?? new Map();
      return {
        api,
        hosts: { 'hub.docker.com': api },
        fields: as('acme', 'pat'),
        load: (stored) => {
          tags.clear();
          for (const image of stored) {
            const images = image.children.length === 0 ? [image] : image.children.map((digest) => ({ digest }));
            const { digest, mediaType: media_type, bytes: full_size } = image;
            const row = { digest, media_type, full_size, images, tag_last_pushed: PUSHED, tag_last_pulled: null };
            for (const name of image.tags) tags.set(name, { name, ...row });
          }
        },
        left: () => ({ tags: new Set(tags.keys()) }),
      };
    },
  },
  {
    id: 'ghcr',
    host: 'ghcr.io',
    repository: 'acme/app',
    start: async () => {
      const double = gitHubDouble({ token: 'ghs', packages: { 'acme/app': { kind: 'orgs', versions: [] } } });
      const api = checked(double.hosts['api.github.com'] ?? missing, await readContract('github'));
      const versions = double.state.packages.get('acme/app')?.versions ?? [];
      const ids = new Map<string, number>();
      const github = { token: 'ghs', actor: 'me', apiUrl: 'https://api.github.com', repository: 'acme/app' };
      return {
        api,
        hosts: { 'api.github.com': api },
        fields: { github },
        load: (stored) => {
          for (const { digest } of stored) if (!ids.has(digest)) ids.set(digest, 100 + ids.size);
          const rows = stored.map(({ digest, tags }) => ({ id: ids.get(digest) ?? 0, digest, tags, created: PUSHED }));
          versions.splice(0, versions.length, ...rows.toSorted((a, b) => b.id - a.id));
        },
        left: () => ({ tags: tagsIn(versions), digests: digestsIn(versions) }),
      };
    },
  },
  amazon('ecr', '123456789012.dkr.ecr.eu-west-1.amazonaws.com', 'team/app', 'team/app'),
  amazon('ecr-public', 'public.ecr.aws', 'alias/app', 'app'),
  {
    id: 'artifact-registry',
    host: 'us-docker.pkg.dev',
    repository: 'p/r/team/app',
    start: async (now) => {
      const provider = 'projects/1/locations/global/workloadIdentityPools/pool/providers/github';
      const double = googleDouble({ provider, subject: SUBJECT, now });
      const name = 'projects/p/locations/us/repositories/r';
      double.state.repositories.set(name, { name });
      const api = checked(double.hosts['artifactregistry.googleapis.com'], await readContract('artifact-registry'));
      const { images } = double.state;
      return {
        api,
        hosts: { 'artifactregistry.googleapis.com': api, 'sts.googleapis.com': double.hosts['sts.googleapis.com'] },
        fields: { keyless: { 'workload-identity-provider': provider }, idToken: idTokens({ now }) },
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
    start: async (now) => {
      const images: AcrImage[] = [];
      const common = { now, host: 'acme.azurecr.io', tenant: 't', client: 'c', subject: SUBJECT };
      const double = azureDouble({ ...common, users: { ci: 'good' }, repositories: { 'org/app': { images } } });
      const api = checked(double.hosts['acme.azurecr.io'] ?? missing, await readContract('acr'), under('/acr/'));
      return {
        api,
        hosts: { 'acme.azurecr.io': api },
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
  {
    id: 'harbor',
    host: 'harbor.example.com',
    repository: 'team/services/app',
    start: async () => {
      const artifacts: HarborArtifact[] = [];
      const projects = { team: { repositories: { 'services/app': artifacts } } };
      const double = harborDouble({ host: 'harbor.example.com', users: { robot: 'good' }, projects });
      const api = checked(double.hosts['harbor.example.com'] ?? missing, await readContract('harbor'), under('/api/'));
      return {
        api,
        hosts: { 'harbor.example.com': api },
        fields: as('robot', 'good'),
        load: (stored) =>
          void artifacts.splice(
            0,
            artifacts.length,
            ...stored
              .filter(({ subject }) => subject === undefined)
              .map(({ digest, tags, children, mediaType }) => ({
                digest,
                tags: [...tags],
                mediaType,
                ...(children.length === 0 ? {} : { children }),
                accessories: stored
                  .filter(({ subject }) => subject === digest)
                  .map((each) => ({ digest: each.digest, type: 'subject.accessory' })),
              })),
          ),
        left: () => ({
          tags: tagsIn(artifacts),
          digests: digestsIn(artifacts.flatMap((each) => [each, ...(each.accessories ?? [])])),
        }),
      };
    },
  },
  {
    id: 'nexus',
    host: 'nexus.example.com',
    repository: 'docker/app',
    start: async () => {
      const double = nexusDouble({ user: 'ci', password: 'good', repositories: ['docker'] });
      const api = checked(
        double.hosts['nexus.example.com'] ?? missing,
        await readContract('nexus'),
        under('/service/'),
      );
      const { components } = double.state;
      return {
        api,
        hosts: { 'nexus.example.com': api },
        fields: as('ci', 'good'),
        load: (stored) =>
          void components.splice(
            0,
            components.length,
            ...stored.flatMap(({ digest, tags, mediaType: contentType }) =>
              (tags.length === 0 ? [digest] : tags).map((version) => ({
                id: `id-of-${version}`,
                repository: 'docker',
                name: 'app',
                version,
                sha256: hex(digest),
                blobCreated: PUSHED,
                contentType,
              })),
            ),
          ),
        left: () => ({
          tags: new Set(components.map(({ version }) => version)),
          digests: new Set(components.map(({ sha256 }) => `sha256:${sha256}`)),
        }),
      };
    },
  },
  {
    id: 'artifactory',
    host: 'acme.jfrog.io',
    repository: 'docker-local/app',
    start: async () => {
      const authorized = [`Basic ${Buffer.from('ci:good').toString('base64')}`];
      const double = artifactoryDouble({ authorized });
      const api = checked(double.hosts['acme.jfrog.io'] ?? missing, await readContract('artifactory'));
      const { state } = double;
      return {
        api,
        hosts: { 'acme.jfrog.io': api },
        fields: as('ci', 'good'),
        load: (stored) => {
          state.folders = stored.flatMap(({ digest, tags, children }) =>
            (tags.length === 0 ? [digest] : tags).map((name) => ({
              repo: 'docker-local',
              path: `app/${name}`,
              name: children.length > 0 ? ('list.manifest.json' as const) : ('manifest.json' as const),
              sha256: hex(digest),
              created: PUSHED,
            })),
          );
        },
        left: () => ({
          tags: new Set(state.folders.map(({ path }) => path.slice('app/'.length))),
          digests: new Set(state.folders.map(({ sha256 }) => `sha256:${sha256}`)),
        }),
      };
    },
  },
];
