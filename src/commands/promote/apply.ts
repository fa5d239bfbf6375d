import type { Digest } from '../../domain/digest.ts';
import type { ManifestBytes } from '../../domain/manifest.ts';
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

/** One repository with what was decided for it. */
export interface PlannedRepository extends FoundRepository {
  readonly plan: PromotionPlan;
  readonly history: History;
  /** How the repository lists what refers to the image; undefined when it has not been asked. */
  readonly support?: ReferrersSupport;
  /** The fallback tag of the image that has to change for the record to be listed. */
  readonly list?: string;
  /** What has the fallback tag of the image, where that is no list of referrers. */
  readonly occupied?: Digest;
  /** Whether its record is to be written: of this promotion, or one that an earlier run failed to write. */
  readonly needsRecord: boolean;
  /** Whether content has to be brought here. */
  readonly needsCopy: boolean;
}

/** A record without what differs between repositories. */
export type RecordOfRun = Omit<PromotionRecord, 'repository' | 'to' | 'previousDigest' | 'previousRecord' | 'held'>;

interface Apply {
  readonly places: readonly PlannedRepository[];
  readonly root: ManifestBytes;
  readonly record: RecordOfRun;
  /** Whether time has passed since the places were looked at. */
  readonly recheck: boolean;
  readonly log: Log;
}

/**
 * Moves the tags of a promotion whose content is everywhere, and writes its records: immutable tags first, then the tags of
 * the environment, then the records, each in all repositories before the next. Each tag is read back. Where a moving tag fails
 * the other repositories have moved theirs, and are given their records.
 * @returns one result for each repository, in their order; a failure is in `error`, never thrown
 */
export async function applyPromotion({
  places,
  root,
  record,
  recheck,
  log,
}: Apply): Promise<readonly PromotedTarget[]> {
  const { phase, results } = inPhases(places, (place) => ({ ...begin(place), copied: place.needsCopy }));
  const write = (kind: 'immutable' | 'moving') =>
    phase(async ({ plan, image, repository }, result) => {
      const written = [...result.written];
      for (const { tag, kind: own, action, holds } of plan.decisions) {
        if (own !== kind || (action !== 'create' && action !== 'move')) continue;
        try {
          await writeTag(repository, tag, root);
        } catch (error) {
          // What was written before stays written, and the result has to say so.
          return { written, error: await explain(error, repository, `${image}:${tag}`, tag, holds) };
        }
        written.push(tag);
        log.info(`${image}:${tag} → ${root.descriptor.digest}`);
      }
      return { written };
    });

  const mayMove =
    (!recheck || (await phase((place) => recheckRepository(place, root.descriptor.digest)))) &&
    (await write('immutable'));
  if (mayMove) {
    await write('moving');
    // Where the environment has moved a record has to say from what, also when something else has failed: nothing else knows.
    await phase(async (place, { error, written }) => {
      const moved = place.plan.decisions.some(({ kind, tag }) => kind === 'moving' && written.includes(tag));
      if (!place.needsRecord || (error !== undefined && !moved)) return {};
      const own = recordFor(place, record, error === undefined ? undefined : written);
      try {
        const attached = await writeRecord(place.repository, own, root.descriptor, place.support);
        log.info(`${place.image}: promotion record ${attached} attached, unsigned`);
        return { record: attached };
      } catch (thrown) {
        throw error ?? unrecorded(thrown, place, record);
      }
    });
  } else log.debug('A repository has failed; the phases after that were left out.');
  return results();
}

/** A result as it is before anything is written. */
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

/** @throws ActionError ENVIRONMENT_MOVED when a tag holds something else than it did: the plan was made for another state */
async function recheckRepository(
  { image, repository, targets }: PlannedRepository,
  digest: Digest,
): Promise<Partial<PromotedTarget>> {
  for (const { tag, holds } of targets) {
    const held = (await repository.head(tag))?.digest;
    // Another run may have promoted the same image: that is what was wanted.
    if (held === holds || held === digest) continue;
    throw new ActionError(
      'ENVIRONMENT_MOVED',
      `${image}:${tag} held ${holds ?? 'nothing'} when this promotion was planned, and holds ${held ?? 'nothing'} now. It was not touched.`,
      { facts: { registry: repository.host, repository: repository.name, reference: tag } },
    );
  }
  return {};
}

/**
 * A tag that holds something new right after it was written lost a race against another writer. One that holds nothing, or
 * what it held before, is a matter of the registry.
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

/** The tags have moved and stay: an error of the record alone would not tell. */
function unrecorded(
  error: unknown,
  { image, tags, history: { now } }: PlannedRepository,
  { kind, digest }: RecordOfRun,
): unknown {
  if (!(error instanceof ActionError)) return error;
  const where = tags.map(({ tag }) => `${image}:${tag}`).join(', ');
  // No later run knows what a rollback has left.
  const then =
    kind === 'rollback'
      ? `Nothing holds ${now ?? 'what it held'} back: the next run that promotes it brings it back.`
      : 'The next run writes it; `record: false` does without.';
  const what = `${where} holds ${digest} now, and the record of that could not be attached: ${error.message} ${then}`;
  return new ActionError(error.code, what, { cause: error, facts: error.facts });
}

/**
 * The record of one repository. An environment that held the image already says so too: that is no gap in its history.
 * @param written the tags that were written, when not all were
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
