import type { Digest } from '../../domain/digest.ts';
import { type Descriptor, isIndexType } from '../../domain/manifest.ts';
import { decideTag } from '../../domain/mirror/decide.ts';
import { ActionError, toActionError } from '../../errors/action-error.ts';
import type { Repository } from '../../oci/client/repository.ts';
import { lackingAttachments } from '../../oci/transfer/lacking.ts';
import { readTarget } from '../../run/missing-repository.ts';
import { OverBudget } from './budget.ts';
import type { MirrorContext } from './context.ts';
import { leaveForLater, noteResume, resumeAfter } from './over-budget.ts';
import { planRemovals } from './prune.ts';
import { partsOf } from './read-image.ts';
import { readSource, type SourceTag } from './read-source.ts';
import { stopsRepository } from './stops.ts';
import { readWhole, subsetOf } from './subset.ts';
import { failRow, type ImageWork, type MirrorWork, type Row, type TargetWork } from './work.ts';

type Held = ReadonlyMap<string, Digest>;

/** Plans one mirror. Never throws, except when the run is cancelled: an error of the source is its result. */
export async function planMirror(context: MirrorContext, work: MirrorWork): Promise<void> {
  try {
    const tags = await readSource(context, work);
    const held = new Map<TargetWork, Held>();
    await Promise.all(work.targets.map(async (target) => held.set(target, await readHeld(context, target, tags))));
    for (const tag of tags) await planTag(context, work, tag, held);
    await planAttachments(context, work);
    await planRemovals(context, work, tags);
  } catch (thrown) {
    context.runtime.signal.throwIfAborted();
    work.error = toActionError(thrown);
    noteResume(context.partial, resumeAfter(context.runtime, work.error));
  }
}

/** What the tags point to at a target, with HEAD requests only. */
async function readHeld(
  { runtime, inputs }: MirrorContext,
  target: TargetWork,
  tags: readonly SourceTag[],
): Promise<Held> {
  const names = tags.filter(({ image }) => image !== undefined).map(({ tag }) => tag);
  if (target.error !== undefined || names.length === 0) return new Map();
  try {
    return await readTarget(inputs.createRepository, target, async (repository) => {
      const [first = '', ...others] = names;
      // The first one alone: if the target cannot be read, it is not asked a thousand times.
      const found = [[first, (await repository.head(first))?.digest] as const];
      if (found[0]?.[1] === undefined && others.length > 1 && (await isEmpty(repository))) return new Map();
      found.push(
        ...(await Promise.all(others.map(async (tag) => [tag, (await repository.head(tag))?.digest] as const))),
      );
      return new Map(found.flatMap(([tag, digest]) => (digest === undefined ? [] : [[tag, digest] as const])));
    });
  } catch (thrown) {
    runtime.signal.throwIfAborted();
    target.error = toActionError(thrown);
    return new Map();
  }
}

/** Whether the repository is known to have no tag: then none of them is asked for. */
async function isEmpty(repository: Repository): Promise<boolean> {
  try {
    return (await repository.listTags()).length === 0;
  } catch (error) {
    if (error instanceof ActionError) return false;
    throw error;
  }
}

async function planTag(
  context: MirrorContext,
  work: MirrorWork,
  { tag, image: source, error }: SourceTag,
  held: ReadonlyMap<TargetWork, Held>,
): Promise<void> {
  const image = source === undefined ? undefined : await imageOf(context, work, source);
  for (const target of work.targets) {
    const previous = held.get(target)?.get(tag);
    const row: Row = {
      tag,
      target,
      ...(image === undefined ? {} : { image }),
      ...(previous === undefined ? {} : { previous }),
      action: 'failed',
      reason: '',
      isDone: false,
    };
    work.rows.push(row);
    const failure = target.error ?? error ?? image?.error;
    if (failure !== undefined) failRow(row, failure);
    else if (image?.left !== undefined) leaveForLater(row, image.left);
    else if (image !== undefined) Object.assign(row, decideTag(tag, image.wanted, previous, work.mirror));
  }
}

/** The image of a tag, once for all its tags. */
async function imageOf(context: MirrorContext, work: MirrorWork, source: Descriptor): Promise<ImageWork> {
  const { mirror, images } = work;
  const known = images.get(source.digest);
  if (known !== undefined) return known;
  const { platforms } = mirror;
  const image =
    platforms === undefined || !isIndexType(source.mediaType)
      ? { source, wanted: source.digest }
      : await withSubset(context, work, source, platforms);
  images.set(source.digest, image);
  return image;
}

async function withSubset(
  { runtime, partial }: MirrorContext,
  work: MirrorWork,
  source: Descriptor,
  platforms: readonly string[],
): Promise<ImageWork> {
  const { targets } = work;
  const { repository, pulls } = work.source;
  try {
    const near = targets.filter(({ error }) => error === undefined).map((target) => target.repository);
    const whole = await readWhole(pulls.counting(repository), near, source);
    const root = subsetOf(repository, source, whole, platforms);
    if (root.descriptor.digest === source.digest) return { source, wanted: source.digest };
    return { source, wanted: root.descriptor.digest, subset: { root, whole } };
  } catch (thrown) {
    runtime.signal.throwIfAborted();
    if (thrown instanceof OverBudget) {
      noteResume(partial, thrown.resumeAt);
      return { source, wanted: source.digest, left: thrown.message };
    }
    const error = toActionError(thrown);
    if (stopsRepository(error, work)) throw error;
    return { source, wanted: source.digest, error };
  }
}

/** Finds unchanged images that something was attached to since. */
async function planAttachments(context: MirrorContext, work: MirrorWork): Promise<void> {
  const { mirror } = work;
  if (mirror.referrers === false) return;
  const rows = Map.groupBy(
    work.rows.filter(({ action }) => action === 'equal'),
    ({ image }) => image,
  );
  let stop: ActionError | undefined;
  await Promise.all(
    [...rows].map(([image, own]) =>
      context.images(async () => {
        if (image === undefined || stop !== undefined) return;
        try {
          const lacking = await lackingFor(work, image, [...new Set(own.map(({ target }) => target))]);
          for (const row of own) {
            if (!lacking.has(row.target)) continue;
            row.action = 'attach';
            row.reason = 'something was attached to the image since';
          }
        } catch (thrown) {
          context.runtime.signal.throwIfAborted();
          if (thrown instanceof OverBudget) {
            noteResume(context.partial, thrown.resumeAt);
            for (const row of own) leaveForLater(row, thrown.message);
            return;
          }
          const error = toActionError(thrown);
          if (stopsRepository(error, work)) stop ??= error;
          for (const row of own) failRow(row, error);
        }
      }),
    ),
  );
  if (stop !== undefined) throw stop;
}

async function lackingFor(
  { mirror, source, tags }: MirrorWork,
  image: ImageWork,
  targets: readonly TargetWork[],
): Promise<ReadonlySet<TargetWork>> {
  const to = targets.map(({ repository }) => repository);
  const { subset } = image;
  const parts = subset === undefined ? [image.source] : partsOf(subset.root);
  const lacking = new Set<TargetWork>();
  for (const part of parts) {
    const found = await lackingAttachments({
      from: source.pulls.counting(source.repository),
      to,
      image: part,
      tags,
      attached: mirror.referrers,
    });
    for (const target of targets) if (found.has(target.repository)) lacking.add(target);
  }
  return lacking;
}
