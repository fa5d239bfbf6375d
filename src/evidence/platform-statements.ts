import type { Digest } from '../domain/digest.ts';
import { type Descriptor, isIndexType, type ManifestBytes } from '../domain/manifest.ts';
import { platformName } from '../domain/platform.ts';
import {
  combinePlatforms,
  type FoundStatements,
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
import type { BundleChecker } from '../sigstore/verify-bundle.ts';
import { readSignatures } from './signatures.ts';

/** Far above the platforms and nested indexes of any real image. */
const MAX_MANIFESTS = 200;

/**
 * Applies a policy to a multi-platform image: SBOMs and vulnerability reports describe one platform, so every platform
 * needs its own. All others are looked up for the index only.
 * @param found signed statements about the index
 * @throws ActionError when the registry cannot be read, TOO_LARGE
 */
export async function verifyImageStatements(
  repository: Repository,
  found: FoundStatements,
  policy: VerificationPolicy,
  check: BundleChecker,
): Promise<VerificationResult> {
  const result = verifyStatements(found, policy);
  const predicateTypes = result.requirements
    .filter(({ met, predicateType }) => met === undefined && isPerPlatform(predicateType))
    .map(({ predicateType }) => predicateType);
  if (predicateTypes.length === 0) return result;
  const platforms = await platformsOf(repository, policy.digest);
  const results: PlatformResult[] = [];
  for (const { digest, name } of platforms) {
    const own = await readSignatures(repository, digest, check);
    results.push({ name, result: verifyStatements(own, { ...policy, digest, predicateTypes }) });
  }
  return combinePlatforms(result, results);
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
