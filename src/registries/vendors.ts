import type { VendorId } from '../inputs/vendors.ts';
import { acr } from './acr/acr.ts';
import { artifactRegistry } from './artifact-registry/artifact-registry.ts';
import { artifactory } from './artifactory/artifactory.ts';
import { ecr } from './aws/ecr.ts';
import { ecrPublic } from './aws/ecr-public.ts';
import { distribution } from './distribution/distribution.ts';
import { dockerHub } from './docker-hub/docker-hub.ts';
import { ghcr } from './ghcr/ghcr.ts';
import { harbor } from './harbor/harbor.ts';
import { nexus } from './nexus/nexus.ts';
import type { Vendor } from './vendor.ts';

/** All kinds of registries, in the order of the README's matrix. */
export const VENDORS: Readonly<Record<VendorId, Vendor>> = {
  'docker-hub': dockerHub,
  ghcr,
  ecr,
  'ecr-public': ecrPublic,
  'artifact-registry': artifactRegistry,
  acr,
  harbor,
  nexus,
  artifactory,
  distribution,
};

/**
 * The vendor of a host. Hosts that match no pattern are plain distribution registries, unless `types` says otherwise. A
 * vendor's credentials are sent only to hosts that match its own patterns or that the user listed.
 * @param host as in image names
 * @param types `registry-type`, by host; `*` stands for all hosts without a matching pattern
 */
export function vendorOf(host: string, types: ReadonlyMap<string, VendorId> = new Map()): Vendor {
  const named = types.get(host);
  if (named !== undefined) return VENDORS[named];
  const known = Object.values(VENDORS).find(({ hosts }) => hosts.some((pattern) => pattern.test(host)));
  return known ?? VENDORS[types.get('*') ?? 'distribution'];
}
