import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findTrivy } from './trivy.ts';

/**
 * Runs once, before all tests. The tests need the real scanner: without it, none runs. They also share one temporary folder,
 * which is removed at the end, so that nothing is left behind even by a test that crashes.
 */
export default async function setup(): Promise<() => Promise<void>> {
  const { directory, origin } = await findTrivy();
  process.env.TEST_TRIVY_DIR = directory;
  console.log(`Trivy: ${origin}`);
  const temp = await realpath(await mkdtemp(join(tmpdir(), 'tests-')));
  for (const variable of ['TMPDIR', 'TEMP', 'TMP']) process.env[variable] = temp;
  return () => rm(temp, { recursive: true, force: true, maxRetries: 5 });
}
