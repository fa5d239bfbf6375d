import type { report } from './report.ts';
import { emptyReport, failed as failedResult } from './result.ts';

export { reportMetrics as metrics } from './metrics.ts';
export { renderReportOutputs as outputs, reportJson as json } from './outputs.ts';
export { renderReportSummary as summary } from './summary.ts';

/** Loaded when the inputs are right: the result of wrong ones needs nothing of it. */
export const run = async (...given: Parameters<typeof report>) => (await import('./report.ts')).report(...given);

/** A report whose inputs could not be read. */
export const failed = (error: unknown) => failedResult(emptyReport(), error);
