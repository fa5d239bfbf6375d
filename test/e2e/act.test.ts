import { cp, mkdir, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { actionEntry } from '../support/action.ts';
import { pushEvent } from '../support/repository.ts';
import { run } from './programs.ts';
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

/** What is tagged at a release: the metadata and the bundle. */
async function release(): Promise<string> {
  const folder = join(scene.directory, 'action');
  await mkdir(folder, { recursive: true });
  await cp(fileURLToPath(new URL('../../action.yml', import.meta.url)), join(folder, 'action.yml'));
  await cp(dirname(actionEntry()), join(folder, 'dist'), { recursive: true });
  return folder;
}

it('a workflow calls it as `uses: org/registry-action@v1`, and a later job uses its outputs', async () => {
  const { repository } = scene;
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
  await repository.commit('A workflow', { '.github/workflows/publish.yml': workflow });
  await repository.git('remote', 'set-url', 'origin', 'https://github.com/org/app.git');
  const event = join(scene.directory, 'event.json');
  await writeFile(event, JSON.stringify((await pushEvent(repository)).payload));
  const path = `${dirname(process.execPath)}${delimiter}${process.env.PATH}`;
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    PATH: path,
    HOME: scene.directory,
    XDG_CACHE_HOME: join(scene.directory, 'cache'),
  };
  const arguments_ = [
    ...['push', '--eventpath', event, '--workflows', '.github/workflows/publish.yml'],
    ...['--platform', 'ubuntu-latest=-self-hosted', '--local-repository', `org/registry-action@v1=${await release()}`],
    ...['--no-cache-server', '--artifact-server-path', '', '--env', `PATH=${path}`],
    ...['--env', `DOCKER_HOST=${env.DOCKER_HOST}`, '--env', `DOCKER_CONFIG=${env.DOCKER_CONFIG}`],
  ];
  const log = await run('act', arguments_, { cwd: repository.directory, env, timeout: 170_000 });

  const digest = (await asClient(scene, registry, 'crane', ['digest', `${registry.host}/org/app:main`])).trim();
  expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(log).toContain(`deploying ${digest} after published`);
  expect(log).toContain("Removed the run's private files.");
  expect(await actionBuilders()).toEqual(before);
});
