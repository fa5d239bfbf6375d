import { randomUUID } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';

/** A new name beside a file, on the same disk. */
export const besideFile = (file: string): string => `${file}.${randomUUID()}.tmp`;

/**
 * Writes a file as a whole or not at all: a reader sees the old content or the new one, and a link is replaced, not followed.
 * @param mode of a file for others to read, if not given
 * @throws the error of the file system, after removing what was written
 */
export async function replaceFile(file: string, content: string | Uint8Array, mode?: number): Promise<void> {
  const next = besideFile(file);
  try {
    await writeFile(next, content, { flag: 'wx', mode });
    await rename(next, file);
  } catch (error) {
    await rm(next, { force: true }).catch(() => undefined);
    throw error;
  }
}
