import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { Runtime } from '../../runtime/runtime.ts';
import { gitInRepository } from './git-process.ts';

/** One file of a commit. */
export interface TreeEntry {
  /** `100644`, `100755`, `120000` for a symbolic link, `160000` for a submodule. */
  readonly mode: string;
  /** Object id, SHA-1 or SHA-256. */
  readonly id: string;
}

/** The checkout that contains a folder. Fetches nothing and runs no program configured by the repository. */
export interface Checkout {
  readonly runtime: Runtime;
  /** Root of the checkout, without symbolic links. */
  readonly root: string;
  /** The checked-out commit. */
  readonly head: string;
  /** All files of the commit by path from the root; undefined when the list is too long. */
  readonly files: () => Promise<ReadonlyMap<string, TreeEntry> | undefined>;
  /** A small object of the repository; undefined when it is larger than 1 KiB or missing. */
  readonly smallBlob: (id: string) => Promise<string | undefined>;
  /** The `eol` attribute of a path. */
  readonly lineEnding: (path: string) => Promise<string>;
}

const MAX_LISTING_BYTES = 15 * 1024 * 1024;
const MAX_SMALL_BLOB_BYTES = 1024;

/** @returns undefined when the folder is in no checkout, or git is not installed */
export async function openCheckout(runtime: Runtime, folder: string): Promise<Checkout | undefined> {
  const run = gitInRepository(runtime, folder);
  const git = async (args: readonly string[]): Promise<string | undefined> => {
    const result = await run(args);
    return result?.exitCode === 0 ? result.stdout : undefined;
  };
  const root = (await git(['rev-parse', '--show-toplevel']))?.replace(/\n$/, '');
  const head = (await git(['rev-parse', '--verify', 'HEAD^{commit}']))?.trim();
  if (root === undefined || root === '' || head === undefined) return undefined;
  return {
    runtime,
    root: await realpath(root),
    head,
    files: async () => {
      const listed = await git(['ls-tree', '-r', '-z', '--full-tree', head]);
      return listed === undefined || listed.length > MAX_LISTING_BYTES ? undefined : parseTree(listed);
    },
    smallBlob: async (id) => {
      const size = Number(await git(['cat-file', '-s', id]));
      return size <= MAX_SMALL_BLOB_BYTES ? git(['cat-file', 'blob', id]) : undefined;
    },
    lineEnding: async (path) => {
      const found = await git(['check-attr', '-z', 'eol', '--', join(root, path)]);
      return found?.split('\0')[2] ?? '';
    },
  };
}

function parseTree(text: string): ReadonlyMap<string, TreeEntry> {
  const entries = text.split('\0').flatMap((line): [string, TreeEntry][] => {
    const [, mode, id, path] = /^(\d+) \w+ ([0-9a-f]+)\t(.*)$/s.exec(line) ?? [];
    return mode === undefined || id === undefined || path === undefined ? [] : [[path, { mode, id }]];
  });
  return new Map(entries);
}
