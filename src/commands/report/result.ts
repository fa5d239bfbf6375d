import type { Digest } from '../../domain/digest.ts';
import type { Failure } from '../../domain/outcome.ts';
import type { ReportedImage, RepositoryContent } from '../../domain/report/content.ts';
import type { DriftReport, EnvironmentState } from '../../domain/report/drift.ts';
import type { HistoryEntry } from '../../domain/report/history.ts';
import type { ScanComparison, ScanResult } from '../../domain/report/scan.ts';
import type { ComparedSettings } from '../../domain/report/settings.ts';
import type { RegistryUsage } from '../../domain/report/usage.ts';
import type { ActionError } from '../../errors/action-error.ts';
import { failure } from '../../errors/outcome.ts';
import type { StepFacts } from '../../report/step.ts';
import type { Progress } from '../../run/progress.ts';
import type { Success } from './outcomes.ts';

/** What a report found. */
export interface ReportResult {
  readonly outcome: Success | Failure;
  readonly errors: readonly ActionError[];
  readonly warnings: readonly string[];
  readonly steps: readonly StepFacts[];
  /** ISO 8601: when the reading began; ages are counted up to here. Absent when the inputs were wrong. */
  readonly reportedAt?: string;
  /** As in `images`. */
  readonly repositories: readonly RepositoryReport[];
  /** Absent without `environments`. */
  readonly environments?: readonly EnvironmentState[];
  readonly drift?: DriftReport;
  /** Absent without `setup`. */
  readonly settings?: readonly ComparedSettings[];
  /** Of all runs in the history file, this one included; absent without such a file. */
  readonly history?: readonly HistoryEntry[];
  /** What could not be read: sentences. */
  readonly unread: readonly string[];
  readonly metricsFile?: string;
}

/** What is known of one repository. */
export interface RepositoryReport {
  /** In full: `ghcr.io/org/app`. */
  readonly repository: string;
  readonly host: string;
  /** Without the host. */
  readonly path: string;
  readonly vendor: string;
  /** Absent when nothing of it could be read. */
  readonly content?: RepositoryContent;
  readonly usage: RegistryUsage;
  readonly watched: readonly WatchedImage[];
  readonly errors: readonly ActionError[];
  /** The newest images that may have promotion records. */
  readonly promoted: readonly Digest[];
  /** Requests for manifests. */
  readonly requests: number;
}

/** An image that is looked at closely, once for all its watched tags. */
export interface WatchedImage {
  readonly tags: readonly string[];
  readonly image: ReportedImage;
  /** One for each scanner that was asked. */
  readonly scans: readonly ScanResult[];
  /** Of each two scanners with a result. */
  readonly comparisons: readonly ScanComparison[];
}

type Filled = { -readonly [K in keyof ReportResult]: ReportResult[K] };

/** What is known so far. A run fills it in as it goes, so that a failure can still tell how far it came. */
export type PartialReport = Omit<Filled, 'outcome' | 'errors' | 'unread' | keyof Progress> &
  Progress & { readonly unread: string[] };

export function emptyReport(): PartialReport {
  return { warnings: [], steps: [], repositories: [], unread: [] };
}

/** A report that was made. */
export function succeeded(partial: PartialReport, outcome: Success): ReportResult {
  return { ...partial, outcome, errors: [] };
}

/** A report that failed, with all that was known until then. */
export function failed(partial: PartialReport, thrown: unknown): ReportResult {
  return { ...partial, ...failure(thrown) };
}
