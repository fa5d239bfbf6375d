export { renderPromotionOutputs as outputs } from './outputs.ts';
export { failedPromotion as failed, promote as run } from './promote.ts';
export { renderPromotionSummary as summary } from './summary.ts';
