import { type ActionError, toActionError } from '../errors/action-error.ts';

interface Result {
  readonly error?: ActionError;
}

export interface Phases<T, R> {
  /** Does something for all targets at the same time. @returns whether all are well: else nothing may follow */
  readonly phase: (step: (target: T, result: R) => Promise<Partial<R>>) => Promise<boolean>;
  /** One for each target, in their order. */
  readonly results: () => readonly R[];
}

/**
 * Work on several targets in phases, with one result for each (P9): a failure of one target is in its result, and does not
 * keep the others from the same phase.
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
