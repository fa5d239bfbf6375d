import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { actionEntry } from '../support/action.ts';
import { note } from './daemon.ts';
import { endChildren, show, timed } from './programs.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const VITEST = fileURLToPath(new URL('../../node_modules/.bin/vitest', import.meta.url));

/** Tests that run against programs which are started before them and stopped after them. */
export interface Suite {
  /** Path of the configuration for vitest, from the root. */
  readonly config: string;
  readonly setUp: () => Promise<{ readonly env: NodeJS.ProcessEnv }>;
  readonly tearDown: () => Promise<void>;
  /** Where the programs of a run keep their data; does not exist when none runs. */
  readonly runHome: () => string;
  /** The pid file of the process that runs the tests. */
  readonly testsPid: () => string;
}

/** Sets up, runs the tests with the arguments of this process, stops everything, also after a failure or a signal; ends the process. */
export async function runSuite(suite: Suite): Promise<never> {
  // The first signal ends what is running, and then all that it ran against; it is never left behind.
  const cancellation = new AbortController();
  const cancelled = new Promise<never>((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        cancellation.abort();
        endChildren();
        reject(new Error(`Ended by ${signal}.`));
      });
    }
  });
  cancelled.catch(() => undefined);
  try {
    if (!existsSync(actionEntry())) throw new Error(`There is no ${actionEntry()}: run \`npm run build\` first.`);
    const { env } = await timed('set-up', () => Promise.race([suite.setUp(), cancelled]));
    const code = await show(VITEST, ['run', '--config', suite.config, ...process.argv.slice(2)], {
      cwd: ROOT,
      env,
      signal: cancellation.signal,
      onSpawn: (pid) => note(pid, suite.testsPid()),
    });
    process.exitCode = cancellation.signal.aborted ? 130 : (code ?? 1);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = cancellation.signal.aborted ? 130 : 1;
  } finally {
    endChildren();
    if (existsSync(suite.runHome())) await timed('stop everything', suite.tearDown);
  }
  // What was under way when a signal came has nothing more to say.
  process.exit();
}
