import { readdir, readFile, stat } from 'node:fs/promises';
import { isAbsolute, join, relative } from 'node:path';
import type { BuildRequest } from '../../domain/build-request.ts';
import { isAddress } from '../../domain/git-context.ts';
import { didYouMean, quoted } from '../../domain/suggestion.ts';
import { ActionError } from '../../errors/action-error.ts';
import type { Runtime } from '../../runtime/runtime.ts';

type Paths = Pick<BuildRequest, 'context' | 'file' | 'target' | 'buildContexts'>;

/** Folders to search for a misplaced Dockerfile. */
const MAX_FOLDERS = 200;

/**
 * Checks the file paths in the inputs before anything starts, so that errors can name the input.
 * @returns the Dockerfile, relative to the workspace; undefined when it is elsewhere
 * @throws ActionError INPUT_INVALID
 */
export async function checkPaths(runtime: Runtime, request: Paths): Promise<string | undefined> {
  const { context, file, target } = request;
  if (context === '-' || context === '') throw refuse('context', 'a folder or an address is needed.');
  await checkContexts(runtime, request);
  if (isAddress(context)) return undefined;
  const folder = inWorkspace(runtime, context);
  if (!(await isFolder(folder))) throw refuse('context', await missingFolder(runtime, folder));
  if (file !== undefined && /^https?:\/\//.test(file)) return undefined;
  const found = await dockerfileIn(runtime, folder, file);
  if (found === undefined) throw await missingDockerfile(runtime, request, folder);
  if (target !== undefined) await checkTarget(found, target);
  return relative(runtime.workspace, found).replaceAll('\\', '/');
}

const refuse = (input: string, message: string) =>
  new ActionError('INPUT_INVALID', `\`${input}\`: ${message}`, { facts: { input } });
const inWorkspace = (runtime: Runtime, path: string) => (isAbsolute(path) ? path : join(runtime.workspace, path));
const isFile = async (path: string) => (await stat(path).catch(() => undefined))?.isFile() === true;
const isFolder = async (path: string) => (await stat(path).catch(() => undefined))?.isDirectory() === true;

async function dockerfileIn(runtime: Runtime, folder: string, file: string | undefined): Promise<string | undefined> {
  // buildx also accepts a lower-case name when none is given.
  const names =
    file === undefined ? ['Dockerfile', 'dockerfile'].map((name) => join(folder, name)) : [inWorkspace(runtime, file)];
  for (const path of names) if (await isFile(path)) return path;
  return undefined;
}

const CHECKOUT_REMEDY = 'Add actions/checkout before this step: the workspace is empty.';

async function isEmpty(runtime: Runtime): Promise<boolean> {
  return (await readdir(runtime.workspace).catch(() => [])).length === 0;
}

async function missingFolder(runtime: Runtime, folder: string): Promise<string> {
  if (await isFile(folder)) return `${folder} is a file, expected a folder. Name a Dockerfile in \`file\`.`;
  const hint = (await isEmpty(runtime)) ? CHECKOUT_REMEDY : 'Paths start at the workspace.';
  return `the folder ${folder} does not exist. ${hint}`;
}

/** The error names the missing file and any that was found: `file` is relative to the workspace, not to the context. */
async function missingDockerfile(runtime: Runtime, { context, file }: Paths, folder: string): Promise<ActionError> {
  const input = file === undefined ? 'context' : 'file';
  const expected = file === undefined ? join(folder, 'Dockerfile') : inWorkspace(runtime, file);
  const shown = (path: string) => relative(runtime.workspace, path).replaceAll('\\', '/');
  const text = `${expected} does not exist.`;
  if (await isEmpty(runtime)) return refuse(input, `${text} ${CHECKOUT_REMEDY}`);
  if (file !== undefined && !isAbsolute(file) && (await isFile(join(folder, file)))) {
    return refuse(
      input,
      `${text} Paths start at the workspace, not at \`context: ${context}\`: write \`file: ${shown(join(folder, file))}\`.`,
    );
  }
  const others = await dockerfilesBelow(runtime.workspace);
  const found = others.slice(0, 3).map((path) => `\`file: ${shown(path)}\``);
  const hint =
    found.length > 0
      ? ` Found in the workspace: ${found.join(', ')}.`
      : ' There is no Dockerfile in the workspace; name yours in `file`.';
  return refuse(input, text + hint);
}

async function dockerfilesBelow(root: string): Promise<readonly string[]> {
  const found: string[] = [];
  const folders = [root];
  for (let at = 0; at < Math.min(folders.length, MAX_FOLDERS); at++) {
    const folder = folders[at] ?? root;
    for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
      const path = join(folder, entry.name);
      if (entry.isDirectory() && !/^(?:\.|node_modules$|vendor$)/.test(entry.name)) folders.push(path);
      else if (entry.isFile() && /^(?:dockerfile|containerfile)(?:\..+)?$|\.dockerfile$/i.test(entry.name))
        found.push(path);
    }
  }
  return found.sort();
}

/** Folders in `build-contexts` must exist; the builder resolves everything else. */
async function checkContexts(runtime: Runtime, { buildContexts }: Paths): Promise<void> {
  for (const { name, value } of buildContexts) {
    const isPath = !isAddress(value) && !/^(?:docker-image|oci-layout|target|git|https?):/i.test(value);
    if (!isPath || (await isFolder(inWorkspace(runtime, value)))) continue;
    throw refuse('build-contexts', `${name}: ${await missingFolder(runtime, inWorkspace(runtime, value))}`);
  }
}

/** A stage missing from the Dockerfile. Files for other frontends are not checked. */
async function checkTarget(dockerfile: string, target: string): Promise<void> {
  const text = await readFile(dockerfile, 'utf8').catch(() => '');
  const syntax = /^#\s*syntax\s*=\s*(\S+)/im.exec(text)?.[1];
  if (syntax !== undefined && !/^(?:docker\.io\/)?docker\/dockerfile(?:-upstream)?[:@]?/.test(syntax)) return;
  const stages = [...text.matchAll(/^[ \t]*FROM[ \t]+(?:--\S+[ \t]+)*\S+(?:[ \t]+AS[ \t]+(\S+))?/gim)];
  const names = stages.flatMap(([, name]) => name ?? []);
  const isStage = names.some((name) => name.toLowerCase() === target.toLowerCase());
  // Lines continued with a backslash are not parsed here: the builder decides.
  const isUnclear = stages.length === 0 || /^[ \t]*FROM\b[^\n]*\\\s*$/im.test(text);
  if (isStage || isUnclear || (/^\d+$/.test(target) && Number(target) < stages.length)) return;
  const has =
    names.length > 0 ? `has ${names.map((name) => `\`${name}\``).join(', ')}` : 'names no stage (`FROM … AS <name>`)';
  throw refuse('target', `the Dockerfile has no stage ${quoted(target)}: it ${has}.${didYouMean(target, names)}`);
}
