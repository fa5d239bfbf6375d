import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { pushEvent } from '../support/repository.ts';
import { run } from './programs.ts';
import type { Registry } from './registry.ts';
import { asClient, createScene, type Scene } from './scene.ts';

let scene: Scene;
let registry: Registry;
beforeAll(async () => {
  scene = await createScene();
  registry = await scene.registry();
});
afterAll(() => scene[Symbol.asyncDispose]());

const docker = (...args: readonly string[]) => run('docker', args, { env: process.env });

it('build, test, push: what was tested in the Docker Engine is what is pushed', async () => {
  const image = `${registry.host}/org/tested`;
  const event = await pushEvent(scene.repository);
  await registry.mark();
  const built = await scene.publish({
    inputs: { images: image, push: 'false', load: 'true', 'layout-directory': 'out' },
    event,
  });
  expect(built, built.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'built' } });
  const { digest = '', layout = '', json = '{}' } = built.outputs;
  const { loaded, image: facts } = JSON.parse(json);
  const [amd64] = facts.platforms;
  expect(loaded).toMatchObject({ platform: 'linux/amd64', digest: amd64.digest });
  expect(loaded.names).toContain(`${image}:main`);
  // The test of the user.
  expect(await docker('run', '--rm', '--network=none', `${image}:main`)).toBe('built for amd64\n');
  await expect(asClient(scene, registry, 'crane', ['ls', image])).rejects.toThrow(/NAME_UNKNOWN|404|not found/i);

  const pushed = await scene.publish({ inputs: { images: image, source: layout, load: 'true', sbom: 'true' }, event });
  expect(pushed, pushed.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'published', digest } });
  expect((await asClient(scene, registry, 'crane', ['digest', `${image}:main`])).trim()).toBe(digest);
  const platform = ['digest', '--platform', 'linux/amd64', `${image}:main`];
  expect((await asClient(scene, registry, 'crane', platform)).trim()).toBe(loaded.digest);
});

it('an archive for `docker load` is loaded by docker, and one for OCI tools is read by them', async () => {
  const image = 'example.com/org/archived';
  const ran = await scene.publish({
    inputs: { images: image, push: 'false', export: 'docker=out/docker.tar\noci=out/oci.tar' },
    event: await pushEvent(scene.repository),
  });
  expect(ran, ran.log).toMatchObject({ exitCode: 0 });
  const file = (name: string) => join(scene.repository.directory, 'out', name);
  expect(await docker('load', '--input', file('docker.tar'))).toContain(`${image}:main`);
  expect(await docker('run', '--rm', '--network=none', `${image}:main`)).toBe('built for amd64\n');
  const index: unknown = JSON.parse(
    await run('oras', ['manifest', 'fetch', '--oci-layout', `${file('oci.tar')}:main`]),
  );
  expect(index).toMatchObject({ manifests: [{}, {}, {}, {}] });
});

it('an engine that is not there fails the run before the push', async () => {
  const image = `${registry.host}/org/no-engine`;
  const first = await scene.publish({
    inputs: { images: image, push: 'false', 'layout-directory': 'out' },
    event: await pushEvent(scene.repository),
  });
  const ran = await scene.publish({
    inputs: { images: image, source: first.outputs.layout ?? '', load: 'true', sbom: '' },
    event: await pushEvent(scene.repository),
    env: { DOCKER_HOST: 'unix:///nowhere/docker.sock' },
  });
  expect(JSON.parse(ran.outputs.json ?? '{}').errors, ran.log).toMatchObject([{ code: 'LOAD_FAILED' }]);
  await expect(asClient(scene, registry, 'crane', ['ls', image])).rejects.toThrow(/NAME_UNKNOWN|404|not found/i);
});
