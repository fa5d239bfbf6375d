import type { Failure } from '../../domain/outcome.ts';
import type { ActionError } from '../../errors/action-error.ts';
import { failure } from '../../errors/outcome.ts';
import type { OUTCOMES } from './outcomes.ts';

/** What became of `command: login`. */
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
  /** Where the credentials came from. */
  readonly from: string;
  /** ISO 8601; absent when they do not end, or nobody says when. */
  readonly until?: string;
}

/** A login that came to nothing. */
export function failedLogin(thrown: unknown): LoginResult {
  return { ...failure(thrown), warnings: [], logins: [] };
}
