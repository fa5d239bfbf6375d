import { exec as toolkit } from '@actions/exec';
import { expect, test } from 'vitest';
import { ActionError } from '../../../src/errors/action-error.ts';
import { createExec } from '../../../src/runtime/exec.ts';

const env = { PATH: process.env.PATH ?? '' };
const node = process.execPath;

function run(
  script: string,
  options: { input?: string; timeout?: number; onStdout?: (line: string) => void } = {},
  signal = new AbortController().signal,
) {
  return createExec((line, args, rest) => toolkit(line, args, rest), signal)(node, ['-e', script], { env, ...options });
}

test('a child is judged by its exit code', async () => {
  expect(await run('process.exit(3)')).toMatchObject({ exitCode: 3, signal: null, timedOut: false });
  expect(await run('console.error("noise")')).toMatchObject({ exitCode: 0, stderr: 'noise\n' });
});

test('a child that a signal ended has no exit code, and the signal is named', async () => {
  expect(await run('process.kill(process.pid, "SIGKILL")')).toMatchObject({ exitCode: null, signal: 'SIGKILL' });
});

test('two children at once do not get each other’s signal', async () => {
  const [killed, well] = await Promise.all([
    run('setTimeout(() => process.kill(process.pid, "SIGTERM"), 50); setTimeout(() => {}, 5000)'),
    run('setTimeout(() => process.exit(0), 300)'),
  ]);
  expect(killed).toMatchObject({ exitCode: null, signal: 'SIGTERM' });
  expect(well).toMatchObject({ exitCode: 0, signal: null });
});

test('a child that takes too long is stopped', async () => {
  expect(await run('setInterval(() => {}, 1000)', { timeout: 200 })).toMatchObject({ exitCode: null, timedOut: true });
});

test('cancelling the run stops the child and rejects with the reason', async () => {
  const cancellation = new AbortController();
  const reason = new ActionError('CANCELLED', 'stop');
  setTimeout(() => cancellation.abort(reason), 200);
  await expect(run('setInterval(() => {}, 1000)', {}, cancellation.signal)).rejects.toBe(reason);
});

test('the input reaches the child and is closed; a child that never reads it does no harm', async () => {
  expect((await run('process.stdin.pipe(process.stdout)', { input: 'p4ss' })).stdout).toBe('p4ss');
  expect((await run('process.stdin.pipe(process.stdout)')).exitCode).toBe(0);
  expect((await run('process.exit(0)', { input: 'x'.repeat(1 << 20) })).exitCode).toBe(0);
});

test('lines arrive whole, with characters that are split between chunks, and a last one without an end', async () => {
  const lines: string[] = [];
  const script = `const b = Buffer.from('grüße\\nende'); process.stdout.write(b.subarray(0, 3)); setTimeout(() => process.stdout.write(b.subarray(3)), 100)`;
  await run(script, { onStdout: (line) => lines.push(line) });
  expect(lines).toEqual(['grüße', 'ende']);
});

test('the child gets the given environment and nothing else', async () => {
  const out = await run('console.log(Object.keys(process.env).sort().join())');
  expect(out.stdout.trim()).toBe('PATH');
});

test('a program that is not there is PROGRAM_MISSING', async () => {
  const exec = createExec((line, args, rest) => toolkit(line, args, rest), new AbortController().signal);
  await expect(exec('no-such-program-here', [], { env })).rejects.toMatchObject({ code: 'PROGRAM_MISSING' });
});
