import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { pushEvent, tagEvent } from '../support/repository.ts';
import { find } from './programs.ts';
import { type Registry, writes } from './registry.ts';
import { asClient, createScene, type Scene } from './scene.ts';

let scene: Scene;
let registry: Registry;
beforeAll(async () => {
  scene = await createScene();
  registry = await scene.registry();
});
afterAll(() => scene[Symbol.asyncDispose]());

/** Passes everything on to docker and keeps what it was asked. */
async function watchDocker(): Promise<{ readonly path: string; readonly calls: () => Promise<string> }> {
  const folder = join(scene.directory, 'watched');
  const log = join(folder, 'calls');
  await mkdir(folder, { recursive: true });
  await writeFile(log, '');
  const docker = find('docker', process.env.PATH ?? '');
  await writeFile(join(folder, 'docker'), `#!/bin/sh\necho "$*" >>'${log}'\nexec '${docker}' "$@"\n`);
  await chmod(join(folder, 'docker'), 0o755);
  return { path: `${folder}${delimiter}${process.env.PATH}`, calls: () => readFile(log, 'utf8') };
}

const digestOf = async (tag: string) =>
  (await asClient(scene, registry, 'crane', ['digest', `${registry.host}/org/app:${tag}`])).trim();

it('P3: a version tag with another digest fails the run before docker is asked to build', async () => {
  const { repository } = scene;
  await repository.tag('v1.2.3');
  const inputs = { images: `${registry.host}/org/app` };
  const first = await scene.publish({ inputs, event: await tagEvent(repository, 'v1.2.3') });
  expect(first.exitCode, first.log).toBe(0);
  expect(await digestOf('1.2.3')).toBe(first.outputs.digest);

  await repository.commit('Other content', { 'app-amd64/platform': 'something else\n' });
  await repository.git('tag', '--force', 'v1.2.3');
  await registry.mark();
  const docker = await watchDocker();
  const second = await scene.publish({
    inputs,
    event: await tagEvent(repository, 'v1.2.3'),
    env: { PATH: docker.path },
  });
  expect(second.exitCode, second.log).toBe(1);
  expect(second.outputs.outcome).toBe('tag-conflict');
  expect(second.annotations.map(({ message }) => message).join('\n')).toContain(`${registry.host}/org/app:1.2.3`);
  expect(await docker.calls()).not.toMatch(/^buildx build/m);
  expect(writes(await registry.requests())).toEqual([]);
  expect(await digestOf('1.2.3')).toBe(first.outputs.digest);
});

it('the watched docker would have seen a build', async () => {
  const docker = await watchDocker();
  const ran = await scene.publish({
    inputs: { images: `${registry.host}/org/other` },
    event: await pushEvent(scene.repository),
    env: { PATH: docker.path },
  });
  expect(ran.exitCode, ran.log).toBe(0);
  expect(await docker.calls()).toMatch(/^buildx build/m);
});

it('P4: the run of an older commit leaves the branch tag where it is, is green and says why', async () => {
  const { repository } = scene;
  const inputs = { images: `${registry.host}/org/crossed` };
  const older = await pushEvent(repository);
  const newerSha = await repository.commit('Newer', { 'app-amd64/platform': 'newer\n' });
  const newer = await scene.publish({ inputs, event: await pushEvent(repository) });
  expect(newer.exitCode, newer.log).toBe(0);

  await repository.checkout(older.sha);
  const late = await scene.publish({ inputs, event: older });
  await repository.checkout('main');
  expect(late.exitCode, late.log).toBe(0);
  expect(late.outputs.digest).not.toBe(newer.outputs.digest);
  const branch = await asClient(scene, registry, 'crane', ['digest', `${registry.host}/org/crossed:main`]);
  expect(branch.trim()).toBe(newer.outputs.digest);
  expect(late.log).toContain(newerSha.slice(0, 7));
});

it('P4: a backport moves its own line, and neither the major line nor latest', async () => {
  const { repository } = scene;
  const image = `${registry.host}/org/lines`;
  const publish = async (version: string) => {
    await repository.commit(version, { 'app-amd64/platform': `${version}\n` });
    await repository.tag(`v${version}`);
    const ran = await scene.publish({ inputs: { images: image }, event: await tagEvent(repository, `v${version}`) });
    expect(ran.exitCode, ran.log).toBe(0);
    return ran.outputs.digest;
  };
  await publish('1.1.8');
  const stable = await publish('1.2.0');
  const backport = await publish('1.1.9');
  const at = async (tag: string) => (await asClient(scene, registry, 'crane', ['digest', `${image}:${tag}`])).trim();
  expect({ line: await at('1.1'), version: await at('1.1.9') }).toEqual({ line: backport, version: backport });
  expect({ major: await at('1'), latest: await at('latest'), minor: await at('1.2') }).toEqual({
    major: stable,
    latest: stable,
    minor: stable,
  });
});
