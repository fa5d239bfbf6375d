import type { Digest } from '../../domain/digest.ts';
import type { InventoryBlob, InventoryGap } from '../../domain/retention/inventory.ts';
import { ActionError, toActionError } from '../../errors/action-error.ts';
import type { Repository } from '../../oci/client/repository.ts';
import { eachBounded } from '../bounded.ts';
import { type ManifestFacts, readManifestFacts } from './manifest-facts.ts';

/** Concurrent requests: enough to keep a nearby registry busy; no vendor limits connections. */
const CONCURRENCY = 16;

/** Reads manifests, each at most once, and keeps only what retention decisions need. */
export interface ManifestReader {
  readonly facts: ReadonlyMap<Digest, ManifestFacts>;
  /** References that the registry answered with 404. */
  readonly absent: ReadonlySet<Digest>;
  readonly gaps: readonly InventoryGap[];
  /** The errors behind the gaps, for their remedies. */
  readonly errors: readonly ActionError[];
  /** Manifest requests so far. */
  readonly requests: () => number;
  readonly read: (digests: Iterable<Digest>) => Promise<void>;
  /** Reads the targets of tags with one request each. Missing tags are left out. */
  readonly readTags: (tags: Iterable<string>) => Promise<ReadonlyMap<string, Digest>>;
  /** Separates digests into existing and missing ones, with HEAD requests, which do not count as pulls. */
  readonly check: (digests: Iterable<Digest>) => Promise<void>;
  /** Records another read failure. */
  readonly fail: (gap: Omit<InventoryGap, 'reason'>, error: unknown) => void;
}

/**
 * @param known facts of an earlier inventory: they never change for a digest
 * @param progress called on each request
 */
export function createManifestReader(
  repository: Repository,
  known: ReadonlyMap<Digest, ManifestFacts>,
  progress: () => void,
): ManifestReader {
  const facts = new Map<Digest, ManifestFacts>();
  const absent = new Set<Digest>();
  const gaps: InventoryGap[] = [];
  const errors: ActionError[] = [];
  let requests = 0;
  const where = `${repository.host}/${repository.name}`;

  const fail: ManifestReader['fail'] = (gap, error) => {
    if (error instanceof ActionError && error.code === 'CANCELLED') throw error;
    const found = toActionError(error);
    errors.push(found);
    gaps.push({ ...gap, reason: found.message });
  };

  /** After one gap nothing will be deleted here, so reading stops. */
  const each = async <T extends string>(
    items: Iterable<T>,
    what: 'manifest' | 'tags',
    task: (item: T) => Promise<void>,
  ) => {
    await eachBounded(items, CONCURRENCY, async (item) => {
      if (gaps.length > 0) return;
      requests += 1;
      progress();
      await task(item).catch((error: unknown) => fail({ what, subject: item }, error));
    });
  };

  /** Layers are shared by many images: each is kept once. */
  const blobs = new Map<string, InventoryBlob>();
  const shared = (blob: InventoryBlob): InventoryBlob => {
    const before = blobs.get(blob.digest);
    if (before?.size === blob.size) return before;
    blobs.set(blob.digest, blob);
    return blob;
  };
  const keep = (digest: Digest, found: ManifestFacts | undefined) => {
    if (found === undefined) absent.add(digest);
    else facts.set(digest, found.blobs === undefined ? found : { ...found, blobs: found.blobs.map(shared) });
  };

  return {
    facts,
    absent,
    gaps,
    errors,
    requests: () => requests,
    fail,
    read: async (digests) => {
      const unread = [...new Set(digests)].filter((digest) => !facts.has(digest) && !absent.has(digest));
      for (const digest of unread) {
        const before = known.get(digest);
        if (before !== undefined) facts.set(digest, before);
      }
      await each(
        unread.filter((digest) => !facts.has(digest)),
        'manifest',
        async (digest) => {
          const manifest = await repository.get(digest);
          keep(digest, manifest && readManifestFacts(manifest, where));
        },
      );
    },
    readTags: async (tags) => {
      const found = new Map<string, Digest>();
      await each(tags, 'tags', async (tag) => {
        const manifest = await repository.get(tag);
        if (manifest === undefined) return;
        const { digest } = manifest.descriptor;
        found.set(tag, digest);
        if (!facts.has(digest)) keep(digest, readManifestFacts(manifest, where));
      });
      return found;
    },
    check: (digests) =>
      each(digests, 'manifest', async (digest) => {
        if ((await repository.head(digest)) === undefined) absent.add(digest);
      }),
  };
}
