import { lstat, readFile, realpath } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import type { BuildRequest } from '../../domain/build-request.ts';
import { contextKind } from '../../domain/context-kind.ts';
import { type DockerIgnore, parseDockerIgnore } from '../../domain/docker-ignore.ts';
import { isAddress } from '../../domain/git-context.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { compareWithTree } from './checkout-comparison.ts';
import { openCheckout } from './git-tree.ts';

/** What a build reads: contexts with `{{defaultContext}}` filled in. */
export type BuildSources = Pick<BuildRequest, 'context' | 'file' | 'buildContexts'>;

/**
 * Compares what a build reads with a commit, byte by byte: all contexts without the files that `.dockerignore`
 * excludes, and the Dockerfile. `git status` is not enough: it trusts the index, in which a step can exclude files
 * (`assume-unchanged`, `skip-worktree`), compares after filters, and ignores empty folders.
 * @returns the first difference, as a sentence without a full stop; undefined when there is none
 */
export async function findDifference(
  runtime: Runtime,
  { context, file, buildContexts }: BuildSources,
  commit: string,
): Promise<string | undefined> {
  const contexts = [
    { name: '`context`', value: context },
    ...buildContexts.map(({ name, value }) => ({ name: `the build context ${name}`, value })),
  ];
  const changing = contexts.find(({ value }) => contextKind(value) === 'changing');
  if (changing !== undefined) return `${changing.name} is an address whose content can change`;
  if (contextKind(context) === 'folder' && file !== undefined && isAddress(file)) {
    return '`file` is an address whose content can change';
  }
  for (const { value } of contexts) {
    if (contextKind(value) !== 'folder') continue;
    const folder = resolve(runtime.workspace, value);
    const found = await compareFolder(runtime, folder, value === context ? { file } : undefined, commit);
    if (found !== undefined) return found;
  }
  return undefined;
}

async function compareFolder(
  runtime: Runtime,
  given: string,
  main: { readonly file: string | undefined } | undefined,
  commit: string,
): Promise<string | undefined> {
  const folder = await realpath(given).catch(() => given);
  const checkout = await openCheckout(runtime, folder);
  if (checkout === undefined) return `${folder} is in no checkout of git`;
  if (checkout.head !== commit) return `${folder} is a checkout of ${checkout.head.slice(0, 7)}`;
  const { files, ignore } = await controlFiles(runtime, folder, main);
  const inContext = (path: string) => relative(folder, path).replaceAll(sep, '/');
  return compareWithTree(checkout, {
    files,
    folder,
    ignores: (path) => ignore.ignores(inContext(path)),
    hasExceptions: ignore.hasExceptions,
  });
}

/**
 * Dockerfile and `.dockerignore`; `<Dockerfile>.dockerignore` takes precedence.
 * https://docs.docker.com/build/concepts/context/#filename-and-location
 */
export async function controlFiles(
  runtime: Runtime,
  folder: string,
  main: { readonly file: string | undefined } | undefined,
): Promise<{ readonly files: readonly string[]; readonly ignore: DockerIgnore }> {
  const exists = async (path: string) => (await lstat(path).catch(() => undefined)) !== undefined;
  const files: string[] = [];
  const candidates = [join(folder, '.dockerignore')];
  if (main !== undefined) {
    const { file } = main;
    const usual = (await exists(join(folder, 'Dockerfile'))) ? 'Dockerfile' : 'dockerfile';
    const dockerfile = file === undefined ? join(folder, usual) : resolve(runtime.workspace, file);
    files.push(dockerfile);
    candidates.unshift(`${dockerfile}.dockerignore`);
  }
  for (const path of candidates) {
    if (!(await exists(path))) continue;
    files.push(path);
    return { files, ignore: parseDockerIgnore(await readFile(path, 'utf8').catch(() => '')) };
  }
  return { files, ignore: parseDockerIgnore('') };
}
