import { ActionError } from '../../errors/action-error.ts';
import type { ErrorCode } from '../../errors/catalogue.ts';

/** What is known of the login when a registry refuses something. */
export interface LoginState {
  /** No credentials were found for the host. */
  readonly anonymous: boolean;
  /** The registry accepted these credentials for another request before. */
  readonly accepted: boolean;
}

const REFUSALS: ReadonlySet<ErrorCode> = new Set(['UNAUTHORIZED', 'DENIED', 'SCOPE_TOO_NARROW']);

/**
 * Tells apart what registries answer with the same 401: no credentials, wrong ones, and ones that lack a right. A write that
 * is refused after an accepted read lacks a right: Gitea, Harbor and others answer 401 for it. Pure.
 */
export function explainRefusal(error: ActionError, { anonymous, accepted }: LoginState): ActionError {
  if (!REFUSALS.has(error.code)) return error;
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
