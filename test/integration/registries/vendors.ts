import type { VendorId } from '../../../src/inputs/vendors.ts';
import type { Host, Service } from '../../support/cloud.ts';
import { type CheckedService, checked } from '../../support/contract/checked.ts';
import { readContract } from '../../support/contract/read.ts';
import type { Sent } from '../../support/contract.ts';
import type { RegistryAuth, RegistryOptions, TestRegistry } from '../../support/registry.ts';
import { artifactoryDouble } from '../../support/vendors/artifactory.ts';
import { awsDouble } from '../../support/vendors/aws.ts';
import { type AcrImage, azureDouble } from '../../support/vendors/azure.ts';
import { dockerHubDouble } from '../../support/vendors/docker-hub.ts';
import { gitHubDouble } from '../../support/vendors/github.ts';
import { googleDouble } from '../../support/vendors/google.ts';
import { harborDouble } from '../../support/vendors/harbor.ts';
import { nexusDouble } from '../../support/vendors/nexus.ts';

/** One image as it was pushed, for doubles whose API has to know what their registry holds. */
interface Pushed {
  readonly tag: string;
  readonly digest: string;
  readonly mediaType: string;
  readonly bytes: number;
}

/** A vendor in motion: its registry's guard, its hosts, and what its requests are held to. */
export interface Running {
  readonly auth: RegistryAuth;
  readonly hosts: (registry: TestRegistry) => Readonly<Record<string, Host>>;
  readonly checks: readonly CheckedService[];
  /** Tells the API what the registry has taken. */
  readonly learn: (pushed: Pushed) => void;
  /** Tells the API what was deleted at the registry, where that is the way to delete. */
  readonly forget?: (digest: string) => void;
  /** Makes the settings hold the tag of such an image fast. */
  readonly freeze?: (pushed: Pushed) => void;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Row {
  readonly id: VendorId;
  /** As in image names. */
  readonly host: string;
  readonly repository: string;
  /** What logs in. */
  readonly inputs: Readonly<Record<string, string>>;
  readonly registry?: Pick<RegistryOptions, 'deletes'>;
  readonly start: () => Promise<Running>;
}

const PASSWORD = 'dckr_pat_0123456789';
const SUBJECT = 'repo:acme@1/app@2:ref:refs/heads/main';
const PROVIDER = 'projects/123456789/locations/global/workloadIdentityPools/github/providers/repo';
const CLIENT = '0f8fad5b-d9cb-469f-a165-70867728950e';
const TENANT = '7c9e6679-7425-40de-944b-e07fc1f90ae7';
const ROLE = 'arn:aws:iam::123456789012:role/publish';
const CREATED = '2026-11-01T10:00:00.000Z';
const under =
  (...prefixes: readonly string[]) =>
  ({ url }: Sent) =>
    prefixes.some((prefix) => url.pathname.startsWith(prefix));

/** Basic credentials as the registry sees them. */
const basic = (username: string, password: string) =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

/** Both kinds of ECR have one API. */
function amazon(id: 'ecr' | 'ecr-public', host: string, repository: string, name: string): Row {
  const isPublic = id === 'ecr-public';
  const region = isPublic ? 'us-east-1' : 'eu-west-1';
  return {
    id,
    host,
    repository,
    inputs: { 'role-to-assume': ROLE },
    start: async () => {
      const double = awsDouble({ region, role: ROLE, subject: SUBJECT });
      const apiHost = isPublic ? 'api.ecr-public.us-east-1.amazonaws.com' : `api.ecr.${region}.amazonaws.com`;
      const api = checked(double.hosts[apiHost] ?? missing, await readContract(id));
      const accepts = (header: string) => double.state.logins.some((password) => header === basic('AWS', password));
      return {
        auth: { accepts, challenge: `Basic realm="https://${host}/",service="ecr.amazonaws.com"` },
        hosts: (registry) => ({
          [host]: registry,
          [apiHost]: api,
          [`sts.${region}.amazonaws.com`]: double.hosts[`sts.${region}.amazonaws.com`] ?? missing,
        }),
        checks: [api],
        freeze: () => {
          const settings = { imageTagMutability: 'IMMUTABLE' };
          double.state.repositories.set(name, { settings, images: [] });
        },
        learn: ({ tag, digest, bytes }) => {
          const images = double.state.repositories.get(name)?.images ?? [];
          const held = images.find((image) => image.digest === digest);
          if (held === undefined) images.push({ digest, tags: [tag], size: bytes });
          else held.tags.push(tag);
        },
      };
    },
  };
}

export const ROWS: readonly Row[] = [
  {
    id: 'docker-hub',
    host: 'docker.io',
    repository: 'acme/app',
    inputs: { username: 'acme', password: PASSWORD },
    start: async () => {
      const double = dockerHubDouble({ now: () => new Date(), users: { acme: PASSWORD } });
      const hub = checked(double.hosts['hub.docker.com'], await readContract('docker-hub'));
      return {
        auth: { bearer: { username: 'acme', password: PASSWORD } },
        hosts: (registry) => ({ 'registry-1.docker.io': registry, 'hub.docker.com': hub }),
        checks: [hub],
        learn: ({ tag, digest, mediaType, bytes }) =>
          void double.state.repositories.get('acme/app')?.tags.set(tag, {
            name: tag,
            digest,
            media_type: mediaType,
            full_size: bytes,
            tag_last_pushed: CREATED,
          }),
        freeze: () =>
          void double.state.repositories.set('acme/app', {
            isPrivate: true,
            immutable: ['.*'],
            tags: new Map(),
            writers: ['acme'],
          }),
        forget: (digest) => {
          const tags = double.state.repositories.get('acme/app')?.tags ?? new Map();
          for (const [name, tag] of tags) if (tag.digest === digest) tags.delete(name);
        },
      };
    },
  },
  {
    id: 'ghcr',
    host: 'ghcr.io',
    repository: 'acme/app',
    inputs: { 'github-token': 'ghs_of_the_job' },
    start: async () => {
      // The last tagged version of a package cannot be deleted.
      const other = { id: 1, digest: `sha256:${'0'.repeat(64)}`, tags: ['0.1.0'], created: CREATED };
      const double = gitHubDouble({
        token: 'ghs_of_the_job',
        packages: { 'acme/app': { kind: 'orgs', repository: 'acme/app', versions: [other] } },
      });
      const api = checked(
        double.hosts['api.github.com'] ?? missing,
        await readContract('github'),
        under('/orgs/', '/users/'),
      );
      let id = 100;
      return {
        auth: { bearer: { username: 'octocat', password: 'ghs_of_the_job' } },
        hosts: (registry) => ({ 'ghcr.io': registry, 'api.github.com': api }),
        checks: [api],
        learn: ({ tag, digest }) => {
          const versions = double.state.packages.get('acme/app')?.versions ?? [];
          const at = versions.findIndex((version) => version.digest === digest);
          const tags = [...(versions[at]?.tags ?? []), tag];
          const version = { id: versions[at]?.id ?? id++, digest, tags, created: CREATED };
          versions.splice(at < 0 ? versions.length : at, at < 0 ? 0 : 1, version);
        },
        env: { GITHUB_API_URL: 'https://api.github.com', GITHUB_ACTOR: 'octocat', GITHUB_REPOSITORY: 'acme/app' },
      };
    },
  },
  {
    id: 'nexus',
    host: 'nexus.example.com',
    repository: 'docker/app',
    inputs: {
      registry: 'nexus.example.com',
      username: 'ci',
      password: PASSWORD,
      'registry-type': 'nexus',
    },
    start: async () => {
      const double = nexusDouble({ user: 'ci', password: PASSWORD, repositories: [] });
      const api = checked(double.hosts['nexus.example.com'] ?? missing, await readContract('nexus'));
      let id = 0;
      return {
        auth: { basic: { username: 'ci', password: PASSWORD } },
        hosts: (registry) => ({ 'nexus.example.com': { host: registry.host, api } }),
        checks: [api],
        freeze: () =>
          void double.state.repositories.set('docker', { storage: { writePolicy: 'ALLOW_ONCE', latestPolicy: true } }),
        learn: ({ tag, digest }) =>
          void double.state.components.push({
            id: `component-${id++}`,
            repository: 'docker',
            name: 'app',
            version: tag,
            sha256: digest.slice('sha256:'.length),
            blobCreated: CREATED,
          }),
      };
    },
  },
  {
    id: 'artifactory',
    host: 'acme.jfrog.io',
    repository: 'docker-local/app',
    inputs: { 'oidc-provider-name': 'github', 'oidc-audience': 'jfrog-github' },
    start: async () => {
      const double = artifactoryDouble({
        repositories: [],
        provider: { name: 'github', audience: 'jfrog-github', subject: SUBJECT },
        username: 'ci-bot',
      });
      const api = checked(double.hosts['acme.jfrog.io'] ?? missing, await readContract('artifactory'));
      const tokens = () => [...double.state.authorized].map((header) => header.replace(/^Bearer /, ''));
      return {
        auth: {
          accepts: (header) => tokens().some((token) => header === basic('ci-bot', token)),
          challenge: 'Basic realm="Artifactory Realm"',
        },
        hosts: (registry) => ({ 'acme.jfrog.io': { host: registry.host, api } }),
        checks: [api],
        learn: ({ tag, digest, mediaType }) =>
          void double.state.folders.push({
            repo: 'docker-local',
            path: `app/${tag}`,
            name: mediaType.includes('index') ? 'list.manifest.json' : 'manifest.json',
            sha256: digest.slice('sha256:'.length),
            created: CREATED,
          }),
      };
    },
  },
  amazon('ecr', '123456789012.dkr.ecr.eu-west-1.amazonaws.com', 'team/app', 'team/app'),
  amazon('ecr-public', 'public.ecr.aws', 'alias/app', 'app'),
  {
    id: 'artifact-registry',
    host: 'europe-docker.pkg.dev',
    repository: 'my-project/images/app',
    inputs: { 'workload-identity-provider': PROVIDER },
    start: async () => {
      const double = googleDouble({
        provider: PROVIDER,
        subject: SUBJECT,
        now: () => new Date(),
        permissions: ['artifactregistry.repositories.uploadArtifacts'],
      });
      const sts = checked(double.hosts['sts.googleapis.com'] ?? missing, await readContract('google-sts'));
      const api = checked(
        double.hosts['artifactregistry.googleapis.com'] ?? missing,
        await readContract('artifact-registry'),
      );
      return {
        auth: {
          accepts: (header) => [...double.state.tokens].some((token) => header === basic('oauth2accesstoken', token)),
          challenge: 'Basic realm="Artifact Registry"',
        },
        hosts: (registry) => ({
          'europe-docker.pkg.dev': registry,
          'sts.googleapis.com': sts,
          'artifactregistry.googleapis.com': api,
        }),
        checks: [sts, api],
        freeze: () => {
          const name = 'projects/my-project/locations/europe/repositories/images';
          double.state.repositories.set(name, { name, dockerConfig: { immutableTags: true } });
        },
        learn: ({ tag, digest }) => {
          const held = double.state.images.find((image) => image.digest === digest);
          if (held !== undefined) held.tags = [...held.tags, tag];
          else
            double.state.images.push({
              uri: `europe-docker.pkg.dev/my-project/images/app@${digest}`,
              digest,
              package: 'app',
              tags: [tag],
            });
        },
      };
    },
  },
  {
    id: 'acr',
    host: 'acme.azurecr.io',
    repository: 'org/app',
    inputs: { 'azure-client-id': CLIENT, 'azure-tenant-id': TENANT },
    start: async () => {
      const host = 'acme.azurecr.io';
      const options = { now: () => new Date(), host, tenant: TENANT, client: CLIENT, subject: SUBJECT };
      const images: AcrImage[] = [];
      const double = azureDouble({ ...options, repositories: { 'org/app': { images } } });
      const own = double.hosts[host] ?? missing;
      const api = checked(own, await readContract('acr'), under('/acr/', '/oauth2/exchange'));
      return {
        auth: {
          accepts: (header) => double.state.issued.some((token) => header === `Bearer ${token}`),
          challenge: `Bearer realm="https://${host}/oauth2/token",service="${host}"`,
        },
        hosts: (registry) => ({
          [host]: { host: registry.host, api },
          'login.microsoftonline.com': double.hosts['login.microsoftonline.com'] ?? missing,
        }),
        checks: [api],
        learn: ({ tag, digest, bytes }) => {
          const held = images.find((image) => image.digest === digest);
          if (held === undefined) images.push({ digest, tags: [tag], size: bytes, created: CREATED });
          else held.tags.push(tag);
        },
        freeze: ({ tag, digest }) => void images.push({ digest, tags: [tag], size: 1, created: CREATED, locked: true }),
        forget: (digest) =>
          void images.splice(
            images.findIndex((image) => image.digest === digest),
            1,
          ),
      };
    },
  },
  {
    id: 'harbor',
    host: 'harbor.example.com',
    // A slash in the name behind the project is encoded twice.
    repository: 'team/services/app',
    inputs: {
      registry: 'harbor.example.com',
      username: 'robot$ci',
      password: PASSWORD,
      'registry-type': 'harbor.example.com=harbor',
    },
    start: async () => {
      const host = 'harbor.example.com';
      const double = harborDouble({ host, users: { robot$ci: PASSWORD } });
      const api = checked(double.hosts[host] ?? missing, await readContract('harbor'), under('/api/'));
      return {
        auth: double.auth,
        hosts: (registry) => ({ [host]: { host: registry.host, api } }),
        checks: [api],
        freeze: ({ tag, digest }) => {
          const held = { digest, tags: [tag], immutable: true };
          double.state.projects.set('team', { repositories: { 'services/app': [held] } });
        },
        learn: ({ tag, digest }) => {
          const project = double.state.projects.get('team');
          const artifacts = project?.repositories?.['services/app'] ?? [];
          const held = artifacts.find((artifact) => artifact.digest === digest);
          if (held !== undefined) held.tags.push(tag);
          else artifacts.push({ digest, tags: [tag] });
          double.state.projects.set('team', { ...project, repositories: { 'services/app': artifacts } });
        },
      };
    },
  },
  {
    id: 'distribution',
    host: 'registry.example.com',
    repository: 'team/app',
    inputs: { registry: 'registry.example.com', username: 'ci', password: PASSWORD },
    registry: { deletes: 'digests and tags' },
    start: async () => ({
      auth: { basic: { username: 'ci', password: PASSWORD } },
      hosts: (registry) => ({ 'registry.example.com': registry }),
      checks: [],
      learn: () => undefined,
    }),
  },
];

const missing: Service = () => ({ status: 500, body: 'the double has no such host' });

/** Docker Hub once more, without a stored secret. */
export const KEYLESS_HUB: Row = {
  id: 'docker-hub',
  host: 'docker.io',
  repository: 'acme/app',
  inputs: { 'dockerhub-connection-id': CLIENT, 'dockerhub-organization': 'acme' },
  start: async () => {
    const double = dockerHubDouble({
      now: () => new Date(),
      connection: { id: CLIENT, audience: 'https://identity.docker.com', subjects: [SUBJECT] },
    });
    const identity = checked(double.hosts['identity.docker.com'], await readContract('docker-hub'));
    return {
      auth: {
        accepts: (header) => double.state.issued.some(({ token }) => header === basic('acme', token)),
        challenge: 'Basic realm="Docker Hub"',
      },
      hosts: (registry) => ({ 'registry-1.docker.io': registry, 'identity.docker.com': identity }),
      checks: [identity],
      learn: () => undefined,
    };
  },
};
