import { type GraphNode, type ImageGraph, PARTS_AND_REFERRERS, reachable } from './graph.ts';
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
  const done = new Uint8Array(graph.nodes.length);
  const isGoing = ({ index }: GraphNode) => isDeleted[index] === 1;
  const dependants = (node: GraphNode) => [...node.children, ...node.referrers].filter(isGoing);
  // How many deleted manifests still need each one.
  const needed = new Int32Array(graph.nodes.length);
  const count = (node: GraphNode, by: number) => {
    needed[node.index] = (needed[node.index] ?? 0) + by;
  };
  for (const node of graph.nodes) if (isGoing(node)) for (const other of dependants(node)) count(other, 1);

  const visit = (start: GraphNode) => {
    const open = [start];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      if (done[node.index] === 1) continue;
      done[node.index] = 1;
      steps.push(deleteStep(node));
      const next = dependants(node);
      for (const other of next) count(other, -1);
      // Taken from the end: parts come before what is attached.
      open.push(...next.filter(({ index }) => needed[index] === 0 && done[index] === 0).reverse());
    }
  };
  for (const root of roots) if (isGoing(root) && needed[root.index] === 0) visit(root);
  const rest = graph.nodes.filter((node) => isGoing(node));
  for (const node of rest) if (needed[node.index] === 0) visit(node);
  // What is left waits for itself, in a cycle.
  for (const node of rest) visit(node);
  return steps;
}

function deleteStep({ manifest, role, tags, attachedTags }: GraphNode): PlanStep {
  const { digest, handle } = manifest;
  const names = [...tags, ...attachedTags].map(({ name }) => name).sort();
  return { action: 'delete', digest, role, tags: names, ...(handle === undefined ? {} : { handle }) };
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
