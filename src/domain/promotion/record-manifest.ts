import { type Digest, isDigest } from '../digest.ts';
import { type Fields, fieldsOf } from '../fields.ts';
import { type Descriptor, type ManifestBytes, MEDIA_TYPES } from '../manifest.ts';
import { type Parsed, parsed, problems } from '../parsed.ts';
import { BUNDLE_MEDIA_TYPE } from '../trust/predicates.ts';
import { PROMOTION_TYPE, type PromotionRecord, readRecord, recordBytes, type StoredRecord } from './record.ts';

/** The record as JSON, in an annotation and therefore in every referrers list. */
const RECORD = 'io.github.registry-action.promotion.record';
const ENVIRONMENT = 'io.github.registry-action.promotion.environment';
const KIND = 'io.github.registry-action.promotion.kind';
/** Descriptor of the Sigstore bundle, as JSON: a list of referrers shows which records are signed. */
const BUNDLE = 'io.github.registry-action.promotion.bundle';
/** A bundle with its record is a few kilobytes. */
const MAX_BUNDLE_BYTES = 2 * 1024 * 1024;
/** https://github.com/opencontainers/image-spec/blob/main/annotations.md */
const CREATED = 'org.opencontainers.image.created';

/** https://github.com/opencontainers/image-spec/blob/main/manifest.md#guidance-for-an-empty-descriptor */
export const EMPTY = {
  descriptor: {
    mediaType: MEDIA_TYPES.ociEmpty,
    digest: 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a',
    size: 2,
  },
  bytes: new Uint8Array([0x7b, 0x7d]),
} as const;

/**
 * A promotion record as an artifact that refers to the promoted image. Deterministic. The JSON is an annotation instead
 * of a layer: one request writes a record, and one list returns the whole history of an image. The only blob in the
 * manifest is the empty one, or the bundle that signs the record.
 * https://github.com/opencontainers/image-spec/blob/main/manifest.md#guidelines-for-artifact-usage
 * @param subject the descriptor of the promoted image: media type, digest and size
 * @param sha256 the sha256 digest of bytes
 * @param bundle descriptor of the Sigstore bundle; undefined for an unsigned record
 * @returns problems when it could not be read back: such a record must not be written
 */
export function recordArtifact(
  record: PromotionRecord,
  subject: Descriptor,
  sha256: (bytes: Uint8Array) => Digest,
  bundle?: Descriptor,
): Parsed<ManifestBytes> {
  const json = recordBytes(record);
  const back = readRecord(json);
  if (!back.ok) return back;
  if (subject.digest !== record.digest) {
    return problems(`a record of ${record.digest} cannot refer to ${subject.digest}`);
  }
  const annotations = {
    [CREATED]: record.time,
    [KIND]: record.kind,
    [ENVIRONMENT]: record.environment,
    [RECORD]: new TextDecoder().decode(json),
    ...(bundle === undefined ? {} : { [BUNDLE]: JSON.stringify(bundle) }),
  };
  const { mediaType, digest, size } = subject;
  const bytes = new TextEncoder().encode(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.ociManifest,
      artifactType: PROMOTION_TYPE,
      config: EMPTY.descriptor,
      layers: [bundle ?? EMPTY.descriptor],
      subject: { mediaType, digest, size },
      annotations,
    }),
  );
  return parsed({
    descriptor: {
      mediaType: MEDIA_TYPES.ociManifest,
      digest: sha256(bytes),
      size: bytes.length,
      artifactType: PROMOTION_TYPE,
      annotations,
    },
    bytes,
  });
}

/** The promotions in a referrers list. */
export interface ListedRecords {
  readonly records: readonly StoredRecord[];
  /** Possible records whose annotations are missing from the list: their manifests have to be read. */
  readonly unread: readonly Descriptor[];
  /** Other referrers of the image: signatures, SBOMs. */
  readonly others: readonly Descriptor[];
  /** Sentences about invalid records. */
  readonly problems: readonly string[];
}

/** The promotion records in a referrers list. A record about another image is a problem. */
export function listedRecords(referrers: readonly Descriptor[], subject: Digest): ListedRecords {
  const records: StoredRecord[] = [];
  const unread: Descriptor[] = [];
  const others: Descriptor[] = [];
  const found: string[] = [];
  for (const descriptor of referrers) {
    const json = descriptor.annotations?.[RECORD];
    if (json === undefined) {
      (mayBeRecord(descriptor) ? unread : others).push(descriptor);
      continue;
    }
    const record = readText(json, subject);
    if (record.ok) records.push({ ...record.value, manifest: descriptor.digest, ...bundleIn(descriptor.annotations) });
    else found.push(...record.problems.map((problem) => `${descriptor.digest}: ${problem}.`));
  }
  return { records, unread, others, problems: found };
}

/** The record in a manifest; undefined for other manifests. */
export function recordOf(manifest: ManifestBytes, subject: Digest): Parsed<StoredRecord> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(manifest.bytes));
  } catch {
    return undefined;
  }
  const { annotations, subject: own } = fieldsOf(value);
  const json = fieldsOf(annotations)[RECORD];
  if (typeof json !== 'string' || fieldsOf(own).digest !== subject) return undefined;
  const record = readText(json, subject);
  const { digest } = manifest.descriptor;
  return record.ok ? parsed({ ...record.value, manifest: digest, ...bundleIn(fieldsOf(annotations)) }) : record;
}

/** The bundle that annotations name. Whatever else is there is no bundle, and the record is unsigned. */
function bundleIn(annotations: Fields = {}): Pick<StoredRecord, 'bundle'> {
  const { [BUNDLE]: text } = annotations;
  if (typeof text !== 'string') return {};
  try {
    const { mediaType, digest, size } = fieldsOf(JSON.parse(text));
    const isBundle = mediaType === BUNDLE_MEDIA_TYPE && isDigest(digest) && Number.isSafeInteger(size);
    return isBundle && typeof size === 'number' && size > 0 && size <= MAX_BUNDLE_BYTES
      ? { bundle: { mediaType, digest, size } }
      : {};
  } catch {
    return {};
  }
}

/**
 * Whether a manifest is a promotion record, or claims to be one. Lists include annotations, so a single annotation is
 * enough to be read as a record.
 * @param fields the parsed manifest
 */
export function isRecordManifest(fields: Fields): boolean {
  const types = [fields.artifactType, fieldsOf(fields.config).mediaType];
  return types.includes(PROMOTION_TYPE) || fieldsOf(fields.annotations)[RECORD] !== undefined;
}

function readText(json: string, subject: Digest): Parsed<PromotionRecord> {
  const record = readRecord(new TextEncoder().encode(json));
  return record.ok && record.value.digest !== subject
    ? problems(`the promotion record is of ${record.value.digest}, and refers to ${subject}`)
    : record;
}

/** Some tools write lists without annotations, or with the empty config's type instead of the artifact's. */
function mayBeRecord({ artifactType, annotations }: Descriptor): boolean {
  return (
    artifactType === PROMOTION_TYPE ||
    (annotations === undefined && (artifactType === undefined || artifactType === MEDIA_TYPES.ociEmpty))
  );
}
