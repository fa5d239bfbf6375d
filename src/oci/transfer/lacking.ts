import type { Digest } from '../../domain/digest.ts';
import { fieldsOf } from '../../domain/fields.ts';
import { type Descriptor, isIndexType } from '../../domain/manifest.ts';
import { cosignTags, descriptorOf } from '../client/referrers.ts';
import type { Repository } from '../client/repository.ts';
import { type GraphOptions, isCarried } from './graph.ts';

interface LackingOptions extends GraphOptions {
  readonly from: Repository;
  /** Repositories that have the image. */
  readonly to: readonly Repository[];
  readonly image: Descriptor;
}

/**
 * The repositories that lack something that is attached to an image, or to a part of it, at the source: signatures are
 * often added later. Reads parts of an index from a target, because a registry may count reads of the source as pulls.
 */
export async function lackingAttachments(options: LackingOptions): Promise<ReadonlySet<Repository>> {
  const { from, to, image, tags, attached = true } = options;
  const lacking = new Set<Repository>();
  const [first] = to;
  if (first === undefined || attached === false) return lacking;
  const parts = new Set<Digest>();
  if (isIndexType(image.mediaType)) await addParts(first, image.digest, parts);
  // Iterating a Set includes entries added on the way, so referrers of referrers are found too.
  const subjects = new Set([image.digest, ...parts]);
  for (const subject of subjects) {
    const { manifests } = await from.referrers(subject, { tags });
    const wanted = manifests.filter((referrer) => !parts.has(referrer.digest) && isCarried(referrer, attached));
    const digests = wanted.map(({ digest }) => digest);
    for (const digest of digests) subjects.add(digest);
    for (const target of to) {
      if (lacking.has(target)) continue;
      if (digests.length > 0 && !(await listsAll(target, subject, digests))) lacking.add(target);
    }
    if (attached === true) await addByTags({ from, to, tags }, subject, lacking);
    if (lacking.size === to.length) break;
  }
  return lacking;
}

async function listsAll(target: Repository, subject: Digest, wanted: readonly Digest[]): Promise<boolean> {
  const { manifests } = await target.referrers(subject, { wanted });
  const there = new Set(manifests.map(({ digest }) => digest));
  return wanted.every((digest) => there.has(digest));
}

/** Adds the repositories whose tags of cosign differ from those of the source. */
async function addByTags(
  { from, to, tags }: Pick<LackingOptions, 'from' | 'to' | 'tags'>,
  subject: Digest,
  lacking: Set<Repository>,
): Promise<void> {
  for (const tag of cosignTags(subject)) {
    if (tags?.has(tag) === false) continue;
    const own = await from.head(tag);
    if (own === undefined) continue;
    for (const target of to) {
      if (!lacking.has(target) && (await target.head(tag))?.digest !== own.digest) lacking.add(target);
    }
  }
}

/** All manifests below an index. A part that is gone has no parts. */
async function addParts(repository: Repository, digest: Digest, parts: Set<Digest>): Promise<void> {
  const index = await repository.get(digest);
  const { manifests } = index === undefined ? {} : fieldsOf(JSON.parse(Buffer.from(index.bytes).toString('utf8')));
  if (!Array.isArray(manifests)) return;
  for (const part of manifests.map(descriptorOf)) {
    if (part === undefined || parts.has(part.digest)) continue;
    parts.add(part.digest);
    if (isIndexType(part.mediaType)) await addParts(repository, part.digest, parts);
  }
}
