import pLimit from 'p-limit';
import type { Digest } from '../domain/digest.ts';
import { type Descriptor, isIndexType, type ManifestBytes } from '../domain/manifest.ts';
import { platformName } from '../domain/platform.ts';
import {
  combinePlatforms,
  isPerPlatform,
  type PlatformResult,
  type VerificationPolicy,
  type VerificationResult,
  verifyStatements,
} from '../domain/trust/verification.ts';
import { ActionError } from '../errors/action-error.ts';
import type { Repository } from '../oci/client/repository.ts';
import { isRunnable } from '../oci/image/attestation-manifest.ts';
import { parseManifest } from '../oci/image/document.ts';
import type { OpenSignatures } from './signatures.ts';

/** Far above the platforms and nested indexes of any real image. */
const MAX_MANIFESTS = 200;
const MAX_CONCURRENT_PLATFORMS = 4;

/**
 * Verifies an image with the statements that claim to be what the policy requires, and with all others only if these are not
 * enough: then the reasons name everything that was found. SBOMs and vulnerability reports describe one platform, so every
 * platform needs its own; all other statements are about the index.
 * @throws ActionError when the registry cannot be read, TOO_LARGE
 */
export async function verifySignedImage(
  repository: Repository,
  open: OpenSignatures,
  policy: VerificationPolicy,
): Promise<VerificationResult> {
  const signatures = open(policy.digest);
  const claimed = verifyStatements(await signatures.claiming(policy.predicateTypes), policy);
  const predicateTypes = claimed.requirements
    .filter(({ met, predicateType }) => met === undefined && isPerPlatform(predicateType))
    .map(({ predicateType }) => predicateType);
  const platforms =
    predicateTypes.length === 0 ? [] : await verifyPlatforms(repository, open, { ...policy, predicateTypes });
  const result = combinePlatforms(claimed, platforms);
  return result.verified ? result : combinePlatforms(verifyStatements(await signatures.all(), policy), platforms);
}

async function verifyPlatforms(
  repository: Repository,
  open: OpenSignatures,
  policy: VerificationPolicy,
): Promise<readonly PlatformResult[]> {
  const platforms = await platformsOf(repository, policy.digest);
  const limit = pLimit(MAX_CONCURRENT_PLATFORMS);
  return limit.map([...platforms], async ({ digest, name }): Promise<PlatformResult> => {
    const signatures = open(digest);
    const claimed = verifyStatements(await signatures.claiming(policy.predicateTypes), { ...policy, digest });
    return {
      name,
      result: claimed.verified ? claimed : verifyStatements(await signatures.all(), { ...policy, digest }),
    };
  });
}

/** The runnable manifests of an index, including nested ones; empty for a single-platform image. */
async function platformsOf(
  repository: Repository,
  root: Digest,
): Promise<readonly { readonly digest: Digest; readonly name: string }[]> {
  const found = new Map<Digest, string>();
  const seen = new Set<Digest>();
  const visit = async ({ descriptor, bytes }: ManifestBytes): Promise<void> => {
    seen.add(descriptor.digest);
    if (seen.size + found.size > MAX_MANIFESTS) {
      throw new ActionError(
        'TOO_LARGE',
        `${repository.host}/${repository.name}@${root} has too many manifests to verify.`,
      );
    }
    const document = parseManifest(
      bytes,
      descriptor.mediaType,
      `${repository.host}/${repository.name}@${descriptor.digest}`,
    );
    for (const child of document.kind === 'index' ? document.manifests.filter(isRunnable) : []) {
      if (!isIndexType(child.mediaType)) found.set(child.digest, nameOf(child));
      else if (!seen.has(child.digest)) await visit(await read(repository, child.digest));
    }
  };
  await visit(await read(repository, root));
  return [...found].map(([digest, name]) => ({ digest, name }));
}

async function read(repository: Repository, digest: Digest): Promise<ManifestBytes> {
  const manifest = await repository.get(digest);
  if (manifest !== undefined) return manifest;
  throw new ActionError('MANIFEST_UNKNOWN', `${repository.host}/${repository.name}@${digest} does not exist.`, {
    facts: { registry: repository.host, repository: repository.name, reference: digest, operation: 'read' },
  });
}

function nameOf({ platform, digest }: Descriptor): string {
  return platform === undefined ? digest : platformName(platform);
}
