import { spawnSync } from 'node:child_process';
import { styleText } from 'node:util';
import { find } from '../e2e/programs.ts';
import type { Measured } from './measure.ts';

/** One way of doing the task. */
export interface Contestant {
  readonly name: string;
  /** Does the task once. What has to be there before is made outside of what is measured. */
  readonly run: (round: number) => Promise<Run>;
}

export interface Run extends Measured {
  /** That the registry has seen. */
  readonly requests: number;
}

/** The median of each measure over all rounds; memory is the most of any round. */
export interface Result extends Run {
  readonly name: string;
  readonly fastest: number;
  readonly slowest: number;
}

/**
 * Lets all contestants do the task, round by round. Each round begins with another one, so that none has the warmer caches
 * or the quieter machine each time.
 */
export async function compare(contestants: readonly Contestant[], rounds: number): Promise<readonly Result[]> {
  const runs = new Map<string, Run[]>(contestants.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    const first = round % contestants.length;
    const order = [...contestants.slice(first), ...contestants.slice(0, first)];
    for (const { name, run } of order) runs.get(name)?.push(await run(round));
    console.log(styleText('dim', `  round ${round + 1} of ${rounds}`, { stream: process.stdout }));
  }
  return [...runs].map(([name, each]) => ({
    name,
    seconds: median(each.map(({ seconds }) => seconds)),
    fastest: Math.min(...each.map(({ seconds }) => seconds)),
    slowest: Math.max(...each.map(({ seconds }) => seconds)),
    peak: Math.max(...each.map(({ peak }) => peak)),
    requests: median(each.map(({ requests }) => requests)),
  }));
}

/** NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/** Prints the results as a table; `own` is the one that the others are compared with. */
export function printResults(title: string, results: readonly Result[], own: string): void {
  const ours = results.find(({ name }) => name === own);
  const header = ['', 'wall time', 'fastest … slowest', 'compared', 'peak memory', 'requests'];
  const rows = results.map(({ name, seconds, fastest, slowest, peak, requests }) => [
    name,
    `${seconds.toFixed(2)} s`,
    `${fastest.toFixed(2)} … ${slowest.toFixed(2)} s`,
    name === own ? '' : `ours takes ${((ours?.seconds ?? Number.NaN) / seconds).toFixed(2)} × as long`,
    `${(peak / 1024 / 1024).toFixed(0)} MiB`,
    String(requests),
  ]);
  const widths = header.map((_, column) => Math.max(...[header, ...rows].map((row) => (row[column] ?? '').length)));
  const text = (row: readonly string[]) =>
    `  ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join('   ')}`;
  console.log(`${styleText('bold', title, { stream: process.stdout })}`);
  for (const row of [header, ...rows]) console.log(text(row).trimEnd());
}

/** A goal and what came of it. It is said and not enforced: how fast a machine is proves nothing about the code. */
export function printGoal(goal: string, value: string, reached: boolean): void {
  const sign = reached ? '✓ reached' : '✗ missed ';
  console.log(`  ${styleText(reached ? 'green' : 'yellow', sign, { stream: process.stdout })}  ${goal}: ${value}`);
}

const MEBIBYTE = 1024 * 1024;

/** Whether a contestant can take part: our own always can, the others when their program is there. */
export function isThere(name: string, own: readonly string[], env: NodeJS.ProcessEnv): boolean {
  const [program = ''] = name.split(' ');
  if (own.includes(name)) return true;
  const isOnPath = find(program, env.PATH ?? '') !== undefined;
  // A library that a program needs may be missing: then the loader ends with 127.
  if (isOnPath && spawnSync(program, ['--help'], { env, stdio: 'ignore' }).status !== 127) return true;
  console.log(`  ${name} is left out: ${program} ${isOnPath ? 'does not start' : 'is not on PATH'}.`);
  return false;
}

/**
 * The goals of what moves images: the speed of the fastest of the others, and 150 MiB of memory.
 * @param unweighed those of our own whose memory tells nothing
 */
export function printTransferGoals(
  results: readonly Result[],
  own: readonly string[],
  unweighed: readonly string[] = [],
): void {
  const [fastest] = results.filter(({ name }) => !own.includes(name)).toSorted((a, b) => a.seconds - b.seconds);
  for (const { name, seconds, peak } of results.filter((each) => own.includes(each.name))) {
    if (fastest !== undefined) {
      const speed = fastest.seconds / seconds;
      const goal = `${name}: at least 1.0 × the speed of the fastest (${fastest.name})`;
      printGoal(goal, `${speed.toFixed(2)} ×`, speed >= 1);
    }
    if (unweighed.includes(name)) continue;
    const mebibytes = peak / MEBIBYTE;
    printGoal(`${name}: at most 150 MiB of memory`, `${mebibytes.toFixed(0)} MiB`, mebibytes <= 150);
  }
  console.log('');
}
