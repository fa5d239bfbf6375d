import type { Failure } from '../domain/outcome.ts';
import { type ActionError, allErrors } from './action-error.ts';
import { CATALOGUE } from './catalogue.ts';

/** What a run came to that failed: the first error decides the outcome, all are told. */
export function failure(thrown: unknown): { readonly outcome: Failure; readonly errors: readonly ActionError[] } {
  const errors = allErrors(thrown);
  const [first] = errors;
  return { outcome: first === undefined ? 'failed' : CATALOGUE[first.code].outcome, errors };
}
