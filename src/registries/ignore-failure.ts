import { ActionError } from '../errors/action-error.ts';

/** For `catch` before a push: a question that could not be put is no reason to stop it; a cancelled run is. */
export function ignoreFailure(error: unknown): undefined {
  if (error instanceof ActionError && error.code !== 'CANCELLED') return undefined;
  throw error;
}
