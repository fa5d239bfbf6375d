import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** All files below a folder with their texts, by path, sorted. */
export async function filesBelow(folder: string): Promise<ReadonlyMap<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
  return new Map(
    await Promise.all(paths.map(async (path) => [path, await readFile(join(folder, path), 'utf8')] as const)),
  );
}

/** The ids that Terraform is to import by address, and the addresses of all resources. */
export function terraformParts(files: ReadonlyMap<string, string>) {
  const all = [...files.values()].join('\n');
  return {
    imports: new Map([...all.matchAll(/^ {2}to = (\S+)\n {2}id = "(.*)"$/gm)].map(([, to, id]) => [to, id])),
    resources: [...all.matchAll(/^resource "(\S+)" "(\S+)" \{$/gm)].map(([, type, name]) => `${type}.${name}`),
    all,
  };
}
