import { counted, bytes as size } from '../../domain/amount.ts';
import { type ActionError, toActionError } from '../../errors/action-error.ts';
import { type Copied, copyGraph } from '../../oci/transfer/copy.ts';
import type { ImageGraph } from '../../oci/transfer/graph.ts';
import { copyToTargets } from '../../run/copy-to-targets.ts';
import { warn } from '../../run/progress.ts';
import { OverBudget } from './budget.ts';
import type { MirrorContext } from './context.ts';
import { leaveForLater, noteResume, resumeAfter } from './over-budget.ts';
import { readImage } from './read-image.ts';
import { stopsRepository } from './stops.ts';
import { keepWhole } from './subset.ts';
import { failRow, type ImageWork, type MirrorWork, NEEDS_TAG, type Row, type TargetWork } from './work.ts';

/**
 * Copies one image to all targets that lack something of it, with one read of the source. A failure is the result of its
 * rows; one that concerns the whole source or target ends the rest of that.
 */
export async function copyWorkImage(
  context: MirrorContext,
  work: MirrorWork,
  image: ImageWork,
  rows: readonly Row[],
): Promise<void> {
  const { runtime, partial } = context;
  try {
    const { error } = work;
    if (error !== undefined) throw error;
    const open = rows.filter((row) => !isClosed(row));
    const targets = [...new Set(open.map(({ target }) => target))];
    if (targets.length === 0) return;
    const near = open.every(({ action }) => action === 'attach') ? targets.map(({ repository }) => repository) : [];
    const graph = image.graph ?? (await readImage(work, image, near));
    context.bytes.reserve(bytesOf(graph, targets));
    for (const problem of graph.problems) warn(runtime, partial, problem);
    const errors = await copyTo(context, work, image, graph, open, targets);
    image.root = graph.root;
    for (const row of open) {
      const failure = errors.get(row.target);
      if (failure !== undefined) failRow(row, failure);
      if (failure !== undefined && stopsRepository(failure, row.target)) row.target.error ??= failure;
    }
  } catch (thrown) {
    runtime.signal.throwIfAborted();
    if (thrown instanceof OverBudget) {
      noteResume(partial, thrown.resumeAt);
      for (const row of rows) leaveForLater(row, thrown.message);
      return;
    }
    const error = toActionError(thrown);
    noteResume(partial, resumeAfter(runtime, error));
    if (stopsRepository(error, work)) work.error ??= error;
    for (const row of rows) failRow(row, error);
  } finally {
    // Thousands of images are planned; what is copied is not needed any more.
    delete image.graph;
  }
}

/** Another image has shown that the target takes nothing. */
function isClosed(row: Row): boolean {
  const { error } = row.target;
  if (error !== undefined) failRow(row, error);
  return error !== undefined;
}

async function copyTo(
  { runtime, partial, uploads }: MirrorContext,
  { source }: MirrorWork,
  image: ImageWork,
  graph: ImageGraph,
  rows: readonly Row[],
  targets: readonly TargetWork[],
): Promise<ReadonlyMap<TargetWork, ActionError>> {
  const known = new Map(targets.map((target) => [target.repository, target.known]));
  const copied: Copied[] = [];
  const errors = await copyToTargets(runtime, source.repository, targets, async (left) => {
    copied.push(
      await copyGraph({
        from: source.repository,
        to: left.map(({ repository }) => repository),
        graph,
        log: { warning: (line) => warn(runtime, partial, line) },
        uploads,
        known: (repository) => known.get(repository) ?? new Set(),
        isTolerant: true,
        isTagged: image.subset === undefined && rows.every(({ action }) => NEEDS_TAG.includes(action)),
      }),
    );
    const { subset } = image;
    if (subset === undefined) return;
    for (const { repository } of left) await keepWhole(repository, graph.root.descriptor, subset.whole);
  });
  const tags = [...new Set(rows.map(({ tag }) => tag))].join(', ');
  for (const { manifests, blobs, mounted, bytes, refused, attachments } of copied) {
    const { totals } = partial;
    totals.images++;
    totals.manifests += manifests;
    totals.blobs += blobs;
    totals.mounted += mounted;
    totals.bytes += bytes;
    if (manifests > 0) {
      const also = attachments.length === 0 ? '' : `, ${attachments.length} attached`;
      runtime.log.info(
        `${source.image}:${tags}: copied ${counted(manifests, 'manifest')} and ${counted(blobs, 'blob')} (${size(bytes)})${also}.`,
      );
    }
    for (const { to, digest, error } of refused) {
      partial.isPartial = true;
      warn(
        runtime,
        partial,
        `${to.host}/${to.name} does not take ${digest}, which is attached to ${source.image}:${tags}: it was not carried. ${error.message}`,
      );
    }
  }
  const isNothing = copied.every(({ manifests }) => manifests === 0);
  for (const row of rows.filter(({ action, target }) => action === 'attach' && !errors.has(target))) {
    if (isNothing) Object.assign(row, { action: 'equal', reason: 'in place; other attachments are not carried' });
    else row.isDone = true;
  }
  return errors;
}

/** Bytes to read from the source: what some target is not known to have. */
function bytesOf({ blobs }: ImageGraph, targets: readonly TargetWork[]): number {
  return [...blobs.values()]
    .filter(({ digest }) => !targets.every(({ known }) => known.has(digest)))
    .reduce((sum, { size: own }) => sum + own, 0);
}
