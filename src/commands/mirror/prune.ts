import { shortDigest } from '../../domain/digest.ts';
import { isStateTag } from '../../domain/mirror/state.ts';
import { ActionError, throwAll, toActionError } from '../../errors/action-error.ts';
import { findLeftTags } from '../../run/deletion/left-tags.ts';
import { createTagRemover } from '../../run/deletion/untag.ts';
import type { MirrorContext } from './context.ts';
import type { SourceTag } from './read-source.ts';
import { readState } from './state.ts';
import { failRow, type MirrorWork, type Row } from './work.ts';

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

/** Removes one tag if it still points to what this mirror wrote. */
export async function removeRow({ runtime }: MirrorContext, row: Row): Promise<void> {
  const { target, tag, previous } = row;
  const { repository, registry, name, image } = target;
  try {
    const held = (await repository.head(tag))?.digest;
    if (previous === undefined || held !== previous) {
      throw new ActionError(
        'MIRROR_TARGET_CHANGED',
        `${image}:${tag} was changed during this run (${held === undefined ? 'it is gone' : `now ${shortDigest(held)}`}), and was not removed.`,
        { facts: { registry: repository.host, repository: repository.name, reference: tag } },
      );
    }
    const managed = registry.manage(repository.name);
    const opened = { image: { name }, vendor: registry.vendor, managed, repository };
    const removeTag = createTagRemover(opened, runtime.clock);
    await removeTag(tag, previous);
    const left = await findLeftTags(opened, new Map([[tag, { digest: previous }]]), removeTag, runtime.clock);
    throwAll([...left.values()]);
    row.isDone = true;
  } catch (thrown) {
    runtime.signal.throwIfAborted();
    failRow(row, toActionError(thrown));
  }
}
