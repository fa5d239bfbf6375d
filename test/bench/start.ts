import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify, styleText } from 'node:util';
import { type ActionOptions, runAction } from '../support/action.ts';
import { writeLayout } from '../support/layout.ts';
import { startRegistry } from '../support/registry.ts';
import { median, printGoal } from './compare.ts';

const ROUNDS = 15;
const NODE = 'node -e 0';

/** Says the processor seconds of a command, in user and in kernel mode, with those of all that it starts. */
const TIMED = ['bash', '-c', 'TIMEFORMAT="processor %3U %3S"; time "$@"', 'timed'];
/** A job of a hosted runner is the first on its machine: nothing was compiled before it. */
const env = { NODE_COMPILE_CACHE: undefined };

interface Start {
  readonly name: string;
  /** Times the processor time of `node -e 0`. */
  readonly goal?: number;
  /** Processor seconds of one. */
  readonly run: () => Promise<number>;
}

/**
 * What a start costs in processor time, which the load of the machine spoils less than wall time, compared with Node's own
 * start. Each step of each user pays for two: its own and that of its clean-up.
 */
export async function benchStart(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-start-'));
  try {
    await using registry = await startRegistry();
    const source = join(folder, 'layout');
    await writeLayout(source, { platforms: [{ platform: 'linux/amd64', layers: [{ app: 'small' }] }] });
    const images = `${registry.host}/bench/start`;
    const published = { images, source, tags: 'type=raw,value=1', scan: 'off' };
    const starts: readonly Start[] = [
      { name: NODE, run: startOfNode },
      { name: 'inputs that are refused', goal: 3.5, run: () => startOf({ images, push: 'maybe' }, 1) },
      { name: 'login without a registry', goal: 3.5, run: () => startOf({ command: 'login' }, 1) },
      { name: 'publish a source, dry-run', goal: 5, run: () => startOf({ ...published, 'dry-run': 'true' }, 0) },
      { name: 'its post step', goal: 3.5, run: () => startOfPost({ ...published, 'dry-run': 'true' }) },
    ];
    const seconds = new Map<Start, number[]>(starts.map((start) => [start, []]));
    for (let round = 0; round < ROUNDS; round++) {
      for (const start of starts) seconds.get(start)?.push(await start.run());
    }
    report([...seconds].map(([start, measured]) => ({ ...start, seconds: median(measured) })));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function report(starts: readonly (Start & { readonly seconds: number })[]): void {
  const own = starts.find(({ name }) => name === NODE)?.seconds ?? Number.NaN;
  console.log(styleText('bold', `Processor time of a start, median of ${ROUNDS}`, { stream: process.stdout }));
  for (const { name, seconds, goal } of starts) {
    const ratio = seconds / own;
    const figures = `${(seconds * 1000).toFixed(0)} ms, ${ratio.toFixed(2)} × ${NODE}`;
    if (goal === undefined) console.log(`             ${name}: ${(seconds * 1000).toFixed(0)} ms`);
    else printGoal(`${name}: at most ${goal} ×`, figures, ratio <= goal);
  }
  console.log('');
}

async function startOf(inputs: ActionOptions['inputs'], expected: number): Promise<number> {
  await using run = await runAction({ inputs, env, through: TIMED });
  if (run.exitCode !== expected) throw new Error(`The step ended with ${run.exitCode}:\n${run.log}`);
  return secondsIn(run.log);
}

async function startOfPost(inputs: ActionOptions['inputs']): Promise<number> {
  await using run = await runAction({ inputs, env, through: TIMED });
  return secondsIn((await run.post()).log);
}

async function startOfNode(): Promise<number> {
  const [program = '', ...args] = [...TIMED, process.execPath, '-e', '0'];
  return secondsIn((await promisify(execFile)(program, args)).stderr);
}

function secondsIn(log: string): number {
  const [, user, kernel] = /^processor (\S+) (\S+)$/m.exec(log) ?? [];
  return Number(user) + Number(kernel);
}
