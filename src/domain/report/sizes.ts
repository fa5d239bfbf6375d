import { compareText } from '../compare-text.ts';
import type { Digest } from '../digest.ts';
import type { GraphNode, ImageGraph } from '../retention/graph.ts';

/** Bytes of one image: everything that it consists of and what is attached to it. */
interface ImageSize {
  /** Each blob of the image once, whether or not other images have it. */
  readonly size: number;
  /** Of these, the bytes that no other image needs: what its deletion frees. */
  readonly exclusive: number;
}

/** A blob that several images have. */
interface SharedBlob {
  readonly digest: string;
  readonly size: number;
  readonly images: number;
}

/** Bytes of one repository, counted in the ways that differ. */
export interface RepositorySizes {
  /** The images one by one: a blob counts in each image that has it. What most registries show per image. */
  readonly sum: number;
  /** Each blob and manifest once: what a registry that stores content by digest keeps. */
  readonly distinct: number;
  /** Needed by one image only; `distinct - exclusive` is shared, or belongs to no image. */
  readonly exclusive: number;
  /** Needed by no image: referrers of images that do not exist. */
  readonly unreferenced: number;
  /**
   * Whether all manifests were read, and agree about the size of each blob. For those that were not, the registry's own sizes
   * fill in, which do not show shared layers.
   */
  readonly isExact: boolean;
  readonly byRoot: ReadonlyMap<Digest, ImageSize>;
  /** The largest first. */
  readonly shared: readonly SharedBlob[];
}

/** Shared blobs to keep. */
const MAX_SHARED = 10;

interface Unit {
  size: number;
  owners: number;
  /** The latest image that was counted, so that an image counts once. */
  owner: Digest | undefined;
}

/** Counts the bytes of a repository. An image is a root of the graph with its parts and referrers. */
export function repositorySizes({ nodes }: ImageGraph): RepositorySizes {
  const units = new Map<string, Unit>();
  let isExact = true;
  const unitsOf = new Map<number, readonly string[]>();
  for (const node of nodes) {
    const own = contentOf(node);
    isExact &&= own.isExact;
    for (const [key, size] of own.units) {
      const unit = units.get(key);
      if (unit === undefined) units.set(key, { size, owners: 0, owner: undefined });
      else if (unit.size !== size) {
        // A manifest can claim any size of a blob: at least one of the two is wrong, and the larger one does more harm.
        unit.size = Math.min(unit.size, size);
        isExact = false;
      }
    }
    unitsOf.set(
      node.index,
      own.units.map(([key]) => key),
    );
  }
  const roots = nodes.filter(({ role, manifest }) => role === 'root' && manifest.presence !== 'missing');
  const members = roots.map((root) => [root, membersOf(root)] as const);
  for (const [root, parts] of members) {
    const { digest } = root.manifest;
    for (const part of parts) {
      for (const key of unitsOf.get(part.index) ?? []) {
        const unit = units.get(key);
        if (unit === undefined || unit.owner === digest) continue;
        unit.owner = digest;
        unit.owners += 1;
      }
    }
  }
  const byRoot = new Map<Digest, ImageSize>();
  for (const [root, parts] of members) {
    const keys = new Set(parts.flatMap((part) => unitsOf.get(part.index) ?? []));
    let [size, exclusive] = [0, 0];
    for (const key of keys) {
      const unit = units.get(key);
      size += unit?.size ?? 0;
      if (unit?.owners === 1) exclusive += unit.size;
    }
    byRoot.set(root.manifest.digest, { size, exclusive });
  }
  const sumOf = (sizes: Iterable<number>) => [...sizes].reduce((total, size) => total + size, 0);
  const images = [...byRoot.values()];
  const all = [...units].map(([digest, unit]) => ({ digest, size: unit.size, images: unit.owners }));
  return {
    sum: sumOf(images.map(({ size }) => size)),
    distinct: sumOf(all.map(({ size }) => size)),
    exclusive: sumOf(images.map(({ exclusive }) => exclusive)),
    unreferenced: sumOf(all.flatMap((unit) => (unit.images === 0 ? unit.size : []))),
    isExact,
    byRoot,
    shared: all
      .filter((unit) => unit.images > 1 && !unit.digest.startsWith(ESTIMATE))
      .toSorted((a, b) => b.size - a.size || compareText(a.digest, b.digest))
      .slice(0, MAX_SHARED),
  };
}

/** Key of content whose blobs are not known. */
const ESTIMATE = 'content of ';

/** What a manifest adds: itself, and its blobs or what the registry says they have. */
function contentOf({ manifest }: GraphNode): {
  readonly units: readonly (readonly [key: string, size: number])[];
  readonly isExact: boolean;
} {
  const { digest, presence, size, blobs, children, contentSize } = manifest;
  if (presence === 'missing') return { units: [], isExact: true };
  const own: readonly [string, number] = [digest, size ?? 0];
  if (blobs !== undefined)
    return { units: [own, ...blobs.map((blob) => [blob.digest, blob.size] as const)], isExact: size !== undefined };
  if (children.length > 0) return { units: [own], isExact: size !== undefined };
  return { units: [own, [`${ESTIMATE}${digest}`, contentSize ?? 0]], isExact: false };
}

/** A root with its parts and referrers at any depth. */
function membersOf(root: GraphNode): readonly GraphNode[] {
  const found = new Set([root]);
  for (const node of found)
    for (const list of [node.children, node.referrers]) for (const next of list) found.add(next);
  return [...found];
}
