import type { Digest } from '../../domain/digest.ts';
import type { Failure } from '../../domain/outcome.ts';
import type { LeftOut } from '../../domain/setup/export/exported-file.ts';
import type { ExportFormat } from '../../domain/setup/export/exporters.ts';
import type { PlannedRegistry } from '../../domain/setup/plan-document.ts';
import type { ActionError } from '../../errors/action-error.ts';
import { failure } from '../../errors/outcome.ts';
import type { StepFacts } from '../../report/step.ts';
import type { Progress } from '../../run/progress.ts';
import type { Success } from './outcomes.ts';

/** The result of a setup. */
export interface SetupResult {
  readonly outcome: Success | Failure;
  readonly errors: readonly ActionError[];
  readonly warnings: readonly string[];
  readonly steps: readonly StepFacts[];
  /** Nothing was to be written: `dry-run`. */
  readonly isDryRun: boolean;
  readonly planDigest?: Digest;
  /** Path of the plan file. */
  readonly planPath?: string;
  /** In the order of the file. */
  readonly registries: readonly RegistryResult[];
  /** Of a run that exports. */
  readonly exported?: ExportResult;
}

/** What an export wrote. */
export interface ExportResult {
  readonly format: ExportFormat;
  /** Absolute. */
  readonly directory: string;
  /** From there. */
  readonly files: readonly string[];
  /** Of an earlier export. */
  readonly removed: readonly string[];
  readonly leftOut: readonly LeftOut[];
}

/** What became of one registry. */
export interface RegistryResult {
  readonly plan: PlannedRegistry;
  /** What was done, by the id of the step; empty where nothing was applied. */
  readonly done: ReadonlyMap<string, StepOutcome>;
}

export type StepOutcome =
  | { readonly outcome: 'done'; readonly note?: string }
  | { readonly outcome: 'skipped' | 'changed' | 'unapproved'; readonly reason: string }
  | { readonly outcome: 'failed'; readonly error: ActionError };

type Filled = { -readonly [K in keyof SetupResult]: SetupResult[K] };

/** What is known so far. A run fills it in as it goes, so that a failure can still tell how far it came. */
export type PartialSetup = Omit<Filled, 'outcome' | 'errors' | keyof Progress> & Progress;

export function emptySetup(isDryRun: boolean): PartialSetup {
  return { warnings: [], steps: [], isDryRun, registries: [] };
}

/** A setup that failed, with all that was known until then. */
export function failed(partial: PartialSetup, thrown: unknown): SetupResult {
  return { ...partial, ...failure(thrown) };
}
