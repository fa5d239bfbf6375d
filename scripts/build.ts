import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { delimiter, join, relative } from 'node:path';
import { licenses } from './licenses.ts';

const ROOT = join(import.meta.dirname, '..');

/** Where a build is written, and where it comes from. */
export interface BuildPlace {
  /** The repository. */
  readonly root: string;
  /** Folder for the JavaScript that tsc writes; in the repository, so that its packages are found from there. */
  readonly lib: string;
  /** Folder for the bundle. */
  readonly dist: string;
}

export const HERE: BuildPlace = { root: ROOT, lib: join(ROOT, 'lib'), dist: join(ROOT, 'dist') };

/**
 * Builds the action: tsc writes ES2024, ncc links it into one folder. Both folders are emptied before, because ncc leaves
 * behind the numbered chunks of earlier builds. (ncc cannot read TypeScript 7 itself, and may drop `await using` that was
 * not down-levelled: https://github.com/vercel/ncc/issues/1336.)
 * @throws Error when a program fails
 */
export async function build({ root, lib, dist }: BuildPlace = HERE): Promise<void> {
  await rm(lib, { recursive: true, force: true });
  await rm(dist, { recursive: true, force: true });
  await run(root, 'tsc', '-p', 'tsconfig.build.json', '--outDir', lib);
  await run(root, 'ncc', 'build', join(lib, 'main.js'), '--out', dist, '--no-cache', '--quiet');
  await writeFile(join(dist, 'licenses.txt'), await licenses(root));
}

/** Runs a program of the repository's own and waits for it. */
async function run(root: string, program: string, ...args: readonly string[]): Promise<void> {
  const bin = join(root, 'node_modules', '.bin');
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` };
  const child = spawn(join(bin, program), args, {
    cwd: root,
    env,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  const [code, signal] = await once(child, 'exit');
  if (code !== 0) throw new Error(`${program} ended with ${signal ?? `exit code ${code}`}.`);
}

if (import.meta.main) {
  await build();
  console.log(`Built ${relative(process.cwd(), HERE.dist) || HERE.dist}.`);
}
