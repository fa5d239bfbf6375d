import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readWorkspaceFiles } from '../../../../src/run/in-use/workspace-files.ts';

async function workspace(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'in-use-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), content);
  }
  return directory;
}
const files = (...paths: readonly string[]) => ({ kind: 'files', paths }) as const;

test('files are found by globs, each once and in order, without what is not deployed', async () => {
  const directory = await workspace({
    'deploy/b.yaml': 'b',
    'deploy/a/c.yaml': 'c',
    'deploy/logo.png': new Uint8Array([1, 0, 255]),
    'deploy/node_modules/x/d.yaml': 'd',
    'compose.yaml': 'e',
  });
  expect(await readWorkspaceFiles(directory, files('deploy/**/*.yaml', 'deploy/b.yaml', 'compose.yaml'))).toEqual({
    files: [
      { path: 'deploy/a/c.yaml', text: 'c' },
      { path: 'deploy/b.yaml', text: 'b' },
      { path: 'compose.yaml', text: 'e' },
    ],
    unreadable: [],
  });
  expect((await readWorkspaceFiles(directory, files('deploy/*'))).unreadable).toEqual([]);
});

test.each([
  ['../secrets/*', 'leads out'],
  ['/etc/*', 'leads out'],
  ['depoly/**', 'matches no file'],
  ['deploy/link.yaml', 'a link that leads out'],
  ['deploy/latin1.yaml', 'as UTF-8'],
])('%s is not read, and said so', async (pattern, reason) => {
  const directory = await workspace({ 'deploy/latin1.yaml': new Uint8Array([0x61, 0xff, 0x62]) });
  await symlink('/etc/hostname', join(directory, 'deploy/link.yaml'));
  const read = await readWorkspaceFiles(directory, files(pattern));
  expect(read.files).toEqual([]);
  expect(read.unreadable).toMatchObject([{ reason: expect.stringContaining(reason) }]);
});

test('a list that is missing is not an empty list', async () => {
  const read = await readWorkspaceFiles(await workspace({}), { kind: 'list', path: 'in-use.txt' });
  expect(read).toEqual({
    files: [],
    unreadable: [{ source: { kind: 'list', where: 'in-use.txt' }, reason: 'there is no such file' }],
  });
});
