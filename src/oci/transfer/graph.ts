import type { Digest } from '../../domain/digest.ts';
import { type Fields, fieldsOf } from '../../domain/fields.ts';
import { type Descriptor, isIndexType, MANIFEST_TYPES, type ManifestBytes } from '../../domain/manifest.ts';
import { MAX_ATTACHMENT_BYTES, MAX_ATTACHMENTS, notCarriedBecause } from '../../domain/promotion/carried.ts';
import { PROMOTION_TYPE } from '../../domain/promotion/record.ts';
import { isRecordManifest } from '../../domain/promotion/record-manifest.ts';
import { ActionError } from '../../errors/action-error.ts';
import { getManifest } from '../client/manifest.ts';
import { cosignTags, descriptorOf, fallbackTag } from '../client/referrers.ts';
import type { Repository } from '../client/repository.ts';
import { textFields } from '../image/document.ts';

/** One manifest with what it needs to be there before it. */
export interface GraphManifest {
  readonly manifest: ManifestBytes;
  readonly blobs: readonly Descriptor[];
  /** Whether it is the root or a child of it, however deep: it is found through the root. */
  readonly ofRoot: boolean;
  /** What it says of itself in a list of referrers, when it has a subject. */
  readonly referrer?: { readonly subject: Digest; readonly descriptor: Descriptor };
}

export interface ImageGraph {
  readonly root: ManifestBytes;
  /** Leaves first; the root before what refers to it. */
  readonly manifests: readonly GraphManifest[];
  readonly blobs: ReadonlyMap<Digest, Descriptor>;
  /** Tags of cosign that hang on one of the manifests, and the manifest that they hold. */
  readonly tags: readonly { readonly tag: string; readonly digest: Digest }[];
  /** What travels though it is no part of the image. */
  readonly attachments: readonly Attachment[];
  /** Sentences about what is listed and gone, or cannot be listed. */
  readonly problems: readonly string[];
}

/** What refers to an image and travels with it. */
export interface Attachment {
  readonly digest: Digest;
  readonly subject?: Digest;
  /** `application/vnd.dev.cosign.simplesigning.v1+json`; empty when it names none. */
  readonly artifactType: string;
  /** Of its manifest and blobs. */
  readonly bytes: number;
}

/** Manifests that are read, and their bytes together, as all of them are held. */
const MOST = 5000;
const MOST_BYTES = 128 * 1024 * 1024;

/**
 * Reads an image with all that belongs to it: children, what refers to any of them, and so on, and cosign's tags. Each
 * manifest is read once and kept as it came.
 * @throws ActionError MANIFEST_UNKNOWN when one is gone, TOO_LARGE beyond 5000 manifests or 128 MiB of them, UNSUPPORTED,
 * ANSWER_INVALID
 */
export async function readGraph(from: Repository, digest: Digest): Promise<ImageGraph> {
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
    if (reads > MOST || bytes > MOST_BYTES) {
      const what = `${from.host}/${from.name}@${digest} has more than ${MOST} manifests, or ${MOST_BYTES} bytes of them, that belong to it.`;
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
    // The index under a fallback tag is anybody's word: what does not name this subject does not belong to it.
    if (subject !== undefined && referrer?.subject !== subject) return void begun.delete(descriptor.digest);
    if (isRecordManifest(fields)) {
      // What was written of another repository is not true of the one that it would be copied to.
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
      // An index may list what is no manifest; that lies among the blobs.
      if (!isIndexType(descriptor.mediaType) || !MANIFEST_TYPES.includes(part.mediaType)) blobs.push(part);
      else if (!begun.has(part.digest)) await visit(await read(part.digest), ofRoot);
    }
    nodes.set(descriptor.digest, { manifest, blobs, ofRoot, ...(referrer === undefined ? {} : { referrer }) });
  };

  const root = await read(digest);
  await visit(root, true);
  const tags = await from.listTags().then(
    (all) => new Set(all),
    (error: unknown) => {
      // Whoever may pull may not always list (ECR), and some lists are too long: then each tag is asked for.
      if (error instanceof ActionError) return undefined;
      throw error;
    },
  );
  // A Map goes on over what is added meanwhile: what refers to a referrer is found in its turn.
  for (const subject of nodes.keys()) {
    const { manifests: listed, problems: unlisted, occupied } = await from.referrers(subject, { tags });
    problems.push(...unlisted);
    if (occupied !== undefined) {
      const name = `${from.host}/${from.name}:${fallbackTag(subject)}`;
      problems.push(`${name} should list what refers to ${subject}, but is an image (${occupied}). It was not copied.`);
    }
    const wanted = listed.filter((each) => !begun.has(each.digest) && each.artifactType !== PROMOTION_TYPE);
    attached += wanted.length;
    if (attached > MAX_ATTACHMENTS) throw tooMany(attached, 0);
    for (const each of wanted) {
      if (begun.has(each.digest)) continue;
      // Asked for as what can be read, it would seem to be gone.
      checkType(each);
      const manifest = await read(each.digest).catch((error: unknown) => {
        // Registries that clean up know nothing of what an index under a tag lists, and some forget their own list. What is
        // gone nobody can copy.
        if (!isGone(error)) throw error;
        problems.push(`${error.message} It is listed as a referrer of ${subject}, but gone, and was left out.`);
      });
      if (manifest !== undefined) await visit(manifest, false, subject);
    }
    for (const tag of cosignTags(subject)) {
      if (tags?.has(tag) === false) continue;
      const manifest = await read(tag).catch((error: unknown) => {
        if (!isGone(error)) throw error;
      });
      if (manifest === undefined) continue;
      if (!begun.has(manifest.descriptor.digest)) await visit(manifest, false);
      // A part of the image, too, has no business under such a tag.
      const { mediaType, digest: own } = manifest.descriptor;
      const where = `${from.host}/${from.name}:${tag}`;
      const reason = notCarriedBecause(mediaType, parse(manifest, where));
      if (reason !== undefined) problems.push(notCarried(where, reason));
      else if (nodes.has(own)) found.push({ tag, digest: own });
    }
  }
  const manifests = [...nodes.values()];
  const blobs = new Map(manifests.flatMap((each) => each.blobs.map((blob) => [blob.digest, blob] as const)));
  const attachments = attachmentsOf(manifests);
  const size = attachments.reduce((sum, each) => sum + each.bytes, 0);
  if (attachments.length > MAX_ATTACHMENTS || size > MAX_ATTACHMENT_BYTES) throw tooMany(attachments.length, size);
  return { root, manifests, blobs, tags: found, attachments, problems: [...new Set(problems)] };
}

function notCarried(where: string, reason: string): string {
  return `${where} refers to the image and was not copied: ${reason}.`;
}

/** What is no part of the image; blobs that the image has too cost nothing. */
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

/** What registries do not hold is left out: layers that may not be given away and say where else they are. */
function partsOf(value: unknown, where: string): readonly Descriptor[] {
  if (!Array.isArray(value)) throw new ActionError('ANSWER_INVALID', `${where} has no list of what it consists of.`);
  return value.flatMap((each: unknown) => {
    const part = descriptorOf(each);
    if (part === undefined) throw new ActionError('ANSWER_INVALID', `${where} refers to something without a digest.`);
    const { urls } = fieldsOf(each);
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
