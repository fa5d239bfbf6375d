import type { RegistryTraits } from './inventory.ts';

/** A registry that promises nothing: what an unknown one is taken for. */
const PLAIN: RegistryTraits = {
  vendor: 'distribution',
  pushed: 'unknown',
  pulled: 'none',
  lastTagDeletesDigest: false,
  lastTaggedIsUndeletable: false,
  canUntag: true,
  listsUntagged: false,
  cascadesReferrers: false,
  cascadesChildren: false,
  needsGarbageCollection: true,
};

const HOSTED: RegistryTraits = { ...PLAIN, pushed: 'upload', listsUntagged: true, needsGarbageCollection: false };

/** Each vendor's ways of dating, untagging and deleting, by the ids of `src/registries`. */
export const REGISTRY_TRAITS = {
  // One manifest is one version with all its tags; an untag replaces the tag and deletes the replacement.
  ghcr: { ...HOSTED, vendor: 'ghcr', lastTaggedIsUndeletable: true },
  // Only tags are listed. https://docs.docker.com/reference/api/hub/latest/
  'docker-hub': { ...HOSTED, vendor: 'docker-hub', pushed: 'last-write', pulled: 'unreliable', listsUntagged: false },
  // https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchDeleteImage.html
  ecr: { ...HOSTED, vendor: 'ecr', pulled: 'daily', lastTagDeletesDigest: true },
  'ecr-public': { ...HOSTED, vendor: 'ecr-public', lastTagDeletesDigest: true },
  'artifact-registry': { ...HOSTED, vendor: 'artifact-registry' },
  acr: { ...HOSTED, vendor: 'acr', cascadesReferrers: true },
  // `push_time` of an artifact stays when a tag moves; that of the tag tells.
  harbor: {
    ...HOSTED,
    vendor: 'harbor',
    pulled: 'recorded',
    cascadesReferrers: true,
    cascadesChildren: true,
    needsGarbageCollection: true,
  },
  // A tag is a component of Nexus, and a folder of Artifactory: with the last one of a digest, its manifest is gone.
  nexus: {
    ...HOSTED,
    vendor: 'nexus',
    pulled: 'recorded',
    lastTagDeletesDigest: true,
    listsUntagged: false,
    needsGarbageCollection: true,
  },
  artifactory: {
    ...HOSTED,
    vendor: 'artifactory',
    pulled: 'recorded',
    lastTagDeletesDigest: true,
    listsUntagged: false,
  },
  distribution: PLAIN,
} as const satisfies Readonly<Record<string, RegistryTraits>>;

/** The traits of a vendor; of an unknown one, those of a plain registry. */
export function registryTraits(vendor: string): RegistryTraits {
  const known: Readonly<Record<string, RegistryTraits>> = REGISTRY_TRAITS;
  return Object.hasOwn(known, vendor) ? (known[vendor] ?? PLAIN) : { ...PLAIN, vendor };
}
