import { rm, stat, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ActionError } from '../../errors/action-error.ts';
import type { Applied } from '../../registries/setup-port.ts';
import { besideFile, replaceFile } from '../../runtime/replace-file.ts';

/** Credentials that a registry shows only once. */
export type Issued = NonNullable<Applied['issued']>[number];

/**
 * Tries to write beside the file: once a registry has shown a secret, it is too late to find out that it cannot be kept.
 * @throws ActionError INPUT_INVALID
 */
export async function requireWritable(workspace: string, path: string): Promise<void> {
  const file = resolve(workspace, path);
  const found = await stat(file).catch(() => undefined);
  if (found?.isDirectory() === true) throw unwritable(file, 'it is a folder');
  const trial = besideFile(file);
  try {
    await writeFile(trial, '', { flag: 'wx', mode: 0o600 });
  } catch (cause) {
    throw unwritable(file, problemOf(cause), cause);
  } finally {
    await rm(trial, { force: true }).catch(() => undefined);
  }
}

/**
 * Writes all credentials of a run, for this user only. What is there, also a link, is replaced as a whole.
 * @throws ActionError INPUT_INVALID that names what is lost
 */
export async function writeCredentials(workspace: string, path: string, issued: readonly Issued[]): Promise<void> {
  const file = resolve(workspace, path);
  try {
    await replaceFile(file, `${JSON.stringify(issued, undefined, 2)}\n`, 0o600);
  } catch (cause) {
    const names = issued.map(({ name }) => name).join(', ');
    throw unwritable(file, `${problemOf(cause)}. Set new secrets for ${names}: these were shown only once`, cause);
  }
}

function unwritable(file: string, why: string, cause?: unknown): ActionError {
  return new ActionError('INPUT_INVALID', `\`credentials-file\`: ${file} cannot be written: ${why}.`, {
    ...(cause === undefined ? {} : { cause }),
    facts: { input: 'credentials-file' },
  });
}

function problemOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'its folder does not exist';
  return code === 'EACCES' || code === 'EPERM' || code === 'EROFS' ? 'its folder is read-only' : code || String(error);
}
