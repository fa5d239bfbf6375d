import { ActionError } from '../../errors/action-error.ts';
import type { ErrorCode } from '../../errors/catalogue.ts';

/** Login facts at the time a registry refuses a request. */
export interface LoginState {
  /** No credentials were found for the host. */
  readonly anonymous: boolean;
  /** The registry accepted these credentials for another request before. */
  readonly accepted: boolean;
}

const REFUSAL_CODES: ReadonlySet<ErrorCode> = new Set(['UNAUTHORIZED', 'DENIED', 'SCOPE_TOO_NARROW']);

/**
 * Distinguishes what registries report with the same 401: missing credentials, wrong ones, and insufficient rights. A
 * refused write after an accepted read means insufficient rights: Gitea, Harbor and others answer 401 for it. Pure.
 */
export function explainRefusal(error: ActionError, { anonymous, accepted }: LoginState): ActionError {
  if (!REFUSAL_CODES.has(error.code)) return error;
  const { facts, message, cause } = error;
  const options = { facts, ...(cause === undefined ? {} : { cause }) };
  if (anonymous) {
    return new ActionError(
      'CREDENTIALS_MISSING',
      `${message} The access was anonymous: no credentials were found.`,
      options,
    );
  }
  const isWrite = facts.operation === 'push' || facts.operation === 'delete';
  if (error.code !== 'UNAUTHORIZED' || !isWrite || !accepted) return error;
  return new ActionError('DENIED', `${message} The same credentials were accepted for reading.`, options);
}
