import type { PromotionRecord } from '../../domain/promotion/record.ts';
import { failure } from '../../errors/outcome.ts';
import type { Progress } from '../../run/progress.ts';
import type { Success } from './outcomes.ts';
import type { PromotionResult } from './result.ts';

type Filled = { -readonly [K in keyof PromotionResult]: PromotionResult[K] };

/** What is known so far. A run fills it in as it goes, so that a failure can still tell how far it came. */
export type PartialResult = Omit<Filled, 'outcome' | 'errors' | keyof Progress> &
  Progress & {
    /** An earlier scan that met what is required, for the record of this run. */
    /** Manifests that the copy has written; undefined when there was none. */
    copiedManifests?: number;
    scanned?: Pick<PromotionRecord, 'scan' | 'scannedAt'> | undefined;
  };

export function emptyResult(): PartialResult {
  return { warnings: [], steps: [], kind: 'promotion', requirements: [], targets: [], passed: [] };
}

export function succeeded(
  { scanned: _scan, copiedManifests: _count, ...partial }: PartialResult,
  outcome: Success,
): PromotionResult {
  return { ...partial, outcome, errors: [] };
}

/** A run that failed, with all that was known until then. */
export function failed(
  { scanned: _scan, copiedManifests: _count, ...partial }: PartialResult,
  thrown: unknown,
): PromotionResult {
  return { ...partial, ...failure(thrown) };
}
