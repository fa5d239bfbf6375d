import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { runWorkflow } from './act.ts';
import { run } from './programs.ts';
import { type Registry, writes } from './registry.ts';
import { asClient, createScene, type Scene, vulnerableFiles } from './scene.ts';

let scene: Scene;
let registry: Registry;
let images = 0;
beforeAll(async () => {
  scene = await createScene();
  registry = await scene.registry();
});
beforeEach(async () => {
  images += 1;
  await registry.mark();
  await rm(join(scene.directory, 'artifacts'), { recursive: true, force: true });
});
afterAll(() => scene[Symbol.asyncDispose]());

const image = () => `${registry.host}/org/app-${images}`;
const client = (program: string, ...args: readonly string[]) => asClient(scene, registry, program, args);

/** A caller, as in docs/building.md. */
const caller = (inputs: Readonly<Record<string, string | boolean>> = {}) => `on: [push, pull_request]
jobs:
  publish:
    permissions: { contents: read, packages: write, id-token: write }
    uses: org/registry-action/.github/workflows/publish.yml@v1
    with: ${JSON.stringify({
      images: image(),
      registry: registry.host,
      runners: 'default=ubuntu-latest\nlinux/arm64=ubuntu-latest',
      sbom: `generator=${process.env.E2E_SBOM_GENERATOR}`,
      'db-repository': scene.database,
      'driver-opts': 'network=host',
      ...inputs,
    })}
    secrets:
      username: \${{ secrets.USERNAME }}
      password: \${{ secrets.PASSWORD }}
  after:
    needs: publish
    runs-on: ubuntu-latest
    steps:
      - run: echo "$OUTCOME $DIGEST $VERSION"
        env:
          OUTCOME: \${{ needs.publish.outputs.outcome }}
          DIGEST: \${{ needs.publish.outputs.digest }}
          VERSION: \${{ needs.publish.outputs.version }}
`;
const SECRETS = { USERNAME: 'publisher', PASSWORD: 'correct horse battery staple' };

it('builds two platforms, hands them over as artifacts, and publishes one image', async () => {
  const { exitCode, log } = await runWorkflow(scene, caller(), SECRETS);
  expect(exitCode, log).toBe(0);
  const digest = (await client('crane', 'digest', `${image()}:main`)).trim();
  expect(log).toContain(`published ${digest} main`);
  for (const [platform, content] of [
    ['linux/amd64', 'built for amd64\n'],
    ['linux/arm64', 'built for arm64\n'],
  ] as const) {
    await run('docker', ['pull', '--quiet', '--platform', platform, `${image()}:main`]);
    const files = await client('crane', 'export', '--platform', platform, `${image()}:main`, '-');
    expect(files).toContain(content);
  }
  const inspect = async (what: string) =>
    JSON.parse(
      await run('docker', ['buildx', 'imagetools', 'inspect', '--format', `{{json ${what}}}`, `${image()}:main`]),
    );
  expect((await inspect('.Manifest')).manifests).toHaveLength(4);
  for (const statement of ['.Provenance', '.SBOM']) {
    expect(Object.keys(await inspect(statement)).toSorted()).toEqual(['linux/amd64', 'linux/arm64']);
  }
});

it('publishes nothing when a platform is missing, and everything once its job was run again', async () => {
  const workflow = caller();
  const first = await runWorkflow(scene, workflow, SECRETS, { matrix: ['platform:linux/amd64'] });
  expect(first.exitCode, first.log).not.toBe(0);
  expect(first.log).toMatch(/linux\/arm64 is missing/);
  expect(writes(await registry.requests())).toEqual([]);
  const second = await runWorkflow(scene, workflow, SECRETS, {
    matrix: ['platform:linux/arm64'],
    isAgain: true,
  });
  expect(second.exitCode, second.log).toBe(0);
  expect((await client('crane', 'ls', image())).split('\n')).toContain('main');
});

it('a pull request from a fork builds, passes the gate, and stops', async () => {
  const payload = {
    number: 7,
    pull_request: {
      number: 7,
      head: { ref: 'fix', sha: await scene.repository.head(), repo: { full_name: 'stranger/app' } },
      base: { ref: 'main', sha: await scene.repository.head(), repo: { full_name: 'org/app' } },
    },
  };
  const { log } = await runWorkflow(scene, caller(), {}, { event: 'pull_request', payload });
  expect(log).toMatch(/Build linux\/arm64.*failing the gate: 0/);
  expect(log).not.toMatch(/Publish\/Publish/);
  expect(writes(await registry.requests())).toEqual([]);
});

it('a platform with findings stops the others too', async () => {
  await scene.repository.commit('A careless change', vulnerableFiles('app-arm64'));
  const { exitCode, log } = await runWorkflow(scene, caller(), SECRETS);
  expect(exitCode, log).not.toBe(0);
  expect(log).toMatch(/findings? blocks? this image/);
  expect(writes(await registry.requests())).toEqual([]);
});
