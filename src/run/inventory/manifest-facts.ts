import { type Digest, isDigest } from '../../domain/digest.ts';
import { type Fields, fieldsOf, isFields } from '../../domain/fields.ts';
import { isIndexType, MANIFEST_TYPES, type ManifestBytes } from '../../domain/manifest.ts';
import type { InventoryBlob } from '../../domain/retention/inventory.ts';
import { type ArtifactKind, kindOf } from '../../domain/retention/kind.ts';
import { ActionError } from '../../errors/action-error.ts';

/** A child manifest of an index. */
export interface ListedChild {
  readonly digest: Digest;
  readonly mediaType: string;
  /** Size of the manifest in bytes. */
  readonly size: number;
  /** `linux/arm64`; absent for BuildKit attestations, whose platform is `unknown/unknown`, and when none is given. */
  readonly platform?: string;
  readonly artifactType?: string;
}

/** The facts in a manifest that retention decisions need: nothing else is kept. */
export interface ManifestFacts {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly kind: ArtifactKind;
  readonly artifactType?: string;
  readonly size: number;
  readonly children: readonly ListedChild[];
  readonly subject?: Digest;
  /**
   * Config and layers; for an index the entries that are not manifests, such as BuildKit cache layers. Absent for
   * manifests without sizes.
   */
  readonly blobs?: readonly InventoryBlob[];
  /** Set in placeholders, see `untag.ts`: the removed tag. */
  readonly placeholderOf?: string;
}

/** The annotation of a placeholder. */
export const PLACEHOLDER = 'io.github.registry-action.untagged';

/** Of all manifests that are no index. */
const NONE: readonly never[] = [];

/** Images of Docker before 1.10: they list layers without sizes, and have neither children nor a subject. */
const SCHEMA_1: readonly string[] = [
  'application/vnd.docker.distribution.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v1+prettyjws',
];

/**
 * Reads a manifest of any kind.
 * @throws ActionError ANSWER_INVALID when it is not a manifest, or lists something without a digest, so that its parts
 * are unknown
 */
export function readManifestFacts({ descriptor, bytes }: ManifestBytes, where: string): ManifestFacts {
  const { digest } = descriptor;
  const invalid = (why: string) =>
    new ActionError('ANSWER_INVALID', `${where}@${digest} is no usable manifest: ${why}.`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    throw invalid('it is not JSON');
  }
  if (!isFields(parsed)) throw invalid('it is not a JSON object');
  const fields: Fields = parsed;
  const schema1 = SCHEMA_1.find((type) => type === descriptor.mediaType);
  if (schema1 !== undefined) return { digest, mediaType: schema1, kind: 'image', size: bytes.length, children: NONE };
  // The text of the list, and not one of each response.
  const mediaType = MANIFEST_TYPES.find((type) => type === descriptor.mediaType);
  if (mediaType === undefined) throw invalid(`its media type is ${descriptor.mediaType.slice(0, 100)}`);
  const isIndex = isIndexType(mediaType);
  const entries = isIndex ? fields.manifests : [fields.config, ...[fields.layers ?? []].flat()];
  // Some clients write null for an empty list.
  if (!Array.isArray(entries) && entries !== null) throw invalid('it has no list of what it consists of');
  const parts = (entries ?? []).map((entry: unknown) => {
    const part = partOf(entry);
    if (part === undefined) throw invalid('it lists something without a digest, size or media type');
    return part;
  });
  const children = isIndex ? parts.filter(({ mediaType: type }) => MANIFEST_TYPES.includes(type)) : [];
  const blobs = parts
    .filter((part) => !children.includes(part))
    .map((part) => ({ digest: part.digest, size: part.size }));
  const subject = fieldsOf(fields.subject).digest;
  if (fields.subject !== undefined && fields.subject !== null && !isDigest(subject))
    throw invalid('its subject has no digest');
  const placeholderOf = fieldsOf(fields.annotations)[PLACEHOLDER];
  const { artifactType } = fields;
  return {
    digest,
    mediaType,
    kind: kindOf({
      mediaType,
      artifactType: typeof artifactType === 'string' && artifactType !== '' ? artifactType : undefined,
      configMediaType: isIndex ? undefined : parts[0]?.mediaType,
      hasSubject: isDigest(subject),
      entryTypes: isIndex ? parts.map((part) => part.mediaType) : parts.slice(1).map((part) => part.mediaType),
    }),
    ...(typeof artifactType === 'string' && artifactType !== '' ? { artifactType } : {}),
    size: bytes.length,
    children: children.length === 0 ? NONE : children,
    ...(isDigest(subject) ? { subject } : {}),
    blobs,
    ...(typeof placeholderOf === 'string' && parts.length === 0 ? { placeholderOf } : {}),
  };
}

function partOf(value: unknown): ListedChild | undefined {
  const { digest, mediaType, size, platform, artifactType } = fieldsOf(value);
  if (!isDigest(digest) || typeof mediaType !== 'string') return undefined;
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) return undefined;
  const { os, architecture, variant } = fieldsOf(platform);
  const name = [os, architecture, variant].filter((part) => typeof part === 'string' && part !== '').join('/');
  return {
    digest,
    mediaType,
    size,
    ...(name === '' || os === 'unknown' ? {} : { platform: name }),
    ...(typeof artifactType === 'string' ? { artifactType } : {}),
  };
}
