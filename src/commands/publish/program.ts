import { publishMetrics } from './metrics.ts';
import { OUTCOMES } from './outcomes.ts';
import { publishJson } from './outputs.ts';
import { emptyResult, failed as failedResult } from './partial-result.ts';
import type { publish } from './publish.ts';
import type { PublishResult } from './result.ts';
import { renderSummary } from './summary.ts';

/** Loaded only after the inputs were read successfully. */
export const run = async (...given: Parameters<typeof publish>) => (await import('./publish.ts')).publish(...given);

/** The result of a publish with invalid inputs. */
export const failed = (error: unknown) => failedResult(emptyResult(), error);

export { renderOutputs as outputs } from './outputs.ts';

export const json = (result: PublishResult) => publishJson(result, 'publish');

export const summary = (result: PublishResult) => renderSummary(result, OUTCOMES);

export const metrics = (result: PublishResult) => publishMetrics(result, 'publish');
