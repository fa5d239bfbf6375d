export { renderOutputs as outputs } from './outputs.ts';
export { failedPublish as failed, publish as run } from './publish.ts';
export { renderSummary as summary } from './summary.ts';
