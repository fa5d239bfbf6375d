import type { GraphNode } from './graph.ts';
import type { Instant, InventoryTag, RegistryTraits } from './inventory.ts';
import type { Basis, NeverPulled, Remove } from './policy.ts';

/** Docker's first release: a build that says it is older has set its time for reproducible bytes. */
const FIRST_IMAGE: Instant = Date.UTC(2013, 2, 20);

/** How the times of one repository are read. */
export interface TimeRules {
  readonly basis: Basis;
  readonly neverPulled: NeverPulled;
  readonly traits: RegistryTraits;
}

const latest = (...times: readonly (Instant | undefined)[]): Instant | undefined => {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
};

/**
 * The push of a digest or of the tag, whichever was later: a promotion of an old image makes its tag new. Where the registry
 * records no push, the image's own build time, unless that is not to be believed.
 */
export function pushTime({ manifest }: GraphNode, tag?: InventoryTag): Instant | undefined {
  return latest(manifest.pushedAt, tag?.updatedAt) ?? buildTime(manifest.createdAt);
}

function buildTime(createdAt: Instant | undefined): Instant | undefined {
  return createdAt !== undefined && createdAt >= FIRST_IMAGE ? createdAt : undefined;
}

/** The time that an age is counted from, by the policy's `basis`; undefined when unknown, which keeps. */
export function baseTime(node: GraphNode, tag: InventoryTag | undefined, rules: TimeRules): Instant | undefined {
  switch (rules.basis) {
    case 'pushed':
      return latest(node.manifest.pushedAt, tag?.updatedAt);
    case 'created':
      return buildTime(node.manifest.createdAt);
    case 'updated':
      return latest(node.manifest.updatedAt, tag?.updatedAt);
    case 'tagged':
      return tag === undefined ? node.manifest.pushedAt : tag.updatedAt;
    case 'pulled':
      return pullTime(node, tag, rules);
  }
}

/** The age's start for a root without tags: when its last tag left, where known. */
export function untaggedTime(node: GraphNode, since: Remove['since'], rules: TimeRules): Instant | undefined {
  const base = baseTime(node, undefined, rules);
  return since === 'untagged' && base !== undefined ? latest(base, node.manifest.untaggedAt) : base;
}

/** The last pull of an image, of one of its parts or through the tag. Undefined when unknown or to be kept. */
export function pullTime(node: GraphNode, tag: InventoryTag | undefined, rules: TimeRules): Instant | undefined {
  if (rules.traits.pulled === 'none') return undefined;
  const all = [node.manifest.pulledAt, tag?.pulledAt, ...node.children.map(({ manifest }) => manifest.pulledAt)];
  const pulled = latest(...all.filter((time) => time !== 'never'));
  if (pulled !== undefined) return pulled;
  // Never pulled is known of the root itself, not only of one of its parts.
  if (node.manifest.pulledAt !== 'never' && tag?.pulledAt !== 'never') return undefined;
  if (rules.neverPulled === 'keep') return undefined;
  return rules.neverPulled === 'oldest' ? 0 : pushTime(node, tag);
}
