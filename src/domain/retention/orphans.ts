import type { Duration } from './duration.ts';
import type { GraphNode, ImageGraph } from './graph.ts';
import type { Instant } from './inventory.ts';
import { pushTime } from './times.ts';

/**
 * Referrers without a kept or deleted image to follow. Orphans of one subject (the list under its fallback tag, and what that
 * lists) go together, by the age of the youngest; without a known age they stay.
 * @param olderThan absent: every orphan stays
 */
export function orphansOf(
  graph: ImageGraph,
  olderThan: Duration | undefined,
  now: Instant,
): { readonly removed: readonly GraphNode[]; readonly kept: readonly GraphNode[] } {
  const youngest = new Map<string, Instant>();
  const loose: GraphNode[] = [];
  for (const node of graph.nodes) {
    if (node.isOrphan) {
      for (const subject of node.subjects) {
        const time = pushTime(node);
        if (time !== undefined) youngest.set(subject, Math.max(time, youngest.get(subject) ?? 0));
      }
    } else if (node.role === 'referrer' && !node.subjects.some((subject) => graph.at.has(subject))) loose.push(node);
  }
  const isDue = ({ subjects }: GraphNode) =>
    olderThan !== undefined &&
    subjects.every((subject) => {
      const time = youngest.get(subject);
      return time !== undefined && now - time > olderThan;
    });
  const orphans = graph.nodes.filter(({ isOrphan }) => isOrphan);
  return { removed: orphans.filter(isDue), kept: [...orphans.filter((node) => !isDue(node)), ...loose] };
}
