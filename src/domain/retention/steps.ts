import { type GraphNode, type ImageGraph, PARTS_AND_REFERRERS, reachable, tagNames } from './graph.ts';
import type { PlanStep, TagDecision } from './plan.ts';

/**
 * Orders the writes: tags first, then each root, what it lists, and what is attached, once everything that needs them is gone.
 * A registry that refuses to delete what is still referenced agrees with this order.
 * @param roots in the order in which they go; those that something kept needs are passed over
 * @param isDeleted by index of the node
 */
export function stepsOf(
  graph: ImageGraph,
  roots: readonly GraphNode[],
  isDeleted: Uint8Array,
  tags: readonly TagDecision[],
): readonly PlanStep[] {
  const steps: PlanStep[] = tags.flatMap(({ action, tag, digest }) =>
    action === 'untag' ? [{ action, tag, digest }] : [],
  );
  const isGoing = ({ index }: GraphNode) => isDeleted[index] === 1;
  const starts = roots.filter(isGoing);
  const reached = reachable(graph, starts, (node) => (isGoing(node) ? PARTS_AND_REFERRERS(node) : []));
  const others = graph.nodes.filter((node) => isGoing(node) && reached[node.index] === 0);
  return [...steps, ...parentsFirst(graph, [...starts, ...others], isGoing).map(deleteStep)];
}

/**
 * Everything that is reachable from the given nodes, each after all that lead to it (the reverse of depth-first finishing
 * order). In a cycle, where that is impossible, the first one met goes first.
 */
function parentsFirst(
  graph: ImageGraph,
  starts: readonly GraphNode[],
  isGoing: (node: GraphNode) => boolean,
): readonly GraphNode[] {
  const seen = new Uint8Array(graph.nodes.length);
  const finished: GraphNode[] = [];
  // Parts come before what is attached, and the first start before the last, once all is reversed.
  const dependants = ({ children, referrers }: GraphNode) => [...children, ...referrers].filter(isGoing);
  for (const start of starts.toReversed()) {
    if (seen[start.index] === 1) continue;
    seen[start.index] = 1;
    const open = [{ node: start, left: dependants(start) }];
    for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
      const next = top.left.pop();
      if (next === undefined) {
        finished.push(top.node);
        open.pop();
      } else if (seen[next.index] === 0) {
        seen[next.index] = 1;
        open.push({ node: next, left: dependants(next) });
      }
    }
  }
  return finished.reverse();
}

function deleteStep(node: GraphNode): PlanStep {
  const { digest, handle } = node.manifest;
  return {
    action: 'delete',
    digest,
    role: node.role,
    tags: tagNames(node),
    ...(handle === undefined ? {} : { handle }),
  };
}

/**
 * Which nodes go, by index: those that something deleted reaches, and nothing kept does. Manifests that are missing already
 * are no deletion.
 */
export function deletedNodes(graph: ImageGraph, deleted: readonly GraphNode[], kept: readonly GraphNode[]): Uint8Array {
  const seen = reachable(graph, [...deleted, ...kept], PARTS_AND_REFERRERS);
  const isMissing = ({ manifest }: GraphNode) => manifest.presence === 'missing';
  // Nothing is known to need these, such as a cycle without root: they stay.
  const unreached = graph.nodes.filter((node) => seen[node.index] === 0 && !isMissing(node));
  const isKept = reachable(graph, [...kept, ...unreached], PARTS_AND_REFERRERS);
  return Uint8Array.from(graph.nodes, (node) => (isKept[node.index] === 1 || isMissing(node) ? 0 : 1));
}
