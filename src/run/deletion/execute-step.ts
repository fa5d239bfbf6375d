import type { Digest } from '../../domain/digest.ts';
import { shortDigest } from '../../domain/digest.ts';
import type { PlanStep } from '../../domain/retention/plan.ts';
import { ActionError } from '../../errors/action-error.ts';
import type { ErrorCode } from '../../errors/catalogue.ts';
import type { CleanupTarget } from '../inventory/collected.ts';
import type { NewUse } from './new-tags.ts';
import type { StepResult } from './step-result.ts';
import type { RemoveTag } from './untag.ts';

type Untag = Extract<PlanStep, { readonly action: 'untag' }>;
export type Delete = Extract<PlanStep, { readonly action: 'delete' }>;

/** Errors that concern one image and say nothing about the next. */
const BLOCKING_CODES: readonly ErrorCode[] = ['TAG_IMMUTABLE', 'IMAGE_IN_USE', 'CAPABILITY_MISSING'];

/**
 * Removes a tag if it still points to the digest in the plan.
 * @throws ActionError when the rest of the repository has to be skipped
 */
export async function executeUntag(target: CleanupTarget, step: Untag, removeTag: RemoveTag): Promise<StepResult> {
  const changed = await tagChange(target, step.tag, step.digest);
  if (changed === 'absent') return { step, outcome: 'absent' };
  if (changed !== undefined) return { step, outcome: 'skipped', reason: changed };
  const result = await settle(step, () => removeTag(step.tag, step.digest));
  if (result.outcome !== 'absent') return result;
  const moved = await tagChange(target, step.tag, step.digest);
  return moved === undefined || moved === 'absent' ? result : { step, outcome: 'skipped', reason: moved };
}

/**
 * The final check before a digest is deleted: whether it exists, and has no tags beyond those in the plan.
 * @returns undefined when it may be deleted
 */
export async function lastLook(target: CleanupTarget, step: Delete, newUse: NewUse): Promise<StepResult | undefined> {
  const { managed, repository } = target;
  const skipped = (reason: string): StepResult => ({ step, outcome: 'skipped', reason });
  if (managed.currentTags !== undefined) {
    const live = await managed.currentTags(step.digest);
    if (live === undefined) return { step, outcome: 'absent' };
    const added = live.find((tag) => !step.tags.includes(tag));
    if (added !== undefined) return skipped(`it has got the tag ${added} since the plan`);
    const use = step.role === 'root' ? undefined : await newUse(step.digest);
    return use === undefined ? undefined : skipped(use);
  }
  for (const tag of step.tags) {
    const found = await repository.head(tag);
    if (found !== undefined && found.digest !== step.digest) return skipped(pointsTo(tag, found.digest));
  }
  const use = await newUse(step.digest);
  return use === undefined ? undefined : skipped(use);
}

/** Deletes one digest with its tags. @throws ActionError when the rest of the repository has to be skipped */
export async function executeDelete(
  target: CleanupTarget,
  step: Delete,
  removeTag: RemoveTag,
  newUse: NewUse,
): Promise<StepResult> {
  const { managed, vendor } = target;
  const looked = await lastLook(target, step, newUse);
  if (looked !== undefined) return looked;
  if (vendor.deletesUntaggedOnly === true) {
    for (const tag of step.tags) {
      const result = await executeUntag(target, { action: 'untag', tag, digest: step.digest }, removeTag);
      if (result.outcome !== 'done' && result.outcome !== 'absent') return { ...result, step };
    }
  }
  const result = await settle(step, () => managed.deleteDigest(step.digest), vendor.deletesUntaggedOnly === true);
  if (result.outcome === 'done') await removeLeftTags(target, step);
  return result;
}

/** Some registries keep a tag, and its image, when the digest is deleted. */
async function removeLeftTags({ managed, repository, vendor }: CleanupTarget, { digest, tags }: Delete): Promise<void> {
  if (vendor.id !== 'distribution') return;
  for (const tag of tags) {
    if ((await repository.head(tag))?.digest !== digest) continue;
    // Others only take a moment: Pulp removes the tag by itself, and refuses to delete it.
    await managed.deleteTag(tag).catch((error: unknown) => {
      if (!(error instanceof ActionError) || error.code !== 'CAPABILITY_MISSING') throw error;
    });
  }
}

/** How a tag has changed since the plan; undefined when it has not. */
async function tagChange(
  { managed, repository }: CleanupTarget,
  tag: string,
  digest: Digest,
): Promise<'absent' | string | undefined> {
  if ((await managed.currentTags?.(digest))?.includes(tag) === true) return undefined;
  const found = await repository.head(tag);
  if (found === undefined) return 'absent';
  return found.digest === digest ? undefined : pointsTo(tag, found.digest);
}

function pointsTo(tag: string, digest: Digest): string {
  return `the tag ${tag} points to ${shortDigest(digest)} now`;
}

/**
 * The result of a failed deletion.
 * @param isDeniedForOne whether a denial concerns only this image: Docker Hub denies deleting images with referrers
 */
async function settle(
  step: PlanStep,
  task: () => Promise<'deleted' | 'absent'>,
  isDeniedForOne = false,
): Promise<StepResult> {
  try {
    return { step, outcome: (await task()) === 'deleted' ? 'done' : 'absent' };
  } catch (error) {
    return refused(step, error, isDeniedForOne);
  }
}

/** @throws errors that concern more than this image */
export function refused(step: PlanStep, error: unknown, isDeniedForOne = false): StepResult {
  if (!(error instanceof ActionError)) throw error;
  const isOne = BLOCKING_CODES.includes(error.code) || (isDeniedForOne && error.code === 'DENIED');
  if (!isOne) throw error;
  return { step, outcome: 'blocked', reason: error.message };
}
