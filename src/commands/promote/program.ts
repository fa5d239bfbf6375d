import { emptyResult, failed as failedResult } from './partial-result.ts';
import type { promote } from './promote.ts';

export { promotionMetrics as metrics } from './metrics.ts';
export { promotionJson as json, renderPromotionOutputs as outputs } from './outputs.ts';
export { renderPromotionSummary as summary } from './summary.ts';

/** Loaded only after the inputs were read successfully. */
export const run = async (...given: Parameters<typeof promote>) => (await import('./promote.ts')).promote(...given);

/** The result of a promotion with invalid inputs. */
export const failed = (error: unknown) => failedResult(emptyResult(), error);
