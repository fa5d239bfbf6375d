import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { gitEnvironment, listSettings, safetyFor } from '../../../../src/tools/commits/git-environment.ts';
import { createTestRuntime, type TestRuntime } from '../../../support/runtime.ts';

// P8: the configuration of a checkout is written by whoever wrote the checkout.

const run = promisify(execFile);
let runtime: TestRuntime;
/** A program that leaves a mark. */
let evil: string;
let mark: string;
let seconds = 1_000_000_000;

beforeEach(async () => {
  runtime = await createTestRuntime();
  [evil, mark] = [join(runtime.temp, 'evil'), join(runtime.temp, 'mark')];
  await writeFile(evil, `#!/bin/sh\ntouch ${mark}\nexit 1\n`);
  await chmod(evil, 0o755);
  await git('init', '--quiet', '--initial-branch=main');
  await writeFile(join(runtime.workspace, 'file'), 'one\n');
  await writeFile(join(runtime.workspace, 'unchanged'), 'one\n');
  await git('add', '.');
  await git('commit', '--quiet', '--message=first');
  await git('remote', 'add', 'origin', `file://${runtime.workspace}`);
});
afterEach(() => runtime.dispose());

const IDENTITY = ['author', 'committer'].flatMap((who) => [
  [`GIT_${who.toUpperCase()}_NAME`, 'dev'],
  [`GIT_${who.toUpperCase()}_EMAIL`, 'dev@example.org'],
]);

async function git(...args: readonly string[]): Promise<void> {
  const env = { PATH: process.env.PATH, HOME: runtime.temp, ...Object.fromEntries(IDENTITY) };
  await run('git', args, { cwd: runtime.workspace, env });
}

/** What the action asks of git, and a little more. */
const QUESTIONS: readonly (readonly string[])[] = [
  ['rev-parse', 'HEAD'],
  ['show', '--no-patch', '--format=%cI', 'HEAD'],
  ['show', 'HEAD'],
  ['status', '--porcelain=v2', '-z', '--untracked-files=all', '--ignored'],
  ['diff', 'HEAD'],
  ['ls-files', '--modified'],
  ['ls-tree', '--name-only', 'HEAD'],
  ['cat-file', '-e', `${'1'.repeat(40)}^{commit}`],
  ['ls-remote', '--quiet', 'origin', 'refs/heads/main'],
];

async function ask(env: Readonly<Record<string, string>>): Promise<boolean> {
  await writeFile(join(runtime.workspace, 'file'), 'two\n');
  // A new time of an unchanged file makes `git status` write the index.
  seconds += 1;
  await utimes(join(runtime.workspace, 'unchanged'), seconds, seconds);
  for (const args of QUESTIONS) {
    await runtime.exec('git', ['-C', runtime.workspace, ...args], { env, timeout: 10_000 });
  }
  const ran = existsSync(mark);
  await rm(mark, { force: true });
  return ran;
}

const config = (name: string, value: string) => git('config', name, value);
const remote = (url: string) => config('remote.origin.url', url);
const attributes = () => writeFile(join(runtime.workspace, '.git/info/attributes'), '* filter=x diff=x\n');

describe('P8: a setting of the repository runs nothing', () => {
  test.each<[string, () => Promise<unknown>]>([
    ['core.fsmonitor', () => config('core.fsmonitor', evil)],
    ['core.sshCommand', () => remote('ssh://git@127.0.0.1:1/x').then(() => config('core.sshCommand', evil))],
    ['an ext:: remote', () => remote(`ext::${evil} x`).then(() => config('protocol.ext.allow', 'always'))],
    [
      'insteadOf',
      () => config(`url.ext::${evil} x.insteadOf`, 'file://').then(() => config('protocol.allow', 'always')),
    ],
    ['uploadpack', () => config('remote.origin.uploadpack', evil)],
    [
      'uploadpack of a promisor remote',
      async () => {
        await config('remote.origin.uploadpack', evil);
        await config('remote.origin.promisor', 'true');
        await config('extensions.partialClone', 'origin');
        await config('core.repositoryFormatVersion', '1');
      },
    ],
    ['diff.external', () => config('diff.external', evil)],
    ['diff.x.command', () => config('diff.x.command', evil).then(attributes)],
    ['diff.x.textconv', () => config('diff.x.textconv', evil).then(attributes)],
    ['filter.x.clean', () => config('filter.x.clean', evil).then(attributes)],
    ['filter.x.process', () => config('filter.x.process', evil).then(attributes)],
    [
      'a filter of an included file, in the configuration of the worktree',
      async () => {
        await config('extensions.worktreeConfig', 'true');
        await git('config', '--worktree', 'include.path', '../inc');
        await writeFile(
          join(runtime.workspace, 'inc'),
          `[filter "x"]\n\tclean = ${evil}\n[core]\n\tfsmonitor=${evil}\n`,
        );
        await attributes();
      },
    ],
    [
      'a filter that calls itself lfs',
      () =>
        config('filter.lfs.clean', evil).then(() =>
          writeFile(join(runtime.workspace, '.git/info/attributes'), '* filter=lfs\n'),
        ),
    ],
    ['a hook', () => symlink(evil, join(runtime.workspace, '.git/hooks/post-index-change'))],
    [
      'core.hooksPath',
      () =>
        symlink(evil, join(runtime.workspace, 'post-index-change')).then(() =>
          config('core.hooksPath', runtime.workspace),
        ),
    ],
  ])('%s', async (_name, configure) => {
    await configure();
    // The control: without the environment it does run.
    const plain = { PATH: process.env.PATH ?? '', HOME: runtime.temp };
    expect(await ask(plain)).toBe(true);
    expect(await ask(gitEnvironment(runtime, await listSettings(runtime)))).toBe(false);
  });

  test.each<[string, () => Promise<unknown>]>([
    ['core.pager', () => config('core.pager', evil)],
    ['credential.helper', () => remote('http://127.0.0.1:1/x').then(() => config('credential.helper', evil))],
    ['gpg.program', () => config('log.showSignature', 'true').then(() => config('gpg.program', evil))],
    ['a remote helper', () => remote('evil::x')],
    ['an alias', () => config('alias.status', `!${evil}`)],
  ])('%s, which needs a terminal or a server to run', async (_name, configure) => {
    await configure();
    expect(await ask(gitEnvironment(runtime, await listSettings(runtime)))).toBe(false);
  });
});

test('a repository without such settings is read as before', async () => {
  const env = gitEnvironment(runtime, await listSettings(runtime));
  const answer = await runtime.exec('git', ['-C', runtime.workspace, 'ls-remote', 'origin', 'refs/heads/main'], {
    env,
  });
  expect(answer).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^[0-9a-f]{40}\trefs\/heads\/main/) });
});

test('the command for ssh of the step itself counts', async () => {
  await using other = await createTestRuntime({ env: { ...process.env, GIT_SSH_COMMAND: 'ssh -i key' } });
  expect(gitEnvironment(other, await listSettings(other))).toMatchObject({ GIT_SSH_COMMAND: 'ssh -i key' });
});

test('git-lfs as actions/checkout sets it up stays, and the credentials of the user too', () => {
  const configured = [
    'local\0filter.lfs.clean\ngit-lfs clean -- %f',
    'local\0filter.lfs.process\ngit-lfs filter-process',
    'local\0filter.lfs.required\ntrue',
    'global\0credential.helper\nstore',
    'local\0http.https://github.com/.extraheader\nAUTHORIZATION: basic eA==',
  ].join('\0');
  const names = safetyFor(`${configured}\0`).settings.map(([name]) => name);
  expect(names.filter((name) => /^(?:filter|credential|http)\./.test(name))).toEqual([]);
});
