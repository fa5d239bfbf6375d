import { createHash } from 'node:crypto';
import { readdir, readFile, readlink, rm, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { build, HERE } from './build.ts';

/** A folder as a value: for each file its kind, whether it can be executed, and a hash of its bytes. */
export async function readTree(folder: string): Promise<ReadonlyMap<string, string>> {
  const tree = new Map<string, string>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = relative(folder, path).replaceAll('\\', '/');
    if (entry.isSymbolicLink()) tree.set(name, `link to ${await readlink(path)}`);
    else if (!entry.isDirectory()) {
      // git keeps no more of a mode than whether the owner may execute the file.
      const executable = ((await stat(path)).mode & 0o100) !== 0;
      const hash = createHash('sha256')
        .update(await readFile(path))
        .digest('hex');
      tree.set(name, `${executable ? 'executable' : 'file'} ${hash}`);
    }
  }
  return tree;
}

/** What is different between two folders, one line each; files that only one of them has count too. */
export function differences(
  present: ReadonlyMap<string, string>,
  fresh: ReadonlyMap<string, string>,
): readonly string[] {
  const names = [...new Set([...present.keys(), ...fresh.keys()])].toSorted();
  return names.flatMap((name) => {
    const [is, should] = [present.get(name), fresh.get(name)];
    if (is === should) return [];
    if (is === undefined) return [`${name}: missing`];
    if (should === undefined) return [`${name}: not part of the build`];
    return [`${name}: differs${is.split(' ')[0] === should.split(' ')[0] ? '' : ' (mode)'}`];
  });
}

/**
 * Builds anew into a temporary folder and compares with `dist`: a bundle that does not belong to the source is found.
 * `lib` stays where it always is, because packages are found from there.
 */
export async function staleDist(): Promise<readonly string[]> {
  const temporary = join(HERE.root, '.cache', `dist-${process.pid}`);
  try {
    await build({ ...HERE, dist: temporary });
    return differences(await readTree(HERE.dist).catch(() => new Map()), await readTree(temporary));
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const stale = await staleDist();
  for (const line of stale) console.error(`dist/${line}`);
  if (stale.length > 0) {
    console.error('dist is not what the source builds to. Run: npm run build');
    process.exitCode = 1;
  } else console.log('dist is what the source builds to.');
}
