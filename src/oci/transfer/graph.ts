import type { Digest } from '../../domain/digest.ts';
import { type Fields, fieldsOf } from '../../domain/fields.ts';
import {
  type Descriptor,
  isIndexType,
  MANIFEST_TYPES,
  type ManifestBytes,
  MEDIA_TYPES,
} from '../../domain/manifest.ts';
import { MAX_ATTACHMENT_BYTES, MAX_ATTACHMENTS, notCarriedBecause } from '../../domain/promotion/carried.ts';
import { PROMOTION_TYPE } from '../../domain/promotion/record.ts';
import { isRecordManifest } from '../../domain/promotion/record-manifest.ts';
import { ActionError } from '../../errors/action-error.ts';
import { getManifest } from '../client/manifest.ts';
import { cosignTags, descriptorOf, fallbackTag } from '../client/referrers.ts';
import type { Repository } from '../client/repository.ts';
import { textFields } from '../image/document.ts';

/** One manifest with everything that has to be pushed before it. */
export interface GraphManifest {
  readonly manifest: ManifestBytes;
  readonly blobs: readonly Descriptor[];
  /** Whether it is the root or one of its descendants, and thus reachable through the root. */
  readonly ofRoot: boolean;
  /** Its entry in a referrers list, when it has a subject. */
  readonly referrer?: { readonly subject: Digest; readonly descriptor: Descriptor };
}

export interface ImageGraph {
  readonly root: ManifestBytes;
  /** Leaves first; the root before its referrers. */
  readonly manifests: readonly GraphManifest[];
  readonly blobs: ReadonlyMap<Digest, Descriptor>;
  /** Cosign's tags for any of the manifests, with the manifest they point to. */
  readonly tags: readonly { readonly tag: string; readonly digest: Digest }[];
  /** Content that is copied although it is not part of the image. */
  readonly attachments: readonly Attachment[];
  /** Messages about entries that are missing or lists that cannot be read. */
  readonly problems: readonly string[];
}

/** A referrer of the image that is copied with it. */
export interface Attachment {
  readonly digest: Digest;
  readonly subject?: Digest;
  /** `application/vnd.dev.cosign.simplesigning.v1+json`; empty when it has none. */
  readonly artifactType: string;
  /** Size of manifest and blobs, in bytes. */
  readonly bytes: number;
}

/** Maximum number of manifests, and their total size: all of them are kept in memory. */
const MAX_MANIFESTS = 5000;
const MAX_BYTES = 128 * 1024 * 1024;

/** What to read of an image, and what is known of its repository. */
export interface GraphOptions {
  /** All tags of the repository; absent: they are listed. */
  readonly tags?: ReadonlySet<string> | undefined;
  /** Whether to read what is attached to the image, or only these artifact types. Default: everything. */
  readonly attached?: boolean | readonly string[];
}

/**
 * Reads an image with everything that belongs to it: children, referrers of any of them, recursively, and cosign's
 * tags. Each manifest is read once and kept byte for byte.
 * @throws ActionError MANIFEST_UNKNOWN when one is gone, TOO_LARGE beyond 5000 manifests or 128 MiB of them,
 * UNSUPPORTED, ANSWER_INVALID
 */
export async function readGraph(from: Repository, digest: Digest, options: GraphOptions = {}): Promise<ImageGraph> {
  const { attached: attachedTypes = true } = options;
  const facts = { registry: from.host, repository: from.name, reference: digest };
  const nodes = new Map<Digest, GraphManifest>();
  const begun = new Set<Digest>();
  const found: { readonly tag: string; readonly digest: Digest }[] = [];
  const problems: string[] = [];
  let attached = 0;
  let reads = 0;
  let bytes = 0;

  const read = async (reference: string): Promise<ManifestBytes> => {
    reads++;
    if (reads > MAX_MANIFESTS || bytes > MAX_BYTES) {
      const what = `${from.host}/${from.name}@${digest} has more than ${MAX_MANIFESTS} manifests, or ${MAX_BYTES} bytes of them, that belong to it.`;
      throw new ActionError('TOO_LARGE', what, { facts });
    }
    const manifest = await getManifest(from, reference);
    bytes += manifest.bytes.length;
    return manifest;
  };
  const tooMany = (count: number, size: number): ActionError => {
    const what = `${count} artifacts${size > 0 ? ` of ${size} bytes` : ''} refer to ${from.host}/${from.name}@${digest}; at most ${MAX_ATTACHMENTS}, of together ${MAX_ATTACHMENT_BYTES} bytes, are copied with an image. Delete those that are not needed.`;
    return new ActionError('TOO_LARGE', what, { facts });
  };
  const checkType = ({ mediaType, digest: reference }: Descriptor): void => {
    if (MANIFEST_TYPES.includes(mediaType)) return;
    const what = `${from.host}/${from.name}@${reference} is of the type ${mediaType.slice(0, 100)}, which cannot be copied as it is.`;
    throw new ActionError('UNSUPPORTED', what, { facts: { ...facts, reference } });
  };

  const visit = async (manifest: ManifestBytes, ofRoot: boolean, subject?: Digest): Promise<void> => {
    const { descriptor } = manifest;
    begun.add(descriptor.digest);
    const where = `${from.host}/${from.name}@${descriptor.digest}`;
    checkType(descriptor);
    const fields = parse(manifest, where);
    const referrer = referrerOf(fields, descriptor);
    // Anyone can write the index under a fallback tag: an entry with another subject does not belong to the image.
    if (subject !== undefined && referrer?.subject !== subject) return void begun.delete(descriptor.digest);
    const type = referrer?.descriptor.artifactType ?? '';
    if (subject !== undefined && Array.isArray(attachedTypes) && !attachedTypes.includes(type)) return;
    if (isRecordManifest(fields)) {
      // A promotion record names its repository, so it would be wrong in the one it is copied to.
      if (!ofRoot) return;
      const what = `${where} is a promotion record, and part of the image. Promotion records count only where they were written: the image cannot be promoted with it.`;
      throw new ActionError('PROMOTION_REFUSED', what, { facts });
    }
    const reason = ofRoot ? undefined : notCarriedBecause(descriptor.mediaType, fields);
    if (reason !== undefined) return void problems.push(notCarried(where, reason));
    const parts = isIndexType(descriptor.mediaType)
      ? partsOf(fields.manifests, where)
      : [...partsOf([fields.config], where), ...partsOf(fields.layers ?? [], where)];
    const blobs: Descriptor[] = [];
    for (const part of parts) {
      // An index may list something other than a manifest, which is stored as a blob.
      if (!isIndexType(descriptor.mediaType) || !MANIFEST_TYPES.includes(part.mediaType)) blobs.push(part);
      else if (!begun.has(part.digest)) await visit(await read(part.digest), ofRoot);
    }
    nodes.set(descriptor.digest, { manifest, blobs, ofRoot, ...(referrer === undefined ? {} : { referrer }) });
  };

  const root = await read(digest);
  await visit(root, true);
  const tags = options.tags ?? (attachedTypes === false ? undefined : await tagsOf(from));
  // Iterating a Map includes entries added on the way, so referrers of referrers are found too.
  for (const subject of attachedTypes === false ? [] : nodes.keys()) {
    const { manifests: listed, problems: unlisted, occupied } = await from.referrers(subject, { tags });
    problems.push(...unlisted);
    if (occupied !== undefined) {
      const name = `${from.host}/${from.name}:${fallbackTag(subject)}`;
      problems.push(`${name} should list what refers to ${subject}, but is an image (${occupied}). It was not copied.`);
    }
    const wanted = listed.filter((referrer) => !begun.has(referrer.digest) && isCarried(referrer, attachedTypes));
    attached += wanted.length;
    if (attached > MAX_ATTACHMENTS) throw tooMany(attached, 0);
    for (const referrer of wanted) {
      if (begun.has(referrer.digest)) continue;
      // Requested with the readable types only, it would look missing.
      checkType(referrer);
      const manifest = await read(referrer.digest).catch((error: unknown) => {
        // Cleanup jobs ignore the entries of a fallback index, and some registries lose their own list. Missing content
        // cannot be copied.
        if (!isGone(error)) throw error;
        problems.push(`${error.message} It is listed as a referrer of ${subject}, but gone, and was left out.`);
      });
      if (manifest !== undefined) await visit(manifest, false, subject);
    }
    for (const tag of Array.isArray(attachedTypes) ? [] : cosignTags(subject)) {
      if (tags?.has(tag) === false) continue;
      const manifest = await read(tag).catch((error: unknown) => {
        if (!isGone(error)) throw error;
      });
      if (manifest === undefined) continue;
      if (!begun.has(manifest.descriptor.digest)) await visit(manifest, false);
      // A part of the image does not belong under such a tag either.
      const { mediaType, digest: own } = manifest.descriptor;
      const where = `${from.host}/${from.name}:${tag}`;
      const reason = notCarriedBecause(mediaType, parse(manifest, where));
      if (reason !== undefined) problems.push(notCarried(where, reason));
      else if (nodes.has(own)) found.push({ tag, digest: own });
    }
  }
  const manifests = [...nodes.values()];
  const blobs = new Map(manifests.flatMap((manifest) => manifest.blobs.map((blob) => [blob.digest, blob] as const)));
  const attachments = attachmentsOf(manifests);
  const size = attachments.reduce((sum, attachment) => sum + attachment.bytes, 0);
  if (attachments.length > MAX_ATTACHMENTS || size > MAX_ATTACHMENT_BYTES) throw tooMany(attachments.length, size);
  return { root, manifests, blobs, tags: found, attachments, problems: [...new Set(problems)] };
}

/**
 * Whether a listed referrer is wanted: promotion records count only where they were written. Some registries list the type
 * of the config instead of the artifact's own: then its manifest decides.
 */
export function isCarried({ artifactType }: Descriptor, attached: boolean | readonly string[]): boolean {
  if (artifactType === PROMOTION_TYPE || attached === false) return false;
  if (attached === true || artifactType === undefined || artifactType === MEDIA_TYPES.ociEmpty) return true;
  return attached.includes(artifactType);
}

/** All tags; undefined when they cannot be listed. */
async function tagsOf(from: Repository): Promise<ReadonlySet<string> | undefined> {
  try {
    return new Set(await from.listTags());
  } catch (error) {
    // A pull right does not always include listing (ECR), and some lists are too long: then each tag is requested.
    if (error instanceof ActionError) return undefined;
    throw error;
  }
}

function notCarried(where: string, reason: string): string {
  return `${where} refers to the image and was not copied: ${reason}.`;
}

/** Size of the content outside the image; blobs shared with the image cost nothing. */
function attachmentsOf(manifests: readonly GraphManifest[]): readonly Attachment[] {
  const seen = new Set(manifests.flatMap(({ ofRoot, blobs }) => (ofRoot ? blobs.map(({ digest }) => digest) : [])));
  return manifests
    .filter(({ ofRoot }) => !ofRoot)
    .map(({ manifest: { descriptor }, blobs, referrer }) => {
      const own = blobs.filter(({ digest }) => !seen.has(digest));
      for (const { digest } of own) seen.add(digest);
      return {
        digest: descriptor.digest,
        ...(referrer === undefined ? {} : { subject: referrer.subject }),
        artifactType: referrer?.descriptor.artifactType ?? '',
        bytes: own.reduce((sum, { size }) => sum + size, descriptor.size),
      };
    });
}

function isGone(error: unknown): error is ActionError {
  return error instanceof ActionError && error.code === 'MANIFEST_UNKNOWN';
}

function parse(manifest: ManifestBytes, where: string): Fields {
  try {
    return fieldsOf(JSON.parse(Buffer.from(manifest.bytes).toString('utf8')));
  } catch {
    throw new ActionError('ANSWER_INVALID', `${where} is no manifest: it is not JSON.`);
  }
}

/** Skips what registries do not store: non-distributable layers with URLs of their own. */
function partsOf(value: unknown, where: string): readonly Descriptor[] {
  if (!Array.isArray(value)) throw new ActionError('ANSWER_INVALID', `${where} has no list of what it consists of.`);
  return value.flatMap((entry: unknown) => {
    const part = descriptorOf(entry);
    if (part === undefined) throw new ActionError('ANSWER_INVALID', `${where} refers to something without a digest.`);
    const { urls } = fieldsOf(entry);
    const foreign = /\.(?:foreign|nondistributable)\./.test(part.mediaType);
    return foreign && Array.isArray(urls) && urls.length > 0 ? [] : [part];
  });
}

/** https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-referrers */
function referrerOf(fields: Fields, { mediaType, digest, size }: Descriptor): GraphManifest['referrer'] {
  const subject = descriptorOf(fields.subject)?.digest;
  if (subject === undefined) return undefined;
  const artifactType = [fields.artifactType, fieldsOf(fields.config).mediaType].find(
    (each) => typeof each === 'string' && each !== '',
  );
  const annotations = textFields(fields.annotations);
  return {
    subject,
    descriptor: {
      mediaType,
      digest,
      size,
      ...(typeof artifactType === 'string' ? { artifactType } : {}),
      ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
    },
  };
}
