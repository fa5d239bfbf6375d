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

/** Every kind of registry, in the order of the README's matrix. */
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
 * The vendor behind a host. What no pattern knows is a plain distribution registry, unless `types` says otherwise; a
 * vendor's credentials go to hosts that its own patterns know, or that the user named.
 * @param host as in image names
 * @param types `registry-type`, by host; under `*` that of all hosts which no pattern knows
 */
export function vendorOf(host: string, types: ReadonlyMap<string, VendorId> = new Map()): Vendor {
  const named = types.get(host);
  if (named !== undefined) return VENDORS[named];
  const known = Object.values(VENDORS).find(({ hosts }) => hosts.some((pattern) => pattern.test(host)));
  return known ?? VENDORS[types.get('*') ?? 'distribution'];
}
