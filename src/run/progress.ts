import type { StepFacts } from '../report/step.ts';
import type { Runtime } from '../runtime/runtime.ts';

/** Timings and warnings of a command, for the summary. */
export interface Progress {
  readonly warnings: string[];
  readonly steps: StepFacts[];
}

/**
 * Runs a named step in a foldable section of the log, and records its duration and whether it failed.
 * @param isFailure whether a result means failure, for steps that do not throw
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
