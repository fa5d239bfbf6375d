import { onTestFinished } from 'vitest';
import { type ActionOptions, type ActionRun, runAction } from '../action.ts';

/** Runs `command: cleanup` of the built action; what it leaves is removed at the end of the test. */
export async function runCleanup(
  inputs: Readonly<Record<string, string>>,
  options: Partial<ActionOptions> = {},
): Promise<ActionRun> {
  const run = await runAction({ ...options, inputs: { command: 'cleanup', ...inputs } });
  onTestFinished(run.dispose);
  return run;
}
