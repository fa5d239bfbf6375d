import { text } from 'node:stream/consumers';
import { type Digest, isDigest } from '../../domain/digest.ts';
import { fieldsOf } from '../../domain/fields.ts';
import { MEDIA_TYPES } from '../../domain/manifest.ts';
import type { Instant } from '../../domain/retention/inventory.ts';
import { ActionError } from '../../errors/action-error.ts';
import { eachBounded } from '../bounded.ts';
import type { CleanupTarget } from './collected.ts';
import type { ManifestFacts } from './manifest-facts.ts';
import { createManifestReader } from './manifest-reader.ts';
import type { InventoryReading } from './read-inventory.ts';

/** Concurrent requests. */
const CONCURRENCY = 16;
const MAX_CONFIG_BYTES = 4 * 1024 * 1024;

/**
 * Reads build times from image configs, for registries that do not store push times. Takes one request per image, and
 * one more for an index, whose first platform is used. An image without a readable time gets none, and is therefore
 * kept.
 * @throws ActionError CANCELLED
 */
export async function readBuildTimes(
  { repository, vendor }: CleanupTarget,
  reading: InventoryReading,
): Promise<InventoryReading> {
  if (vendor.reading?.manifests === 'avoided') return reading;
  const { inventory } = reading;
  const listed = new Set(inventory.manifests.flatMap(({ children }) => children));
  const tagged = new Set(inventory.tags.map(({ digest }) => digest));
  const roots = inventory.manifests.filter(
    ({ digest, kind, presence }) =>
      kind !== 'referrer' && presence !== 'missing' && (tagged.has(digest) || !listed.has(digest)),
  );
  const reader = createManifestReader(repository, reading.facts, () => undefined);
  await reader.read(roots.map(({ digest }) => digest));
  const withPlatform = new Set(
    inventory.manifests.flatMap(({ digest, platform }) => (platform === undefined ? [] : digest)),
  );
  const first = new Map<Digest, Digest>();
  for (const { digest, children } of roots) {
    const platform = children.find((child) => withPlatform.has(child));
    const source = children.length === 0 ? digest : (platform ?? children[0]);
    if (source !== undefined) first.set(digest, source);
  }
  await reader.read(first.values());
  const times = new Map<Digest, Instant>();
  await eachBounded(first, CONCURRENCY, async ([root, source]) => {
    const time = await readCreated(repository, reader.facts.get(source)).catch((error: unknown) => {
      if (error instanceof ActionError && error.code === 'CANCELLED') throw error;
      return undefined;
    });
    if (time !== undefined) times.set(root, time);
  });
  const manifests = inventory.manifests.map((manifest) => {
    const createdAt = times.get(manifest.digest);
    return createdAt === undefined ? manifest : { ...manifest, createdAt };
  });
  return {
    ...reading,
    inventory: { ...inventory, manifests },
    facts: new Map([...reading.facts, ...reader.facts]),
    requests: reading.requests + reader.requests(),
  };
}

/** `created` of a config: RFC 3339. https://github.com/opencontainers/image-spec/blob/main/config.md */
async function readCreated(
  { getBlob }: CleanupTarget['repository'],
  facts: ManifestFacts | undefined,
): Promise<Instant | undefined> {
  const [config] = facts?.blobs ?? [];
  if (facts?.kind !== 'image' || config === undefined || !isDigest(config.digest)) return undefined;
  if (config.size > MAX_CONFIG_BYTES) return undefined;
  const { digest, size } = config;
  const stream = await getBlob({ mediaType: MEDIA_TYPES.ociConfig, digest, size });
  const parsed: unknown = JSON.parse(await text(stream));
  const { created } = fieldsOf(parsed);
  const time = typeof created === 'string' ? Date.parse(created) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}
