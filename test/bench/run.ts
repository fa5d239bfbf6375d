import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { e2eHome, runHome, setUp, tearDown } from '../e2e/environment.ts';
import { endChildren, find, run, timed } from '../e2e/programs.ts';
import { actionEntry } from '../support/action.ts';
import { benchBuilders } from './builders.ts';
import { benchChain } from './chain.ts';
import { benchCleanup } from './cleanup.ts';
import { benchCopy } from './copy.ts';
import { benchMerge } from './merge.ts';
import { benchMirror } from './mirror.ts';
import { benchPush } from './push.ts';
import { benchSign } from './sign.ts';
import { benchStart } from './start.ts';

const ROUNDS = 3;
const PARTS = ['start', 'push', 'copy', 'chain', 'cleanup', 'builders', 'merge', 'mirror', 'sign'] as const;
const INSTALL = fileURLToPath(new URL('../e2e/install.sh', import.meta.url));

let cancelled = false;
const cancellation = new Promise<never>((_, reject) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      cancelled = true;
      endChildren();
      reject(new Error(`Ended by ${signal}.`));
    });
  }
});
cancellation.catch(() => undefined);

/** Runs what the arguments name of {@link PARTS}; without arguments all. */
async function main(): Promise<void> {
  const wanted = process.argv.slice(2);
  const unknown = wanted.find((each) => !PARTS.some((part) => part === each));
  if (unknown !== undefined) throw new Error(`There is no "${unknown}" to measure; there are ${PARTS.join(', ')}.`);
  if (!existsSync(actionEntry())) throw new Error(`There is no ${actionEntry()}: run \`npm run build\` first.`);
  const isWanted = (part: (typeof PARTS)[number]) => wanted.length === 0 || wanted.includes(part);
  if (isWanted('start')) await benchStart();
  if (!PARTS.some((part) => part !== 'start' && isWanted(part))) return;
  if (process.getuid?.() !== 0 || process.platform !== 'linux') {
    throw new Error('The benchmark starts a Docker Engine: it needs Linux and root.');
  }
  const { env } = await timed('set-up', () => setUp());
  await needSkopeo(env);
  console.log(
    `${availableParallelism()} processors, load ${loadavg()[0]?.toFixed(1)}: other work on this machine spoils the times.\n`,
  );
  // In memory where that is possible: the disk is the same for all, and slower than any of them.
  const large = await mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'bench-'));
  try {
    const place = { home: runHome(), large, env, rounds: ROUNDS };
    if (isWanted('chain')) await benchChain(place);
    if (isWanted('push')) await benchPush(place);
    if (isWanted('copy')) await benchCopy(place);
    if (isWanted('builders')) await needEmulation(env).then((found) => found && benchBuilders({ ...place, ...found }));
    if (isWanted('merge')) await benchMerge(place);
    if (isWanted('sign')) await benchSign(place);
    if (isWanted('cleanup')) await needRegclient(env).then(() => benchCleanup(place));
    if (isWanted('mirror')) await needRegclient(env).then(() => benchMirror(place));
  } finally {
    await rm(large, { recursive: true, force: true });
  }
}

/** Nothing but this needs them. Where one cannot be had, the others are measured without it. */
const needSkopeo = (env: NodeJS.ProcessEnv) =>
  need('skopeo', ['own', e2eHome(), 'skopeo', 'libgpgme11', 'libassuan0'], env);
const needRegclient = (env: NodeJS.ProcessEnv) => need('regsync', ['regclient', e2eHome(), 'v0.11.7'], env);

/** QEMU and the program that it emulates; undefined, said why, where one of them cannot be had. */
async function needEmulation(env: NodeJS.ProcessEnv) {
  const home = e2eHome();
  const qemu = join(home, 'root', 'usr', 'bin', 'qemu-aarch64-static');
  const program = (architecture: 'amd64' | 'arm64') => join(home, 'bin', `compile-${architecture}`);
  if (!existsSync(qemu)) await installPart('QEMU', ['own', home, 'qemu-user-static'], env);
  if (!existsSync(program('arm64'))) await installPart('the program of the RUN step', ['compile', home], env);
  if (existsSync(qemu) && existsSync(program('arm64'))) return { qemu, program };
  console.log('  "builders" is left out: there is no QEMU, or no Go to build what it emulates.');
  return undefined;
}

async function need(program: string, install: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  if (find(program, env.PATH ?? '') !== undefined) return;
  await installPart(program, install, env);
}

const installPart = (what: string, args: readonly string[], env: NodeJS.ProcessEnv) =>
  timed(`install ${what}`, () => run('bash', [INSTALL, ...args], { env, timeout: 300_000 })).catch((error: unknown) =>
    console.log(error instanceof Error ? error.message : error),
  );

const measuring = main();
try {
  await Promise.race([measuring, cancellation]);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = cancelled ? 130 : 1;
  // What was under way fails now, and takes away what it has made before the engine goes.
  await Promise.race([measuring.catch(() => undefined), new Promise((resolve) => setTimeout(resolve, 20_000).unref())]);
} finally {
  if (existsSync(runHome())) await timed('stop everything', tearDown);
}
process.exit();
