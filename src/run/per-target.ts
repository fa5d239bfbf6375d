import { type ActionError, toActionError } from '../errors/action-error.ts';

interface Result {
  readonly error?: ActionError;
}

export interface Phases<T, R> {
  /**
   * Runs a step for all targets concurrently.
   * @returns whether all succeeded; otherwise no phase may follow
   */
  readonly phase: (step: (target: T, result: R) => Promise<Partial<R>>) => Promise<boolean>;
  /** One per target, in their order. */
  readonly results: () => readonly R[];
}

/**
 * Processes several targets in phases, with one result each (P9): a failed target gets the error in its result, and
 * does not stop the same phase for the others.
 */
export function inPhases<T, R extends Result>(targets: readonly T[], begin: (target: T) => R): Phases<T, R> {
  let states = targets.map((target) => ({ target, result: begin(target) }));
  return {
    phase: async (step) => {
      states = await Promise.all(
        states.map(async ({ target, result }) => {
          try {
            return { target, result: { ...result, ...(await step(target, result)) } };
          } catch (error) {
            return { target, result: { ...result, error: toActionError(error) } };
          }
        }),
      );
      return states.every(({ result }) => result.error === undefined);
    },
    results: () => states.map(({ result }) => result),
  };
}
