import type { Digest } from '../../domain/digest.ts';
import type { PlanStep } from '../../domain/retention/plan.ts';
import type { ActionError } from '../../errors/action-error.ts';

/**
 * What became of a step. `absent`: something else did it before. `skipped`: the repository has changed since the plan, or what has
 * to go first did not. `blocked`: the registry keeps this one. `failed`: the error stopped the repository.
 */
export type StepResult =
  | { readonly step: PlanStep; readonly outcome: 'done' | 'absent' }
  /** Fragments: `the tag 1.0 points to sha256:… now`. */
  | { readonly step: PlanStep; readonly outcome: 'skipped' | 'blocked'; readonly reason: string }
  | { readonly step: PlanStep; readonly outcome: 'failed'; readonly error: ActionError };

/** What applying a plan did in one repository. */
export interface DeletionReport {
  /** In the order of the plan's steps, one for each. */
  readonly results: readonly StepResult[];
  /** Why nothing at all was deleted here, as a fragment: the repository or what is in use could not be read. */
  readonly stopped?: string;
  /** What stopped the repository: the steps after it are skipped. */
  readonly errors: readonly ActionError[];
  /** Kept indexes that lack something after the deletions and did not before them. */
  readonly broken: readonly { readonly root: Digest; readonly missing: Digest }[];
  /** Sentences for the report. */
  readonly notices: readonly string[];
}
