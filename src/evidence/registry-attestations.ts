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
const CONFIG_LIMIT = 8 * 1024 * 1024;
/** Manifests that are read for one image. */
const MOST = 1000;
const PARALLEL = 4;

interface Platform {
  readonly name: string;
  readonly manifest: { readonly descriptor: Descriptor };
}

/**
 * Reads what an image in a registry says of itself: its platforms, and the SBOM and provenances inside it that are about
 * these very platforms. No layer is fetched, and an index that names its platforms costs nothing.
 *
 * What does not say for which platform it is, is `unknown/unknown`, and stays in the list: a client may run it all the same,
 * so whatever is required of each platform is required of it.
 * @param root the image, with its bytes
 * @param ask `statements: false` leaves the attestations alone: then only the names are known
 * @throws ActionErrors of ATTESTATION_MISMATCH when a statement is about another image
 * @throws ActionError TOO_LARGE, MANIFEST_UNKNOWN, DIGEST_MISMATCH; IMAGE_INVALID for what is no manifest or no statement
 */
export async function readAttested(
  repository: Repository,
  root: ManifestBytes,
  ask: { readonly statements: boolean },
): Promise<readonly PlatformEvidence[]> {
  const reader = createReader(repository, root);
  const children = isIndexType(root.descriptor.mediaType) ? await reader.childrenOf(root) : [root.descriptor];
  const limit = pLimit(PARALLEL);
  const images = children.filter(isRunnable);
  const platforms = await limit.map(images, async (each): Promise<Platform> => {
    return { name: await reader.nameOf(each), manifest: { descriptor: each } };
  });
  if (!ask.statements) return platforms.map(({ name }) => ({ name, provenances: [] }));
  const attestations = await limit.map(children.filter(isAttestation), async (each) =>
    readAttestation(each, await reader.manifest(each), (blob) => reader.blob(blob, STATEMENT_LIMIT)),
  );
  // Nothing is required here, that is for the policy of the environment; but nothing foreign is let pass.
  requireAttestations({ platforms, attestations }, { requireSbom: false, requireProvenance: false });
  return platforms.map(({ name, manifest }) => {
    const own = attestations.filter(({ reference }) => reference === manifest.descriptor.digest);
    return { name, ...evidenceOf(own.flatMap(({ statements }) => statements)) };
  });
}

/** A statement without a subject is about no image, so it is no evidence for this one. */
function evidenceOf(statements: readonly Statement[]): Omit<PlatformEvidence, 'name'> {
  const about = statements.filter(({ subjects }) => subjects.length > 0);
  // The environments of a build may have an SBOM each, beside the one of the image: their packages are not added up.
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
    if (reads > MOST) {
      throw new ActionError('TOO_LARGE', `${where(root.descriptor.digest)} has more than ${MOST} manifests to read.`, {
        facts,
      });
    }
    return getManifest(repository, digest);
  };

  const manifest = async (descriptor: Descriptor): Promise<ManifestDocument> => {
    const { bytes } = await get(descriptor);
    const document = parseManifest(bytes, descriptor.mediaType, where(descriptor.digest));
    if (document.kind === 'manifest') return document;
    throw new ActionError('IMAGE_INVALID', `${where(descriptor.digest)} is no manifest.`, { facts });
  };

  /** What an index lists, and the indexes in it, each once; what is neither manifest nor index, nobody can run. */
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
    // The stream ends with an error when there are more bytes than the descriptor says.
    return Buffer.concat(await (await repository.getBlob(descriptor)).toArray());
  };

  /** The index says it, and clients go by that; without a word of it they look into the config. */
  const nameOf = async (descriptor: Descriptor): Promise<string> => {
    const { platform } = descriptor;
    if (platform !== undefined && platform.os !== 'unknown' && platform.architecture !== 'unknown') {
      return platformName(platform);
    }
    const { config } = await manifest(descriptor);
    if (!isImageConfig(config)) return platformName(platformFields({}));
    return platformName(platformFields(parseDocument(await blob(config, CONFIG_LIMIT), where(config.digest))));
  };

  return { manifest, childrenOf, blob, nameOf };
}
