import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { delimiter, join, relative } from 'node:path';
import { type OutputOptions, rolldown } from 'rolldown';
import { licenses } from './licenses.ts';

const ROOT = join(import.meta.dirname, '..');

/** Where a build is written, and where it comes from. */
export interface BuildFolders {
  /** The repository. */
  readonly root: string;
  /** Folder for the JavaScript that tsc writes; in the repository, so that its packages are found from there. */
  readonly lib: string;
  /** Folder for the bundle. */
  readonly dist: string;
}

export const HERE: BuildFolders = { root: ROOT, lib: join(ROOT, 'lib'), dist: join(ROOT, 'dist') };

/**
 * Each chunk keeps its name from build to build. Without comments and white space V8 has half as much to read in each step
 * of every user; names stay, so that the stack of an error says something.
 */
const OUTPUT = {
  format: 'esm',
  entryFileNames: 'index.js',
  chunkFileNames: '[name].js',
  comments: false,
  // A dozen small chunks cost more than their size, so what is read together is one.
  codeSplitting: {
    groups: [
      // What every start reads, with the texts of the default command.
      { name: 'start', test: /[\\/]lib[\\/](?:app|commands[\\/]publish[\\/]program)/ },
      // What every run reads that reaches for a registry, and what publish shares with other commands: without it here,
      // they would load the whole of publish.
      {
        name: 'registries',
        test: /[\\/]lib[\\/](?:run[\\/](?:open-registries|progress|per-target|push-preflight|missing-repository|targets)\.|oci[\\/](?:client|image|transfer)|evidence[\\/](?:signatures|promotion-records|image-origin)\.|runtime[\\/]event\.|domain[\\/](?:event|git-context|tags[\\/]versions)\.|tools[\\/]commits[\\/](?:checkout|history)\.)/,
      },
      // What every publish reads besides.
      { name: 'publish', test: /[\\/]lib[\\/]commands[\\/]publish[\\/](?:publish|image-source)\./ },
    ],
  },
  minify: { compress: true, mangle: false, codegen: { removeWhitespace: true } },
} as const satisfies OutputOptions;

/**
 * Packages of which only the parts that are used belong into a chunk. They do not say so themselves, and all of
 * `@actions/core` would bring an HTTP client (half a megabyte) into every start.
 */
const WITHOUT_SIDE_EFFECTS = /[\\/]node_modules[\\/]@actions[\\/]/;

/**
 * Builds the action: tsc writes ES2024, rolldown links it into one folder. What is imported dynamically becomes a chunk of its
 * own, which is read only when it is needed. Both folders are emptied before, so that no chunk of an earlier build stays.
 * @throws Error when a program fails
 */
export async function build({ root, lib, dist }: BuildFolders = HERE): Promise<void> {
  await rm(lib, { recursive: true, force: true });
  await rm(dist, { recursive: true, force: true });
  await run(root, 'tsc', '-p', 'tsconfig.build.json', '--outDir', lib);
  const bundle = await rolldown({
    input: join(lib, 'main.js'),
    cwd: root,
    platform: 'node',
    // No other chunk may import the entry: it waits for the run, and they would wait for it.
    preserveEntrySignatures: 'strict',
    treeshake: { moduleSideEffects: [{ test: WITHOUT_SIDE_EFFECTS, sideEffects: false }] },
    onLog: (level, log) => {
      if (level === 'warn') throw new Error(log.message);
    },
  });
  await bundle.write({ ...OUTPUT, dir: dist });
  await bundle.close();
  await writeFile(join(dist, 'package.json'), '{ "type": "module" }\n');
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
