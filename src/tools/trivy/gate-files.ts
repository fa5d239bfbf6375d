import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { DecodeError } from '../../domain/gate/decode.ts';
import { parseIgnoreFile } from '../../domain/gate/ignore-file.ts';
import type { IgnoreEntry } from '../../domain/gate/ignores.ts';
import { parseVex, type VexStatement } from '../../domain/gate/vex.ts';
import { ActionError, ActionErrors } from '../../errors/action-error.ts';

const MAX_VEX_BYTES = 16 * 1024 * 1024;
const MAX_IGNORE_FILE_BYTES = 1024 * 1024;

/**
 * Reads the ignore file. Call it before a build, so that its problems are reported early.
 * @param workspace base folder of a relative path
 * @throws ActionErrors of ActionError IGNOREFILE_INVALID, one for each problem, with file, line and column
 */
export async function readIgnoreFile(workspace: string, path: string): Promise<readonly IgnoreEntry[]> {
  const facts = { input: 'ignorefile', file: path };
  let text: string;
  try {
    text = await readBounded(resolve(workspace, path), MAX_IGNORE_FILE_BYTES);
  } catch (error) {
    const message = `${path}: the file named by \`ignorefile\` cannot be read: ${reasonOf(error)}.`;
    throw new ActionErrors([new ActionError('IGNOREFILE_INVALID', message, { cause: error, facts })]);
  }
  const parsed = parseIgnoreFile(text, path);
  if ('problems' in parsed) {
    throw new ActionErrors(
      parsed.problems.map(
        ({ line, column, message }) =>
          new ActionError('IGNOREFILE_INVALID', `${path}:${line}:${column}: ${message}.`, {
            facts: { ...facts, line },
          }),
      ),
    );
  }
  return parsed.entries;
}

/** Reads OpenVEX documents. @throws ActionErrors of ActionError VEX_INVALID, one for each unusable document */
export async function readVex(workspace: string, paths: readonly string[]): Promise<readonly VexStatement[]> {
  const problems: ActionError[] = [];
  const statements: VexStatement[] = [];
  for (const path of paths) {
    try {
      statements.push(...parseVex(await readBounded(resolve(workspace, path), MAX_VEX_BYTES), path));
    } catch (error) {
      const reason =
        error instanceof DecodeError ? error.message : `the file named by \`vex\` cannot be read: ${reasonOf(error)}`;
      problems.push(
        new ActionError('VEX_INVALID', `${path}: ${reason}.`, { cause: error, facts: { input: 'vex', file: path } }),
      );
    }
  }
  if (problems.length > 0) throw new ActionErrors(problems);
  return statements;
}

async function readBounded(path: string, limit: number): Promise<string> {
  const facts = await stat(path);
  if (!facts.isFile()) throw new Error('it is not a file');
  if (facts.size > limit) throw new Error(`it has ${facts.size} bytes, more than ${limit}`);
  // Editors on Windows begin a file with a byte order mark, which the decoder drops.
  return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path));
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? String(error.code) : '';
  if (code === 'ENOENT') return 'there is no such file';
  return code.startsWith('ERR_ENCODING') ? 'it is not text in UTF-8' : error.message;
}
