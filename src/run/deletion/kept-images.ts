import type { Digest } from '../../domain/digest.ts';
import type { RepositoryInventory } from '../../domain/retention/inventory.ts';
import { eachBounded } from '../bounded.ts';
import type { CleanupTarget } from '../inventory/collected.ts';
import type { DeletionReport } from './step-result.ts';

/** Concurrent requests. */
const CONCURRENCY = 16;

/**
 * Checks after the deletions that every kept index is complete: in the vendor's list if that is complete, otherwise
 * with a HEAD of each part. Ignores parts that were missing before.
 */
export async function checkKept(
  { managed, repository, vendor }: CleanupTarget,
  { manifests, tags, traits }: RepositoryInventory,
  gone: ReadonlySet<Digest>,
): Promise<DeletionReport['broken']> {
  const kept = manifests.filter(({ digest, presence }) => !gone.has(digest) && presence !== 'missing');
  const missingBefore = new Set(manifests.flatMap((each) => (each.presence === 'missing' ? [each.digest] : [])));
  const tagged = new Set(tags.map(({ digest }) => digest));
  const roots = kept.filter(({ digest, children }) => children.length > 0 || tagged.has(digest));
  const needed = new Set(roots.flatMap(({ digest, children }) => [digest, ...children]));
  const missing = new Set<Digest>();
  const isListed = traits.listsUntagged && vendor.reading?.manifests !== 'avoided';
  if (isListed) {
    const listed = new Set<Digest>();
    for await (const { digest } of managed.list()) listed.add(digest);
    for (const digest of needed) if (!listed.has(digest)) missing.add(digest);
  }
  // A list may lag behind, so digests missing from it are requested.
  const asked = isListed ? [...missing] : needed;
  missing.clear();
  await eachBounded(asked, CONCURRENCY, async (digest) => {
    if (missingBefore.has(digest)) return;
    if ((await repository.head(digest)) === undefined) missing.add(digest);
  });
  return roots.flatMap(({ digest, children }) =>
    [digest, ...children].filter((each) => missing.has(each)).map((each) => ({ root: digest, missing: each })),
  );
}
