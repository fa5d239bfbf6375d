import { type Digest, shortDigest } from '../../domain/digest.ts';
import type { InUse } from '../../domain/retention/in-use.ts';
import type { PlanStep, RepositoryPlan } from '../../domain/retention/plan.ts';
import { type RecheckedSteps, recheckSteps } from '../../domain/retention/recheck.ts';
import { blockedSteps, deletionOrder } from '../../domain/retention/step-order.ts';
import { ActionError, toActionError } from '../../errors/action-error.ts';
import { DELETE_BATCH_LIMIT } from '../../registries/vendor.ts';
import { eachBounded } from '../bounded.ts';
import type { CleanupTarget } from '../inventory/collected.ts';
import { type InventoryOptions, type InventoryReading, readInventory } from '../inventory/read-inventory.ts';
import { type Delete, executeDelete, executeUntag, lastLook, refused } from './execute-step.ts';
import { checkKept } from './kept-images.ts';
import { findLeftTags } from './left-tags.ts';
import { watchNewTags } from './new-tags.ts';
import type { DeletionReport, StepResult } from './step-result.ts';
import { createTagRemover, deletePlaceholder, isPlaceholderOf } from './untag.ts';

/** Concurrent writes. GitHub allows 180 deletions a minute, which even sequential ones approach. */
const MAX_CONCURRENT_WRITES = 4;
const MAX_CONCURRENT_WRITES_AT_GITHUB = 1;
/** Steps per progress line. */
const PROGRESS_EVERY = 100;

/**
 * Applies a plan to one repository, and does nothing else. Reads the repository again first, and checks each tag once
 * more before it or its digest is deleted. Untags come before deletions, indexes before their children, images before
 * their referrers: an interrupted run leaves garbage at worst, which the next run removes. An error that does not
 * concern a single image stops the repository.
 * @param plan of this repository
 * @param inUse read again as well
 * @throws ActionError CANCELLED
 */
export async function applySteps(
  target: CleanupTarget,
  plan: Pick<RepositoryPlan, 'repository' | 'steps'> & Partial<Pick<RepositoryPlan, 'manifests'>>,
  inUse: InUse,
  options: InventoryOptions,
): Promise<DeletionReport> {
  const reading = await readInventory(target, options);
  const { steps } = plan;
  const rechecked = recheckSteps(plan, reading.inventory, inUse);
  if (rechecked.stop !== undefined) {
    const { stop } = rechecked;
    const results = steps.map(
      (step): StepResult => ({ step, outcome: 'skipped', reason: `nothing is deleted: ${stop}` }),
    );
    return { results, stopped: stop, errors: reading.errors, broken: [], notices: reading.notices };
  }
  const run = createRun(target, plan, rechecked, reading, options);
  await run.all();
  const isChanged = run.results().some(({ outcome }) => outcome === 'done');
  const kept = isChanged
    ? await checkKept(target, reading.inventory, run.gone).catch((error: unknown) => run.note(error, []))
    : [];
  const { afterDeletion } = target.vendor;
  return {
    results: run.results(),
    errors: run.errors,
    broken: kept ?? [],
    finished: run.finished,
    notices: [...reading.notices, ...(isChanged && afterDeletion !== undefined ? [afterDeletion] : [])],
  };
}

function createRun(
  target: CleanupTarget,
  { steps, manifests }: Pick<RepositoryPlan, 'steps'> & Partial<Pick<RepositoryPlan, 'manifests'>>,
  rechecked: RecheckedSteps,
  { inventory, placeholders, lostTags }: InventoryReading,
  { clock, log }: InventoryOptions,
) {
  const before = deletionOrder(steps, inventory, manifests);
  const newUse = watchNewTags(target, [...inventory.tags, ...placeholders].map(tagName), clock);
  const removeTag = createTagRemover(target, clock);
  const done = new Map<PlanStep, StepResult>();
  const gone = new Set<Digest>();
  const errors: ActionError[] = [];
  const finished: string[] = [];
  const concurrency = target.vendor.id === 'ghcr' ? MAX_CONCURRENT_WRITES_AT_GITHUB : MAX_CONCURRENT_WRITES;

  const settle = (result: StepResult) => {
    done.set(result.step, result);
    if (result.step.action === 'delete' && (result.outcome === 'done' || result.outcome === 'absent')) {
      gone.add(result.step.digest);
    }
    if (done.size % PROGRESS_EVERY === 0) log.info(`${target.image.name}: ${done.size} of ${steps.length} steps`);
  };
  const note = <T>(error: unknown, value: T): T => {
    if (error instanceof ActionError && error.code === 'CANCELLED') throw error;
    errors.push(toActionError(error));
    return value;
  };
  const attempt = async (step: PlanStep, task: () => Promise<StepResult>): Promise<void> => {
    if (errors.length > 0) return;
    try {
      settle(await task());
    } catch (error) {
      note(error, undefined);
      done.set(step, { step, outcome: 'failed', error: toActionError(error) });
    }
  };

  const finish = async (tag: string, removal: Promise<unknown>): Promise<void> => {
    const error = await removal.then(
      () => undefined,
      (cause: unknown) => cause,
    );
    if (error === undefined) finished.push(tag);
    else note(error, undefined);
  };

  const finishPlaceholders = async (): Promise<void> => {
    for (const { tag, digest } of placeholders) {
      await finish(tag, deletePlaceholder(target, digest, tag, clock));
    }
  };

  /** Tags of the plan, or of placeholders, whose manifest is gone and which the registry still lists. */
  const finishLostTags = async (): Promise<void> => {
    const planned = new Set(steps.flatMap((step) => (step.action === 'untag' ? [step.tag] : step.tags)));
    for (const { tag, digest } of lostTags) {
      if (!planned.has(tag) && !isPlaceholderOf(tag, digest)) continue;
      await finish(tag, removeTag(tag, digest));
    }
  };

  /** Reads back that the tags are gone. */
  const checkTags = async (): Promise<void> => {
    const removed = new Map<string, PlanStep>();
    for (const [step, { outcome }] of done) {
      if (outcome !== 'done' && outcome !== 'absent') continue;
      for (const tag of step.action === 'untag' ? [step.tag] : step.tags) removed.set(tag, step);
    }
    for (const [tag, error] of await findLeftTags(target, removed, removeTag, clock)) {
      const step = removed.get(tag);
      errors.push(error);
      if (step !== undefined) done.set(step, { step, outcome: 'failed', error });
    }
  };

  /** Results that need no request: already done, changed, or locked. */
  const sortOut = (): readonly PlanStep[] => {
    for (const step of rechecked.done) settle({ step, outcome: 'absent' });
    for (const { step, reason } of rechecked.skipped) settle({ step, outcome: 'skipped', reason });
    const blocked = blockedSteps(rechecked.steps, inventory);
    for (const [step, reason] of blocked) settle({ step, outcome: 'blocked', reason });
    return rechecked.steps.filter((step) => !blocked.has(step));
  };

  /** Remaining parents or subjects of a digest, which have to be deleted first. */
  const obstacle = ({ digest }: Delete): Digest | undefined =>
    [...(before.get(digest) ?? [])].find((first) => !gone.has(first));

  const deleteAll = async (level: readonly Delete[]): Promise<void> => {
    const { deleteDigests } = target.managed;
    const due = level.filter((step) => {
      const first = obstacle(step);
      if (first === undefined) return true;
      settle({ step, outcome: 'skipped', reason: `${shortDigest(first)} was not deleted, which needs it` });
      return false;
    });
    if (deleteDigests === undefined || due.length < 2) {
      return eachBounded(due, concurrency, (step) =>
        attempt(step, () => executeDelete(target, step, removeTag, newUse)),
      );
    }
    for (let at = 0; at < due.length && errors.length === 0; at += DELETE_BATCH_LIMIT) {
      await deleteBatch(due.slice(at, at + DELETE_BATCH_LIMIT), deleteDigests);
    }
  };

  const deleteBatch = async (
    batch: readonly Delete[],
    deleteDigests: NonNullable<CleanupTarget['managed']['deleteDigests']>,
  ): Promise<void> => {
    const ready: Delete[] = [];
    await eachBounded(batch, concurrency, async (step) => {
      if (errors.length > 0) return;
      const looked = await lastLook(target, step, newUse).catch((error: unknown) => note(error, undefined));
      if (looked === undefined) ready.push(step);
      else settle(looked);
    });
    if (ready.length === 0 || errors.length > 0) return;
    const results = await deleteDigests(ready.map(({ digest }) => digest)).catch((error: unknown) =>
      note(error, undefined),
    );
    for (const step of results === undefined ? [] : ready) {
      const result = results?.get(step.digest) ?? 'absent';
      if (!(result instanceof ActionError)) settle({ step, outcome: result === 'deleted' ? 'done' : 'absent' });
      else await attempt(step, async () => refused(step, result));
    }
  };

  return {
    gone,
    errors,
    finished,
    note,
    results: () =>
      steps.map(
        (step): StepResult =>
          done.get(step) ?? { step, outcome: 'skipped', reason: 'the repository was stopped by an error before it' },
      ),
    all: async (): Promise<void> => {
      await finishPlaceholders();
      await finishLostTags();
      const due = sortOut();
      const untags = due.flatMap((step) => (step.action === 'untag' ? [step] : []));
      await eachBounded(untags, concurrency, (step) => attempt(step, () => executeUntag(target, step, removeTag)));
      for (const level of levelsOf(
        due.flatMap((step) => (step.action === 'delete' ? [step] : [])),
        before,
      )) {
        await deleteAll(level);
      }
      await checkTags().catch((error: unknown) => note(error, undefined));
    },
  };
}

const tagName = (each: { readonly name: string } | { readonly tag: string }) => ('name' in each ? each.name : each.tag);

/** Groups of independent deletions, in the required order. */
function levelsOf(
  steps: readonly Delete[],
  before: ReadonlyMap<Digest, ReadonlySet<Digest>>,
): readonly (readonly Delete[])[] {
  const due = new Set(steps.map(({ digest }) => digest));
  const depths = new Map<Digest, number>();
  const depthOf = (digest: Digest, path: ReadonlySet<Digest>): number => {
    const known = depths.get(digest);
    if (known !== undefined) return known;
    const first = [...(before.get(digest) ?? [])].filter((each) => due.has(each) && !path.has(each));
    const depth = first.reduce((most, each) => Math.max(most, depthOf(each, new Set([...path, digest])) + 1), 0);
    depths.set(digest, depth);
    return depth;
  };
  const levels = Map.groupBy(steps, ({ digest }) => depthOf(digest, new Set()));
  return [...levels].toSorted(([a], [b]) => a - b).map(([, level]) => level);
}
