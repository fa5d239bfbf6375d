import type { VendorId } from '../inputs/vendors.ts';
import type { SetupDefinition } from './setup-port.ts';

/** How to set up each kind of registry; loaded for the registries that a file names. */
const DEFINITIONS: { readonly [Id in VendorId]?: () => Promise<SetupDefinition> } = {
  ecr: async () => (await import('./aws/setup/ecr-setup.ts')).ecrSetup,
  'ecr-public': async () => (await import('./aws/setup/ecr-public-setup.ts')).ecrPublicSetup,
};

/** Undefined: this kind of registry has nothing that could be set up through an API. */
export async function setupDefinition(vendor: VendorId): Promise<SetupDefinition | undefined> {
  return DEFINITIONS[vendor]?.();
}
