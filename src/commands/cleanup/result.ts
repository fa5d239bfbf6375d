import type { Failure } from '../../domain/outcome.ts';
import type { Converted } from '../../domain/retention/import/import-policy.ts';
import type { CleanupPlan, NativeRulesPlan, PlanStep, RepositoryPlan } from '../../domain/retention/plan.ts';
import type { ActionError } from '../../errors/action-error.ts';
import { failure } from '../../errors/outcome.ts';
import type { StepFacts } from '../../report/step.ts';
import type { DeletionReport } from '../../run/deletion/step-result.ts';
import type { Progress } from '../../run/progress.ts';
import type { Success } from './outcomes.ts';

/** The result of a cleanup. */
export interface CleanupResult {
  readonly outcome: Success | Failure;
  readonly errors: readonly ActionError[];
  readonly warnings: readonly string[];
  readonly steps: readonly StepFacts[];
  /** Absent when the run did not get as far as a plan. */
  readonly plan?: CleanupPlan;
  readonly planDigest?: string;
  /** Path of the plan file. */
  readonly planPath?: string;
  /** The policy that `import` made, and its path. */
  readonly imported?: Converted & { readonly path: string };
  /** Retention rules of the registries, where the policy wants them. */
  readonly nativeRules: readonly NativeRulesResult[];
  /** Path of a file with them. */
  readonly nativeRulesPath?: string;
  /** Nothing was to be deleted: `dry-run`. */
  readonly isDryRun: boolean;
  /** In the order of the plan. */
  readonly repositories: readonly RepositoryResult[];
}

/** What became of the retention rules of one scope. */
export interface NativeRulesResult {
  readonly rules: NativeRulesPlan;
  /** `due`: would be set, where a plan is only looked at again. Absent before that, or where there is nothing to set. */
  readonly outcome?: 'done' | 'absent' | 'due' | 'skipped' | 'failed';
  /** Why it was not done. */
  readonly reason?: string;
}

/** What became of one repository. */
export interface RepositoryResult {
  readonly plan: RepositoryPlan;
  /** What was done, or would still be done where a plan is only looked at again; absent before that. */
  readonly report?: DeletionReport;
  /** Of the steps, where a plan is only looked at again. */
  readonly due?: readonly PlanStep[];
}

type Filled = { -readonly [K in keyof CleanupResult]: CleanupResult[K] };

/** What is known so far. A run fills it in as it goes, so that a failure can still tell how far it came. */
export type PartialCleanup = Omit<Filled, 'outcome' | 'errors' | keyof Progress> & Progress;

export function emptyCleanup(isDryRun: boolean): PartialCleanup {
  return { warnings: [], steps: [], isDryRun, repositories: [], nativeRules: [] };
}

/** A cleanup that succeeded. */
export function succeeded(partial: PartialCleanup, outcome: Success): CleanupResult {
  return { ...partial, outcome, errors: [] };
}

/** A cleanup that failed, with all that was known until then. */
export function failed(partial: PartialCleanup, thrown: unknown): CleanupResult {
  return { ...partial, ...failure(thrown) };
}
