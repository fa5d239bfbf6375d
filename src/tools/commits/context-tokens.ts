import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { contextKind } from '../../domain/context-kind.ts';
import { MAX_UNSEEN_BYTES, secretsIn } from '../../domain/gate/secret-rules.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { type BuildSources, controlFiles } from './context-state.ts';

/** Depth of folders below the context that may contain a checkout: `actions/checkout` with `path: services/app`. */
const MAX_DEPTH = 6;
const MAX_FOLDERS = 2000;
const SKIPPED_FOLDERS = new Set(['node_modules', 'vendor', '.venv', '.git']);
const GOOGLE_CREDENTIALS = /^gha-creds-[0-9a-f]+\.json$/;

/**
 * Finds files with job tokens that a build could copy into the image: actions/checkout and google-github-actions/auth
 * write them into the workspace. Reports those in a local context that `.dockerignore` does not exclude.
 * @returns one sentence per file; unreadable files are left to the build
 */
export async function findContextTokens(runtime: Runtime, sources: BuildSources): Promise<readonly string[]> {
  const contexts = [
    { name: '`context`', value: sources.context, file: { file: sources.file } },
    ...sources.buildContexts.map(({ name, value }) => ({ name: `The build context ${name}`, value, file: undefined })),
  ];
  const found: string[] = [];
  for (const { name, value, file } of contexts) {
    if (contextKind(value) !== 'folder') continue;
    const folder = await realpath(resolve(runtime.workspace, value)).catch(() => undefined);
    if (folder === undefined) continue;
    const { ignore } = await controlFiles(runtime, folder, file);
    for (const path of await candidatesIn(folder)) {
      if (ignore.ignores(path) || !(await hasToken(folder, path))) continue;
      const [entry, remedy] = path.endsWith('.json')
        ? ['gha-creds-*.json', 'set `create_credentials_file: false` in google-github-actions/auth']
        : ['**/.git', 'check out with `persist-credentials: false`'];
      found.push(
        `${name} contains a token in ${path}, and \`.dockerignore\` lets it through: \`COPY . .\` puts it into the image. Add \`${entry}\` to \`.dockerignore\`, or ${remedy}.`,
      );
    }
  }
  return found;
}

/** Paths relative to the folder, with forward slashes. */
async function candidatesIn(folder: string): Promise<readonly string[]> {
  const found: string[] = [];
  const open = [''];
  for (let count = 0; open.length > 0 && count < MAX_FOLDERS; count += 1) {
    const at = open.shift() ?? '';
    const entries = await readdir(join(folder, at), { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      const path = at === '' ? entry.name : `${at}/${entry.name}`;
      if (entry.isFile() && GOOGLE_CREDENTIALS.test(entry.name)) found.push(path);
      if (!entry.isDirectory()) continue;
      if (entry.name === '.git') found.push(`${path}/config`);
      else if (!SKIPPED_FOLDERS.has(entry.name) && path.split('/').length < MAX_DEPTH) open.push(path);
    }
  }
  return found;
}

async function hasToken(folder: string, path: string): Promise<boolean> {
  const file = join(folder, path);
  const facts = await stat(file).catch(() => undefined);
  if (facts === undefined || !facts.isFile() || facts.size > MAX_UNSEEN_BYTES) return false;
  return secretsIn(path, await readFile(file, 'utf8').catch(() => '')).length > 0;
}
