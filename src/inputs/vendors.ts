/** The supported kinds of registries: the values of `registry-type`. */
export const VENDOR_IDS = [
  'docker-hub',
  'ghcr',
  'ecr',
  'ecr-public',
  'artifact-registry',
  'acr',
  'harbor',
  'nexus',
  'artifactory',
  'distribution',
] as const;

export type VendorId = (typeof VENDOR_IDS)[number];
