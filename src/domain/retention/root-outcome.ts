import { brokenAs, type GraphNode } from './graph.ts';
import { goes, type Item } from './items.ts';
import type { MultiTag, RepositoryPolicy } from './policy.ts';
import { pushTime } from './times.ts';

/** What becomes of one root. `untag`: the tags that go are removed, and the digest stays. */
export interface RootOutcome {
  readonly node: GraphNode;
  readonly items: readonly Item[];
  action: 'keep' | 'untag' | 'delete';
}

/** Marks the items of broken indexes that the policy wants gone. */
export function removeBroken(roots: readonly (readonly Item[])[], { brokenIndex }: RepositoryPolicy): void {
  if (brokenIndex.length === 0) return;
  for (const items of roots) {
    const broken = items[0] === undefined ? undefined : brokenAs(items[0].node);
    if (broken === undefined || !brokenIndex.includes(broken)) continue;
    const text = broken === 'ghost' ? 'every image of this index is missing' : 'some images of this index are missing';
    for (const item of items) item.removal ??= { code: 'broken', rule: 'broken-index', text };
  }
}

/**
 * A digest goes when all its tags go. Otherwise `multi-tag` says whether the others save it, and whether the tags that were to
 * go leave.
 */
export function outcomeOf(items: readonly Item[], node: GraphNode, multiTag: MultiTag): RootOutcome {
  const going = items.filter(goes);
  if (going.length === 0) return { node, items, action: 'keep' };
  if (going.length === items.length) return { node, items, action: 'delete' };
  if (multiTag === 'require-all') {
    for (const item of going) item.keep = { code: 'other-tags', text: 'another tag of the same digest stays' };
    return { node, items, action: 'keep' };
  }
  const [first] = going;
  if (multiTag === 'untag' || first?.removal === undefined || items.some(({ keep }) => keep !== undefined)) {
    return { node, items, action: 'untag' };
  }
  const text = `its digest goes with the tag ${first.tag?.name}`;
  for (const item of items) item.removal ??= { ...first.removal, text };
  return { node, items, action: 'delete' };
}

/** Oldest first; unknown times last; then by digest. */
export function byAge(a: RootOutcome, b: RootOutcome): number {
  const [one, other] = [rootTime(a) ?? Number.MAX_SAFE_INTEGER, rootTime(b) ?? Number.MAX_SAFE_INTEGER];
  return one - other || a.node.index - b.node.index;
}

/** The last push of a root or of one of its tags. */
export function rootTime({ node, items }: RootOutcome): number | undefined {
  const times = items.flatMap(({ tag }) => pushTime(node, tag) ?? []);
  return times.length === 0 ? undefined : times.reduce((a, b) => Math.max(a, b));
}
