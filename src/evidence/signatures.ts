import pLimit from 'p-limit';
import type { Digest } from '../domain/digest.ts';
import { type Fields, fieldsOf, isFields } from '../domain/fields.ts';
import { type Descriptor, type ManifestBytes, MEDIA_TYPES } from '../domain/manifest.ts';
import { once } from '../domain/once.ts';
import { type Parsed, parsed, problems } from '../domain/parsed.ts';
import { PROMOTION_TYPE } from '../domain/promotion/record.ts';
import { isPredicateType, PREDICATES } from '../domain/trust/predicates.ts';
import type {
  FoundStatements,
  RejectedStatement,
  SignedStatement,
  StatementFormat,
} from '../domain/trust/verification.ts';
import { ActionError } from '../errors/action-error.ts';
import { cosignTags, descriptorOf } from '../oci/client/referrers.ts';
import type { Repository } from '../oci/client/repository.ts';
import type { BundleChecker } from '../sigstore/verify-bundle.ts';
import {
  type CheckedStatement,
  checked,
  claimedType,
  parseJson,
  payloadOf,
  readBundleStatement,
} from './bundle-statement.ts';
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
/** Of all attachments of an image: they are kept until it is verified. */
const MAX_TOTAL_BYTES = 512 * 1024 * 1024;
const MAX_CONCURRENT_READS = 6;

const BUNDLE_TYPE = /^application\/vnd\.dev\.sigstore\.bundle(?:\.v0\.\d+\+json|\+json;version=0\.\d)$/;
/** A manifest's description of the statement in its bundle. */
const PREDICATE_TYPE = 'dev.sigstore.bundle.predicateType';
const NOTARY_TYPE = 'application/vnd.cncf.notary.signature';
/** Referrers that are never signatures and need not be opened. */
const OTHER_TYPES: readonly unknown[] = [PROMOTION_TYPE, MEDIA_TYPES.dockerAttestation];

/** The same for several policies: what was read for one is not requested again for the next. */
export function rememberSignatures(open: OpenSignatures): OpenSignatures {
  const readers = new Map<Digest, SignatureReader>();
  return (digest) => {
    const reader = readers.get(digest) ?? open(digest);
    readers.set(digest, reader);
    return reader;
  };
}

/** Reads the signed attachments of one image; what was read once is not requested again. */
export interface SignatureReader {
  /**
   * Reads the bundles that claim one of these predicate types, to begin with: usually they are enough, and the rest costs
   * requests and time. A false claim hides a statement and never adds one.
   * @throws ActionError when the registry cannot be read: a failed lookup never means "unsigned"
   */
  readonly claiming: (predicateTypes: readonly string[]) => Promise<SignaturesOfImage>;
  /** Reads everything. @throws ActionError when the registry cannot be read */
  readonly all: () => Promise<SignaturesOfImage>;
}

/** Opens what is signed about one manifest of a repository. */
export type OpenSignatures = (digest: Digest) => SignatureReader;

/**
 * Opens what is signed about an existing image: bundles among its referrers (cosign 3, GitHub's attestations, ours), and the
 * tags `.sig` and `.att` of cosign 2, which are read even if there are bundles. Opens every manifest whose list does not
 * show the predicate type: lists of older tools lack it.
 */
export function openSignatures(repository: Repository, digest: Digest, check: BundleChecker): SignatureReader {
  const limit = pLimit(MAX_CONCURRENT_READS);
  const referrers = once(() => repository.referrers(digest));
  const tagged = once(() =>
    Promise.all(
      cosignTags(digest)
        .filter((tag) => !tag.endsWith('.sbom'))
        .map((tag) => repository.get(tag)),
    ),
  );
  const manifestOf = onceByKey((descriptor: Descriptor) => repository.get(descriptor.digest), contentKey);
  let bytes = 0;
  const bytesOf = onceByKey((layer: Descriptor) => {
    const left = MAX_TOTAL_BYTES - bytes;
    bytes += layer.size <= left ? layer.size : 0;
    return readBlob(repository, layer, left);
  }, contentKey);
  const statementOf = onceByKey(
    async (reading: Reading): Promise<Parsed<CheckedStatement>> => {
      const blob = await bytesOf(reading.layer);
      return blob.ok ? checkLayer(reading, blob.value, check) : blob;
    },
    ({ format, manifest, layer }) => `${format} ${manifest} ${layer.digest} ${JSON.stringify(layer.annotations ?? {})}`,
  );

  const read = async (types?: readonly string[]): Promise<SignaturesOfImage> => {
    const isWanted = (claimed: unknown) =>
      types === undefined || typeof claimed !== 'string' || types.some((type) => isPredicateType(claimed, type));
    const [list, legacy] = await Promise.all([referrers(), types === undefined ? tagged() : []]);
    const listed = list.manifests
      .filter(({ artifactType }) => !OTHER_TYPES.includes(artifactType))
      .filter(({ annotations }) => isWanted(annotations?.[PREDICATE_TYPE]))
      .toSorted(bundlesFirst);
    const rejected: RejectedStatement[] = [];
    const notary: Digest[] = [];
    const readings: Reading[] = [];
    const manifests = await limit.map(listed.slice(0, MAX_MANIFESTS), async (descriptor) => ({
      descriptor,
      manifest: await manifestOf(descriptor),
    }));
    for (const { descriptor, manifest } of manifests) {
      if (manifest === undefined) {
        if (BUNDLE_TYPE.test(descriptor.artifactType ?? '')) rejected.push(missing(descriptor));
        continue;
      }
      const { fields, layers } = contentOf(manifest);
      if (fields.artifactType === NOTARY_TYPE || fieldsOf(fields.config).mediaType === NOTARY_TYPE) {
        notary.push(descriptor.digest);
      }
      if (!isWanted(fieldsOf(fields.annotations)[PREDICATE_TYPE])) continue;
      readings.push(...layers.filter(isBundle).map((layer) => readingOf('sigstore bundle', descriptor, layer)));
    }
    for (const manifest of legacy) {
      if (manifest === undefined) continue;
      for (const layer of contentOf(manifest).layers.slice(0, MAX_LAYERS)) {
        const format = LEGACY_FORMATS[layer.mediaType];
        if (format !== undefined) readings.push(readingOf(format, manifest.descriptor, layer));
      }
    }
    const results = await limit.map(readings, async (reading) => {
      const blob = types === undefined ? undefined : await bytesOf(reading.layer);
      // Its signature need not be verified for its type to be of no use.
      return blob?.ok === true && !isWanted(claimedType(blob.value)) ? undefined : statementOf(reading);
    });
    const signed: SignedStatement[] = [];
    for (const [at, { format, manifest }] of readings.entries()) {
      const result = results[at];
      if (result?.ok === true) signed.push({ format, manifest, ...result.value });
      else if (result !== undefined) rejected.push({ format, manifest, reason: result.problems.join('; ') });
    }
    const excess = listed.length - MAX_MANIFESTS;
    return {
      ...{ signed, rejected, notary },
      unread: [
        ...list.problems,
        ...(excess > 0
          ? [`${excess} of the manifests that refer to ${digest} were not opened: there are too many.`]
          : []),
      ],
    };
  };
  return { claiming: (types) => read(types), all: () => read() };
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

const LEGACY_FORMATS: Readonly<Record<string, StatementFormat>> = {
  [SIMPLE_SIGNING]: 'cosign 2 signature',
  [DSSE_ENVELOPE]: 'cosign 2 attestation',
};

function readingOf(format: StatementFormat, { digest }: Descriptor, layer: Descriptor): Reading {
  return { format, manifest: digest, layer };
}

function isBundle({ mediaType }: Descriptor): boolean {
  return BUNDLE_TYPE.test(mediaType);
}

function missing({ digest }: Descriptor): RejectedStatement {
  return { format: 'sigstore bundle', manifest: digest, reason: 'it is listed, and its manifest does not exist' };
}

/** The bytes of a layer. One that is gone or damaged spoils no other. @throws ActionError when the registry cannot be read */
async function readBlob(repository: Repository, layer: Descriptor, left: number): Promise<Parsed<Buffer>> {
  if (layer.size > MAX_LAYER_BYTES) return problems(`it has ${layer.size} bytes, more than are read`);
  if (layer.size > left) return problems('what is attached to the image has more bytes than are read');
  try {
    return parsed(Buffer.concat(await (await repository.getBlob(layer)).toArray()));
  } catch (error) {
    if (!(error instanceof ActionError)) throw error;
    if (error.facts.status === 404) return problems('its content does not exist in the registry');
    if (error.code === 'DIGEST_MISMATCH') return problems('its content is damaged');
    throw error;
  }
}

function checkLayer({ format, layer }: Reading, blob: Buffer, check: BundleChecker): Parsed<CheckedStatement> {
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

function onceByKey<K, T>(task: (value: K) => Promise<T>, keyOf: (value: K) => string): (value: K) => Promise<T> {
  const results = new Map<string, Promise<T>>();
  return (value) => {
    const key = keyOf(value);
    const result = results.get(key) ?? task(value);
    results.set(key, result);
    return result;
  };
}

function contentKey({ digest, size }: Descriptor): string {
  return `${digest} ${size}`;
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
