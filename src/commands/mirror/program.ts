import type { mirror } from './mirror.ts';
import { emptyMirror, failed as failedResult } from './result.ts';

export { mirrorMetrics as metrics } from './metrics.ts';
export { mirrorJson as json, renderMirrorOutputs as outputs } from './outputs.ts';
export { renderMirrorSummary as summary } from './summary.ts';

/** Loaded when the inputs are right: the result of wrong ones needs nothing of it. */
export const run = async (...given: Parameters<typeof mirror>) => (await import('./mirror.ts')).mirror(...given);

/** A run whose inputs could not be read. */
export const failed = (error: unknown, isDryRun: boolean) => failedResult(emptyMirror(isDryRun), error);
