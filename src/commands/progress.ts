import type { Runtime } from '../runtime/runtime.ts';

/** What a command notes of its way, for the summary. */
export interface Progress {
  readonly warnings: string[];
  readonly steps: { readonly name: string; readonly milliseconds: number }[];
}

/** Runs a named part of the road in a foldable section of the log, and notes how long it took. */
export async function step<T>(runtime: Runtime, progress: Progress, name: string, task: () => Promise<T>): Promise<T> {
  const start = runtime.clock.now().getTime();
  try {
    return await runtime.log.group(name, task);
  } finally {
    progress.steps.push({ name, milliseconds: runtime.clock.now().getTime() - start });
  }
}

/** A warning in log and summary, once. */
export function warn(runtime: Runtime, progress: Progress, text: string): void {
  if (progress.warnings.includes(text)) return;
  progress.warnings.push(text);
  runtime.log.warning(text);
}
