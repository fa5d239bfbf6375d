import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A folder that lasts as long as the test. */
export async function freshDirectory(): Promise<string> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'report-')));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}
