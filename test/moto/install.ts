import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const VERSION = '5.2.5';
const CACHE = fileURLToPath(new URL(`../../node_modules/.cache/registry-action/moto-${VERSION}`, import.meta.url));

/**
 * moto from PyPI, kept for later runs.
 * @returns the folder of its modules, for PYTHONPATH
 * @throws Error that says what to install
 */
export async function installMoto(): Promise<string> {
  if ((await stat(CACHE).catch(() => undefined)) !== undefined) return CACHE;
  await mkdir(dirname(CACHE), { recursive: true });
  const fresh = await mkdtemp(`${CACHE}-`);
  const target = ['--only-binary', ':all:', '--target', fresh, `moto[ecr,server]==${VERSION}`];
  try {
    await run('python3', ['-m', 'pip', 'install', '--quiet', ...target], { timeout: 300_000 });
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`The tests need moto ${VERSION}: install python3 with pip. ${reason}`);
  }
  // Several runs may do so at once: the folder appears whole.
  await rename(fresh, CACHE).catch(() => rm(fresh, { recursive: true }));
  return CACHE;
}
