import type { Digest } from '../../domain/digest.ts';
import type { Clock } from '../../runtime/runtime.ts';
import { eachBounded } from '../bounded.ts';
import type { CleanupTarget } from '../inventory/collected.ts';

/** Maximum age of the tag list when a digest is deleted. */
const MAX_LIST_AGE_MS = 5000;
const CONCURRENCY = 8;

/**
 * Detects tags created while a plan is applied, for vendors whose API cannot be queried for one image: rereads the tag
 * list every few seconds.
 * @param known tags that existed before
 * @returns the name of a digest's new tag
 */
export function watchNewTags(
  { repository }: Pick<CleanupTarget, 'repository'>,
  known: Iterable<string>,
  clock: Clock,
): (digest: Digest) => Promise<string | undefined> {
  const names = new Set(known);
  const added = new Map<Digest, string>();
  let readAt = clock.now().getTime();
  let reading: Promise<void> | undefined;
  const refresh = async (): Promise<void> => {
    readAt = clock.now().getTime();
    const unknown = (await repository.listTags()).filter((name) => !names.has(name));
    await eachBounded(unknown, CONCURRENCY, async (name) => {
      names.add(name);
      const digest = (await repository.head(name))?.digest;
      if (digest !== undefined) added.set(digest, name);
    });
  };
  return async (digest) => {
    if (reading === undefined && clock.now().getTime() - readAt > MAX_LIST_AGE_MS) {
      reading = refresh().finally(() => {
        reading = undefined;
      });
    }
    await reading;
    return added.get(digest);
  };
}
