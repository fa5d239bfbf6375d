import pLimit from 'p-limit';
import type { Digest } from '../domain/digest.ts';
import { type Fields, fieldsOf, isFields } from '../domain/fields.ts';
import { type Descriptor, type ManifestBytes, MEDIA_TYPES } from '../domain/manifest.ts';
import { type Parsed, problems } from '../domain/parsed.ts';
import { PROMOTION_TYPE } from '../domain/promotion/record.ts';
import { PREDICATES } from '../domain/trust/predicates.ts';
import type {
  FoundStatements,
  RejectedStatement,
  SignedStatement,
  StatementFormat,
} from '../domain/trust/verification.ts';
import { cosignTags, descriptorOf } from '../oci/client/referrers.ts';
import type { Repository } from '../oci/client/repository.ts';
import type { BundleChecker } from '../sigstore/verify-bundle.ts';
import { type CheckedStatement, checked, parseJson, payloadOf, readBundleStatement } from './bundle-statement.ts';
import { DSSE_ENVELOPE, legacyBundle, SIMPLE_SIGNING, simpleSigningStatement } from './legacy-signatures.ts';

/** Attachments of an image that are signed, or claim to be. */
export interface SignaturesOfImage extends FoundStatements {
  /** Manifests with a signature that only notation can verify. */
  readonly notary: readonly Digest[];
  /** Sentences about lists that are unreadable or too long: they may hide something. */
  readonly unread: readonly string[];
}

/** Maximum number of manifests to open. */
const MAX_MANIFESTS = 200;
/** Maximum layers per manifest: cosign 2 adds one for each signature. */
const MAX_LAYERS = 50;
/** An SBOM of a large image, encoded twice. */
const MAX_LAYER_BYTES = 128 * 1024 * 1024;
const MAX_CONCURRENT_READS = 6;

const BUNDLE_TYPE = /^application\/vnd\.dev\.sigstore\.bundle(?:\.v0\.\d+\+json|\+json;version=0\.\d)$/;
/** A manifest's description of the statement in its bundle. */
const PREDICATE_TYPE = 'dev.sigstore.bundle.predicateType';
const NOTARY_TYPE = 'application/vnd.cncf.notary.signature';
/** Referrers that are never signatures and need not be opened. */
const OTHER_TYPES: readonly unknown[] = [PROMOTION_TYPE, MEDIA_TYPES.dockerAttestation];

/**
 * Reads everything signed about an existing image: bundles among its referrers (cosign 3, GitHub's attestations, ours),
 * and the tags `.sig` and `.att` of cosign 2, which are read even if there are bundles. Opens every manifest, because
 * lists of older tools do not show the type.
 * @throws ActionError when the registry cannot be read: a failed lookup never means "unsigned"
 */
export async function readSignatures(
  repository: Repository,
  digest: Digest,
  check: BundleChecker,
): Promise<SignaturesOfImage> {
  const [referrers, ...tagged] = await Promise.all([
    repository.referrers(digest),
    ...cosignTags(digest)
      .filter((tag) => !tag.endsWith('.sbom'))
      .map((tag) => repository.get(tag)),
  ]);
  const listed = referrers.manifests
    .filter(({ artifactType }) => !OTHER_TYPES.includes(artifactType))
    .toSorted(bundlesFirst);
  const limit = pLimit(MAX_CONCURRENT_READS);
  const manifests = await limit.map(listed.slice(0, MAX_MANIFESTS), async (descriptor) => ({
    descriptor,
    manifest: await repository.get(descriptor.digest),
  }));
  const found: Reading[] = [];
  const rejected: RejectedStatement[] = [];
  const notary: Digest[] = [];
  for (const { descriptor, manifest } of manifests) {
    if (manifest === undefined) {
      if (BUNDLE_TYPE.test(descriptor.artifactType ?? '')) {
        rejected.push({
          format: 'sigstore bundle',
          manifest: descriptor.digest,
          reason: 'it is listed, and its manifest does not exist',
        });
      }
      continue;
    }
    const { fields, layers } = contentOf(manifest);
    if (fields.artifactType === NOTARY_TYPE || fieldsOf(fields.config).mediaType === NOTARY_TYPE) {
      notary.push(descriptor.digest);
    }
    found.push(
      ...layers
        .filter(({ mediaType }) => BUNDLE_TYPE.test(mediaType))
        .map((layer): Reading => ({ format: 'sigstore bundle', manifest: descriptor.digest, layer })),
    );
  }
  for (const manifest of tagged) {
    if (manifest === undefined) continue;
    const formats: Readonly<Record<string, StatementFormat>> = {
      [SIMPLE_SIGNING]: 'cosign 2 signature',
      [DSSE_ENVELOPE]: 'cosign 2 attestation',
    };
    for (const layer of contentOf(manifest).layers.slice(0, MAX_LAYERS)) {
      const format = formats[layer.mediaType];
      if (format !== undefined) found.push({ format, manifest: manifest.descriptor.digest, layer });
    }
  }
  const read = await limit.map(found, async (reading) => ({
    reading,
    result: await readLayer(repository, reading, check),
  }));
  const signed: SignedStatement[] = [];
  for (const { reading, result } of read) {
    const { format, manifest } = reading;
    if (result.ok) signed.push({ format, manifest, ...result.value });
    else rejected.push({ format, manifest, reason: result.problems.join('; ') });
  }
  const excess = listed.length - MAX_MANIFESTS;
  return {
    signed,
    rejected,
    notary,
    unread: [
      ...referrers.problems,
      ...(excess > 0
        ? [`${excess} of the manifests that refer to ${digest} were not opened: there are too many.`]
        : []),
    ],
  };
}

/**
 * Whether an existing image has any attachment that looks like a signature, by any signer, so that a run need not
 * sign again.
 * @throws ActionError when the registry cannot be read
 */
export async function hasSignature(repository: Repository, digest: Digest): Promise<boolean> {
  const { manifests } = await repository.referrers(digest);
  for (const { artifactType, digest: referrer } of manifests.toSorted(bundlesFirst).slice(0, MAX_MANIFESTS)) {
    if (OTHER_TYPES.includes(artifactType)) continue;
    const manifest = await repository.get(referrer);
    if (manifest === undefined) continue;
    const { fields, layers } = contentOf(manifest);
    const types = [fields.artifactType, fieldsOf(fields.config).mediaType, ...layers.map(({ mediaType }) => mediaType)];
    const { [PREDICATE_TYPE]: predicateType } = fieldsOf(fields.annotations);
    if (types.includes(NOTARY_TYPE) || predicateType === PREDICATES.signature) return true;
  }
  return false;
}

/** A layer that claims to be signed, and its source. */
interface Reading {
  readonly format: StatementFormat;
  readonly manifest: Digest;
  readonly layer: Descriptor;
}

async function readLayer(
  repository: Repository,
  { format, layer }: Reading,
  check: BundleChecker,
): Promise<Parsed<CheckedStatement>> {
  if (layer.size > MAX_LAYER_BYTES) return problems(`it has ${layer.size} bytes, more than are read`);
  const blob = Buffer.concat(await (await repository.getBlob(layer)).toArray());
  if (format === 'sigstore bundle') return readBundleStatement(check, blob);
  const bundle = legacyBundle(layer.mediaType, layer.annotations ?? {}, blob);
  if (!bundle.ok) return bundle;
  if (format === 'cosign 2 signature') {
    return checked(check(bundle.value, blob), () => simpleSigningStatement(blob));
  }
  return checked(check(bundle.value), ({ content }) =>
    content.$case === 'dsseEnvelope' ? payloadOf(content.dsseEnvelope) : problems('it is no envelope'),
  );
}

function contentOf({ bytes }: ManifestBytes): { readonly fields: Fields; readonly layers: readonly Descriptor[] } {
  const value = parseJson(bytes);
  const fields = isFields(value) ? value : {};
  const { layers } = fields;
  return { fields, layers: Array.isArray(layers) ? layers.flatMap((layer) => descriptorOf(layer) ?? []) : [] };
}

function bundlesFirst(one: Descriptor, other: Descriptor): number {
  const rank = ({ artifactType = '' }: Descriptor) => (BUNDLE_TYPE.test(artifactType) ? 0 : 1);
  return rank(one) - rank(other);
}
