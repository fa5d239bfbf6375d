import { ActionError } from '../errors/action-error.ts';

/** For `catch` in checks before a push: a failed check does not stop the push, a cancelled run does. */
export function ignoreFailure(error: unknown): undefined {
  if (error instanceof ActionError && error.code !== 'CANCELLED') return undefined;
  throw error;
}
