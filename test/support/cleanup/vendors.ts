import { checked } from '../contract/checked.ts';
import { readContract } from '../contract/read.ts';
import { artifactoryDouble } from '../vendors/artifactory.ts';
import { dockerHubDouble } from '../vendors/docker-hub.ts';
import { gitHubDouble } from '../vendors/github.ts';
import { type HarborArtifact, harborDouble } from '../vendors/harbor.ts';
import { nexusDouble } from '../vendors/nexus.ts';
import { CLOUD_ROWS } from './cloud-rows.ts';
import { as, digestsIn, hex, missing, PUSHED, tagsIn, under, type VendorRow } from './vendor-api.ts';

/** Every vendor with an API of its own. */
export const VENDOR_ROWS: readonly VendorRow[] = [
  {
    id: 'docker-hub',
    host: 'docker.io',
    repository: 'acme/app',
    inputs: { username: 'acme', password: 'pat' },
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
    inputs: { 'github-token': 'ghs' },
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
  ...CLOUD_ROWS,
  {
    id: 'harbor',
    host: 'harbor.example.com',
    repository: 'team/services/app',
    inputs: { registry: 'harbor.example.com', username: 'robot', password: 'good', 'registry-type': 'harbor' },
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
    inputs: { registry: 'nexus.example.com', username: 'ci', password: 'good', 'registry-type': 'nexus' },
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
    inputs: { registry: 'acme.jfrog.io', username: 'ci', password: 'good' },
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
