export { failedLogin as failed, login as run } from './login.ts';
export { renderLoginOutputs as outputs, renderLoginSummary as summary } from './summary.ts';
