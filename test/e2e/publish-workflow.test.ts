import { once } from 'node:events';
import { readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
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

/** What the jobs of the run have uploaded. */
const artifacts = async () => (await readdir(join(scene.directory, 'artifacts'))).toSorted();

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

describe('one platform fails', () => {
  it('nothing is published, and a re-run of the failed jobs uses what the others have built', async () => {
    await using mirror = await startMirror();
    const dockerfile = `${await readFile(join(scene.repository.directory, 'Dockerfile'), 'utf8')}ADD ${mirror.url}/$TARGETARCH /app/\n`;
    await scene.repository.commit('From a mirror', { 'Dockerfile.mirror': dockerfile });
    const workflow = caller({ file: 'Dockerfile.mirror' });
    mirror.without('arm64');
    const first = await runWorkflow(scene, workflow, SECRETS);
    expect(first.exitCode, first.log).not.toBe(0);
    // The other platform goes on, and the job that publishes does not start.
    expect(await artifacts()).toEqual([expect.stringMatching(/-linux-amd64-1$/)]);
    expect(first.log).not.toMatch(/Publish\/Publish/);
    expect(writes(await registry.requests())).toEqual([]);

    mirror.without();
    const matrix = ['platform:linux/arm64'];
    const second = await runWorkflow(scene, workflow, SECRETS, { matrix, attempt: 2 });
    expect(second.exitCode, second.log).toBe(0);
    expect((await artifacts()).map((name) => name.slice(-'linux-amd64-1'.length))).toEqual([
      'linux-amd64-1',
      'linux-arm64-2',
    ]);
    const digest = (await client('crane', 'digest', `${image()}:main`)).trim();
    expect(second.log).toContain(`published ${digest} main`);
    expect(second.log).not.toContain('earlier attempt');

    // All jobs again: there are two of amd64 and of arm64 now, and the newest are taken.
    const third = await runWorkflow(scene, workflow, SECRETS, { attempt: 3 });
    expect(third.exitCode, third.log).toBe(0);
    expect(await artifacts()).toHaveLength(4);
    expect(third.log).toMatch(/linux-amd64-1\S* is of an earlier attempt/);
    expect(third.log).toMatch(/linux-arm64-2\S* is of an earlier attempt/);
  });

  it('a platform whose artifact is gone fails the merge', async () => {
    const { exitCode, log } = await runWorkflow(scene, caller(), SECRETS, { matrix: ['platform:linux/amd64'] });
    expect(exitCode, log).not.toBe(0);
    expect(log).toMatch(/linux\/arm64 is missing/);
    expect(writes(await registry.requests())).toEqual([]);
  });
});

/** Files for a build, of which some are not there for a while. */
async function startMirror() {
  const absent = new Set<string>();
  const server = createServer(({ url = '' }, response) => {
    response.statusCode = absent.has(url.slice(1)) ? 503 : 200;
    response.end('from the mirror\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('It has no port.');
  return {
    url: `http://127.0.0.1:${address.port}`,
    without: (...names: readonly string[]) => {
      absent.clear();
      for (const name of names) absent.add(name);
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

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
