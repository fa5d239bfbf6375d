import { sortedByKey } from '../../domain/compare-text.ts';
import type { Digest } from '../../domain/digest.ts';
import { isIndexType, MEDIA_TYPES } from '../../domain/manifest.ts';
import { PROMOTION_TYPE } from '../../domain/promotion/record.ts';
import type {
  InventoryManifest,
  InventoryTag,
  RegistryTraits,
  RepositoryInventory,
} from '../../domain/retention/inventory.ts';
import { kindOf } from '../../domain/retention/kind.ts';
import type { ListedImage, TagFacts } from '../../registries/vendor.ts';
import type { Collected, Placeholder } from './collected.ts';
import type { ListedChild, ManifestFacts } from './manifest-facts.ts';

/** Types in a list that say nothing: Harbor's for all unknown referrers, and the empty config's instead of the manifest's. */
const EMPTY_TYPES: readonly string[] = ['subject.accessory', MEDIA_TYPES.ociEmpty];

/** Assembles the inventory from the collected facts. Excludes placeholders of interrupted untags. */
export function assemble(
  repository: string,
  readAt: number,
  traits: RegistryTraits,
  collected: Collected,
): {
  readonly inventory: RepositoryInventory;
  readonly placeholders: readonly Placeholder[];
  readonly promoted: readonly Digest[];
} {
  const { listed, tags, referrers, reader } = collected;
  const isPlaceholder = (digest: Digest) => reader.facts.get(digest)?.placeholderOf !== undefined;
  const children = new Map(
    [...reader.facts.values()].flatMap((facts) => facts.children.map((each) => [each.digest, each])),
  );
  const named = [...listed.values()].flatMap((image) => image.children ?? []);
  const digests = new Set([
    ...listed.keys(),
    ...reader.facts.keys(),
    ...children.keys(),
    ...named,
    ...referrers.keys(),
    ...[...tags.values()].map(({ digest }) => digest),
  ]);
  const isComplete = traits.listsUntagged && traits.vendor !== 'harbor';
  const manifests = [...digests]
    .filter((digest) => !isPlaceholder(digest))
    .toSorted()
    .map((digest) => manifestOf(digest, children.get(digest), traits, isComplete, collected));
  const entries = sortedByKey(tags);
  return {
    inventory: {
      repository,
      readAt,
      traits,
      tags: entries.filter(([, { digest }]) => !isPlaceholder(digest)).map(([name, tag]) => tagOf(name, tag, traits)),
      manifests,
      gaps: reader.gaps,
    },
    promoted: promotedIn(manifests, collected),
    placeholders: entries.flatMap(([tag, { digest }]) => (isPlaceholder(digest) ? [{ tag, digest }] : [])),
  };
}

/** Subjects of promotion records, or of referrers whose type is not listed. */
function promotedIn(manifests: readonly InventoryManifest[], collected: Collected): readonly Digest[] {
  const { listed, referrers, reader, attached } = collected;
  const found = manifests.flatMap(({ digest, subject }) => {
    const facts = reader.facts.get(digest);
    const listedType = listed.get(digest)?.artifactType ?? referrers.get(digest)?.descriptor.artifactType;
    const type = facts?.artifactType ?? listedType;
    // The fallback index is not a record itself, but its entries may not have been read.
    const isKnown = facts !== undefined || (type !== undefined && !EMPTY_TYPES.includes(type));
    const mayBe = type === PROMOTION_TYPE || !isKnown || (attached.has(digest) && facts?.children.length !== 0);
    return subject !== undefined && mayBe ? [subject] : [];
  });
  const present = new Set(manifests.filter(({ presence }) => presence !== 'missing').map(({ digest }) => digest));
  return [...new Set(found)].filter((digest) => present.has(digest));
}

function tagOf(
  name: string,
  { digest, updatedAt, pulledAt, lock }: { readonly digest: Digest } & Partial<TagFacts>,
  traits: RegistryTraits,
): InventoryTag {
  return {
    name,
    digest,
    ...(updatedAt === undefined ? {} : { updatedAt: updatedAt.getTime() }),
    ...(pulledAt === undefined ? {} : { pulledAt: pulledAt.getTime() }),
    ...(pulledAt === undefined && updatedAt !== undefined && recordsPulls(traits)
      ? { pulledAt: 'never' as const }
      : {}),
    ...(lock === undefined ? {} : { lock }),
  };
}

function manifestOf(
  digest: Digest,
  child: ListedChild | undefined,
  traits: RegistryTraits,
  isComplete: boolean,
  { listed, attached, referrers, reader }: Collected,
): InventoryManifest {
  const facts = reader.facts.get(digest);
  const row = listed.get(digest);
  const referrer = referrers.get(digest);
  const descriptor = child ?? referrer?.descriptor;
  const mediaType = facts?.mediaType ?? row?.mediaType ?? descriptor?.mediaType ?? '';
  const subject = facts?.subject ?? row?.subject ?? referrer?.subject ?? attached.get(digest);
  const isThere = facts !== undefined || row !== undefined || referrer !== undefined;
  const kind =
    facts?.kind ??
    kindOf({
      mediaType,
      artifactType: row?.artifactType ?? descriptor?.artifactType,
      configMediaType: row?.configMediaType,
      hasSubject: subject !== undefined,
    });
  const size = facts?.size ?? descriptor?.size;
  return {
    digest,
    mediaType,
    kind: subject !== undefined && kind === 'image' ? 'referrer' : kind,
    presence: reader.absent.has(digest) ? 'missing' : isThere || isComplete ? 'present' : 'unverified',
    children: facts === undefined ? (row?.children ?? NONE) : childrenOf(facts),
    ...(subject === undefined || subject === digest ? {} : { subject }),
    ...(size === undefined ? {} : { size }),
    ...(facts?.blobs === undefined ? {} : { blobs: facts.blobs }),
    ...contentSizeOf(mediaType, facts === undefined ? row : undefined),
    ...(child?.platform === undefined ? {} : { platform: child.platform }),
    ...(row === undefined ? {} : rowTimes(row, traits)),
    ...(row?.lock === undefined ? {} : { lock: row.lock }),
    ...(row?.handle === undefined ? {} : { handle: row.handle }),
  };
}

/** Of most manifests: one list for all. */
const NONE: readonly never[] = [];

function childrenOf({ children }: ManifestFacts): readonly Digest[] {
  return children.length === 0 ? NONE : children.map(({ digest }) => digest);
}

/** Vendors report the size of an index as a sum or maximum of its children, which are counted separately. */
function contentSizeOf(mediaType: string, row: ListedImage | undefined): { readonly contentSize?: number } {
  if (row === undefined) return {};
  if (isIndexType(mediaType)) return { contentSize: 0 };
  return row.size === undefined ? {} : { contentSize: row.size };
}

function rowTimes({ pushedAt, updatedAt, pulledAt }: ListedImage, traits: RegistryTraits) {
  return {
    ...(pushedAt === undefined ? {} : { pushedAt: pushedAt.getTime() }),
    ...(updatedAt === undefined ? {} : { updatedAt: updatedAt.getTime() }),
    ...(pulledAt === undefined ? {} : { pulledAt: pulledAt.getTime() }),
    ...(pulledAt === undefined && recordsPulls(traits) ? { pulledAt: 'never' as const } : {}),
  };
}

function recordsPulls({ pulled }: RegistryTraits): boolean {
  return pulled === 'recorded' || pulled === 'daily';
}
