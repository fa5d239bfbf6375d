import type { Digest } from '../../domain/digest.ts';
import { isIndexType } from '../../domain/manifest.ts';
import type { Clock } from '../../runtime/runtime.ts';
import { eachBounded } from '../bounded.ts';
import type { CleanupTarget } from '../inventory/collected.ts';
import { readManifestFacts } from '../inventory/manifest-facts.ts';

/** Maximum age of the tag list when a digest is deleted. */
const MAX_LIST_AGE_MS = 5000;
const CONCURRENCY = 8;

/** Why a digest is needed since the repository was read, as a fragment; undefined when nothing new names it. */
export type NewUse = (digest: Digest) => Promise<string | undefined>;

/**
 * Detects tags created while a plan is applied, and what their indexes list: rereads the tag list every few seconds. A build
 * with the same bytes as before may publish an old platform again, and few registries refuse to delete that.
 * @param known tags that existed before
 */
export function watchNewTags(
  { repository, vendor }: Pick<CleanupTarget, 'repository' | 'vendor'>,
  known: Iterable<string>,
  clock: Clock,
): NewUse {
  const names = new Set(known);
  const reasons = new Map<Digest, string>();
  let readAt = clock.now().getTime();
  let reading: Promise<void> | undefined;
  const readIndex = async (digest: Digest, tag: string, seen: ReadonlySet<Digest>): Promise<void> => {
    const manifest = await repository.get(digest);
    if (manifest === undefined || seen.has(digest)) return;
    for (const child of readManifestFacts(manifest, `${repository.host}/${repository.name}`).children) {
      reasons.set(child.digest, `it is part of ${tag}, which is new since the plan`);
      if (isIndexType(child.mediaType)) await readIndex(child.digest, tag, new Set([...seen, digest]));
    }
  };
  const refresh = async (): Promise<void> => {
    readAt = clock.now().getTime();
    const unknown = (await repository.listTags()).filter((name) => !names.has(name));
    await eachBounded(unknown, CONCURRENCY, async (name) => {
      names.add(name);
      const found = await repository.head(name);
      if (found === undefined) return;
      // Where a read counts against a limit (Docker Hub), the registry itself refuses to delete a part.
      if (isIndexType(found.mediaType) && vendor.reading?.manifests !== 'avoided')
        await readIndex(found.digest, name, new Set());
      reasons.set(found.digest, `it has got the tag ${name} since the plan`);
    });
  };
  return async (digest) => {
    if (reading === undefined && clock.now().getTime() - readAt > MAX_LIST_AGE_MS) {
      reading = refresh().finally(() => {
        reading = undefined;
      });
    }
    await reading;
    return reasons.get(digest);
  };
}
