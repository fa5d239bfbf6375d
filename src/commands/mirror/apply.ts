import type { Digest } from '../../domain/digest.ts';
import { kindOf } from '../../domain/mirror/select-tags.ts';
import { ActionError, toActionError } from '../../errors/action-error.ts';
import { warn } from '../../run/progress.ts';
import { askAdmission } from '../../run/push-preflight.ts';
import type { MirrorContext } from './context.ts';
import { copyWorkImage } from './copy-image.ts';
import { removeRows } from './prune.ts';
import { writeState } from './state.ts';
import { failRow, type ImageWork, type MirrorWork, NEEDS_COPY, NEEDS_TAG, type Row, type TargetWork } from './work.ts';
import { writeRow } from './write-tag.ts';

/**
 * Applies one mirror: content and attachments of all its images first, then tags, then removals. Never throws, except when
 * the run is cancelled.
 */
export async function applyMirror(context: MirrorContext, work: MirrorWork, admitted: Admissions): Promise<void> {
  if (work.error !== undefined) return;
  await Promise.all(work.targets.map((target) => admit(context, work, target, admitted)));
  const pending = Map.groupBy(
    work.rows.filter(({ action }) => NEEDS_COPY.includes(action)),
    ({ image }) => image,
  );
  await Promise.all(
    [...pending].map(([image, rows]) =>
      context.images(async () => {
        if (image !== undefined) await copyWorkImage(context, work, image, rows);
      }),
    ),
  );
  for (const target of work.targets) await applyTags(context, work, target);
}

/** The answers of targets to whether they may be written, each asked once in a run. */
export type Admissions = Map<TargetWork, Promise<void>>;

/** Creates the target when asked to, and checks that it takes what is planned, before anything is sent. */
async function admit(
  context: MirrorContext,
  work: MirrorWork,
  target: TargetWork,
  admitted: Admissions,
): Promise<void> {
  const { runtime, inputs, partial } = context;
  const rows = rowsOf(work, target);
  const wanting = rows.filter(({ action }) => NEEDS_COPY.includes(action));
  if (wanting.length === 0 || target.error !== undefined) return;
  const moves = wanting.flatMap(({ action, tag }) => (action === 'update' ? [tag] : []));
  // The first upload to the others of a registry shows the same, and reads nothing from the source before.
  const probe = !context.probed.has(target.registry);
  context.probed.add(target.registry);
  const askFor = async (tags: readonly string[]) => {
    for (const doubt of await askAdmission(runtime, inputs, target, tags, { probe })) warn(runtime, partial, doubt);
  };
  const ask = async () => {
    try {
      await askFor(moves);
    } catch (thrown) {
      // Tags that the registry does not let move keep nothing else from the target.
      if (!(thrown instanceof ActionError) || thrown.code !== 'TAG_IMMUTABLE' || moves.length === 0) throw thrown;
      for (const row of wanting) if (row.action === 'update') failRow(row, thrown);
      await askFor([]);
    }
  };
  const asked = admitted.get(target) ?? ask();
  admitted.set(target, asked);
  try {
    await asked;
  } catch (thrown) {
    runtime.signal.throwIfAborted();
    target.error = toActionError(thrown);
    for (const row of wanting) failRow(row, target.error);
  }
}

async function applyTags(context: MirrorContext, work: MirrorWork, target: TargetWork): Promise<void> {
  const rows = rowsOf(work, target);
  const due = rows.filter((row): row is Row & { readonly image: ImageWork } => row.image !== undefined && isReady(row));
  const removals = rows.filter(({ action }) => action === 'untag');
  if (due.length > 0) await claim(context, work, target, due);
  // Versions first: what moves may be read as "the newest version", which must exist by then.
  for (const kind of ['version', 'moving'] as const) {
    await Promise.all(due.filter(({ tag }) => kindOf(tag) === kind).map((row) => writeRow(context, row)));
  }
  await removeRows(context, target, removals);
  const removed = new Set(removals.filter(({ isDone }) => isDone).map(({ tag }) => tag));
  if (removed.size === 0) return;
  const written = target.written.get(work.mirror.from.name) ?? new Map<string, Digest>();
  await writeState(context, work, target, new Map([...written].filter(([tag]) => !removed.has(tag))));
}

/** Notes the tags that are about to be written, for a later `delete: untag-missing`. */
async function claim(
  context: MirrorContext,
  work: MirrorWork,
  target: TargetWork,
  due: readonly { readonly tag: string; readonly image: ImageWork }[],
): Promise<void> {
  const { from, deletion } = work.mirror;
  if (deletion === 'none') return;
  const before = target.written.get(from.name) ?? new Map<string, Digest>();
  const written = new Map([...before, ...due.map(({ tag, image }) => [tag, image.wanted] as const)]);
  target.written.set(from.name, written);
  await writeState(context, work, target, written);
}

function isReady({ action, image }: Row): boolean {
  return NEEDS_TAG.includes(action) && image?.root !== undefined;
}

function rowsOf({ rows }: MirrorWork, target: TargetWork): readonly Row[] {
  return rows.filter((row) => row.target === target);
}
