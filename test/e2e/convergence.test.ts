import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { pushEvent } from '../support/repository.ts';
import { run } from './programs.ts';
import { type Registry, writes } from './registry.ts';
import { asClient, createScene, type Scene, vulnerableFiles } from './scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await createScene();
});
afterAll(() => scene[Symbol.asyncDispose]());

const attempt = (id: string, number: number) => ({ GITHUB_RUN_ID: id, GITHUB_RUN_ATTEMPT: String(number) });

const digestOf = async (registry: Registry, tag: string) =>
  (await asClient(scene, registry, 'crane', ['digest', `${registry.host}/org/app:${tag}`])).trim();

const tagsOf = (registry: Registry) =>
  asClient(scene, registry, 'crane', ['ls', `${registry.host}/org/app`]).then(
    (text) => text.trim().split('\n'),
    () => [],
  );

it('P9: the re-run of a run whose second registry went away publishes one image at both', async () => {
  const [first, second] = [await scene.registry(), await scene.registry()];
  const event = await pushEvent(scene.repository);
  const images = `${first.host}/org/app\n${second.host}/org/app`;
  let stopping: Promise<void> | undefined;
  const broken = await scene.publish({
    inputs: { images },
    event,
    env: attempt('10', 1),
    onLine: (line) => {
      if (/#\d+ exporting to oci image format/.test(line)) stopping ??= second.stop();
    },
  });
  await stopping;
  expect(stopping, broken.log).toBeDefined();
  expect(broken.exitCode, broken.log).toBe(1);
  expect(broken.outputs.outcome).toMatch(/^(?:partial-failure|registry-failed)$/);
  expect(broken.summary).toContain(second.host);
  // No tag moves before the content is everywhere.
  expect(await tagsOf(first)).toEqual([]);

  await second.startAgain();
  const again = await scene.publish({ inputs: { images }, event, env: attempt('10', 2) });
  expect(again, again.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'published' } });
  const commitTag = `sha-${event.sha.slice(0, 7)}`;
  for (const registry of [first, second]) {
    for (const tag of ['main', commitTag]) expect(await digestOf(registry, tag)).toBe(again.outputs.digest);
  }
  await Promise.all([first.mark(), second.mark()]);
  const third = await scene.publish({ inputs: { images }, event, env: attempt('10', 3) });
  expect(third, third.log).toMatchObject({
    exitCode: 0,
    outputs: { outcome: 'unchanged', digest: again.outputs.digest },
  });
  for (const registry of [first, second]) expect(writes(await registry.requests())).toEqual([]);
});

it('P3: the re-run with a layout that was made again, and differs, is green and leaves the commit tag', async () => {
  const registry = await scene.registry();
  const layout = join(scene.directory, 'made-again');
  const event = await pushEvent(scene.repository);
  const publish = async (number: number) => {
    await rm(layout, { recursive: true, force: true });
    await mkdir(layout);
    // Its provenance says when it was built, so that its digest is another one each time.
    const output = ['--output', `type=oci,tar=false,dest=${layout}`, '--provenance=mode=max', '--no-cache'];
    const args = ['buildx', 'build', '--quiet', '--builder', 'default', '--platform', 'linux/amd64', ...output];
    await run('docker', [...args, scene.repository.directory]);
    return scene.publish({
      inputs: { images: `${registry.host}/org/app`, source: layout, platforms: 'linux/amd64', sbom: '' },
      event,
      env: attempt('20', number),
    });
  };
  const first = await publish(1);
  expect(first, first.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'published' } });
  const again = await publish(2);
  expect(again.exitCode, again.log).toBe(0);
  const built = JSON.parse(await run('cat', [join(layout, 'index.json')])).manifests[0].digest;
  expect(built).not.toBe(first.outputs.digest);
  expect(await digestOf(registry, `sha-${event.sha.slice(0, 7)}`)).toBe(first.outputs.digest);
  expect(await digestOf(registry, 'main')).toBe(again.outputs.digest);
});

it('a finding that the baseline in the registry has passes, and a new one fails', async () => {
  const registry = await scene.registry();
  const { repository } = scene;
  const images = `${registry.host}/org/app`;
  const publish = async (inputs: Readonly<Record<string, string>>) =>
    scene.publish({ inputs: { images, ...inputs }, event: await pushEvent(repository) });
  await repository.commit('An old fault', vulnerableFiles('app-arm64'));
  const before = await publish({ scan: 'report' });
  expect(before, before.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'published' } });

  await repository.commit('Something else', { 'app-amd64/platform': 'changed\n' });
  const known = await publish({ baseline: 'main' });
  expect(known, known.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'published', 'scan-gated': '0' } });
  expect(Number(known.outputs['scan-known'])).toBeGreaterThan(0);
  expect(await digestOf(registry, 'main')).toBe(known.outputs.digest);

  await repository.commit('The fault on the other platform', vulnerableFiles('app-amd64'));
  const fails = await publish({ baseline: 'main' });
  expect(fails, fails.log).toMatchObject({ exitCode: 1, outputs: { outcome: 'findings' } });
  expect(Number(fails.outputs['scan-gated'])).toBeGreaterThan(0);
  expect(await digestOf(registry, 'main')).toBe(known.outputs.digest);
});
