import { ActionError } from './errors/action-error.ts';
import { createRuntime } from './runtime/github.ts';

// The runner cancels a job with SIGINT, and 7.5 seconds later with SIGTERM.
const cancellation = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => cancellation.abort(new ActionError('CANCELLED', `The run was cancelled (${signal}).`)));
}

/** The same file serves both steps; the state tells which one this is. The post step must work after a cancellation too. */
async function main(): Promise<boolean> {
  const { version } = process;
  if (Number.parseInt(version.slice(1), 10) < OLDEST_NODE) {
    throw new Error(
      `It runs the action with Node.js ${version}, which is too old: it takes ${OLDEST_NODE}, and runners have 24. Update the runner (2.327.1 or newer has Node.js 24).`,
    );
  }
  const runtime = createRuntime(cancellation.signal);
  const isPost = runtime.state.get('isPost') === 'true';
  runtime.state.save('isPost', 'true');
  runtime.state.save('temp', runtime.temp);
  if (isPost) return (await import('./app/post-step.ts')).cleanUp(runtime);
  return (await import('./app/run.ts')).run(runtime);
}

/** The oldest Node.js that has what the program needs; runners provide the one that `action.yml` names. */
const OLDEST_NODE = 22;

const succeeded = await main().catch((error: unknown) => {
  // What the runner has to offer is broken (its temporary folder, the file for the state): it cannot be reported any other way.
  const message = error instanceof Error ? error.message : String(error);
  process.stdout.write(`::error title=The runner cannot be used::${message.replaceAll(/[\r\n]+/g, ' ')}\n`);
  return false;
});
if (!succeeded) process.exitCode = 1;
