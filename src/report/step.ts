/** A step of a run that has ended, well or not. */
export interface StepFacts {
  readonly name: string;
  readonly milliseconds: number;
  /** Absent when it went well. */
  readonly failed?: true;
}

export type StepState = 'done' | 'failed' | 'skipped';

/** What became of the steps of these names: `skipped` when none has run. */
export function stateOf(steps: readonly StepFacts[], ...names: readonly string[]): StepState {
  const own = steps.filter(({ name }) => names.includes(name));
  if (own.some(({ failed }) => failed === true)) return 'failed';
  return own.length > 0 ? 'done' : 'skipped';
}
