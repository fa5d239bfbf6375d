import { compareText } from '../compare-text.ts';
import { attachedTag } from './attached-tags.ts';
import type { InventoryManifest, InventoryTag, RepositoryInventory } from './inventory.ts';

/** A manifest among the others of its repository. */
export interface GraphNode {
  /** Its place in {@link ImageGraph.nodes}. */
  readonly index: number;
  readonly manifest: InventoryManifest;
  /** Tags that people gave, sorted. */
  readonly tags: readonly InventoryTag[];
  /** Its `sha256-…` tags, sorted. */
  readonly attachedTags: readonly InventoryTag[];
  /** Manifests that it lists. */
  readonly children: readonly GraphNode[];
  /** Indexes that list it, except lists of referrers under a fallback tag: those do not make it part of an image. */
  readonly parents: readonly GraphNode[];
  /** Manifests that refer to it as their subject, by field or by tag. */
  readonly referrers: readonly GraphNode[];
  readonly role: 'root' | 'child' | 'referrer';
  /** A referrer whose subject is certainly absent. */
  readonly isOrphan: boolean;
  /** Subjects that it refers to, present or not. */
  readonly subjects: readonly string[];
}

/** The manifests of a repository as a graph; cycles and missing nodes included. */
export interface ImageGraph {
  /** Sorted by digest, so that nothing depends on the order of a listing. */
  readonly nodes: readonly GraphNode[];
  readonly at: ReadonlyMap<string, GraphNode>;
  /** Tags whose manifest is not in the inventory. */
  readonly dangling: readonly InventoryTag[];
}

type Draft<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer E)[] ? E[] : T[K] };

/** For all lists without entries: most of the six lists of a node have none, and there may be a hundred thousand nodes. */
const NONE: never[] = [];
Object.freeze(NONE);

/** Most lists have one entry, for which `push` alone would reserve the room of seventeen. */
function withEntry<T>(list: T[], entry: T): T[] {
  if (list.length === 0) return [entry];
  list.push(entry);
  return list;
}

/** Links the manifests of an inventory. An index lists children; a referrer names its subject; a `sha256-…` tag does, too. */
export function imageGraph(inventory: RepositoryInventory): ImageGraph {
  const nodes = inventory.manifests
    .toSorted((a, b) => compareText(a.digest, b.digest))
    .filter(({ digest }, index, sorted) => digest !== sorted[index - 1]?.digest)
    .map(
      (manifest, index): Draft<GraphNode> => ({
        index,
        manifest,
        tags: NONE,
        attachedTags: NONE,
        children: NONE,
        parents: NONE,
        referrers: NONE,
        role: 'root',
        isOrphan: false,
        subjects: NONE,
      }),
    );
  const at = new Map(nodes.map((node) => [node.manifest.digest as string, node]));
  const dangling: InventoryTag[] = [];
  for (const tag of inventory.tags.toSorted((a, b) => compareText(a.name, b.name))) {
    const node = at.get(tag.digest);
    const attached = attachedTag(tag.name);
    if (node === undefined) dangling.push(tag);
    else if (attached === undefined) node.tags = withEntry(node.tags, tag);
    else {
      node.attachedTags = withEntry(node.attachedTags, tag);
      node.subjects = withEntry(node.subjects, attached.subject);
    }
  }
  const bySha512 = new Map(
    nodes.flatMap((node) =>
      node.manifest.digest.startsWith('sha512:') ? [[node.manifest.digest.slice(0, 71), node]] : [],
    ),
  );
  const find = (digest: string) => at.get(digest) ?? bySha512.get(digest);
  for (const node of nodes) {
    const { children, subject } = node.manifest;
    if (subject !== undefined) node.subjects = withEntry(node.subjects, subject);
    for (const digest of new Set(children)) {
      const child = at.get(digest);
      if (child === undefined) continue;
      node.children = withEntry(node.children, child);
      if (!isFallbackList(node)) child.parents = withEntry(child.parents, node);
    }
    for (const found of new Set(node.subjects.map(find))) {
      if (found !== undefined && found !== node) found.referrers = withEntry(found.referrers, node);
    }
  }
  const isAbsent = (digest: string) => {
    const found = find(digest);
    // A registry that lists only tags does not list subjects.
    return found === undefined ? inventory.traits.listsUntagged : found.manifest.presence === 'missing';
  };
  for (const node of nodes) {
    const isReferrer = node.subjects.length > 0 || node.manifest.kind === 'referrer';
    if (node.tags.length > 0) node.role = 'root';
    else if (node.parents.length > 0) node.role = 'child';
    else if (isReferrer) node.role = 'referrer';
    node.isOrphan = node.role === 'referrer' && node.subjects.length > 0 && node.subjects.every(isAbsent);
  }
  return { nodes, at, dangling };
}

function isFallbackList({ tags, attachedTags }: GraphNode): boolean {
  return tags.length === 0 && attachedTags.length > 0;
}

/** All tags of a node, sorted. */
export function tagNames({ tags, attachedTags }: GraphNode): readonly string[] {
  if (attachedTags.length === 0) return tags.map(({ name }) => name);
  return [...tags, ...attachedTags].map(({ name }) => name).sort();
}

/** What {@link reachable} follows from a node. */
export type Follow = (node: GraphNode) => readonly (readonly GraphNode[])[];
export const PARTS: Follow = ({ children }) => [children];
/** What has to exist for an image to be whole and verifiable: its parts, and what is attached to them. */
export const PARTS_AND_REFERRERS: Follow = ({ children, referrers }) => [children, referrers];

/** Marks every node that is reachable from the given ones, these included. Iterative: graphs may be deep and have cycles. */
export function reachable(graph: ImageGraph, from: Iterable<GraphNode>, follow: Follow): Uint8Array {
  const marks = new Uint8Array(graph.nodes.length);
  const open: GraphNode[] = [];
  const visit = (node: GraphNode) => {
    if (marks[node.index] === 1) return;
    marks[node.index] = 1;
    open.push(node);
  };
  for (const node of from) visit(node);
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    for (const list of follow(node)) for (const next of list) visit(next);
  }
  return marks;
}

/** Whether an index lacks children for certain: all of them, or some. */
export function brokenAs(node: GraphNode): 'ghost' | 'partial' | undefined {
  if (node.children.length === 0) return undefined;
  const missing = node.children.filter(({ manifest }) => manifest.presence === 'missing').length;
  if (missing === 0) return undefined;
  return missing === new Set(node.manifest.children).size ? 'ghost' : 'partial';
}
