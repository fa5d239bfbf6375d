import type { ExecResult, Runtime } from '../../runtime/runtime.ts';
import { type GitSetting, gitEnvironment } from './git-environment.ts';

const TIMEOUT_MS = 30_000;

/** Runs git; undefined when it could not be started or timed out. */
export type Git = (args: readonly string[]) => Promise<ExecResult | undefined>;

/**
 * Git in any folder of a work tree.
 * @param more settings of the caller, passed through the environment because they may be secret
 */
export function gitIn(runtime: Runtime, directory: string, more: readonly GitSetting[] = []): Git {
  let environment: ReturnType<typeof gitEnvironment> | undefined;
  return async (args) => {
    try {
      environment ??= gitEnvironment(runtime, directory, more);
      const env = await environment;
      return await runtime.exec('git', ['-C', directory, ...args], { env, timeout: TIMEOUT_MS });
    } catch (error) {
      runtime.signal.throwIfAborted();
      runtime.log.debug(`git ${args[0]}: ${String(error)}`);
      return undefined;
    }
  };
}

/** Git's trimmed output; undefined when the command failed. */
export async function printed(git: Git, args: readonly string[]): Promise<string | undefined> {
  const result = await git(args);
  return result?.exitCode === 0 ? result.stdout.trim() : undefined;
}
