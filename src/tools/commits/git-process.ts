import type { ExecResult, Runtime } from '../../runtime/runtime.ts';
import { type GitSetting, gitEnvironment } from './git-environment.ts';

const TIMEOUT_MS = 30_000;

/** Runs git; undefined when it could not be started or took too long. */
export type Git = (args: readonly string[]) => Promise<ExecResult | undefined>;

/**
 * git in a folder, which may be anywhere below a work tree.
 * @param more settings of the caller, which may be secret: they go through the environment
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

/** What git printed, without the white space around it; undefined when the command failed. */
export async function printed(git: Git, args: readonly string[]): Promise<string | undefined> {
  const result = await git(args);
  return result?.exitCode === 0 ? result.stdout.trim() : undefined;
}
