import type { Digest } from '../../domain/digest.ts';
import type { PlanStep } from '../../domain/retention/plan.ts';
import type { ActionError } from '../../errors/action-error.ts';

/**
 * The result of a step. `absent`: something else had done it. `skipped`: the repository has changed since the plan, or
 * a step it depends on was not done. `blocked`: the registry refuses to delete this one. `failed`: the error stopped
 * the repository.
 */
export type StepResult =
  | { readonly step: PlanStep; readonly outcome: 'done' | 'absent' }
  /** Fragments: `the tag 1.0 points to sha256:… now`. */
  | { readonly step: PlanStep; readonly outcome: 'skipped' | 'blocked'; readonly reason: string }
  | { readonly step: PlanStep; readonly outcome: 'failed'; readonly error: ActionError };

/** The result of applying a plan to one repository. */
export interface DeletionReport {
  /** One result per step, in the plan's order. */
  readonly results: readonly StepResult[];
  /** Why nothing was deleted here, as a fragment: the repository or the images in use could not be read. */
  readonly stopped?: string;
  /** The error that stopped the repository: the remaining steps are skipped. */
  readonly errors: readonly ActionError[];
  /** Kept indexes that were complete before the deletions and are not any more. */
  readonly broken: readonly { readonly root: Digest; readonly missing: Digest }[];
  /** Tags of interrupted runs that were removed first. */
  readonly finished?: readonly string[];
  /** Sentences for the report. */
  readonly notices: readonly string[];
}
