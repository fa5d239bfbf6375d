import type { PromotionRecord } from '../../domain/promotion/record.ts';
import { failure } from '../../errors/outcome.ts';
import type { Progress } from '../../run/progress.ts';
import type { Success } from './outcomes.ts';
import type { PromotionResult } from './result.ts';

type Filled = { -readonly [K in keyof PromotionResult]: PromotionResult[K] };

/** The result so far. A run updates it as it proceeds, so that a failure can report its progress. */
export type PartialResult = Omit<Filled, 'outcome' | 'errors' | keyof Progress> &
  Progress & {
    /** An earlier scan that met the requirement, for the record of this run. */
    /** Manifests written by the copy; undefined without one. */
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

/** A failed run, with everything known until then. */
export function failed(
  { scanned: _scan, copiedManifests: _count, ...partial }: PartialResult,
  thrown: unknown,
): PromotionResult {
  return { ...partial, ...failure(thrown) };
}
