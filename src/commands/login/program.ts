import type { login } from './login.ts';

export { failedLogin as failed } from './result.ts';
export { loginJson as json, renderLoginOutputs as outputs, renderLoginSummary as summary } from './summary.ts';

/** Loaded only after the inputs were read successfully. */
export const run = async (...given: Parameters<typeof login>) => (await import('./login.ts')).login(...given);
