export { cleanup as run, failedCleanup as failed } from './cleanup.ts';
export { renderCleanupOutputs as outputs } from './outputs.ts';
export { renderCleanupSummary as summary } from './summary.ts';
