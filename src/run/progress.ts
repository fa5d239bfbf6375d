import type { StepFacts } from '../report/step.ts';
import type { Runtime } from '../runtime/runtime.ts';

/** What a command notes of its way, for the summary. */
export interface Progress {
  readonly warnings: string[];
  readonly steps: StepFacts[];
}

/**
 * Runs a named part of a command in a foldable section of the log, and notes how long it took and whether it failed.
 * @param isFailure tells from the result that the step has failed, where nothing is thrown
 */
export async function step<T>(
  runtime: Runtime,
  progress: Progress,
  name: string,
  task: () => Promise<T>,
  isFailure: (result: T) => boolean = () => false,
): Promise<T> {
  const start = runtime.clock.now().getTime();
  let failed = true;
  try {
    const result = await runtime.log.group(name, task);
    failed = isFailure(result);
    return result;
  } finally {
    const milliseconds = runtime.clock.now().getTime() - start;
    progress.steps.push({ name, milliseconds, ...(failed ? { failed } : {}) });
  }
}

/** A warning in log and summary, once. */
export function warn(runtime: Runtime, progress: Progress, text: string): void {
  if (progress.warnings.includes(text)) return;
  progress.warnings.push(text);
  runtime.log.warning(text);
}
