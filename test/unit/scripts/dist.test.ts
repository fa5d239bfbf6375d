import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { differences, readTree } from '../../../scripts/dist.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dist-test-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function tree(name: string, files: Readonly<Record<string, string>>): Promise<string> {
  const root = join(folder, name);
  await mkdir(join(root, 'inner'), { recursive: true });
  for (const [file, text] of Object.entries(files)) await writeFile(join(root, file), text);
  return root;
}

it('finds nothing between equal folders', async () => {
  const a = await tree('a', { 'index.js': 'x', 'inner/1.js': 'y' });
  const b = await tree('b', { 'index.js': 'x', 'inner/1.js': 'y' });
  expect(differences(await readTree(a), await readTree(b))).toEqual([]);
});

it('names each file that is missing, left over, different in a byte, a mode or a kind', async () => {
  const a = await tree('a', {
    '842.index.js': 'old chunk',
    'index.js': 'x',
    'run.js': 'same',
    'link.js': 'z',
    'equal.js': '=',
  });
  const b = await tree('b', {
    'index.js': 'x\n',
    'run.js': 'same',
    'inner/new.js': 'y',
    'link.js': 'z',
    'equal.js': '=',
  });
  await chmod(join(a, 'run.js'), 0o755);
  await rm(join(a, 'link.js'));
  await symlink('/etc/hostname', join(a, 'link.js'));
  expect(differences(await readTree(a), await readTree(b))).toEqual([
    '842.index.js: not part of the build',
    'index.js: differs',
    'inner/new.js: missing',
    'link.js: differs (mode)',
    'run.js: differs (mode)',
  ]);
});
