import type { Digest } from '../../domain/digest.ts';
import { isIndexType } from '../../domain/manifest.ts';
import type { RegistryTraits } from '../../domain/retention/inventory.ts';
import { ActionError } from '../../errors/action-error.ts';
import type { CleanupTarget, Collected } from './collected.ts';

/** How many untagged manifests are read before checking which of the others turned out to be children. */
const BATCH_SIZE = 32;

/**
 * Completes a list: adds the children of indexes, and the subjects of untagged referrers. Reads as few manifests as
 * possible: indexes, tagged manifests of unknown type, and manifests without a parent.
 */
export async function completeGraph(
  target: CleanupTarget,
  { listsUntagged }: RegistryTraits,
  collected: Collected,
): Promise<void> {
  const { vendor, image } = target;
  const { listed, tags, reader } = collected;
  if (vendor.reading?.manifests === 'avoided') {
    for (const { digest, mediaType, children } of listed.values()) {
      if (mediaType === undefined || !isIndexType(mediaType) || children !== undefined) continue;
      const what = `${image.name}@${digest} is an index, and the list of the registry does not name its platforms.`;
      reader.fail({ what: 'manifest', subject: digest }, new ActionError('ANSWER_INVALID', what));
      return;
    }
    return;
  }
  const tagged = new Set([...tags.values()].map(({ digest }) => digest));
  const first = [...listed.values()].filter(
    ({ digest, mediaType, children }) =>
      children === undefined && (mediaType === undefined ? tagged.has(digest) : isIndexType(mediaType)),
  );
  await reader.read(first.map(({ digest }) => digest));
  await readNested(collected);

  // An index is pushed after its children: reading newest first finds them without reading them.
  const rest = [...listed.values()]
    .filter(({ digest, mediaType, subject, children }) => {
      const isKnown = subject !== undefined || children !== undefined || vendor.reading?.listsSubjects === true;
      return !isKnown && !tagged.has(digest) && !(mediaType !== undefined && isIndexType(mediaType));
    })
    .toSorted((a, b) => (b.pushedAt?.getTime() ?? 0) - (a.pushedAt?.getTime() ?? 0));
  const parents = childrenOf(collected);
  for (let at = 0; at < rest.length && reader.gaps.length === 0; at += BATCH_SIZE) {
    const batch = rest.slice(at, at + BATCH_SIZE).filter(({ digest }) => !parents.has(digest));
    await reader.read(batch.map(({ digest }) => digest));
    for (const { digest } of batch)
      for (const child of reader.facts.get(digest)?.children ?? []) parents.add(child.digest);
  }
  await readNested(collected);
  if (reader.gaps.length === 0) await dropDeleted(target, collected);
  if (reader.gaps.length === 0 && listsUntagged) await checkUnlisted(collected);
}

/** Indexes listed by indexes, at any depth. */
export async function readNested({ listed, reader }: Collected): Promise<void> {
  for (;;) {
    const unread = new Set<Digest>();
    for (const { children } of reader.facts.values()) {
      for (const { digest, mediaType } of children) {
        const isKnown =
          reader.facts.has(digest) || reader.absent.has(digest) || listed.get(digest)?.children !== undefined;
        if (isIndexType(mediaType) && !isKnown) unread.add(digest);
      }
    }
    if (unread.size === 0 || reader.gaps.length > 0) return;
    await reader.read(unread);
  }
}

/**
 * Drops listed manifests that were deleted while the inventory was read, as by another run. One that is still listed
 * and cannot be read is of an unknown kind and might contain anything.
 */
async function dropDeleted({ managed, image }: CleanupTarget, { listed, tags, reader }: Collected): Promise<void> {
  const missing = [...listed.keys()].filter((digest) => reader.absent.has(digest));
  if (missing.length === 0) return;
  const now = new Set<Digest>();
  try {
    for await (const { digest } of managed.list()) now.add(digest);
  } catch (error) {
    reader.fail({ what: 'manifests', subject: 'list' }, error);
    return;
  }
  for (const digest of missing) {
    if (now.has(digest)) {
      const what = `${image.name}@${digest} is in the list of the registry, which answers 404 to the request for it.`;
      reader.fail({ what: 'manifest', subject: digest }, new ActionError('ANSWER_INVALID', what));
      return;
    }
    listed.delete(digest);
    for (const [tag, facts] of tags) if (facts.digest === digest) tags.delete(tag);
  }
}

/** A child missing from a complete list is gone, or was pushed while the list was read. */
async function checkUnlisted({ listed, reader }: Collected): Promise<void> {
  const named = [...reader.facts.values()].flatMap(({ children }) => children.map(({ digest }) => digest));
  await reader.check(new Set(named.filter((digest) => !listed.has(digest) && !reader.facts.has(digest))));
}

function childrenOf({ listed, reader }: Collected): Set<Digest> {
  const found = new Set<Digest>();
  for (const { children = [] } of listed.values()) for (const digest of children) found.add(digest);
  for (const { children } of reader.facts.values()) for (const { digest } of children) found.add(digest);
  return found;
}
