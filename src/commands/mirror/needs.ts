import { isIndexType } from '../../domain/manifest.ts';
import { toActionError } from '../../errors/action-error.ts';
import { OverBudget } from './budget.ts';
import type { MirrorContext } from './context.ts';
import { leaveForLater, noteResume } from './over-budget.ts';
import { readImage } from './read-image.ts';
import type { MirrorNeeds } from './result.ts';
import { stopsRepository } from './stops.ts';
import { failRow, type ImageWork, type MirrorWork, NEEDS_COPY, type Row } from './work.ts';

/** Manifests of images that a plan keeps in memory; the rest is read again when it is copied. */
const MAX_KEPT_BYTES = 64 * 1024 * 1024;

/**
 * What the plan needs: reads the manifests of what is to be copied, except where that counts as pulls. Content that several
 * images share is counted once. The pulls are those of a whole run: what the comparison has read counts too.
 */
export async function planNeeds(context: MirrorContext, works: readonly MirrorWork[]): Promise<MirrorNeeds> {
  const seen = new Set<string>();
  const needs = { bytes: 0, pulls: 0, unread: 0 };
  let kept = 0;
  const read = async (work: MirrorWork, image: ImageWork, rows: readonly Row[]): Promise<void> => {
    const { source } = work;
    if (source.pulls.isCounted()) {
      // An index needs one pull for itself and one for each of its manifests, which is known when it is read.
      needs.pulls += isIndexType(image.source.mediaType) ? 2 : 1;
      needs.unread++;
      return;
    }
    try {
      const targets = [...new Set(rows.map(({ target }) => target))];
      const isAttached = rows.every(({ action }) => action === 'attach');
      const near = isAttached ? targets.map(({ repository }) => repository) : [];
      const tally = { pulls: 0 };
      const graph = await readImage(work, image, near, tally);
      for (const { digest, size } of isAttached ? [] : graph.blobs.values()) {
        const key = `${work.mirror.from.name}@${digest}`;
        if (!seen.has(key)) needs.bytes += size;
        seen.add(key);
      }
      kept += graph.manifests.reduce((sum, { manifest }) => sum + manifest.bytes.length, 0);
      if (kept < MAX_KEPT_BYTES) image.graph = graph;
      else needs.pulls += tally.pulls;
    } catch (thrown) {
      context.runtime.signal.throwIfAborted();
      if (thrown instanceof OverBudget) {
        noteResume(context.partial, thrown.resumeAt);
        for (const row of rows) leaveForLater(row, thrown.message);
        return;
      }
      const error = toActionError(thrown);
      if (stopsRepository(error, work)) work.error ??= error;
      for (const row of rows) failRow(row, error);
    }
  };
  await Promise.all(
    works.flatMap((work) => {
      const pending = Map.groupBy(
        work.rows.filter(({ action }) => NEEDS_COPY.includes(action)),
        ({ image }) => image,
      );
      return [...pending].map(([image, rows]) =>
        context.images(async () => {
          if (image !== undefined && work.error === undefined) await read(work, image, rows);
        }),
      );
    }),
  );
  return { ...needs, pulls: needs.pulls + pullsOf(works) };
}

/** Manifests read from the sources so far. */
export function pullsOf(works: readonly MirrorWork[]): number {
  const budgets = new Set(works.map(({ source }) => source.pulls));
  return [...budgets].reduce((sum, { used }) => sum + used, 0);
}
