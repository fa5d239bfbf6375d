import { lstat, mkdir, readFile, realpath, rm } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import type { ExportedFile } from '../../../domain/setup/export/exported-file.ts';
import { GENERATED, generatedFrom } from '../../../domain/setup/export/origin.ts';
import { ActionError } from '../../../errors/action-error.ts';
import { fileProblem } from '../../../run/yaml-input.ts';
import { replaceFile } from '../../../runtime/replace-file.ts';
import type { Runtime } from '../../../runtime/runtime.ts';
import { sha256 } from '../files.ts';

/** Lists the files of an export, in the form of `sha256sum`: how a later export knows them again. */
const LIST = '.setup-export';
/** Where a file says that it is generated. */
const HEAD_BYTES = 4096;
const MAX_BYTES = 16 * 1024 * 1024;

interface Written {
  /** Absolute. */
  readonly directory: string;
  /** Files of an earlier export that are no longer part of it. */
  readonly removed: readonly string[];
  /** Such files that somebody changed since: they stay. */
  readonly kept: readonly string[];
}

/**
 * Writes the files of an export. Looks at everything first, and writes nothing if one file is somebody's own.
 * @throws ActionError INPUT_INVALID for a folder outside of the workspace, and EXPORT_REFUSED
 */
export async function writeExport(
  { workspace }: Pick<Runtime, 'workspace'>,
  { directory, configName, files }: { directory: string; configName: string; files: readonly ExportedFile[] },
): Promise<Written> {
  const folder = await safeFolder(workspace, directory);
  const before = await readList(folder);
  const foreign: string[] = [];
  for (const { path, text } of files) {
    const state = await stateOf(folder, path, before.get(path));
    const isSame = state.text === text;
    if (state.kind === 'foreign' && !isSame) foreign.push(`${directory}/${path}: ${state.reason}`);
  }
  if (foreign.length > 0) {
    const message = ['Files in the way of the export are not its own:', ...foreign.map((each) => `- ${each}`)];
    throw new ActionError('EXPORT_REFUSED', message.join('\n'), { facts: { input: 'export-directory' } });
  }
  const now = new Map(files.map(({ path, text }) => [path, sha256(text)]));
  const header = `# ${generatedFrom(configName)}\n`;
  // Both lists until all is done: a run that is stopped in between leaves nothing that the next one takes for somebody's own.
  await mkdir(folder, { recursive: true });
  await put(
    folder,
    LIST,
    header + lines([...before].flatMap(([path, all]) => all.map((each) => [path, each]))) + lines([...now]),
  );
  for (const { path, text } of files) await put(folder, path, text);
  const removed: string[] = [];
  const kept: string[] = [];
  for (const [path, digests] of before) {
    if (now.has(path)) continue;
    const state = await stateOf(folder, path, digests);
    if (state.kind === 'missing') continue;
    if (state.kind === 'foreign') kept.push(path);
    else {
      await rm(join(folder, path));
      removed.push(path);
    }
  }
  await put(folder, LIST, header + lines([...now]));
  return { directory: folder, removed, kept };
}

const lines = (entries: readonly (readonly [string, string])[]) =>
  [...new Set(entries.map(([path, digest]) => `${digest.replace('sha256:', '')}  ${path}\n`))].sort().join('');

/** The folder, which need not exist yet, with all links resolved: it has to be in the workspace and outside of `.git`. */
async function safeFolder(workspace: string, directory: string): Promise<string> {
  const refused = (why: string) =>
    new ActionError('INPUT_INVALID', `\`export-directory\`: ${directory} ${why}.`, {
      facts: { input: 'export-directory' },
    });
  const root = await realpath(workspace);
  const missing: string[] = [];
  let existing = resolve(root, directory);
  for (;;) {
    const found = await lstat(existing).catch((error: unknown) => {
      if (isMissing(error)) return undefined;
      throw refused(fileProblem(error));
    });
    if (found !== undefined) break;
    missing.unshift(existing.slice(dirname(existing).length).replace(/^[\\/]+/, ''));
    existing = dirname(existing);
  }
  const real = await realpath(existing).catch(() => undefined);
  if (real === undefined) throw refused('is a link that leads nowhere');
  if (!(await lstat(real)).isDirectory()) throw refused('is not a folder');
  const folder = join(real, ...missing);
  const inside = relative(root, folder);
  if (inside.split(sep)[0] === '..' || isAbsolute(inside)) throw refused('is outside of the workspace');
  if (inside.split(sep).some((part) => part.toLowerCase() === '.git')) throw refused("is part of git's own folder");
  return folder;
}

type State =
  | { readonly kind: 'missing'; readonly text?: undefined }
  | { readonly kind: 'ours'; readonly text: string }
  | { readonly kind: 'foreign'; readonly reason: string; readonly text?: string };

/** @param digests what an earlier export wrote there */
async function stateOf(folder: string, path: string, digests: readonly string[] = []): Promise<State> {
  const file = join(folder, path);
  const parent = await realpath(dirname(file)).catch(() => undefined);
  if (parent !== undefined && parent !== dirname(file))
    return { kind: 'foreign', reason: 'one of its folders is a link' };
  const found = await lstat(file).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  if (found === undefined) return { kind: 'missing' };
  if (!found.isFile()) return { kind: 'foreign', reason: found.isSymbolicLink() ? 'it is a link' : 'it is not a file' };
  if (found.size > MAX_BYTES) return { kind: 'foreign', reason: 'it is larger than any file of an export' };
  const text = await readFile(file, 'utf8');
  const isOurs = digests.includes(sha256(text)) || text.slice(0, HEAD_BYTES).includes(GENERATED);
  return isOurs ? { kind: 'ours', text } : { kind: 'foreign', reason: `its first lines lack \`${GENERATED}…\``, text };
}

/** The files of the last export with their digests; none where there is no list that could be one. */
async function readList(folder: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const state = await stateOf(folder, LIST);
  const list = new Map<string, string[]>();
  if (state.kind !== 'ours') return list;
  for (const line of state.text.split('\n')) {
    const [, digest = '', path = ''] = /^([0-9a-f]{64}) {2}(.+)$/.exec(line) ?? [];
    if (!isInside(path)) continue;
    list.set(path, [...(list.get(path) ?? []), `sha256:${digest}`]);
  }
  return list;
}

/** A path of the list comes from a file that anybody could have changed. */
function isInside(path: string): boolean {
  return (
    path !== '' &&
    !/[\p{Cc}\\:]/u.test(path) &&
    path.split('/').every((part) => part !== '' && part !== '.' && part !== '..' && part.toLowerCase() !== '.git')
  );
}

/** Writes a file as a whole or not at all. */
async function put(folder: string, path: string, text: string): Promise<void> {
  const file = join(folder, path);
  try {
    await mkdir(dirname(file), { recursive: true });
    await replaceFile(file, text);
  } catch (cause) {
    throw new ActionError('INPUT_INVALID', `\`export-directory\`: ${file} cannot be written: ${fileProblem(cause)}.`, {
      cause,
      facts: { input: 'export-directory' },
    });
  }
}

const isMissing = (error: unknown) =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
