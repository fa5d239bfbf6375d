import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { byText } from '../../domain/compare-text.ts';
import { ActionError } from '../../errors/action-error.ts';

/** Folders below a given one that are searched: `download-artifact` makes one for each artifact. */
const MAX_DEPTH = 3;
const MAX_LAYOUTS = 100;
const ARCHIVE = /\.(?:tar|tar\.gz|tgz)$/;

/**
 * The layouts and archives at a path: itself, or everything in a folder of several, in the order of their names. Links
 * are not followed.
 * @param path absolute
 * @throws ActionError SOURCE_INVALID when there is none, or too many
 */
export async function findLayouts(path: string, input: string): Promise<readonly string[]> {
  const facts = await stat(path).catch((error: unknown) => {
    throw new ActionError('SOURCE_INVALID', `There is nothing at ${path}.`, { cause: error, facts: { input } });
  });
  if (!facts.isDirectory()) return [path];
  const found = await search(path, MAX_DEPTH);
  if (found.length === 0) {
    throw new ActionError('SOURCE_INVALID', `${path} contains no OCI layout and no tar.`, { facts: { input } });
  }
  if (found.length > MAX_LAYOUTS) {
    throw new ActionError(
      'SOURCE_INVALID',
      `${path} contains ${found.length} images, and at most ${MAX_LAYOUTS} are read.`,
      {
        facts: { input },
      },
    );
  }
  return found;
}

async function search(directory: string, depth: number): Promise<readonly string[]> {
  const entries = (await readdir(directory, { withFileTypes: true })).toSorted(byText(({ name }) => name));
  if (entries.some((entry) => entry.isFile() && entry.name === 'oci-layout')) return [directory];
  const found: string[] = [];
  for (const entry of entries) {
    const path = join(directory, entry.name);
    if (entry.isFile() && ARCHIVE.test(entry.name)) found.push(path);
    else if (entry.isDirectory() && depth > 0) found.push(...(await search(path, depth - 1)));
  }
  return found;
}
