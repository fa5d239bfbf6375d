import { emptyResult, failed as failedResult } from './partial-result.ts';
import type { publish } from './publish.ts';

export { renderOutputs as outputs } from './outputs.ts';
export { renderSummary as summary } from './summary.ts';

/** Loaded only after the inputs were read successfully. */
export const run = async (...given: Parameters<typeof publish>) => (await import('./publish.ts')).publish(...given);

/** The result of a publish with invalid inputs. */
export const failed = (error: unknown) => failedResult(emptyResult(), error);
