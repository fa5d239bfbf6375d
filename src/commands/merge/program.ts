import { publishMetrics } from '../publish/metrics.ts';
import { publishJson, renderOutputs } from '../publish/outputs.ts';
import { emptyResult, failed as failedResult } from '../publish/partial-result.ts';
import type { publish } from '../publish/publish.ts';
import type { PublishResult } from '../publish/result.ts';
import { renderSummary } from '../publish/summary.ts';
import { OUTCOMES } from './outcomes.ts';

/** The same way as that of an image that is built: only the origin differs. */
export const run = async (...given: Parameters<typeof publish>) =>
  (await import('../publish/publish.ts')).publish(...given);

/** The result of a merge with invalid inputs. */
export const failed = (error: unknown) => failedResult(emptyResult(), error);

export const outputs = (result: PublishResult) => {
  const { labels: _, metadata: __, ...rest } = renderOutputs(result);
  return rest;
};

export const json = (result: PublishResult) => publishJson(result, 'merge');

export const summary = (result: PublishResult) => renderSummary(result, OUTCOMES);

export const metrics = (result: PublishResult) => publishMetrics(result, 'merge');
