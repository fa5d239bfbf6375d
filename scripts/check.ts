import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { delimiter, join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');

/** What must hold of the repository, and the command that tells. */
const CHECKS = [
  { name: 'types', command: ['tsc'] },
  { name: 'format and lint', command: ['biome', 'ci', '--colors=off', '.'] },
  { name: 'promises', command: ['oxlint', '--type-aware', '--deny-warnings'] },
  { name: 'architecture', command: ['node', 'scripts/architecture.ts'] },
  { name: 'unused', command: ['knip', '--include', 'files,dependencies,unlisted,unresolved,exports,types'] },
  { name: 'generated files', command: ['node', 'scripts/generate.ts', '--check'] },
  { name: 'dist', command: ['node', 'scripts/dist.ts'] },
] as const satisfies readonly { readonly name: string; readonly command: readonly [string, ...string[]] }[];

interface Result {
  readonly name: string;
  readonly passed: boolean;
  readonly seconds: number;
}

async function run(name: string, [program, ...args]: readonly [string, ...string[]]): Promise<Result> {
  const started = performance.now();
  const env = {
    ...process.env,
    NO_COLOR: '1',
    PATH: `${join(ROOT, 'node_modules', '.bin')}${delimiter}${process.env.PATH}`,
  };
  const child = spawn(program, args, {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: process.platform === 'win32',
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  const [code] = await once(child, 'close').catch((error: unknown) => {
    output += String(error);
    return [null];
  });
  const result = { name, passed: code === 0, seconds: (performance.now() - started) / 1000 };
  if (!result.passed) console.log(`\n── ${name} ──\n${output.trimEnd()}`);
  return result;
}

const results: Result[] = [];
for (const { name, command } of CHECKS) results.push(await run(name, command));

const width = Math.max(...results.map(({ name }) => name.length));
console.log('');
for (const { name, passed, seconds } of results) {
  console.log(`${passed ? 'ok    ' : 'FAILED'}  ${name.padEnd(width)}  ${seconds.toFixed(1).padStart(5)} s`);
}
const failed = results.filter(({ passed }) => !passed).length;
console.log(`\n${results.length - failed} checks passed, ${failed} failed`);
if (failed > 0) process.exitCode = 1;
