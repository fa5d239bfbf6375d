import type { Digest } from '../digest.ts';
import { type Descriptor, type ManifestBytes, MEDIA_TYPES } from '../manifest.ts';
import { type Parsed, parsed, problems } from '../parsed.ts';
import { PROMOTION_TYPE, type PromotionRecord, readRecord, recordBytes } from './record.ts';

/** On the manifest of a record, and so in the list of what refers to an image. */
export const RECORD_STAGE = 'io.github.registry-action.promotion.stage';
const RECORD_KIND = 'io.github.registry-action.promotion.kind';
/** https://github.com/opencontainers/image-spec/blob/main/annotations.md */
export const RECORD_TIME = 'org.opencontainers.image.created';

export interface RecordBlob {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

/** A record as a registry takes it: the blobs first, then the manifest. */
export interface RecordArtifact {
  readonly manifest: ManifestBytes;
  /** The empty config and the JSON of the record. */
  readonly blobs: readonly [RecordBlob, RecordBlob];
}

/** What the list of referrers says of a record before it is read. */
export interface RecordEntry {
  readonly descriptor: Descriptor;
  readonly stage?: string;
  /** As it is written there; `''` when it is not. */
  readonly time: string;
}

/** https://github.com/opencontainers/image-spec/blob/main/manifest.md#guidance-for-an-empty-descriptor */
const EMPTY = {
  descriptor: {
    mediaType: MEDIA_TYPES.ociEmpty,
    digest: 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a',
    size: 2,
  },
  bytes: new Uint8Array([0x7b, 0x7d]),
} as const satisfies RecordBlob;

/**
 * A record as an artifact that refers to the promoted image. The same record gives the same bytes.
 * https://github.com/opencontainers/image-spec/blob/main/manifest.md#guidelines-for-artifact-usage
 * @param subject the descriptor of what was promoted: its media type, digest and size
 * @param sha256 the sha256 digest of bytes
 * @returns problems when it could not be read back: such a record must not be written
 */
export function recordArtifact(
  record: PromotionRecord,
  subject: Descriptor,
  sha256: (bytes: Uint8Array) => Digest,
): Parsed<RecordArtifact> {
  const json = recordBytes(record);
  const back = readRecord(json);
  if (!back.ok) return back;
  if (subject.digest !== record.digest) {
    return problems(`a record of ${record.digest} cannot refer to ${subject.digest}`);
  }
  const layer = { mediaType: PROMOTION_TYPE, digest: sha256(json), size: json.length };
  const annotations = { [RECORD_TIME]: record.time, [RECORD_KIND]: record.kind, [RECORD_STAGE]: record.stage };
  const { mediaType, digest, size } = subject;
  const bytes = new TextEncoder().encode(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.ociManifest,
      artifactType: PROMOTION_TYPE,
      config: EMPTY.descriptor,
      layers: [layer],
      subject: { mediaType, digest, size },
      annotations,
    }),
  );
  return parsed({
    manifest: {
      descriptor: {
        mediaType: MEDIA_TYPES.ociManifest,
        digest: sha256(bytes),
        size: bytes.length,
        artifactType: PROMOTION_TYPE,
        annotations,
      },
      bytes,
    },
    blobs: [EMPTY, { descriptor: layer, bytes: json }],
  });
}

/**
 * The records in a list of referrers, newest first, for one stage. Those of which the list does not say the stage come
 * first: they have to be read.
 */
export function recordEntries(referrers: readonly Descriptor[], stage: string): readonly RecordEntry[] {
  return referrers
    .filter(({ artifactType }) => artifactType === PROMOTION_TYPE)
    .map((descriptor): RecordEntry => {
      const { [RECORD_STAGE]: named, [RECORD_TIME]: time = '' } = descriptor.annotations ?? {};
      return { descriptor, time, ...(named === undefined ? {} : { stage: named }) };
    })
    .filter((entry) => entry.stage === undefined || entry.stage === stage)
    .toSorted((a, b) => orderOf(b) - orderOf(a) || (a.descriptor.digest < b.descriptor.digest ? -1 : 1));
}

function orderOf({ stage, time }: RecordEntry): number {
  const at = stage === undefined ? Number.NaN : Date.parse(time);
  return Number.isNaN(at) ? Number.MAX_SAFE_INTEGER : at;
}
