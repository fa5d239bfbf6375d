import { type Digest, shortDigest } from '../digest.ts';
import { type History, neverHeld } from './history.ts';
import type { Judgement } from './judge.ts';

/** One tag of a promotion, and its current image. */
export interface PlannedTarget {
  /** `ghcr.io/org/prod/app` */
  readonly image: string;
  readonly tag: string;
  readonly kind: 'immutable' | 'moving';
  /** Undefined: the tag does not exist. */
  readonly holds?: Digest;
}

export interface Promotion {
  /** The image to promote or roll back to. */
  readonly digest: Digest;
  readonly targets: readonly PlannedTarget[];
  readonly judgements: readonly Judgement[];
  /** Of the target environment. */
  readonly history: History;
  /** Invalid records of the environment's current image: any of them may contain a hold. */
  readonly unclear?: number;
  readonly rollback?: boolean;
  /** Whether a person started the run: required for a rollback to an image on hold. */
  readonly byHand?: boolean;
  /** A person promotes this digest by name: lifts a hold, and nothing else. */
  readonly force?: boolean;
}

/**
 * - `create`: the tag does not exist and will be written
 * - `move`: it points elsewhere and will be written
 * - `keep`: it already points to the digest
 * - `refuse`: a requirement is not met
 * - `conflict`: it is immutable and points elsewhere
 */
export interface TargetDecision extends PlannedTarget {
  readonly action: 'create' | 'move' | 'keep' | 'refuse' | 'conflict';
  /** A phrase for the plan and the summary. */
  readonly reason: string;
}

export interface PromotionPlan {
  /** Only `go` writes anything: a promotion is all or nothing. */
  readonly status: 'go' | 'unchanged' | 'refused' | 'conflict';
  /** Immutable tags first: the order of writing. */
  readonly decisions: readonly TargetDecision[];
  /** Sentences with all reasons for a refusal; empty otherwise. */
  readonly refusals: readonly string[];
}

/** Decides what a promotion does in each of its targets. Pure. */
export function planPromotion(promotion: Promotion): PromotionPlan {
  const { digest, targets } = promotion;
  const refusals = refusalsOf(promotion);
  const decisions = targets
    .map((target): TargetDecision => ({ ...target, ...decide(target, digest, refusals, promotion.rollback === true) }))
    .toSorted((a, b) => Number(a.kind === 'moving') - Number(b.kind === 'moving'));
  const actions = new Set(decisions.map(({ action }) => action));
  // No target at all must not count as "everything is in place".
  const nothing = decisions.length === 0 ? ['There is no target to promote to.'] : [];
  const isRefused = refusals.length > 0 || nothing.length > 0;
  const writes = actions.has('create') || actions.has('move');
  return {
    status: isRefused ? 'refused' : actions.has('conflict') ? 'conflict' : writes ? 'go' : 'unchanged',
    decisions,
    refusals: [...refusals, ...nothing],
  };
}

/** Combines the decisions of several repositories: if one refuses, nothing is written to any. */
export function overall(plans: readonly PromotionPlan[]): Pick<PromotionPlan, 'status' | 'refusals'> {
  const order = ['refused', 'conflict', 'go', 'unchanged'] as const;
  return {
    status: order.find((each) => plans.some(({ status }) => status === each)) ?? 'refused',
    refusals: [...new Set(plans.flatMap(({ refusals }) => refusals))],
  };
}

function refusalsOf(promotion: Promotion): readonly string[] {
  const unmet = promotion.judgements.flatMap((each) => (each.met ? [] : [`${each.name}: ${each.reason}.`]));
  const objection = objectionTo(promotion);
  return objection === undefined ? unmet : [...unmet, objection];
}

/** Objections from the environment's history, even if all requirements are met. */
function objectionTo({ digest, targets, history, unclear = 0, rollback, byHand, force }: Promotion) {
  const { environment, held, deployed } = history;
  const short = shortDigest(digest);
  // Otherwise a rollback could bypass the requirements.
  if (rollback === true && !deployed.has(digest)) return neverHeld(environment, digest);
  const isPermitted = rollback === true ? byHand === true : force === true;
  if (isPermitted || targets.every(({ holds }) => holds === digest)) return undefined;
  const left = `${environment} was rolled back from ${short}, and`;
  const until = 'until a person promotes it by name (`force: true`).';
  if (rollback === true) {
    const how = 'only a person can restore it: start the workflow by hand (`workflow_dispatch`).';
    return held.has(digest) ? `${left} ${how}` : undefined;
  }
  if (held.has(digest)) return `${left} it is on hold ${until}`;
  const unknown = `A promotion record of the image in ${environment} cannot be understood, so ${short} may be on hold`;
  return unclear > 0 ? `${unknown}: no run promotes it ${until}` : undefined;
}

function decide(
  { kind, holds }: PlannedTarget,
  digest: Digest,
  refusals: readonly string[],
  rollback: boolean,
): Pick<TargetDecision, 'action' | 'reason'> {
  const isConflict = kind === 'immutable' && holds !== undefined && holds !== digest;
  if (isConflict) {
    return {
      action: 'conflict',
      reason: `points to ${shortDigest(holds)}, and never moves; this image is ${shortDigest(digest)}`,
    };
  }
  if (refusals.length > 0) return { action: 'refuse', reason: refusals.join(' ') };
  if (holds === digest) return { action: 'keep', reason: 'points to this image already' };
  if (holds === undefined) return { action: 'create', reason: 'new' };
  return { action: 'move', reason: `${rollback ? 'goes back' : 'moves'} from ${shortDigest(holds)}` };
}
