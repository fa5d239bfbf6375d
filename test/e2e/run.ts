import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { actionEntry } from '../support/action.ts';
import { note } from './daemon.ts';
import { runHome, setUp, tearDown, testsPid } from './environment.ts';
import { endChildren, show, timed } from './programs.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const VITEST = fileURLToPath(new URL('../../node_modules/.bin/vitest', import.meta.url));

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

/** Sets up, runs all tests one after the other with the arguments of this process, stops everything. */
async function main(): Promise<number> {
  if (!existsSync(actionEntry())) throw new Error(`There is no ${actionEntry()}: run \`npm run build\` first.`);
  const { env } = await timed('set-up', () => Promise.race([setUp(), cancelled]));
  const args = ['run', '--config', 'test/e2e/vitest.config.ts', ...process.argv.slice(2)];
  const code = await show(VITEST, args, {
    cwd: ROOT,
    env,
    signal: cancellation.signal,
    onSpawn: (pid) => note(pid, testsPid()),
  });
  return cancellation.signal.aborted ? 130 : (code ?? 1);
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = cancellation.signal.aborted ? 130 : 1;
} finally {
  endChildren();
  if (existsSync(runHome())) await timed('stop everything', tearDown);
}
// What was under way when a signal came has nothing more to say.
process.exit();
