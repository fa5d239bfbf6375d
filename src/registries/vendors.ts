import type { VendorId } from '../inputs/vendors.ts';
import { acr } from './acr.ts';
import { artifactRegistry } from './artifact-registry.ts';
import { artifactory } from './artifactory.ts';
import { distribution } from './distribution.ts';
import { dockerHub } from './docker-hub.ts';
import { ecr } from './ecr.ts';
import { ecrPublic } from './ecr-public.ts';
import { ghcr } from './ghcr.ts';
import { harbor } from './harbor.ts';
import { nexus } from './nexus.ts';
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
