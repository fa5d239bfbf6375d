import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { runAction } from '../support/action.ts';
import { startRegistry } from '../support/registry.ts';
import { pushEvent } from '../support/repository.ts';
import { createSetting, type Setting } from './setting.ts';

// P8: nothing in the workspace is executed, whatever a pull request wrote there.

let setting: Setting;
let outside: string;
/** A program that runs leaves a file here. */
let marks: string;

beforeAll(async () => {
  setting = await createSetting();
  outside = await realpath(await mkdtemp(join(tmpdir(), 'outside-')));
  await setting.image();
});
afterAll(async () => {
  await setting[Symbol.asyncDispose]();
  await rm(outside, { recursive: true, force: true });
});
beforeEach(async () => {
  marks = await mkdtemp(join(outside, 'marks-'));
});

async function program(...path: readonly string[]): Promise<string> {
  const file = join(...path);
  await mkdir(join(file, '..'), { recursive: true });
  await writeFile(file, `#!/bin/sh\ntouch "${marks}/$(basename "$0")"\nexit 1\n`);
  await chmod(file, 0o755);
  return file;
}

const PROGRAMS = ['git', 'docker', 'trivy', 'tar', 'ssh', 'docker-credential-evil', 'docker-buildx'];

test('P8: programs on PATH in the workspace are not run', async () => {
  const workspace = setting.repository.directory;
  for (const name of PROGRAMS) {
    await program(workspace, name);
    await program(workspace, 'bin', name);
  }
  const [link, links] = [join(outside, 'link'), join(outside, 'links')];
  await symlink(join(workspace, 'bin'), link);
  await mkdir(links);
  for (const name of PROGRAMS) await symlink(join(workspace, 'bin', name), join(links, name));
  const folders = ['bin', './bin', '', '.', join(workspace, 'bin'), `${workspace}/../work/bin`, link, links];
  await using registry = await startRegistry();
  await using run = await runAction({
    workspace,
    event: await pushEvent(setting.repository),
    inputs: {
      images: `${registry.host}/org/app`,
      tags: 'type=edge',
      scan: 'report',
      'db-repository': 'localhost:1/db:2',
    },
    env: { PATH: [...folders, process.env.TEST_TRIVY_DIR, process.env.PATH].join(delimiter) },
  });
  expect(await readdir(marks), run.log).toEqual([]);
  expect(run.annotations.map(({ message }) => message)).toContainEqual(
    expect.stringContaining('bin/docker is in the workspace'),
  );
});

test("P8: plugins of docker's configuration in the workspace are out of docker's reach", async () => {
  const workspace = setting.repository.directory;
  const config = join(workspace, '.docker');
  await program(config, 'cli-plugins', 'docker-buildx');
  await program(workspace, 'plugins', 'docker-buildx');
  const extra = { cliPluginsExtraDirs: [join(workspace, 'plugins')], psFormat: 'kept' };
  await writeFile(join(config, 'config.json'), JSON.stringify(extra));
  const seen = join(outside, 'seen');
  const docker = await program(outside, 'docker', 'docker');
  await writeFile(docker, `#!/bin/sh\n(ls "$DOCKER_CONFIG"; cat "$DOCKER_CONFIG/config.json") >> ${seen}\nexit 1\n`);
  await writeFile(join(workspace, 'Dockerfile'), 'FROM scratch\n');
  await using run = await runAction({
    workspace,
    event: await pushEvent(setting.repository),
    inputs: { images: 'localhost:1/org/app', push: 'false', scan: 'off' },
    env: { DOCKER_CONFIG: config, PATH: [join(outside, 'docker'), process.env.PATH].join(delimiter) },
  });
  expect(run.exitCode).toBe(1);
  const lines = await readFile(seen, 'utf8');
  expect(lines).toContain('psFormat');
  expect(lines).not.toContain('plugins');
});

test('P8: the git configuration of the checkout runs nothing', async () => {
  const { repository } = setting;
  const evil = await program(outside, 'evil');
  const settings: Readonly<Record<string, string>> = {
    'core.fsmonitor': evil,
    'core.sshCommand': evil,
    'core.pager': evil,
    'diff.external': evil,
    'credential.helper': `!${evil}`,
    'filter.x.clean': evil,
    'gpg.program': evil,
    'log.showSignature': 'true',
    'protocol.ext.allow': 'always',
  };
  for (const [name, value] of Object.entries(settings)) await repository.git('config', name, value);
  await writeFile(join(repository.directory, '.git/info/attributes'), '* filter=x\n');
  await writeFile(join(repository.directory, 'README.md'), '# changed\n');
  for (const [at, url] of [`ext::${evil} %S`, 'ssh://git@127.0.0.1:1/app.git', 'evil::app'].entries()) {
    await repository.git('config', 'remote.origin.url', url);
    await using registry = await startRegistry();
    await using run = await setting.publish({
      images: `${registry.host}/org/app`,
      tags: `type=raw,value=main\ntype=raw,value=v${at},moving=true`,
      scan: 'off',
    });
    expect(run.outputs.outcome, run.log).toBeDefined();
    expect(existsSync(join(marks, 'evil')), run.log).toBe(false);
  }
});
