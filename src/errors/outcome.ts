import type { Failure } from '../domain/outcome.ts';
import { type ActionError, allErrors } from './action-error.ts';
import { CATALOGUE } from './catalogue.ts';

/** The outcome of a failed run: the first error decides it, all are reported. */
export function failure(thrown: unknown): { readonly outcome: Failure; readonly errors: readonly ActionError[] } {
  const errors = allErrors(thrown);
  const [first] = errors;
  return { outcome: first === undefined ? 'failed' : CATALOGUE[first.code].outcome, errors };
}
