import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ExecResult, Runtime } from '../../runtime/runtime.ts';
import { type GitSetting, gitEnvironment, listSettings } from './git-environment.ts';

const TIMEOUT_MS = 30_000;

/** Runs git; undefined when it could not be started or timed out. */
export type Git = (args: readonly string[]) => Promise<ExecResult | undefined>;

/** The settings of each folder, listed once per run: a process costs more than anything else in a dry run. */
const settings = new WeakMap<Runtime, Map<string, Promise<string>>>();

/** @throws what `runtime.exec` throws */
export function settingsOf(runtime: Runtime, directory: string): Promise<string> {
  const known = settings.get(runtime) ?? new Map<string, Promise<string>>();
  settings.set(runtime, known);
  const listed = known.get(directory) ?? listSettings(runtime, directory);
  known.set(directory, listed);
  return listed;
}

/**
 * Git in any folder.
 * @param more settings of the caller, passed through the environment because they may be secret
 */
export function gitIn(runtime: Runtime, directory: string, more: readonly GitSetting[] = []): Git {
  return async (args) => {
    try {
      const env = gitEnvironment(runtime, await settingsOf(runtime, directory), more);
      return await runtime.exec('git', ['-C', directory, ...args], { env, timeout: TIMEOUT_MS });
    } catch (error) {
      runtime.signal.throwIfAborted();
      runtime.log.debug(`git ${args[0]}: ${String(error)}`);
      return undefined;
    }
  };
}

/** Git in a folder of a repository. Outside of one no process is started, and nothing is found. */
export function gitInRepository(runtime: Runtime, directory: string): Git {
  return isInRepository(directory) ? gitIn(runtime, directory) : async () => undefined;
}

/** Whether a folder may belong to a repository: it or a folder around it contains `.git`. */
export function isInRepository(directory: string): boolean {
  try {
    for (let at = realpathSync(directory); ; at = dirname(at)) {
      if (existsSync(join(at, '.git'))) return true;
      if (at === dirname(at)) return false;
    }
  } catch {
    // A folder that does not exist.
    return false;
  }
}

/** Git's trimmed output; undefined when the command failed. */
export async function printed(git: Git, args: readonly string[]): Promise<string | undefined> {
  const result = await git(args);
  return result?.exitCode === 0 ? result.stdout.trim() : undefined;
}
