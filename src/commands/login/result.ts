import type { Failure } from '../../domain/outcome.ts';
import type { ActionError } from '../../errors/action-error.ts';
import { failure } from '../../errors/outcome.ts';
import type { OUTCOMES } from './outcomes.ts';

/** The result of `command: login`. */
export interface LoginResult {
  readonly outcome: keyof typeof OUTCOMES.successes | Failure;
  readonly errors: readonly ActionError[];
  readonly warnings: readonly string[];
  readonly logins: readonly LoginFacts[];
}

export interface LoginFacts {
  readonly host: string;
  /** The kind of registry: `Amazon ECR`. */
  readonly vendor: string;
  /** Source of the credentials. */
  readonly from: string;
  /** ISO 8601; absent when they do not expire, or the expiry is unknown. */
  readonly until?: string;
}

/** A failed login. */
export function failedLogin(thrown: unknown): LoginResult {
  return { ...failure(thrown), warnings: [], logins: [] };
}
