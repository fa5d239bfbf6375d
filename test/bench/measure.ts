import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';

/** What a command took. */
export interface Measured {
  readonly seconds: number;
  /** The most memory that it and its children held at one time, in bytes of resident memory. */
  readonly peak: number;
}

/** Milliseconds between two looks at the memory. */
const INTERVAL = 20;

/**
 * Runs a command to its end, and measures it.
 * @returns `said`: the end of what it wrote
 * @throws Error with that when it fails
 */
export async function measureCommand(
  command: readonly string[],
  options: { readonly env: NodeJS.ProcessEnv; readonly cwd?: string },
): Promise<Measured & { readonly said: string }> {
  const [program = '', ...args] = command;
  const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  const watch = watchTree(child.pid ?? 0);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-3000);
    });
  }
  const [code, signal] = await once(child, 'close');
  const measured = watch.end();
  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${signal ?? `exit code ${code}`}:\n${said}`);
  return { ...measured, said };
}

/** Watches a process and all below it, from now until {@link end}. */
export function watchTree(pid: number): { readonly end: () => Measured } {
  const start = performance.now();
  let peak = 0;
  const look = () => {
    peak = Math.max(peak, residentBytes(pid));
  };
  look();
  const timer = setInterval(look, INTERVAL);
  return {
    end: () => {
      clearInterval(timer);
      return { seconds: (performance.now() - start) / 1000, peak };
    },
  };
}

/**
 * Resident memory of a process and all below it. A page that two of them share counts twice, which is little: the
 * programs here are different ones.
 */
function residentBytes(pid: number): number {
  const status = read(`/proc/${pid}/status`);
  const [, kibibytes = '0'] = /^VmRSS:\s+(\d+) kB$/m.exec(status) ?? [];
  return children(pid).reduce((sum, child) => sum + residentBytes(child), Number(kibibytes) * 1024);
}

/** Any thread may start a child, and Go's programs do. */
function children(pid: number): readonly number[] {
  const threads = readdir(`/proc/${pid}/task`);
  return threads.flatMap((thread) =>
    read(`/proc/${pid}/task/${thread}/children`).split(' ').filter(Boolean).map(Number),
  );
}

/** Empty when the process has ended in between. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function readdir(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
