import { byText } from '../compare-text.ts';
import { shownPattern, type TagPattern, tagMatcher } from '../patterns/tag-pattern.ts';
import { inWords } from './duration.ts';
import type { GraphNode, ImageGraph } from './graph.ts';
import type { InUse, InUseImage } from './in-use.ts';
import type { Instant } from './inventory.ts';
import { type Item, keepItem } from './items.ts';
import type { PlanProblem, Reason } from './plan.ts';
import type { CleanupPolicy, RepositoryPolicy } from './policy.ts';
import { pushTime } from './times.ts';

/** Lines of `protect` that matched something, by the keys of {@link protectLines}. */
export type MatchedLines = Set<string>;

export interface ProtectContext {
  readonly repository: string;
  readonly graph: ImageGraph;
  readonly now: Instant;
  readonly policy: CleanupPolicy;
  readonly own: RepositoryPolicy;
  readonly inUse: InUse;
  /** Gets the lines that matched. */
  readonly matched: MatchedLines;
}

/**
 * Every line that has to match something, with how it is shown. Lines that take out need not.
 * @param planned which entries of `repositories` a repository was planned with
 */
export function protectLines(policy: CleanupPolicy, planned: readonly boolean[]): ReadonlyMap<string, string> {
  const lines = (where: string, tags: readonly TagPattern[], digests: readonly string[]) => [
    ...tags
      .filter(({ negated }) => !negated)
      .map((pattern): [string, string] => [
        `${where}.tags ${shownPattern(pattern)}`,
        `protect.tags ${shownPattern(pattern)}`,
      ]),
    ...digests.map((digest): [string, string] => [`${where}.digests ${digest}`, `protect.digests ${digest}`]),
  ];
  return new Map([
    ...lines('protect', policy.protect.tags ?? [], policy.protect.digests),
    ...policy.repositories.flatMap(({ protect }, index) =>
      planned[index] === true ? lines(`${index}`, protect.tags, protect.digests) : [],
    ),
  ]);
}

/**
 * Marks the items that stay whatever the rules say, and returns the other nodes (children, referrers) that do.
 * A digest that is protected or in use keeps its tags, because rules of the registry run beside ours.
 */
export function protectItems(
  roots: readonly (readonly Item[])[],
  context: ProtectContext,
): { readonly kept: ReadonlyMap<GraphNode, Reason>; readonly problems: readonly PlanProblem[] } {
  const { graph, policy, own, inUse } = context;
  const kept = new Map<GraphNode, Reason>();
  const problems: PlanProblem[] = [];
  const byNode = new Map(roots.flatMap((items) => (items[0] === undefined ? [] : [[items[0].node, items] as const])));
  const keepNode = (node: GraphNode, reason: Reason) => {
    if (!kept.has(node)) kept.set(node, reason);
    for (const item of byNode.get(node) ?? []) keepItem(item, reason);
  };

  const sorted = inUse.images.filter(({ repository }) => repository === context.repository).toSorted(byText(keyOf));
  const byTag = new Map(
    roots.flat().flatMap((item) => (item.tag === undefined ? [] : [[item.tag.name, item] as const])),
  );
  const attachedTo = new Map(graph.nodes.flatMap((node) => node.attachedTags.map(({ name }) => [name, node] as const)));
  for (const image of sorted) {
    const reason: Reason = { code: 'in-use', rule: image.source.kind, text: `in use: ${image.source.where}` };
    const node = image.digest === undefined ? undefined : graph.at.get(image.digest);
    if (node !== undefined) keepNode(node, reason);
    const name = image.tag ?? (image.digest === undefined ? 'latest' : undefined);
    const item = name === undefined ? undefined : byTag.get(name);
    const attached = name === undefined ? undefined : attachedTo.get(name);
    if (item !== undefined) keepItem(item, reason);
    if (attached !== undefined) keepNode(attached, reason);
    if (node === undefined && item === undefined && attached === undefined) {
      problems.push({
        severity: 'warning',
        code: 'in-use-absent',
        message: `${image.digest ?? `The tag ${name}`} is in use (${image.source.where}) but not in ${context.repository}.`,
      });
    }
  }

  const protect = (where: string, tags: readonly TagPattern[], digests: readonly string[]) => {
    for (const digest of digests) {
      const node = graph.at.get(digest);
      if (node === undefined) continue;
      context.matched.add(`${where}.digests ${digest}`);
      keepNode(node, { code: 'protected', rule: 'protect.digests', text: 'protected by its digest' });
    }
    if (tags.length === 0) return;
    const all = tagMatcher(tags);
    const lines = tags.filter(({ negated }) => !negated).map((pattern) => ({ pattern, ...tagMatcher([pattern]) }));
    for (const item of byTag.values()) {
      const name = item.tag?.name ?? '';
      if (!all.matches(name)) continue;
      const hits = lines.filter(({ matches }) => matches(name));
      for (const { pattern } of hits) context.matched.add(`${where}.tags ${shownPattern(pattern)}`);
      const rule = hits[0] === undefined ? 'protect.tags' : `protect.tags ${shownPattern(hits[0].pattern)}`;
      keepItem(item, { code: 'protected', rule, text: 'protected' });
    }
  };
  protect('protect', policy.protect.tags ?? [], policy.protect.digests);
  protect(`${policy.repositories.indexOf(own)}`, own.protect.tags, own.protect.digests);

  for (const node of graph.nodes) {
    const { lock } = node.manifest;
    // What cannot be deleted at all is a fact, not a wish.
    if (lock?.kind === 'downloads') keepNode(node, { code: 'blocked', text: lock.reason });
    else if (lock !== undefined && policy.protect.locked) keepNode(node, { code: 'locked', text: lock.reason });
  }
  for (const items of roots) {
    for (const item of items) {
      const { lock } = item.tag ?? {};
      if (lock !== undefined && policy.protect.locked) keepItem(item, { code: 'locked', text: lock.reason });
      const pushed = pushTime(item.node, item.tag);
      const age = pushed === undefined ? undefined : context.now - pushed;
      if (own.minAge > 0 && age !== undefined && age < own.minAge) {
        keepItem(item, {
          code: 'young',
          text: `${inWords(Math.max(0, age))} old, younger than \`min-age\` ${inWords(own.minAge)}`,
        });
      } else if (own.minAge > 0 && age === undefined && item.tag === undefined) {
        keepItem(item, { code: 'young', text: 'untagged and of unknown age: it may be part of a push under way' });
      }
    }
  }
  return { kept, problems };
}

function keyOf({ tag, digest, source }: InUseImage): string {
  return [source.kind, source.where, tag ?? '', digest ?? ''].join('\n');
}
