import type { VendorId } from '../inputs/vendors.ts';
import type { SetupDefinition } from './setup-port.ts';

/** How to set up each kind of registry; loaded for the registries that a file names. */
const DEFINITIONS: { readonly [Id in VendorId]?: () => Promise<SetupDefinition> } = {
  'docker-hub': async () => (await import('./docker-hub/setup/setup.ts')).dockerHubSetup,
  ghcr: async () => (await import('./ghcr/setup/setup.ts')).ghcrSetup,
  ecr: async () => (await import('./aws/setup/ecr-setup.ts')).ecrSetup,
  'ecr-public': async () => (await import('./aws/setup/ecr-public-setup.ts')).ecrPublicSetup,
  'artifact-registry': async () => (await import('./artifact-registry/setup/setup.ts')).artifactRegistrySetup,
  acr: async () => (await import('./acr/setup/setup.ts')).acrSetup,
  harbor: async () => (await import('./harbor/setup/setup.ts')).harborSetup,
  nexus: async () => (await import('./nexus/setup/setup.ts')).nexusSetup,
  artifactory: async () => (await import('./artifactory/setup/setup.ts')).artifactorySetup,
};

/** Undefined: this kind of registry has nothing that could be set up through an API. */
export async function setupDefinition(vendor: VendorId): Promise<SetupDefinition | undefined> {
  return DEFINITIONS[vendor]?.();
}
