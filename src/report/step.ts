/** A completed step of a run, successful or not. */
export interface StepFacts {
  readonly name: string;
  readonly milliseconds: number;
  /** Absent when successful. */
  readonly failed?: true;
}

export type StepState = 'done' | 'failed' | 'skipped';

/** The result of the steps with these names: `skipped` when none has run. */
export function stateOf(steps: readonly StepFacts[], ...names: readonly string[]): StepState {
  const own = steps.filter(({ name }) => names.includes(name));
  if (own.some(({ failed }) => failed === true)) return 'failed';
  return own.length > 0 ? 'done' : 'skipped';
}
