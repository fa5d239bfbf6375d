import type { Digest } from '../../domain/digest.ts';
import { type ManifestBytes, MEDIA_TYPES } from '../../domain/manifest.ts';
import { ActionError } from '../../errors/action-error.ts';
import { digestOf } from '../../oci/image/digest-of.ts';
import type { Clock } from '../../runtime/runtime.ts';
import type { CleanupTarget } from '../inventory/collected.ts';
import { PLACEHOLDER } from '../inventory/manifest-facts.ts';

/** Attempts to find a placeholder in the vendor's list, which may lag behind a push, and the delay between them. */
const MAX_POLLS = 5;
const WAIT_MS = 1000;

/**
 * Removes a tag and keeps its digest.
 * @param digest what the tag points to
 * @throws ActionError CAPABILITY_MISSING when the tag cannot be removed
 */
export type RemoveTag = (tag: string, digest: Digest) => Promise<'deleted' | 'absent'>;

/**
 * Removes tags of one repository. Where the registry can only delete digests (GHCR, registry version 2), the tag is moved
 * to an empty index, which is then deleted. An annotation identifies the placeholder if this is interrupted.
 *
 * One tag is replaced at a time: version 2 reads the links of all tags to find those of a deleted digest, and fails when it
 * meets one that is being written. The manifest is gone then, and its tag stays in the list.
 * https://github.com/distribution/distribution/blob/v2.8.3/registry/handlers/manifests.go
 */
export function createTagRemover(target: CleanupTarget, clock: Clock): RemoveTag {
  let isReplaced = false;
  let last: Promise<unknown> = Promise.resolve();
  const replaceNext = (tag: string): Promise<'deleted'> => {
    const replaced = last.then(() => replaceTag(target, tag, clock));
    last = replaced.catch(() => undefined);
    return replaced;
  };
  return async (tag, digest) => {
    if (isReplaced) return replaceNext(tag);
    try {
      return await target.managed.deleteTag(tag, digest);
    } catch (error) {
      if (!(error instanceof ActionError) || error.code !== 'CAPABILITY_MISSING') throw error;
      const result = await replaceNext(tag);
      // Other vendors refuse single tags.
      isReplaced = target.vendor.id === 'distribution';
      return result;
    }
  };
}

async function replaceTag(target: CleanupTarget, tag: string, clock: Clock): Promise<'deleted'> {
  const placeholder = placeholderFor(tag);
  // Where nothing can be deleted, the tag would keep the empty index: this fails before it is moved.
  if (target.vendor.id === 'distribution') await target.managed.deleteDigest(placeholder.descriptor.digest);
  await target.repository.put(tag, placeholder);
  await deletePlaceholder(target, placeholder.descriptor.digest, tag, clock);
  return 'deleted';
}

/** Deletes a placeholder of this run or an earlier one. */
export async function deletePlaceholder(
  { managed, repository }: CleanupTarget,
  digest: Digest,
  tag: string,
  clock: Clock,
): Promise<void> {
  for (let look = 1; ; look += 1) {
    if ((await managed.deleteDigest(digest)) === 'deleted') return;
    if ((await repository.head(tag))?.digest !== digest) return;
    if (look === MAX_POLLS) {
      throw new ActionError(
        'REGISTRY_UNAVAILABLE',
        `${repository.host}/${repository.name}:${tag} points to an empty index that was to be deleted, and the registry does not list it yet. The next cleanup deletes it.`,
        { facts: { registry: repository.host, repository: repository.name, reference: tag } },
      );
    }
    await clock.sleep(WAIT_MS);
  }
}

/** Whether a tag points to the placeholder that this action makes for it, be it there or not. */
export function isPlaceholderOf(tag: string, digest: Digest): boolean {
  return digest === placeholderFor(tag).descriptor.digest;
}

/** An empty index, with a different digest for each tag. */
export function placeholderFor(tag: string): ManifestBytes {
  const mediaType = MEDIA_TYPES.ociIndex;
  const bytes = Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType, manifests: [], annotations: { [PLACEHOLDER]: tag } }),
  );
  return { descriptor: { mediaType, digest: digestOf(bytes, 'sha256'), size: bytes.length }, bytes };
}
