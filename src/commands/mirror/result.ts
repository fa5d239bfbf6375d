import type { Digest } from '../../domain/digest.ts';
import type { Action } from '../../domain/mirror/decide.ts';
import type { Failure } from '../../domain/outcome.ts';
import type { ActionError } from '../../errors/action-error.ts';
import { failure } from '../../errors/outcome.ts';
import type { StepFacts } from '../../report/step.ts';
import type { Progress } from '../../run/progress.ts';
import type { Success } from './outcomes.ts';

/** One tag at one target. */
export interface MirroredTag {
  readonly target: string;
  readonly tag: string;
  readonly action: Action;
  /** What the tag is to point to at the target; absent when unknown. */
  readonly digest?: Digest;
  /** The image at the source, when platforms are left out. */
  readonly sourceDigest?: Digest;
  /** What the tag pointed to before. */
  readonly previousDigest?: Digest;
  readonly reason: string;
  /** Whether it was done; false in a plan. */
  readonly isDone: boolean;
}

/** One source with all its targets. */
export interface MirroredSource {
  readonly source: string;
  readonly targets: readonly string[];
  readonly tags: readonly MirroredTag[];
  readonly errors: readonly ActionError[];
  /** Sentences about a way to do this with the vendor's own means. */
  readonly hints: readonly string[];
}

/** What the run took and sent. */
interface MirrorTotals {
  readonly images: number;
  readonly manifests: number;
  readonly blobs: number;
  readonly mounted: number;
  readonly bytes: number;
  readonly requests: number;
  readonly pulls: number;
}

/** What the plan needs, as far as it is known without pulls. */
export interface MirrorNeeds {
  readonly bytes: number;
  readonly pulls: number;
  /** Images that were not read, because that would count as pulls. */
  readonly unread: number;
}

/** The result of a run. */
export interface MirrorResult {
  readonly outcome: Success | Failure;
  readonly errors: readonly ActionError[];
  readonly warnings: readonly string[];
  readonly steps: readonly StepFacts[];
  readonly isDryRun: boolean;
  /** In the order of the configuration. */
  readonly sources: readonly MirroredSource[];
  readonly needs?: MirrorNeeds;
  readonly totals: MirrorTotals;
  /** When the next run can go on. */
  readonly resumeAt?: Date;
  /** A target did not take some attachments. */
  readonly isPartial: boolean;
}

type Filled = { -readonly [K in keyof MirrorResult]: MirrorResult[K] };

/** What is known so far, so that a failure can still tell how far the run came. */
export type PartialMirror = Omit<Filled, 'outcome' | 'errors' | 'totals' | keyof Progress> &
  Progress & { totals: { -readonly [K in keyof MirrorTotals]: MirrorTotals[K] } };

export function emptyMirror(isDryRun: boolean): PartialMirror {
  return {
    warnings: [],
    steps: [],
    isDryRun,
    isPartial: false,
    sources: [],
    totals: { images: 0, manifests: 0, blobs: 0, mounted: 0, bytes: 0, requests: 0, pulls: 0 },
  };
}

export function succeeded(partial: PartialMirror, outcome: Success): MirrorResult {
  return { ...partial, outcome, errors: [] };
}

/** A run that failed, with all that was known until then. */
export function failed(partial: PartialMirror, thrown: unknown): MirrorResult {
  return { ...partial, ...failure(thrown) };
}
