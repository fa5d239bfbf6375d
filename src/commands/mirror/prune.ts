import { type Digest, shortDigest } from '../../domain/digest.ts';
import { isStateTag } from '../../domain/mirror/state.ts';
import { ActionError, toActionError } from '../../errors/action-error.ts';
import { findLeftTags } from '../../run/deletion/left-tags.ts';
import { createTagRemover } from '../../run/deletion/untag.ts';
import type { MirrorContext } from './context.ts';
import type { SourceTag } from './read-source.ts';
import { readState } from './state.ts';
import { failRow, type MirrorWork, type Row, type TargetWork } from './work.ts';

/**
 * Plans to remove the tags that this mirror wrote and that the source does not have any more. The list of the source must
 * be complete and select something: an empty one is more likely a fault than a decision. Each tag is asked for once more.
 */
export async function planRemovals(
  context: MirrorContext,
  work: MirrorWork,
  selected: readonly SourceTag[],
): Promise<void> {
  const { mirror, source, targets, tags } = work;
  if (mirror.deletion === 'none' || tags === undefined || selected.every(({ image }) => image === undefined)) return;
  const absent = new Map<string, boolean>();
  const isAbsent = async (tag: string): Promise<boolean> => {
    const known = absent.get(tag) ?? (await source.repository.head(tag)) === undefined;
    absent.set(tag, known);
    return known;
  };
  for (const target of targets) {
    if (target.error !== undefined) continue;
    const written = await readState(context, work, target);
    target.written.set(mirror.from.name, written);
    for (const [tag, digest] of written) {
      if (tags.has(tag) || isStateTag(tag)) continue;
      const held = (await target.repository.head(tag))?.digest;
      if (held === undefined) continue;
      if (held !== digest) {
        context.runtime.log.info(
          `${target.image}:${tag} does not exist at the source any more, and points to another image than this mirror wrote: it stays.`,
        );
        continue;
      }
      if (!(await isAbsent(tag))) continue;
      // A tag that is named in full and does not exist is no mistake when it is to be removed.
      const planned = work.rows.find((row) => row.target === target && row.tag === tag);
      const row: Row = {
        tag,
        target,
        previous: held,
        action: 'untag',
        reason: 'the source does not have it any more',
        isDone: false,
      };
      if (planned === undefined) work.rows.push(row);
      else work.rows[work.rows.indexOf(planned)] = row;
    }
  }
}

/** Removes the tags of a target that still point to what this mirror wrote, and reads back once that they are gone. */
export async function removeRows(context: MirrorContext, target: TargetWork, rows: readonly Row[]): Promise<void> {
  if (rows.length === 0) return;
  const { repository, registry, name } = target;
  const { clock } = context.runtime;
  await failing(context, rows, async () => {
    const opened = {
      image: { name },
      vendor: registry.vendor,
      managed: registry.manage(repository.name),
      repository,
    };
    const removeTag = createTagRemover(opened, clock);
    const removed = new Map<string, { readonly digest: Digest; readonly row: Row }>();
    for (const row of rows) {
      await failing(context, [row], async () => {
        const digest = await unchanged(row);
        await removeTag(row.tag, digest);
        removed.set(row.tag, { digest, row });
      });
    }
    await failing(
      context,
      [...removed.values()].map(({ row }) => row),
      async () => {
        const left = await findLeftTags(opened, removed, removeTag, clock);
        for (const [tag, { row }] of removed) {
          const error = left.get(tag);
          if (error === undefined) row.isDone = true;
          else failRow(row, error);
        }
      },
    );
  });
}

/** What a tag points to. @throws ActionError MIRROR_TARGET_CHANGED when that is not what this mirror wrote */
async function unchanged({ target: { repository, image }, tag, previous }: Row): Promise<Digest> {
  const held = (await repository.head(tag))?.digest;
  if (held !== undefined && held === previous) return held;
  throw new ActionError(
    'MIRROR_TARGET_CHANGED',
    `${image}:${tag} was changed during this run (${held === undefined ? 'it is gone' : `now ${shortDigest(held)}`}), and was not removed.`,
    { facts: { registry: repository.host, repository: repository.name, reference: tag } },
  );
}

async function failing({ runtime }: MirrorContext, rows: readonly Row[], task: () => Promise<void>): Promise<void> {
  try {
    await task();
  } catch (thrown) {
    runtime.signal.throwIfAborted();
    for (const row of rows) failRow(row, toActionError(thrown));
  }
}
