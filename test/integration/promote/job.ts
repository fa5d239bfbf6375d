import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ActionOptions, type ActionRun, runAction, type WorkflowEvent } from '../../support/action.ts';
import { createRepository, pushEvent, type Repository } from '../../support/repository.ts';

/** A repository that is checked out, in whose jobs images are promoted. */
export interface PromotionJob {
  readonly repository: Repository;
  readonly promote: (inputs: Readonly<Record<string, string>>, options?: Partial<ActionOptions>) => Promise<ActionRun>;
  /** The same as a person who starts the workflow by hand. */
  readonly byHand: (inputs: Readonly<Record<string, string>>, options?: Partial<ActionOptions>) => Promise<ActionRun>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

export async function createPromotionJob(): Promise<PromotionJob> {
  const repository = await createRepository();
  await repository.commit('first', { 'README.md': '# app' });
  const root = await realpath(await mkdtemp(join(tmpdir(), 'promotion-')));
  const runs: ActionRun[] = [];
  const start = async (
    event: WorkflowEvent,
    inputs: Readonly<Record<string, string>>,
    options: Partial<ActionOptions> = {},
  ) => {
    const run = await runAction({
      inputs: { command: 'promote', ...inputs },
      workspace: repository.directory,
      event,
      tempDir: join(root, 'temp'),
      ...options,
    });
    runs.push(run);
    return run;
  };
  return {
    repository,
    promote: async (inputs, options) => start(await pushEvent(repository), inputs, options),
    byHand: async (inputs, options) =>
      start({ ...(await pushEvent(repository)), name: 'workflow_dispatch' }, inputs, options),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(runs.map((run) => run.dispose()));
      await repository.dispose();
      await rm(root, { recursive: true, force: true });
    },
  };
}
