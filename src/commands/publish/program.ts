import { emptyResult, failed as failedResult } from './partial-result.ts';
import type { publish } from './publish.ts';

export { renderOutputs as outputs } from './outputs.ts';
export { renderSummary as summary } from './summary.ts';

/** Loaded when the inputs are right: the result of wrong ones needs nothing of it. */
export const run = async (...given: Parameters<typeof publish>) => (await import('./publish.ts')).publish(...given);

/** A publish whose inputs could not be read. */
export const failed = (error: unknown) => failedResult(emptyResult(), error);
