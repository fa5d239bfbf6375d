export { renderOutputs as outputs, renderSummary as summary } from './summary.ts';
export { failedVerify as failed, verify as run } from './verify.ts';
