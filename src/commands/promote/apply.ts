import type { Digest } from '../../domain/digest.ts';
import type { Descriptor, ManifestBytes } from '../../domain/manifest.ts';
import { type History, heldAfter } from '../../domain/promotion/history.ts';
import type { PromotionPlan } from '../../domain/promotion/plan.ts';
import type { PromotionRecord } from '../../domain/promotion/record.ts';
import { ActionError } from '../../errors/action-error.ts';
import { writeRecord } from '../../evidence/promotion-records.ts';
import type { ReferrersSupport } from '../../oci/client/context.ts';
import type { Repository } from '../../oci/client/repository.ts';
import { writeTag } from '../../oci/transfer/push.ts';
import { inPhases } from '../../run/per-target.ts';
import type { Log } from '../../runtime/runtime.ts';
import type { FoundRepository } from './repository-state.ts';
import type { PromotedTarget } from './result.ts';

/** One repository with its decisions. */
export interface PlannedRepository extends FoundRepository {
  readonly plan: PromotionPlan;
  readonly history: History;
  /** How the repository lists referrers of the image; undefined when not determined. */
  readonly support?: ReferrersSupport;
  /** The image's fallback tag, which must change to list the record. */
  readonly list?: string;
  /** Content under the image's fallback tag that is not a referrers list. */
  readonly occupied?: Digest;
  /** Whether to write a record: of this promotion, or one that an earlier run failed to write. */
  readonly needsRecord: boolean;
  /** Whether content has to be copied. */
  readonly needsCopy: boolean;
}

/** A record without the parts that differ between repositories. */
export type RecordOfRun = Omit<PromotionRecord, 'repository' | 'to' | 'previousDigest' | 'previousRecord' | 'held'>;

/** Signs a record of the image. @returns the bytes of the bundle */
export type SignRecord = (record: PromotionRecord, subject: Descriptor) => Promise<Uint8Array>;

interface Apply {
  readonly targets: readonly PlannedRepository[];
  readonly root: ManifestBytes;
  readonly record: RecordOfRun;
  /** Whether time has passed since the repositories were read. */
  readonly recheck: boolean;
  /** Signs a record; undefined when records are unsigned. */
  readonly sign?: SignRecord | undefined;
  readonly log: Log;
}

/**
 * Moves the tags of a promotion whose content is in target, and writes its records: immutable tags first, then the
 * environment's tags, then the records, each in all repositories before the next. Reads each tag back. If a moving tag
 * fails, the other repositories have moved theirs, and get their records. Records are signed before the first tag
 * moves: where that fails, nothing moves.
 * @returns one result per repository, in their order; failures are in `error`, never thrown
 */
export async function applyPromotion({
  targets,
  root,
  record,
  recheck,
  sign,
  log,
}: Apply): Promise<readonly PromotedTarget[]> {
  const { phase, results } = inPhases(targets, (target) => ({ ...begin(target), copied: target.needsCopy }));
  const write = (kind: 'immutable' | 'moving') =>
    phase(async ({ plan, image, repository }, result) => {
      const written = [...result.written];
      for (const { tag, kind: own, action, holds } of plan.decisions) {
        if (own !== kind || (action !== 'create' && action !== 'move')) continue;
        try {
          await writeTag(repository, tag, root);
        } catch (error) {
          // Tags already written stay, and the result must list them.
          return { written, error: await explain(error, repository, `${image}:${tag}`, tag, holds) };
        }
        written.push(tag);
        log.info(`${image}:${tag} → ${root.descriptor.digest}`);
      }
      return { written };
    });

  const signed = new Map<PlannedRepository, Uint8Array>();
  const signAll = () =>
    phase(async (target) => {
      if (sign === undefined || !target.needsRecord) return {};
      signed.set(target, await sign(recordFor(target, record), root.descriptor));
      return {};
    });

  const mayMove =
    (sign === undefined || (await signAll())) &&
    (!recheck || (await phase((target) => recheckRepository(target, root.descriptor.digest)))) &&
    (await write('immutable'));
  if (mayMove) {
    await write('moving');
    // If the environment's tag has moved, a record must name its previous image, even after another failure: nothing
    // else stores it.
    await phase(async (target, { error, written }) => {
      const moved = target.plan.decisions.some(({ kind, tag }) => kind === 'moving' && written.includes(tag));
      if (!target.needsRecord || (error !== undefined && !moved)) return {};
      const own = recordFor(target, record, error === undefined ? undefined : written);
      try {
        // With fewer tags than planned, it is another record.
        const bundle = error === undefined ? signed.get(target) : await sign?.(own, root.descriptor);
        const attached = await writeRecord(target.repository, own, root.descriptor, target.support, bundle);
        const isSigned = bundle !== undefined;
        log.info(`${target.image}: promotion record ${attached} attached, ${isSigned ? 'signed' : 'unsigned'}`);
        return { record: attached, isRecordSigned: isSigned };
      } catch (thrown) {
        throw error ?? unrecorded(thrown, target, record);
      }
    });
  } else log.debug('A repository has failed; the phases after that were left out.');
  return results();
}

/** A result before any write. */
export function begin({ image, repository, plan, history, needsCopy }: PlannedRepository): PromotedTarget {
  const { now } = history;
  return {
    image,
    host: repository.host,
    decisions: plan.decisions,
    ...(now === undefined ? {} : { previousDigest: now }),
    written: [],
    present: !needsCopy,
    copied: false,
  };
}

/** @throws ActionError ENVIRONMENT_MOVED when a tag has changed: the plan was made for another state */
async function recheckRepository(
  { image, repository, targets }: PlannedRepository,
  digest: Digest,
): Promise<Partial<PromotedTarget>> {
  for (const { tag, holds } of targets) {
    const held = (await repository.head(tag))?.digest;
    // Another run may have promoted the same image, which is fine.
    if (held === holds || held === digest) continue;
    throw new ActionError(
      'ENVIRONMENT_MOVED',
      `${image}:${tag} pointed to ${holds ?? 'nothing'} when this promotion was planned and points to ${held ?? 'nothing'} now. It was not changed.`,
      { facts: { registry: repository.host, repository: repository.name, reference: tag } },
    );
  }
  return {};
}

/**
 * A tag that points elsewhere right after the write lost a race against another writer. A missing or unchanged one is
 * the registry's problem.
 */
async function explain(
  error: unknown,
  repository: Repository,
  name: string,
  tag: string,
  before: Digest | undefined,
): Promise<ActionError> {
  if (!(error instanceof ActionError)) throw error;
  if (error.code !== 'TAG_NOT_MOVED') return error;
  const now = await repository.head(tag).catch(() => undefined);
  if (now === undefined || now.digest === before) return error;
  const what = `${name} was moved by this run and changed again right after it: ${error.message}`;
  return new ActionError('ENVIRONMENT_MOVED', what, { cause: error, facts: error.facts });
}

/** The tags have moved and stay moved, which an error about the record alone would not show. */
function unrecorded(
  error: unknown,
  { image, tags, history: { now } }: PlannedRepository,
  { kind, digest }: RecordOfRun,
): unknown {
  if (!(error instanceof ActionError)) return error;
  const where = tags.map(({ tag }) => `${image}:${tag}`).join(', ');
  // No later run can tell which image a rollback has left.
  const then =
    kind === 'rollback'
      ? `${now ?? 'The replaced image'} is not on hold: the next run that promotes it moves the tag to it again.`
      : 'The next run writes it; `record: false` does without.';
  const what = `${where} now points to ${digest}, but the promotion record could not be attached: ${error.message} ${then}`;
  return new ActionError(error.code, what, { cause: error, facts: error.facts });
}

/**
 * The record of one repository. Also written if the environment already had the image: that is not a gap in its
 * history.
 * @param written the written tags, if not all were
 */
export function recordFor(
  { image, repository, tags, plan, history }: PlannedRepository,
  record: RecordOfRun,
  written?: readonly string[],
): PromotionRecord {
  const { now, head } = history;
  const previous = {
    ...(now === undefined ? {} : { previousDigest: now }),
    ...(head === undefined ? {} : { previousRecord: head }),
  };
  const kept = plan.decisions.flatMap(({ tag, action }) => (action === 'keep' ? [tag] : []));
  return {
    ...record,
    ...previous,
    repository: `${repository.host}/${repository.name}`,
    to: tags.flatMap(({ tag }) =>
      written === undefined || written.includes(tag) || kept.includes(tag) ? [`${image}:${tag}`] : [],
    ),
    held: heldAfter(history.held, { ...record, ...previous }),
  };
}
