import type { Runtime } from '../../runtime/runtime.ts';
import type { CleanupInputs, ConversionInputs } from './inputs.ts';
import { type CleanupResult, emptyCleanup, failed as failedResult } from './result.ts';

export { cleanupMetrics as metrics } from './metrics.ts';
export { cleanupJson as json, renderCleanupOutputs as outputs } from './outputs.ts';
export { renderCleanupSummary as summary } from './summary.ts';

/** Loaded when the inputs are right: the result of wrong ones needs nothing of it. */
export const run = async (
  runtime: Runtime,
  inputs: CleanupInputs | ConversionInputs,
  warnings: readonly string[],
): Promise<CleanupResult> =>
  inputs.kind === 'cleanup'
    ? (await import('./cleanup.ts')).cleanup(runtime, inputs, warnings)
    : (await import('./convert.ts')).convert(runtime, inputs, warnings);

/** A cleanup whose inputs could not be read. */
export const failed = (error: unknown, isDryRun: boolean) => failedResult(emptyCleanup(isDryRun), error);
