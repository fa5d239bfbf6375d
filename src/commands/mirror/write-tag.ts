import { shortDigest } from '../../domain/digest.ts';
import { ActionError, toActionError } from '../../errors/action-error.ts';
import { writeTag } from '../../oci/transfer/push.ts';
import type { MirrorContext } from './context.ts';
import { failRow, type ImageWork, type Row } from './work.ts';

/** Writes one tag if it still points to what the plan saw. */
export async function writeRow({ runtime }: MirrorContext, row: Row & { readonly image: ImageWork }): Promise<void> {
  const { target, tag, previous, image } = row;
  const { repository } = target;
  try {
    const { root } = image;
    if (root === undefined) throw new Error(`${tag} has no content yet.`);
    const held = (await repository.head(tag))?.digest;
    if (held !== previous && held !== image.wanted) {
      const now = held === undefined ? 'is gone' : `points to ${shortDigest(held)}`;
      throw new ActionError(
        'MIRROR_TARGET_CHANGED',
        `${target.image}:${tag} ${now}, and ${previous === undefined ? 'did not exist' : `pointed to ${shortDigest(previous)}`} when the run began. It was not written.`,
        { facts: { registry: repository.host, repository: repository.name, reference: tag } },
      );
    }
    if (held !== image.wanted) await writeTag(repository, tag, root);
    row.isDone = true;
    runtime.log.info(`${target.image}:${tag} → ${image.wanted}`);
  } catch (thrown) {
    runtime.signal.throwIfAborted();
    failRow(row, toActionError(thrown));
  }
}
