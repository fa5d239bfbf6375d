import type { Digest } from '../../domain/digest.ts';
import { ActionError } from '../../errors/action-error.ts';
import type { Clock } from '../../runtime/runtime.ts';
import type { CleanupTarget } from '../inventory/collected.ts';
import type { RemoveTag } from './untag.ts';

/** Reads of the tag list until a removed tag has to be gone, and the delay between them. */
const MAX_READS = 5;
const WAIT_MS = 1000;

/**
 * Reads back that removed tags are gone, and removes again those that a registry lists without a manifest: version 2 keeps
 * a tag when another one is written at the moment its digest is deleted. A tag that somebody pushed since is left alone.
 * @param removed what each tag pointed to, by name
 * @returns the tags that are still there, each with its error
 */
export async function findLeftTags(
  target: CleanupTarget,
  removed: ReadonlyMap<string, { readonly digest: Digest }>,
  removeTag: RemoveTag,
  clock: Clock,
): Promise<ReadonlyMap<string, ActionError>> {
  const { repository, vendor } = target;
  let open = [...removed.keys()];
  for (let read = 1; open.length > 0; read += 1) {
    const listed = new Set(await repository.listTags());
    const left: string[] = [];
    for (const tag of open) {
      const digest = removed.get(tag)?.digest;
      if (!listed.has(tag) || digest === undefined) continue;
      const found = await repository.head(tag);
      if (found?.digest === digest) left.push(tag);
      // Lists of other vendors lag behind.
      else if (found === undefined && vendor.id === 'distribution') {
        left.push(tag);
        if (read < MAX_READS) await removeTag(tag, digest);
      }
    }
    open = left;
    if (read === MAX_READS) break;
    if (open.length > 0) await clock.sleep(WAIT_MS);
  }
  return new Map(open.map((tag) => [tag, stillThere(target, tag)]));
}

function stillThere({ repository: { host, name } }: CleanupTarget, tag: string): ActionError {
  return new ActionError(
    'ANSWER_INVALID',
    `${host} confirmed that ${name}:${tag} was deleted, and the tag still exists.`,
    {
      facts: { registry: host, repository: name, reference: tag },
      remedy: [
        'Run the cleanup again: it removes what is left.',
        `If the tag stays, look at the log of the registry for the deletion of ${name}:${tag}.`,
      ],
    },
  );
}
