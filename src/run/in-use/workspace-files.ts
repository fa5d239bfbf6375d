import { glob, readFile, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';
import type { InUse } from '../../domain/retention/in-use.ts';
import type { InUseRequest } from '../../domain/retention/policy.ts';

/** A text file of the checkout. */
interface WorkspaceFile {
  /** Relative to the workspace, with forward slashes: `deploy/app.yaml`. */
  readonly path: string;
  readonly text: string;
}

export interface WorkspaceFiles {
  readonly files: readonly WorkspaceFile[];
  readonly unreadable: InUse['unreadable'];
}

const MAX_FILES = 5000;
const MAX_FILE_BYTES = 4 * 1024 * 1024;
/** Large folders that are not deployed. */
const EXCLUDED_FOLDERS = ['.git', 'node_modules'];

/**
 * Reads the files of the checkout that a policy names. Reports patterns without a match, files outside the workspace
 * and unreadable ones: their images would otherwise count as unused.
 */
export async function readWorkspaceFiles(
  workspace: string,
  request: Extract<InUseRequest, { readonly kind: 'files' | 'list' }>,
): Promise<WorkspaceFiles> {
  const files = new Map<string, string>();
  const unreadable: InUse['unreadable'][number][] = [];
  const fail = (where: string, reason: string) =>
    void unreadable.push({ source: { kind: request.kind === 'list' ? 'list' : 'other', where }, reason });
  const root = await realpath(workspace);
  for (const pattern of request.kind === 'list' ? [request.path] : request.paths) {
    if (isAbsolute(pattern) || pattern.split(/[\\/]/).includes('..')) {
      fail(pattern, 'it leads out of the workspace');
      continue;
    }
    const paths = request.kind === 'list' ? [pattern] : await matching(root, pattern);
    if (paths.length === 0) fail(pattern, 'it matches no file. Is the repository checked out?');
    if (paths.length + files.size > MAX_FILES) {
      fail(pattern, `it matches ${paths.length} files; at most ${MAX_FILES} are read`);
      continue;
    }
    for (const path of paths) {
      const text = files.has(path) ? undefined : await readText(root, path);
      if (typeof text === 'string') files.set(path, text);
      else if (text !== undefined) fail(path, text.reason);
    }
  }
  return { files: [...files].map(([path, text]) => ({ path, text })), unreadable };
}

async function matching(root: string, pattern: string): Promise<readonly string[]> {
  const found: string[] = [];
  const exclude = (path: string) => EXCLUDED_FOLDERS.includes(path.split(sep).at(-1) ?? '');
  for await (const path of glob(pattern, { cwd: root, exclude })) {
    const facts = await stat(join(root, path)).catch(() => undefined);
    if (facts?.isFile() !== false) found.push(path.split(sep).join('/'));
    if (found.length > MAX_FILES) break;
  }
  return found.toSorted();
}

/** Follows links only within the workspace. */
async function readText(root: string, path: string): Promise<string | { readonly reason: string }> {
  try {
    const file = await realpath(join(root, path));
    const inside = relative(root, file);
    if (inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)) {
      return { reason: 'it is a link that leads out of the workspace' };
    }
    if ((await stat(file)).size > MAX_FILE_BYTES)
      return { reason: `it is larger than ${MAX_FILE_BYTES / 1024 / 1024} MiB` };
    const bytes = await readFile(file);
    // A binary file, such as a picture or an archive, names no image.
    return bytes.includes(0) ? '' : new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code === 'ENOENT') return { reason: 'there is no such file' };
    return { reason: `it cannot be read ${code.startsWith('ERR_ENCODING') ? 'as UTF-8' : `(${code})`}` };
  }
}
