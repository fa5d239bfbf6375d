import { emptySetup, failed as failedResult } from './result.ts';
import type { setup } from './setup.ts';

export { renderSetupOutputs as outputs, setupJson as json } from './outputs.ts';
export { renderSetupSummary as summary } from './summary.ts';

/** Loaded when the inputs are right: the result of wrong ones needs nothing of it. */
export const run = async (...given: Parameters<typeof setup>) => (await import('./setup.ts')).setup(...given);

/** A setup whose inputs could not be read. */
export const failed = (error: unknown, isDryRun: boolean) => failedResult(emptySetup(isDryRun), error);
