import pLimit from 'p-limit';
import type { Digest } from '../domain/digest.ts';
import { type Descriptor, isImageConfig, isIndexType, MANIFEST_TYPES, type ManifestBytes } from '../domain/manifest.ts';
import { platformName } from '../domain/platform.ts';
import type { PlatformEvidence } from '../domain/promotion/judge.ts';
import { ActionError } from '../errors/action-error.ts';
import { getManifest } from '../oci/client/manifest.ts';
import type { Repository } from '../oci/client/repository.ts';
import { isAttestation, isRunnable, readAttestation } from '../oci/image/attestation-manifest.ts';
import { requireAttestations } from '../oci/image/attestations.ts';
import { type ManifestDocument, parseDocument, parseManifest, platformFields } from '../oci/image/document.ts';
import type { Statement } from '../oci/image/image.ts';
import { STATEMENT_LIMIT } from '../oci/image/statement.ts';

/** Largest image config that is read. */
const MAX_CONFIG_BYTES = 8 * 1024 * 1024;
/** Maximum number of manifests read per image. */
const MAX_READS = 1000;
const MAX_CONCURRENT_READS = 4;

interface Platform {
  readonly name: string;
  readonly manifest: { readonly descriptor: Descriptor };
}

/**
 * Reads what a registry image contains about itself: its platforms, and the SBOMs and provenances about them. Fetches
 * no layers, and an index that names its platforms needs no extra requests.
 *
 * A manifest without a platform is listed as `unknown/unknown`: clients could still run it, so requirements for every
 * platform apply to it too.
 * @param root the image, with its bytes
 * @param ask `statements: false` skips the attestations: then only their names are known
 * @throws ActionErrors of ATTESTATION_MISMATCH when a statement is about another image
 * @throws ActionError TOO_LARGE, MANIFEST_UNKNOWN, DIGEST_MISMATCH; IMAGE_INVALID for an invalid manifest or statement
 */
export async function readAttested(
  repository: Repository,
  root: ManifestBytes,
  ask: { readonly statements: boolean },
): Promise<readonly PlatformEvidence[]> {
  const reader = createReader(repository, root);
  const children = isIndexType(root.descriptor.mediaType) ? await reader.childrenOf(root) : [root.descriptor];
  const limit = pLimit(MAX_CONCURRENT_READS);
  const images = children.filter(isRunnable);
  const platforms = await limit.map(images, async (each): Promise<Platform> => {
    return { name: await reader.nameOf(each), manifest: { descriptor: each } };
  });
  if (!ask.statements) return platforms.map(({ name }) => ({ name, provenances: [] }));
  const attestations = await limit.map(children.filter(isAttestation), async (each) =>
    readAttestation(each, await reader.manifest(each), (blob) => reader.blob(blob, STATEMENT_LIMIT)),
  );
  // Requirements are up to the environment's policy; foreign statements are rejected here.
  requireAttestations({ platforms, attestations }, { requireSbom: false, requireProvenance: false });
  return platforms.map(({ name, manifest }) => {
    const own = attestations.filter(({ reference }) => reference === manifest.descriptor.digest);
    return { name, ...evidenceOf(own.flatMap(({ statements }) => statements)) };
  });
}

/** A statement without a subject is about no image, so it is no evidence for this one. */
function evidenceOf(statements: readonly Statement[]): Omit<PlatformEvidence, 'name'> {
  const about = statements.filter(({ subjects }) => subjects.length > 0);
  // Build environments may have SBOMs besides the image's own: their packages are not added up.
  const sboms = about.flatMap(({ kind, packages = 0 }) => (kind === 'sbom' ? [packages] : []));
  const provenances = about.filter(({ kind }) => kind === 'provenance');
  return {
    ...(sboms.length === 0 ? {} : { sbomPackages: Math.max(...sboms) }),
    provenances: provenances.map(({ builderId, repository, commit }) => ({
      ...(builderId === undefined ? {} : { builder: builderId }),
      ...(repository === undefined ? {} : { repository }),
      ...(commit === undefined ? {} : { commit }),
    })),
  };
}

function createReader(repository: Repository, root: ManifestBytes) {
  const where = (digest: Digest) => `${repository.host}/${repository.name}@${digest}`;
  const facts = { registry: repository.host, repository: repository.name, reference: root.descriptor.digest };
  let reads = 0;

  const get = async ({ digest }: Descriptor): Promise<ManifestBytes> => {
    if (digest === root.descriptor.digest) return root;
    reads += 1;
    if (reads > MAX_READS) {
      throw new ActionError(
        'TOO_LARGE',
        `${where(root.descriptor.digest)} has more than ${MAX_READS} manifests to read.`,
        {
          facts,
        },
      );
    }
    return getManifest(repository, digest);
  };

  const manifest = async (descriptor: Descriptor): Promise<ManifestDocument> => {
    const { bytes } = await get(descriptor);
    const document = parseManifest(bytes, descriptor.mediaType, where(descriptor.digest));
    if (document.kind === 'manifest') return document;
    throw new ActionError('IMAGE_INVALID', `${where(descriptor.digest)} is no manifest.`, { facts });
  };

  /** The entries of an index and of nested ones, without duplicates; other content cannot be run. */
  const childrenOf = async (index: ManifestBytes): Promise<readonly Descriptor[]> => {
    const found = new Map<string, Descriptor>();
    const seen = new Set<Digest>();
    const visit = async ({ descriptor, bytes }: ManifestBytes): Promise<void> => {
      seen.add(descriptor.digest);
      const document = parseManifest(bytes, descriptor.mediaType, where(descriptor.digest));
      for (const each of document.kind === 'index' ? document.manifests : []) {
        if (!MANIFEST_TYPES.includes(each.mediaType)) continue;
        if (!isIndexType(each.mediaType))
          found.set(JSON.stringify([each.digest, each.platform, each.annotations]), each);
        else if (!seen.has(each.digest)) await visit({ ...(await get(each)), descriptor: each });
      }
    };
    await visit(index);
    return [...found.values()];
  };

  const blob = async (descriptor: Descriptor, limit: number): Promise<Uint8Array> => {
    const { digest, size } = descriptor;
    if (size > limit) {
      const what = `${where(digest)} has ${size} bytes, more than the ${limit} that are read.`;
      throw new ActionError('TOO_LARGE', what, { facts: { ...facts, reference: digest } });
    }
    // The stream fails when it exceeds the size in the descriptor.
    return Buffer.concat(await (await repository.getBlob(descriptor)).toArray());
  };

  /** Clients choose by the platform in the index; if it is missing, they read the config. */
  const nameOf = async (descriptor: Descriptor): Promise<string> => {
    const { platform } = descriptor;
    if (platform !== undefined && platform.os !== 'unknown' && platform.architecture !== 'unknown') {
      return platformName(platform);
    }
    const { config } = await manifest(descriptor);
    if (!isImageConfig(config)) return platformName(platformFields({}));
    return platformName(platformFields(parseDocument(await blob(config, MAX_CONFIG_BYTES), where(config.digest))));
  };

  return { manifest, childrenOf, blob, nameOf };
}
