import { once } from 'node:events';
import { type ActionOptions, runAction } from '../support/action.ts';
import { type Measured, watchTree } from './measure.ts';

/**
 * Runs the built action as a step, and measures its process and all below it.
 * @throws Error with its log when the step is red
 */
export async function measureAction(options: ActionOptions): Promise<Measured> {
  let ended: Promise<Measured> | undefined;
  await using run = await runAction({
    ...options,
    onSpawn: (child) => {
      const watch = watchTree(child.pid ?? 0);
      ended = once(child, 'exit').then(() => watch.end());
    },
  });
  const measured = await ended;
  if (run.exitCode !== 0 || measured === undefined) throw new Error(`The action failed:\n${run.log}`);
  await run.post();
  return measured;
}
