import type { Descriptor } from '../../domain/manifest.ts';
import { isOneTag } from '../../domain/mirror/config-fields.ts';
import { type SelectedTag, type Selection, selectTags } from '../../domain/mirror/select-tags.ts';
import { ActionError, toActionError } from '../../errors/action-error.ts';
import { warn } from '../../run/progress.ts';
import type { MirrorContext } from './context.ts';
import { stopsRepository } from './stops.ts';
import type { MirrorWork } from './work.ts';

/** A tag of the source with the image that it points to. */
export interface SourceTag extends SelectedTag {
  readonly image?: Descriptor;
  readonly error?: ActionError;
}

/**
 * Lists the tags of a source and asks what they point to, with HEAD requests only.
 * @throws ActionError that is about the whole source
 */
export async function readSource(context: MirrorContext, work: MirrorWork): Promise<readonly SourceTag[]> {
  const { mirror, source } = work;
  const { repository } = source;
  const listed = await listTags(work);
  if (listed !== undefined) work.tags = new Set(listed);
  const selection = selectTags(mirror, listed);
  tell(context, work, selection);
  let stop: ActionError | undefined;
  const read = async (selected: SelectedTag): Promise<SourceTag> => {
    try {
      if (stop !== undefined) throw stop;
      const image = await repository.head(selected.tag);
      if (image === undefined) return { ...selected, error: missing(work, selected.tag) };
      const { pin } = selected;
      return pin === undefined || pin === image.digest
        ? { ...selected, image }
        : { ...selected, error: notPinned(work, selected.tag, image.digest, pin) };
    } catch (thrown) {
      context.runtime.signal.throwIfAborted();
      const error = toActionError(thrown);
      if (stopsRepository(error, work)) stop ??= error;
      return { ...selected, error };
    }
  };
  const tags = await Promise.all(selection.tags.map(read));
  if (stop !== undefined) throw stop;
  return tags;
}

/** Undefined when they cannot be listed, and every tag is named in full. */
async function listTags({ mirror, source }: MirrorWork): Promise<readonly string[] | undefined> {
  const isNamed = mirror.tags.every(({ pattern }) => pattern.negated || isOneTag(pattern));
  const { host, name } = source.repository;
  const facts = { registry: host, repository: name, operation: 'read' } as const;
  try {
    const listed = await source.repository.listTags();
    if (listed.length > 0) return listed;
    if (isNamed) return undefined;
    throw new ActionError('MIRROR_TAG_MISSING', `${source.image} has no tags, or does not exist.`, { facts });
  } catch (error) {
    // A pull right does not always include listing, and some lists are too long.
    const isLimited =
      error instanceof ActionError && ['DENIED', 'SCOPE_TOO_NARROW', 'ANSWER_INVALID'].includes(error.code);
    if (isNamed && isLimited) return undefined;
    throw error;
  }
}

function tell(context: MirrorContext, { source }: MirrorWork, { tags, unmatched, unranked }: Selection): void {
  const { runtime, partial } = context;
  for (const line of unmatched) warn(runtime, partial, `${source.image}: no tag matches \`${line}\`.`);
  if (tags.length === 0)
    warn(runtime, partial, `${source.image}: no tag is selected, so nothing is copied or removed.`);
  if (unranked.length > 0) {
    const some = unranked.slice(0, 5).join(', ');
    runtime.log.info(
      `${source.image}: \`newest\` counts versions, so it leaves out ${unranked.length} other tags (${some}${unranked.length > 5 ? ', …' : ''}). Name those that are wanted in full.`,
    );
  }
}

function missing({ source, tags }: MirrorWork, tag: string): ActionError {
  const { host, name } = source.repository;
  if (tags?.has(tag) === true) {
    const what = `${source.image}:${tag} is in the list of tags, and the registry does not serve it in any current format. Either it was deleted a moment ago, or it is an image of Docker's schema 1, which cannot be copied as it is.`;
    return new ActionError('MIRROR_TAG_MISSING', what, {
      facts: { registry: host, repository: name, reference: tag, operation: 'read' },
      remedy: [`Take the tag out with a line \`!${tag}\`, or build the image again with a current version of Docker.`],
    });
  }
  return new ActionError('MIRROR_TAG_MISSING', `${source.image}:${tag} does not exist.`, {
    facts: { registry: host, repository: name, reference: tag, operation: 'read' },
  });
}

function notPinned({ source }: MirrorWork, tag: string, found: string, pin: string): ActionError {
  const { host, name } = source.repository;
  return new ActionError(
    'MIRROR_TAG_MOVED',
    `${source.image}:${tag} points to ${found}, and the configuration pins it to ${pin}.`,
    {
      facts: { registry: host, repository: name, reference: tag },
      remedy: [
        'Find out why the source has changed it; if the new image is right, write its digest into the configuration.',
      ],
    },
  );
}
