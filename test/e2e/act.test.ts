import { afterAll, beforeAll, expect, it } from 'vitest';
import { runWorkflow } from './act.ts';
import type { Registry } from './registry.ts';
import { actionBuilders, asClient, createScene, PLATFORMS, type Scene } from './scene.ts';

let scene: Scene;
let registry: Registry;
let before: readonly string[];
beforeAll(async () => {
  before = await actionBuilders();
  scene = await createScene();
  registry = await scene.registry();
});
afterAll(() => scene[Symbol.asyncDispose]());

it('a workflow calls it as `uses: org/registry-action@v1`, and a later job uses its outputs', async () => {
  const workflow = `on: push
jobs:
  publish:
    runs-on: ubuntu-latest
    outputs:
      digest: \${{ steps.image.outputs.digest }}
      outcome: \${{ steps.image.outputs.outcome }}
    steps:
      - uses: actions/checkout@v6
      - id: image
        uses: org/registry-action@v1
        with:
          images: ${registry.host}/org/app
          platforms: ${PLATFORMS.join(',')}
          sbom: generator=${process.env.E2E_SBOM_GENERATOR}
          db-repository: ${scene.database}
          driver-opts: network=host
          github-token: ''
  deploy:
    needs: publish
    runs-on: ubuntu-latest
    steps:
      - run: echo "deploying \${{ needs.publish.outputs.digest }} after \${{ needs.publish.outputs.outcome }}"
`;
  const { exitCode, log } = await runWorkflow(scene, workflow);
  expect(exitCode, log).toBe(0);

  const digest = (await asClient(scene, registry, 'crane', ['digest', `${registry.host}/org/app:main`])).trim();
  expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(log).toContain(`deploying ${digest} after published`);
  expect(log).toContain("Removed the run's private files.");
  expect(await actionBuilders()).toEqual(before);
});
