import { chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type BuildSources, findDifference } from '../../../../src/tools/commits/context-state.ts';
import { createRepository, type Repository } from '../../../support/repository.ts';
import { createTestRuntime } from '../../../support/runtime.ts';

const POINTER = (oid: string) => `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize 3\n`;
/** SHA-256 of `abc`. */
const ABC = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
const FILES = {
  Dockerfile: 'FROM scratch\nCOPY . .\n',
  '.dockerignore': 'ignored\n**/*.log\n!keep.log\n',
  '.gitignore': 'dist\nignored\n*.tmp\n',
  '.gitattributes': '*.bat text eol=crlf\n',
  'src/main.js': 'main\n',
  'src/run.bat': 'one\ntwo\n',
  'other/file': 'other\n',
};

async function difference(repository: Repository, sources: Partial<BuildSources> = {}, commit?: string) {
  const runtime = await createTestRuntime({ workspace: repository.directory });
  const request = { context: '.', file: undefined, buildContexts: [], ...sources };
  try {
    return await findDifference(runtime, request, commit ?? (await repository.head()));
  } finally {
    await runtime.dispose();
  }
}

/** A fresh clone: what a checkout leaves behind, line endings included. */
async function checkedOut(): Promise<Repository> {
  const repository = await createRepository();
  await repository.commit('first', FILES);
  await rm(join(repository.directory, 'src'), { recursive: true });
  await repository.git('checkout', '--', '.');
  return repository;
}

describe('what a build reads is compared with the commit', () => {
  test('a checkout as it is has no difference, with CRLF that .gitattributes asks for', async () => {
    await using repository = await checkedOut();
    expect(await difference(repository)).toBeUndefined();
    expect(await difference(repository, { context: 'src', file: 'Dockerfile' })).toBeUndefined();
    expect(await difference(repository, { buildContexts: [{ name: 'more', value: './other' }] })).toBeUndefined();
  });

  const write = (path: string, text: string) => async (repository: Repository) => {
    await mkdir(join(repository.directory, path, '..'), { recursive: true });
    await writeFile(join(repository.directory, path), text);
  };
  test.each<[string, (repository: Repository) => Promise<unknown>, string]>([
    ['a changed file', write('src/main.js', 'changed\n'), 'src/main.js is not as in the commit'],
    ['an untracked file', write('src/new.js', ''), 'src/new.js is not in the commit'],
    ['a file that git ignores', write('dist/app.js', 'built'), 'the folder dist is not in the commit'],
    ['a file that git ignores beside others', write('src/x.tmp', ''), 'src/x.tmp is not in the commit'],
    ['an empty folder', (it) => mkdir(join(it.directory, 'empty')), 'the folder empty is not in the commit'],
    ['a deleted file', (it) => rm(join(it.directory, 'src/main.js')), 'src/main.js of the commit is missing'],
    ['a file that became executable', (it) => chmod(join(it.directory, 'src/main.js'), 0o755), 'the permissions'],
    [
      'a file that only its owner may read',
      (it) => chmod(join(it.directory, 'src/main.js'), 0o600),
      'has other permissions',
    ],
    ['an exception of .dockerignore', write('keep.log', ''), 'keep.log is not in the commit'],
    ['a changed Dockerfile', write('Dockerfile', 'FROM busybox\n'), 'Dockerfile is not as in the commit'],
    [
      'a Dockerfile.dockerignore of a step',
      write('Dockerfile.dockerignore', 'src\n'),
      'Dockerfile.dockerignore is not in the commit',
    ],
    ['a symbolic link', (it) => symlink('/etc/hostname', join(it.directory, 'link')), 'link is not in the commit'],
    [
      'a file that git was told not to look at',
      async (it) => {
        await it.git('update-index', '--assume-unchanged', 'src/main.js');
        await write('src/main.js', 'changed\n')(it);
      },
      'src/main.js is not as in the commit',
    ],
    [
      'a sparse checkout',
      (it) => it.git('sparse-checkout', 'set', '--no-cone', '/*', '!/other'),
      'other/file of the commit is missing',
    ],
    [
      'a change that the index holds',
      async (it) => {
        await write('src/main.js', 'staged\n')(it);
        await it.git('add', '--all');
      },
      'src/main.js is not as in the commit',
    ],
  ])('%s counts', async (_name, change, expected) => {
    await using repository = await checkedOut();
    await change(repository);
    const found = await difference(repository);
    expect(found).toContain(expected.startsWith('the permissions') ? 'has other permissions' : expected);
  });

  test('what .dockerignore leaves out does not count, nor what is outside of the context', async () => {
    await using repository = await checkedOut();
    await write('ignored/file', 'x')(repository);
    await write('other/debug.log', 'x')(repository);
    expect(await difference(repository)).toBeUndefined();
    await write('dist/app.js', 'x')(repository);
    expect(await difference(repository, { context: 'src', file: 'Dockerfile' })).toBeUndefined();
    expect(
      await difference(repository, {
        context: 'src',
        file: 'Dockerfile',
        buildContexts: [{ name: 'more', value: 'dist' }],
      }),
    ).toMatch(/dist\/app\.js/);
  });

  test.each<[Partial<BuildSources>, RegExp | undefined]>([
    [{ context: 'https://github.com/org/app.git#main' }, /`context` is an address whose content can change/],
    [{ context: `https://github.com/org/app.git#${'a'.repeat(40)}` }, undefined],
    [{ context: `https://github.com/org/app.git#${'a'.repeat(40)}:sub` }, undefined],
    [{ context: 'https://example.org/app.tar.gz' }, /can change/],
    [{ file: 'https://example.org/Dockerfile' }, /`file` is an address/],
    [{ file: '/etc/hostname' }, /outside of the checkout/],
    [{ context: '/etc' }, /in no checkout/],
    [{ buildContexts: [{ name: 'base', value: 'docker-image://alpine:3' }] }, undefined],
    [{ buildContexts: [{ name: 'lib', value: 'oci-layout://lib:latest' }] }, /the build context lib/],
  ])('%j: %s', async (sources, expected) => {
    await using repository = await checkedOut();
    const found = await difference(repository, sources);
    if (expected === undefined) expect(found).toBeUndefined();
    else expect(found).toMatch(expected);
  });

  test('another commit than the one that is checked out is no reason to trust the files', async () => {
    await using repository = await checkedOut();
    expect(await difference(repository, {}, 'f'.repeat(40))).toMatch(/is a checkout of/);
  });

  test('a Dockerfile behind a link is both: the link and what it leads to', async () => {
    await using repository = await checkedOut();
    await rm(join(repository.directory, 'Dockerfile'));
    await symlink('other/file', join(repository.directory, 'Dockerfile'));
    await repository.commit('link');
    expect(await difference(repository, { context: 'src', file: 'Dockerfile' })).toBeUndefined();
    await write('other/file', 'FROM x\n')(repository);
    expect(await difference(repository, { context: 'src', file: 'Dockerfile' })).toMatch(/^other\/file is not as/);
  });

  test('an object of Git LFS is what its pointer says; the pointer itself is not', async () => {
    await using repository = await checkedOut();
    await repository.commit('large', { 'large.bin': POINTER(ABC) });
    expect(await difference(repository)).toMatch(/large\.bin is a pointer of Git LFS/);
    await write('large.bin', 'abc')(repository);
    expect(await difference(repository)).toBeUndefined();
    await write('large.bin', 'abd')(repository);
    expect(await difference(repository)).toMatch(/large\.bin is not as/);
  });

  test('a submodule is compared with its own commit', async () => {
    await using library = await createRepository();
    await library.commit('library', { 'lib.js': 'lib\n' });
    await using repository = await checkedOut();
    await repository.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', library.directory, 'lib');
    await repository.commit('with library');
    expect(await difference(repository)).toBeUndefined();
    await write('lib/lib.js', 'changed\n')(repository);
    expect(await difference(repository)).toMatch(/lib\.js is not as/);
    await repository.git('submodule', '--quiet', 'deinit', '--force', 'lib');
    expect(await difference(repository)).toMatch(/the submodule lib is not checked out/);
  });
});
