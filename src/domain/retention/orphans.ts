import type { Duration } from './duration.ts';
import type { GraphNode, ImageGraph } from './graph.ts';
import type { Instant } from './inventory.ts';
import { deletedNodes } from './steps.ts';
import { pushTime } from './times.ts';

/** What a plan deletes by rules and by `referrers.orphans`, and what it keeps by itself. */
interface OrphanInput {
  readonly deleted: readonly GraphNode[];
  readonly kept: readonly GraphNode[];
  /** Absent: every orphan stays. */
  readonly olderThan: Duration | undefined;
  readonly now: Instant;
}

/**
 * Decides on referrers whose image does not exist. Everything attached to one absent image goes together, by the age of the youngest,
 * because somebody may be pushing it right now; without a known age it stays. What goes with something else does not count: without
 * it the rest may be due, and then goes in this run and not in the next.
 * @returns the orphans that go, and which nodes go in all, by index
 */
export function deleteWithOrphans(
  graph: ImageGraph,
  { deleted, kept, olderThan, now }: OrphanInput,
): { readonly orphans: readonly GraphNode[]; readonly isDeleted: Uint8Array } {
  const orphans = graph.nodes.filter(({ isOrphan }) => isOrphan);
  const loose = graph.nodes.filter(
    ({ isOrphan, role, subjects }) => !isOrphan && role === 'referrer' && !subjects.some((each) => graph.at.has(each)),
  );
  const due = new Set<GraphNode>();
  for (;;) {
    const staying = orphans.filter((node) => !due.has(node));
    const isDeleted = deletedNodes(graph, [...deleted, ...due], [...kept, ...loose, ...staying]);
    const before = due.size;
    if (olderThan !== undefined) {
      const youngest = youngestBySubject(graph, isDeleted);
      const isOld = (subject: string) => now - (youngest.get(subject) ?? now) > olderThan;
      for (const node of staying) if (node.subjects.every(isOld)) due.add(node);
    }
    if (due.size === before) return { orphans: [...due], isDeleted };
  }
}

/** The last push of what is attached to each subject and stays. Where no time is known, there is none. */
function youngestBySubject({ nodes }: ImageGraph, isDeleted: Uint8Array): ReadonlyMap<string, Instant> {
  const youngest = new Map<string, Instant>();
  for (const node of nodes) {
    const time = isDeleted[node.index] === 1 ? undefined : pushTime(node);
    if (time === undefined) continue;
    for (const subject of node.subjects) youngest.set(subject, Math.max(time, youngest.get(subject) ?? 0));
  }
  return youngest;
}
