import type { login } from './login.ts';

export { failedLogin as failed } from './result.ts';
export { renderLoginOutputs as outputs, renderLoginSummary as summary } from './summary.ts';

/** Loaded when the inputs are right: the result of wrong ones needs nothing of it. */
export const run = async (...given: Parameters<typeof login>) => (await import('./login.ts')).login(...given);
