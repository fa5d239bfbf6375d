import { counted } from '../../domain/amount.ts';
import type { Digest } from '../../domain/digest.ts';
import { attachedTag } from '../../domain/retention/attached-tags.ts';
import type { RepositoryInventory } from '../../domain/retention/inventory.ts';
import { registryTraits } from '../../domain/retention/registry-traits.ts';
import type { ActionError } from '../../errors/action-error.ts';
import type { ListedImage } from '../../registries/vendor.ts';
import type { Clock, Log } from '../../runtime/runtime.ts';
import { assemble } from './assemble.ts';
import { addReferrers } from './attached.ts';
import type { CleanupTarget, Collected, LostTag, Placeholder } from './collected.ts';
import { completeGraph } from './graph.ts';
import { findLostTags, leftoversOf } from './lost-tags.ts';
import type { ManifestFacts } from './manifest-facts.ts';
import { createManifestReader } from './manifest-reader.ts';

export interface InventoryOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Facts of an earlier inventory of the repository, see {@link InventoryReading.facts}. */
  readonly known?: ReadonlyMap<Digest, ManifestFacts>;
}

export interface InventoryReading {
  readonly inventory: RepositoryInventory;
  /** The errors behind the gaps of the inventory, in order. */
  readonly errors: readonly ActionError[];
  /** Sentences for the report. */
  readonly notices: readonly string[];
  /** Placeholders of interrupted untags: {@link applySteps} removes them. */
  readonly placeholders: readonly Placeholder[];
  /** Tags without a manifest: {@link applySteps} removes those of its plan. */
  readonly lostTags: readonly LostTag[];
  /** Images with promotion records, or with referrers that may be such records. */
  readonly promoted: readonly Digest[];
  /** Manifests that {@link readContents} was asked to read and that do not exist. */
  readonly absent?: ReadonlySet<Digest>;
  /** Of every manifest that was read. */
  readonly facts: ReadonlyMap<Digest, ManifestFacts>;
  /** Manifest requests. */
  readonly requests: number;
}

/** Requests per progress line. */
const PROGRESS_EVERY = 1000;

/**
 * Reads the content of one repository: from the vendor's list if there is one, and from manifests where the list has
 * gaps. Keeps a few hundred bytes per manifest in memory, never the manifests.
 * @returns an inventory with gaps for everything unreadable, which prevents deletions
 * @throws ActionError CANCELLED
 */
export async function readInventory(target: CleanupTarget, options: InventoryOptions): Promise<InventoryReading> {
  const { image, vendor, repository } = target;
  const { clock, log, known = new Map() } = options;
  const readAt = clock.now().getTime();
  let requests = 0;
  const reader = createManifestReader(repository, known, () => {
    requests += 1;
    if (requests % PROGRESS_EVERY === 0) log.info(`${image.name}: ${requests} manifests read so far`);
  });
  const collected: Collected = {
    listed: new Map(),
    tags: new Map(),
    attached: new Map(),
    referrers: new Map(),
    reader,
  };
  const lostTags = await list(target, collected);
  const attached = [...collected.tags.keys()].filter((tag) => attachedTag(tag) !== undefined).length;
  log.info(
    `${image.name}: ${collected.tags.size - attached} tags listed${attached === 0 ? '' : `, and ${attached} of signatures, SBOMs and other attachments`}`,
  );
  const traits = registryTraits(vendor.id);
  if (reader.gaps.length === 0) await completeGraph(target, traits, collected);
  if (reader.gaps.length === 0) await addReferrers(target, traits, collected);
  const { inventory, placeholders, promoted } = assemble(image.name, readAt, traits, collected);
  log.info(
    `${image.name}: ${counted(inventory.manifests.length, 'manifest')} known, ${counted(reader.requests(), 'request')} for manifests${inventory.gaps.length > 0 ? ', incomplete' : ''}`,
  );
  const leftovers = leftoversOf(placeholders, lostTags);
  return {
    inventory: leftovers.length === 0 ? inventory : { ...inventory, leftovers },
    errors: reader.errors,
    notices: noticesOf(target, reader.requests()),
    placeholders,
    lostTags,
    promoted,
    facts: reader.facts,
    requests: reader.requests(),
  };
}

/**
 * Reads the parts of some manifests, to calculate the bytes that their deletion frees: an inventory does not read the
 * platforms of indexes. One request for each manifest not read yet. Unreadable ones get no sizes, which only affects
 * the report.
 */
export async function readContents(
  { repository, vendor }: CleanupTarget,
  reading: InventoryReading,
  digests: Iterable<Digest>,
): Promise<InventoryReading> {
  if (vendor.reading?.manifests === 'avoided') return reading;
  const reader = createManifestReader(repository, reading.facts, () => undefined);
  await reader.read(digests);
  const manifests = reading.inventory.manifests.map((manifest) => {
    const facts = reader.facts.get(manifest.digest);
    if (manifest.blobs !== undefined || facts?.blobs === undefined) return manifest;
    return { ...manifest, size: facts.size, blobs: facts.blobs };
  });
  return {
    ...reading,
    inventory: { ...reading.inventory, manifests },
    facts: new Map([...reading.facts, ...reader.facts]),
    absent: reader.absent,
    requests: reading.requests + reader.requests(),
  };
}

async function list(
  { vendor, managed, repository }: CleanupTarget,
  { listed, tags, reader }: Collected,
): Promise<readonly LostTag[]> {
  try {
    if (vendor.id === 'distribution') {
      // The list only has tags: one request per tag returns its digest and content.
      const names = await repository.listTags();
      for (const [tag, digest] of await reader.readTags(names)) tags.set(tag, { digest });
      const unread = names.filter((name) => !tags.has(name));
      return unread.length > 0 && reader.gaps.length === 0 ? await findLostTags(unread, repository, reader) : [];
    }
    for await (const image of managed.list()) addListed(image, listed, tags);
  } catch (error) {
    reader.fail({ what: vendor.id === 'distribution' ? 'tags' : 'manifests', subject: 'list' }, error);
  }
  return [];
}

function addListed(image: ListedImage, listed: Map<Digest, ListedImage>, tags: Collected['tags']): void {
  listed.set(image.digest, image);
  const facts = new Map((image.tagFacts ?? []).map((each) => [each.name, each]));
  for (const tag of image.tags) tags.set(tag, { digest: image.digest, ...facts.get(tag) });
}

function noticesOf({ vendor, image }: CleanupTarget, requests: number): readonly string[] {
  if (vendor.reading?.manifests !== 'counted' || requests === 0) return [];
  return [
    vendor.id === 'ghcr'
      ? `Reading ${requests} manifests of ${image.name} counted as downloads.`
      : `Reading ${requests} manifests of ${image.name} counted as pulls: rules about pulls see them at the next run${vendor.id === 'ecr' ? ', unless the role is registered with RegisterPullTimeUpdateExclusion' : ''}.`,
  ];
}
