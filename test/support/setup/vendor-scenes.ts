import type { CloudRequest, Service } from '../cloud.ts';
import { checked } from '../contract/checked.ts';
import { readContract } from '../contract/read.ts';
import { artifactoryContract, artifactorySetupDouble } from '../vendors/artifactory-setup.ts';
import { azureContract, azureSetupDouble } from '../vendors/azure-setup.ts';
import { googleSetupDouble } from '../vendors/google-setup.ts';
import { harborSetupDouble } from '../vendors/harbor-setup.ts';
import { hubSetupDouble } from '../vendors/hub-setup.ts';
import { nexusSetupDouble } from '../vendors/nexus-setup.ts';
import { jwt, oidcDouble } from '../vendors/oidc.ts';

/** A vendor to set up with the built action: its hosts, how to log in, and what of its requests only reads. */
export interface VendorScene {
  readonly hosts: Readonly<Record<string, Service>>;
  readonly inputs: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly problems: () => readonly string[];
  /** Writes that are no writes: logins. */
  readonly logins?: RegExp;
}

type Before = (request: CloudRequest) => ReturnType<Service> | undefined;

export const AZURE_RESOURCE =
  '/subscriptions/7c1e0000-0000-4000-8000-000000000001/resourceGroups/registries/providers/Microsoft.ContainerRegistry/registries/acmeprod';
export const HARBOR_LOGIN = { host: 'harbor.acme.example', user: 'admin', password: 'harbor-password' };
const UUID = '1b6a2c1e-3f40-4a8e-8d11-5d3f8a9b0c11';
const missing: Service = () => ({ status: 500 });

/** The vendors by the heading of their example in docs/setup.md. */
export const VENDOR_SCENES: Readonly<Record<string, (before?: Before) => Promise<VendorScene>>> = {
  'Google Artifact Registry': async (before) => {
    const double = googleSetupDouble({ token: 'ya29.token' });
    const api = checked(
      guarded(double.hosts['artifactregistry.googleapis.com'], before),
      await readContract('artifact-registry'),
    );
    return {
      hosts: { 'artifactregistry.googleapis.com': api },
      inputs: { registry: 'europe-docker.pkg.dev', username: 'oauth2accesstoken', password: 'ya29.token' },
      problems: () => api.problems,
    };
  },
  'Azure Container Registry': (before) => azureScene(azureSetupDouble({ resource: AZURE_RESOURCE }), before),
  Harbor: (before) => harborScene(harborSetupDouble(HARBOR_LOGIN), before),
  'Docker Hub': async (before) => {
    const double = hubSetupDouble({ user: 'acme', password: 'hub-password', teams: { acme: ['ci', 'ops'] } });
    const api = checked(guarded(double.hosts['hub.docker.com'], before), await readContract('docker-hub'));
    return {
      hosts: { 'hub.docker.com': api },
      inputs: { username: 'acme', password: 'hub-password' },
      problems: () => api.problems,
      logins: /^\/v2\/auth\/token$/,
    };
  },
  'GitHub Container Registry': async () => ({ hosts: { 'ghcr.io': missing }, inputs: {}, problems: () => [] }),
  'Sonatype Nexus': async (before) => {
    const host = 'nexus.acme.example';
    const double = nexusSetupDouble({ host, user: 'admin', password: 'nexus-password' });
    const api = checked(guarded(double.hosts[host] ?? missing, before), await readContract('nexus'));
    return {
      hosts: { [host]: api },
      inputs: { registry: host, username: 'admin', password: 'nexus-password', 'registry-type': `${host}=nexus` },
      env: { HUB_TOKEN: 'hub-token' },
      problems: () => api.problems,
    };
  },
  'JFrog Artifactory': async (before) => {
    const host = 'acme.jfrog.io';
    const double = artifactorySetupDouble({ host, user: 'admin', password: 'jfrog-password' });
    const api = checked(
      guarded(double.hosts[host] ?? missing, before),
      artifactoryContract(await readContract('artifactory')),
    );
    return {
      hosts: { [host]: api },
      inputs: { registry: host, username: 'admin', password: 'jfrog-password' },
      env: { HUB_TOKEN: 'hub-token' },
      problems: () => api.problems,
    };
  },
};

/** Azure with a double of one's own. */
export async function azureScene(double: ReturnType<typeof azureSetupDouble>, before?: Before): Promise<VendorScene> {
  const contract = azureContract(await readContract('acr-arm'), AZURE_RESOURCE);
  const api = checked(guarded(double.hosts['management.azure.com'], before), contract);
  const oidc = oidcDouble();
  const entra: Service = () => ({ status: 200, body: { access_token: jwt({ exp: 4_000_000_000 }) } });
  const registry: Service = ({ url }) =>
    url.pathname.startsWith('/oauth2/exchange')
      ? { status: 200, body: { refresh_token: jwt({ exp: 4_000_000_000 }) } }
      : url.pathname.startsWith('/oauth2/token')
        ? { status: 200, body: { access_token: jwt({ exp: 4_000_000_000 }) } }
        : { status: 200, body: { repositories: null } };
  return {
    hosts: {
      'management.azure.com': api,
      'login.microsoftonline.com': entra,
      'acmeprod.azurecr.io': registry,
      ...oidc.hosts,
    },
    inputs: { 'azure-client-id': UUID, 'azure-tenant-id': UUID },
    env: { HOOK_TOKEN: 'hook-token', ...oidc.env },
    problems: () => api.problems,
    logins: /\/oauth2\//,
  };
}

/** Harbor with a double of one's own. */
export async function harborScene(double: ReturnType<typeof harborSetupDouble>, before?: Before): Promise<VendorScene> {
  const { host, user: username, password } = HARBOR_LOGIN;
  const api = checked(guarded(double.hosts[host] ?? missing, before), await readContract('harbor'));
  return {
    hosts: { [host]: api },
    inputs: { registry: host, username, password, 'registry-type': `${host}=harbor` },
    env: { HUB_TOKEN: 'hub-token', EU_TOKEN: 'eu-token' },
    problems: () => api.problems,
  };
}

/** A service behind one that may answer first. */
function guarded(service: Service, before: Before = () => undefined): Service {
  return async (request) => (await before(request)) ?? service(request);
}
