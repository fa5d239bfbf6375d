import { ActionError } from '../../errors/action-error.ts';
import { isPlaceholderOf } from '../deletion/untag.ts';
import type { CleanupTarget, Collected, LostTag, Placeholder } from './collected.ts';

/** Lost tags named in a warning. */
const MAX_NAMED_TAGS = 5;

/**
 * A tag that cannot be read was deleted since, or is left from a deletion that failed in the registry, or points to
 * something unsupported, which might depend on anything: that is a gap.
 * @param unread tags of the list that the registry answered with 404
 */
export async function findLostTags(
  unread: readonly string[],
  { host, name, listTags, lostTarget }: CleanupTarget['repository'],
  { fail }: Pick<Collected['reader'], 'fail'>,
): Promise<readonly LostTag[]> {
  const listed = new Set(await listTags());
  const lost: LostTag[] = [];
  for (const tag of unread) {
    if (!listed.has(tag)) continue;
    const digest = await lostTarget(tag);
    if (digest !== undefined) {
      lost.push({ tag, digest });
      continue;
    }
    const what = `${host}/${name}:${tag} is in the list of tags, and the registry answers 404 to the request for it: its manifest is lost, or of an unsupported kind that may need other images.`;
    const remedy = [
      `Look at it with \`docker buildx imagetools inspect ${host}/${name}:${tag}\`.`,
      'Delete the tag in the registry; where that is impossible, push any image to it, and clean up again.',
    ];
    fail({ what: 'tags', subject: tag }, new ActionError('ANSWER_INVALID', what, { remedy }));
    return lost;
  }
  return lost;
}

/** Tags that an interrupted run left: on the empty index in place of an image, or on nothing once that was deleted. */
export function leftoversOf(placeholders: readonly Placeholder[], lost: readonly LostTag[]): readonly string[] {
  const own = lost.filter(({ tag, digest }) => isPlaceholderOf(tag, digest));
  return [...placeholders, ...own].map(({ tag }) => tag).toSorted();
}

/** A warning about tags without a manifest that no run of this action left; undefined when there are none. */
export function lostTagsWarning(repository: string, all: readonly LostTag[]): string | undefined {
  const lost = all.filter(({ tag, digest }) => !isPlaceholderOf(tag, digest));
  if (lost.length === 0) return undefined;
  const named = lost.slice(0, MAX_NAMED_TAGS).map(({ tag }) => tag);
  const which = `${named.join(', ')}${lost.length > named.length ? ', …' : ''}`;
  const what = lost.length === 1 ? 'a tag whose manifest does' : `${lost.length} tags whose manifests do`;
  return `${repository} lists ${what} not exist (${which}): a deletion failed in the registry. No policy selects such a tag. To remove it, push any image to the tag, and delete that image.`;
}
