import type { ActionError } from '../../errors/action-error.ts';
import type { StepFacts } from '../step.ts';
import { type Sample, sample } from './catalogue.ts';

/** What every run has. */
export interface RunFacts {
  readonly command: string;
  /** What the run was about: repositories without a tag; empty when the inputs were wrong. */
  readonly image: string;
  readonly outcome: string;
  readonly errors: readonly ActionError[];
  readonly steps: readonly StepFacts[];
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly endedAt: number;
}

/** The metrics that every command has. */
export function runSamples({
  command,
  image,
  outcome,
  errors,
  steps,
  startedAt,
  endedAt,
}: RunFacts): readonly Sample[] {
  const run = { command, image };
  const durations = new Map<string, number>();
  for (const { name, milliseconds } of steps) durations.set(name, (durations.get(name) ?? 0) + milliseconds);
  return [
    sample('registry_action_run_success', run, errors.length === 0 ? 1 : 0),
    sample('registry_action_run_outcome', { ...run, outcome }, 1),
    sample('registry_action_run_timestamp_seconds', run, endedAt / 1000),
    sample('registry_action_run_duration_seconds', run, Math.max(0, endedAt - startedAt) / 1000),
    ...[...durations].map(([step, milliseconds]) =>
      sample('registry_action_step_duration_seconds', { ...run, step }, milliseconds / 1000),
    ),
    ...[...Map.groupBy(errors, ({ code }) => code)].map(([code, group]) =>
      sample('registry_action_errors', { ...run, code }, group.length),
    ),
  ];
}
