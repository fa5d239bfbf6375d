import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A process that runs beside the tests until it is stopped. */
export interface Daemon {
  readonly pid: number;
  /** What it has written so far. */
  readonly log: () => Promise<string>;
  readonly stop: () => Promise<void>;
}

export interface DaemonOptions {
  /** Folder for its log and its pid file. */
  readonly home: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Asked until it is true. */
  readonly ready: () => Promise<boolean>;
}

/** Starts a program and waits until it is ready. Its pid file is what {@link stopAll} of a later run goes by. */
export async function startDaemon(
  name: string,
  program: string,
  args: readonly string[],
  { home, env, ready }: DaemonOptions,
): Promise<Daemon> {
  await mkdir(home, { recursive: true });
  const logFile = join(home, `${name}.log`);
  const pidFile = join(home, `${name}.pid`);
  const log = openSync(logFile, 'a');
  // A process group of its own: Ctrl-C in the terminal is for the test run, which then stops the daemons in order.
  const child = spawn(program, args, { env: env ?? process.env, stdio: ['ignore', log, log], detached: true });
  const failed = new Promise<never>((_, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => reject(new Error(`it ended with ${signal ?? `exit code ${code}`}`)));
  });
  failed.catch(() => undefined);
  const { pid } = child;
  note(pid, pidFile);
  child.unref();
  const daemon: Daemon = {
    pid: pid ?? 0,
    log: () => readFile(logFile, 'utf8'),
    stop: () => stop(pidFile),
  };
  try {
    await Promise.race([failed, until(ready)]);
  } catch (error) {
    await daemon.stop();
    const words = (await daemon.log()).slice(-2000);
    throw new Error(`${name} did not start: ${error instanceof Error ? error.message : String(error)}\n${words}`);
  }
  return daemon;
}

/**
 * Makes a folder this process's own, until it is removed.
 * @param variable sets where it is
 * @throws Error when another process that is still running has it
 */
export function claim(home: string, variable = 'E2E_HOME'): void {
  mkdirSync(home, { recursive: true });
  const file = join(home, 'owner');
  const [pid = '', start = ''] = existsSync(file) ? readFileSync(file, 'utf8').trim().split(' ') : [];
  if (Number(pid) > 0 && startOf(Number(pid)) === start && start !== '0') {
    throw new Error(`Another run (process ${pid}) uses ${home}. Wait for it, or set ${variable} to another folder.`);
  }
  writeFileSync(file, `${process.pid} ${startOf(process.pid)}\n`);
}

/** Stops what the pid files below a folder name, newest first, when it still is the process that was started. */
export async function stopAll(home: string): Promise<void> {
  for (const file of pidFiles(home)) await stop(file);
}

function pidFiles(home: string): readonly string[] {
  try {
    const found = readdirSync(home, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.pid'))
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((file) => /^\d+ \d+\n$/.test(readFileSync(file, 'utf8')));
    const started = (file: string) => Number(readFileSync(file, 'utf8').split(' ')[1]);
    return found.sort((one, other) => started(other) - started(one));
  } catch {
    return [];
  }
}

/** Writes a pid file for {@link stop}. */
export function note(pid: number | undefined, file: string): void {
  if (pid !== undefined) writeFileSync(file, `${pid} ${startOf(pid)}\n`);
}

/** Stops what a pid file names, when it still is the process that was started, and removes the file. */
export async function stop(file: string): Promise<void> {
  let pid: number;
  try {
    const [first = '', start = ''] = readFileSync(file, 'utf8').trim().split(' ');
    pid = Number(first);
    if (startOf(pid) !== start) pid = 0;
  } catch {
    return;
  }
  if (pid > 0) {
    for (const [signal, patience] of [
      ['SIGTERM', 20_000],
      ['SIGKILL', 5_000],
    ] as const) {
      if (!isAlive(pid)) break;
      process.kill(pid, signal);
      for (let waited = 0; waited < patience && isAlive(pid); waited += 50) await sleep(50);
    }
  }
  rmSync(file, { force: true });
}

/** When a process was started, in ticks since the machine was: a pid alone may be somebody else's by now. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in parentheses, which may hold anything.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '0';
  }
}

function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) !== 'Z';
  } catch {
    return false;
  }
}

async function until(ready: () => Promise<boolean>): Promise<void> {
  for (let waited = 0; waited < 60_000; waited += 100) {
    if (await ready().catch(() => false)) return;
    await sleep(100);
  }
  throw new Error('it was not ready after a minute');
}
