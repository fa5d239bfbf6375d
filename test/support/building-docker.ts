import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Puts a `docker` that builds into a folder for PATH. @returns its folder, its environment, and the digests that it built */
export async function buildingDocker(directory: string) {
  const builds = join(directory, 'builds');
  const program = join(import.meta.dirname, 'docker-that-builds.ts');
  await mkdir(directory, { recursive: true });
  await writeFile(builds, '');
  // The environment of docker is small: what the double needs is written into it.
  const script = `#!/bin/sh\nBUILDX_BUILDS='${builds}' NODE_NO_WARNINGS=1 exec '${process.execPath}' '${program}' "$@"\n`;
  await writeFile(join(directory, 'docker'), script);
  await chmod(join(directory, 'docker'), 0o755);
  return {
    directory,
    builds: async () => (await readFile(builds, 'utf8')).split('\n').filter((line) => line !== ''),
  };
}
