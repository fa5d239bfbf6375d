import { emptyResult, failed as failedResult } from './partial-result.ts';
import type { promote } from './promote.ts';

export { renderPromotionOutputs as outputs } from './outputs.ts';
export { renderPromotionSummary as summary } from './summary.ts';

/** Loaded when the inputs are right: the result of wrong ones needs nothing of it. */
export const run = async (...given: Parameters<typeof promote>) => (await import('./promote.ts')).promote(...given);

/** A promotion whose inputs could not be read. */
export const failed = (error: unknown) => failedResult(emptyResult(), error);
