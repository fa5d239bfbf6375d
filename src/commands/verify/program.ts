import type { verify } from './verify.ts';

export { failedVerify as failed } from './result.ts';
export { renderOutputs as outputs, renderSummary as summary, verifyJson as json } from './summary.ts';

/** Loaded when the inputs are right: the result of wrong ones needs nothing of it. */
export const run = async (...given: Parameters<typeof verify>) => (await import('./verify.ts')).verify(...given);
