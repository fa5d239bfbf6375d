import { compareText } from '../compare-text.ts';
import type { Digest } from '../digest.ts';
import { brokenAs, type GraphNode, imageGraph } from '../retention/graph.ts';
import type { Instant, InventoryGap, RegistryTraits, RepositoryInventory } from '../retention/inventory.ts';
import type { ArtifactKind } from '../retention/kind.ts';
import { pushTime } from '../retention/times.ts';
import { type RepositorySizes, repositorySizes } from './sizes.ts';

/** An image of a repository, for the report. */
export interface ReportedImage {
  readonly digest: Digest;
  /** Empty for an untagged one. */
  readonly tags: readonly string[];
  readonly kind: ArtifactKind;
  /** Of an index; empty for a manifest of one platform, whose config was not read. */
  readonly platforms: readonly string[];
  /** Platform manifests with their digest, for scan results: those of an index, otherwise the image itself. */
  readonly manifests: readonly { readonly digest: Digest; readonly platform?: string }[];
  /** When it was pushed; where the registry does not record that, when it was built. */
  readonly pushedAt?: Instant;
  /** The time is that of the build. */
  readonly isBuildTime?: true;
  /** Absent: unknown. */
  readonly pulledAt?: Instant | 'never';
  /** Bytes, with what is attached. */
  readonly size: number;
  /** Bytes that no other image needs. */
  readonly exclusive: number;
  /** An index that names manifests which do not exist: all of them, or some. */
  readonly broken?: 'ghost' | 'partial';
}

/** What one repository has. */
export interface RepositoryContent {
  readonly repository: string;
  readonly vendor: string;
  readonly readAt: Instant;
  /** Newest first. */
  readonly images: readonly ReportedImage[];
  readonly counts: {
    readonly images: number;
    /** Tags that people gave; those of signatures and referrer lists are not counted. */
    readonly tags: number;
    /** Absent where the registry does not list untagged images: unknown is not zero. */
    readonly untagged?: number;
    /** Attached to images that do not exist. Absent where that cannot be known. */
    readonly orphans?: number;
    readonly manifests: number;
    readonly referrers: number;
    /** Indexes that lack platforms. */
    readonly broken: number;
  };
  readonly sizes: RepositorySizes;
  readonly pulls: RegistryTraits['pulled'];
  readonly gaps: readonly InventoryGap[];
}

/** Sums up an inventory. */
export function contentOf(inventory: RepositoryInventory): RepositoryContent {
  const graph = imageGraph(inventory);
  const sizes = repositorySizes(graph);
  const { traits, gaps, repository, readAt } = inventory;
  const roots = graph.nodes.filter(
    ({ role, manifest }) => role === 'root' && manifest.presence !== 'missing' && manifest.kind !== 'referrer',
  );
  const images = roots
    .map((node): ReportedImage => {
      const { manifest } = node;
      const { size = 0, exclusive = 0 } = sizes.byRoot.get(manifest.digest) ?? {};
      const pushedAt = newest(node.tags.map((tag) => pushTime(node, tag))) ?? pushTime(node);
      const recorded = manifest.pushedAt ?? newest(node.tags.map(({ updatedAt }) => updatedAt));
      const pulledAt = lastPull(node, traits);
      const parts = partsOf(node);
      const broken = brokenAs(node);
      return {
        digest: manifest.digest,
        tags: node.tags.map(({ name }) => name),
        kind: manifest.kind,
        platforms: parts.flatMap(({ platform }) => platform ?? []).toSorted(),
        manifests: parts,
        ...(pushedAt === undefined ? {} : { pushedAt }),
        ...(pushedAt !== undefined && recorded === undefined ? { isBuildTime: true as const } : {}),
        ...(pulledAt === undefined ? {} : { pulledAt }),
        size,
        exclusive,
        ...(broken === undefined ? {} : { broken }),
      };
    })
    .toSorted((a, b) => (b.pushedAt ?? 0) - (a.pushedAt ?? 0) || compareText(a.digest, b.digest));
  const orphans = graph.nodes.filter(({ isOrphan, manifest }) => isOrphan && manifest.presence !== 'missing').length;
  const present = graph.nodes.filter(({ manifest }) => manifest.presence !== 'missing');
  return {
    repository,
    vendor: traits.vendor,
    readAt,
    images,
    counts: {
      images: images.length,
      tags: images.reduce((sum, { tags }) => sum + tags.length, 0),
      ...(traits.listsUntagged ? { untagged: images.filter(({ tags }) => tags.length === 0).length } : {}),
      ...(traits.listsUntagged || orphans > 0 ? { orphans } : {}),
      manifests: present.length,
      referrers: present.filter(({ role }) => role === 'referrer').length,
      broken: images.filter(({ broken }) => broken !== undefined).length,
    },
    sizes,
    pulls: traits.pulled,
    gaps,
  };
}

/** Platform manifests of an image. A platform `unknown` is an attestation. */
function partsOf({ manifest, children }: GraphNode): ReportedImage['manifests'] {
  if (manifest.children.length === 0) return [{ digest: manifest.digest }];
  return children.flatMap((child) => {
    const { digest, platform, presence } = child.manifest;
    if (child.manifest.children.length > 0) return partsOf(child);
    return platform === undefined || presence === 'missing' ? [] : [{ digest, platform }];
  });
}

function newest(times: readonly (Instant | undefined)[]): Instant | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

/** The last pull of the image, through a tag, or of one of its parts; `never` only where the registry would know. */
function lastPull({ manifest, tags, children }: GraphNode, { pulled }: RegistryTraits): Instant | 'never' | undefined {
  if (pulled === 'none') return undefined;
  const all = [
    manifest.pulledAt,
    ...tags.map((tag) => tag.pulledAt),
    ...children.map((node) => node.manifest.pulledAt),
  ];
  const time = newest(all.map((each) => (each === 'never' ? undefined : each)));
  return time ?? (all.includes('never') ? 'never' : undefined);
}
