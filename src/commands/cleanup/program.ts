import type { cleanup } from './cleanup.ts';
import { emptyCleanup, failed as failedResult } from './result.ts';

export { renderCleanupOutputs as outputs } from './outputs.ts';
export { renderCleanupSummary as summary } from './summary.ts';

/** Loaded when the inputs are right: the result of wrong ones needs nothing of it. */
export const run = async (...given: Parameters<typeof cleanup>) => (await import('./cleanup.ts')).cleanup(...given);

/** A cleanup whose inputs could not be read. */
export const failed = (error: unknown) => failedResult(emptyCleanup(true), error);
