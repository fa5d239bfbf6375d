import { createHash } from 'node:crypto';
import { createReadStream, type Stats } from 'node:fs';
import { lstat, readdir, readFile, readlink, realpath } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import pLimit from 'p-limit';
import { type Checkout, openCheckout, type TreeEntry } from './git-tree.ts';

/** What to compare; paths are absolute and contain no symbolic links to folders. */
export interface Compared {
  /** Files that are always compared: the Dockerfile, `.dockerignore`. */
  readonly files: readonly string[];
  readonly folder: string;
  readonly ignores: (path: string) => boolean;
  /** Whether an ignored folder may contain files to compare. */
  readonly hasExceptions: boolean;
}

const MAX_CONCURRENT_READS = 8;
const SUBMODULE_MODE = '160000';
const LFS_POINTER = /^version https:\/\/git-lfs\.github\.com\/spec\/v1\n(?:.*\n)*?oid sha256:([0-9a-f]{64})\n/;

/** @returns the first difference to the commit, as a sentence without a full stop; undefined when there is none */
export async function compareWithTree(checkout: Checkout, compared: Compared): Promise<string | undefined> {
  const tree = await checkout.files();
  if (tree === undefined) return 'the files of the commit cannot be listed';
  const { root } = checkout;
  const own = (path: string) => relative(root, path).replaceAll(sep, '/');
  const isOutside = (path: string) => own(path) === '..' || own(path).startsWith('../');
  const control = (await Promise.all(compared.files.map(withTarget))).flat();
  const outside = [compared.folder, ...control].find(isOutside);
  if (outside !== undefined) return `${outside} is outside of the checkout`;

  const found: string[] = [];
  const folders = foldersOf(tree.keys());
  const compareFolder = async (directory: string): Promise<string | undefined> => {
    for (const entry of await readdir(directory, { withFileTypes: true })) {
      const path = join(directory, entry.name);
      // Git's own files are not part of the commit.
      if (entry.name === '.git' && directory === root) continue;
      const ignored = compared.ignores(path);
      if (!entry.isDirectory()) {
        if (!ignored) found.push(own(path));
        continue;
      }
      if (ignored && !compared.hasExceptions) continue;
      const isSubmodule = tree.get(own(path))?.mode === SUBMODULE_MODE;
      if (!ignored && !isSubmodule && !folders.has(own(path))) return `the folder ${own(path)} is not in the commit`;
      const inside = isSubmodule ? await compareSubmodule(path) : await compareFolder(path);
      if (inside !== undefined) return inside;
    }
    return undefined;
  };
  const compareSubmodule = async (path: string): Promise<string | undefined> => {
    const inner = await openCheckout(checkout.runtime, path);
    return inner?.root !== path || inner.head !== tree.get(own(path))?.id
      ? `the submodule ${own(path)} is not checked out at its commit`
      : compareWithTree(inner, { ...compared, files: [], folder: path });
  };
  const unknown = await compareFolder(compared.folder);
  if (unknown !== undefined) return unknown;

  const present = new Set(found);
  const base = own(compared.folder);
  for (const [path, { mode }] of tree) {
    if (mode === SUBMODULE_MODE || present.has(path) || !(base === '' || path.startsWith(`${base}/`))) continue;
    if (!compared.ignores(join(root, path))) return `${path} of the commit is missing`;
  }
  return firstDifference(checkout, tree, new Set([...control.map(own), ...found]));
}

/** Compares a file, and the target of a symbolic link. */
async function withTarget(path: string): Promise<readonly string[]> {
  const folder = await realpath(dirname(path)).catch(() => dirname(path));
  return [join(folder, basename(path)), await realpath(path).catch(() => path)];
}

async function firstDifference(
  checkout: Checkout,
  tree: ReadonlyMap<string, TreeEntry>,
  paths: Iterable<string>,
): Promise<string | undefined> {
  const limit = pLimit(MAX_CONCURRENT_READS);
  // A checkout only distinguishes executable files from others.
  const usual = new Map<string, number>();
  let difference: string | undefined;
  const compare = async (path: string): Promise<void> => {
    if (difference !== undefined) return;
    const entry = tree.get(path);
    const facts = await lstat(join(checkout.root, path)).catch(() => undefined);
    const found =
      entry === undefined
        ? 'is not in the commit'
        : facts === undefined
          ? 'is missing'
          : await differs(entry, facts, path);
    if (found !== undefined) difference ??= `${path} ${found}`;
  };
  const differs = async (entry: TreeEntry, facts: Stats, path: string): Promise<string | undefined> => {
    const file = join(checkout.root, path);
    if (facts.isSymbolicLink() && entry.mode === '120000') {
      const link = Buffer.from(await readlink(file));
      return blobId(link, entry.id) === entry.id ? undefined : 'leads elsewhere than in the commit';
    }
    if (!facts.isFile() || !entry.mode.startsWith('100')) return 'is of another kind than in the commit';
    const permissions = facts.mode & 0o7777;
    const expected = usual.get(entry.mode) ?? permissions;
    usual.set(entry.mode, expected);
    const isExecutable = (permissions & 0o100) !== 0;
    if (isExecutable !== (entry.mode === '100755') || permissions !== expected || permissions > 0o777) {
      return 'has other permissions than in the commit';
    }
    return contentDiffers(checkout, entry, file, path, facts.size);
  };
  await Promise.all([...paths].map((path) => limit(() => compare(path))));
  return difference;
}

/**
 * Whether the bytes equal those of the commit, or their result of filters that work the same on every machine: the
 * object of an LFS pointer, CRLF by `eol=crlf`.
 */
async function contentDiffers(
  { smallBlob, lineEnding }: Checkout,
  { id }: TreeEntry,
  file: string,
  path: string,
  size: number,
): Promise<string | undefined> {
  if ((await hashFile(blobHash(size, id), file)) === id) {
    const isPointer = size <= 1024 && LFS_POINTER.test(await readFile(file, 'utf8'));
    return isPointer ? 'is a pointer of Git LFS, whose object is not checked out' : undefined;
  }
  const pointer = LFS_POINTER.exec((await smallBlob(id)) ?? '');
  if (pointer !== null && (await hashFile(createHash('sha256'), file)) === pointer[1]) return undefined;
  if (pointer === null && (await lineEnding(path)) === 'crlf') {
    const text = Buffer.from((await readFile(file, 'latin1')).replaceAll('\r\n', '\n'), 'latin1');
    if (blobId(text, id) === id) return undefined;
  }
  return 'is not as in the commit';
}

function foldersOf(paths: Iterable<string>): ReadonlySet<string> {
  const folders = new Set<string>();
  for (const path of paths) {
    for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) folders.add(path.slice(0, at));
  }
  return folders;
}

/** The hash of a blob, with the algorithm of another id. https://git-scm.com/book/en/v2/Git-Internals-Git-Objects */
function blobHash(size: number, like: string) {
  return createHash(like.length === 64 ? 'sha256' : 'sha1').update(`blob ${size}\0`);
}

function blobId(bytes: Uint8Array, like: string): string {
  return blobHash(bytes.length, like).update(bytes).digest('hex');
}

async function hashFile(hash: ReturnType<typeof createHash>, file: string): Promise<string> {
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
