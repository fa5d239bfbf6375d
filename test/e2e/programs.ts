import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Milliseconds; default: 2 minutes. */
  readonly timeout?: number;
  readonly input?: string;
}

/** Runs a program to its end. @returns what it wrote to stdout. @throws Error with what it wrote to stderr */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const running = execute(program, args, {
    env: options.env ?? process.env,
    timeout: options.timeout ?? 120_000,
    maxBuffer: 64 * 1024 * 1024,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  children.add(running.child);
  // A program that does not read closes its end early, which is no failure.
  running.child.stdin?.on('error', () => undefined).end(options.input ?? '');
  try {
    return (await running).stdout;
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim().slice(-3000) : '';
    throw new Error(`${program} ${args.slice(0, 4).join(' ')} failed: ${said || String(error)}`, { cause: error });
  } finally {
    children.delete(running.child);
  }
}

const children = new Set<ChildProcess>();

/** Ends the programs that {@link run} waits for. */
export function endChildren(): void {
  for (const child of children) child.kill('SIGTERM');
}

/** Whether a program ends well. */
export async function succeeds(program: string, args: readonly string[], options: RunOptions = {}): Promise<boolean> {
  return run(program, args, options).then(
    () => true,
    () => false,
  );
}

/** Where a program is on a PATH. */
export function find(program: string, path: string): string | undefined {
  return path
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, program))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** A port of loopback that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('There is no free port.');
  return address.port;
}

/** Several such ports, all different: one that is given back may be the next. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => {
    const address = server.address();
    return address === null || typeof address === 'string' ? 0 : address.port;
  });
  for (const server of servers) server.close();
  await Promise.all(servers.map((server) => once(server, 'close')));
  return ports;
}

/** Does a piece of the set-up, and says what and how long. */
export async function timed<T>(what: string, task: () => Promise<T>): Promise<T> {
  const start = performance.now();
  console.log(`… ${what}`);
  try {
    return await task();
  } finally {
    console.log(`· ${what}: ${((performance.now() - start) / 1000).toFixed(1)} s`);
  }
}

/** Runs a program whose output belongs into the log of the set-up. @returns its exit code, null after a signal */
export async function show(
  program: string,
  args: readonly string[],
  options: {
    readonly env: NodeJS.ProcessEnv;
    readonly cwd: string;
    readonly signal: AbortSignal;
    readonly onSpawn: (pid: number | undefined) => void;
  },
): Promise<number | null> {
  const child = spawn(program, args, { cwd: options.cwd, env: options.env, stdio: 'inherit' });
  options.onSpawn(child.pid);
  const end = () => child.kill('SIGTERM');
  options.signal.addEventListener('abort', end);
  try {
    const [code] = await once(child, 'exit');
    return typeof code === 'number' ? code : null;
  } finally {
    options.signal.removeEventListener('abort', end);
  }
}
