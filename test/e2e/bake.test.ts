import { readFile } from 'node:fs/promises';
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

const BAKE_FILE = `variable "FROM" { default = "base" }
target "base" { dockerfile-inline = "FROM scratch\\nCOPY busybox /bin/busybox\\n" }
target "app" {
  contexts = { base = "target:base" }
  args = { FROM = FROM }
}
`;

it('the recipe for bake files in docs/building.md publishes what bake built', async () => {
  await scene.repository.commit('A bake file', {
    'docker-bake.hcl': BAKE_FILE,
    Dockerfile: 'ARG FROM\nFROM $FROM\nCOPY app-amd64/ /app/\n',
  });
  const [, recipe = ''] = /- run: (docker buildx bake .+)/.exec(await readFile('docs/building.md', 'utf8')) ?? [];
  const command = recipe.replace('type=sbom', `type=sbom,generator=${process.env.E2E_SBOM_GENERATOR}`);
  await run('bash', ['-c', command], { cwd: scene.repository.directory, env: process.env });
  const images = `${registry.host}/org/baked`;
  const ran = await scene.publish({
    inputs: { images, source: 'app.tar', platforms: '', sbom: 'true', provenance: 'true' },
    event: await pushEvent(scene.repository),
  });
  expect(ran, ran.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'published' } });
  const digest = (await asClient(scene, registry, 'crane', ['digest', `${images}:main`])).trim();
  expect(digest).toBe(ran.outputs.digest);
});
