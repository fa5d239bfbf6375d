import type { GraphNode } from './graph.ts';
import type { InventoryTag } from './inventory.ts';
import type { Reason } from './plan.ts';

/** What a rule decides on: one tag of a root, or a root that has none. */
export interface Item {
  readonly node: GraphNode;
  readonly tag: InventoryTag | undefined;
  /** Why it should go: of the first rule that says so. */
  removal?: Reason;
  /** Why it has to stay: it wins. */
  keep?: Reason;
  /** Why no rule removes it, when nothing else is to be said: too young for a rule, of another kind. */
  note?: Reason;
}

/** Which reason is shown when several keep the same item; the result is the same with any. */
const KEEP_ORDER: readonly Reason['code'][] = [
  'in-use',
  'protected',
  'locked',
  'kept-by-rule',
  'young',
  'newest-image',
  'last-tagged',
  'limit',
  'other-tags',
  'blocked',
];

/** Keeps an item for a reason, unless a stronger one is known already. */
export function keepItem(item: Item, reason: Reason): void {
  const before = item.keep === undefined ? KEEP_ORDER.length : KEEP_ORDER.indexOf(item.keep.code);
  if (KEEP_ORDER.indexOf(reason.code) < before) item.keep = reason;
}

/** Whether something says that it goes and nothing that it stays. */
export function goes({ removal, keep }: Item): boolean {
  return removal !== undefined && keep === undefined;
}

/** The items of every root, root by root. */
export function itemsOf(nodes: readonly GraphNode[]): readonly (readonly Item[])[] {
  return nodes
    .filter(({ role, manifest }) => role === 'root' && manifest.presence !== 'missing')
    .map((node): readonly Item[] =>
      node.tags.length === 0 ? [{ node, tag: undefined }] : node.tags.map((tag) => ({ node, tag })),
    );
}
