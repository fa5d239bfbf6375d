import { cp, mkdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Authority, createAuthority } from '../support/authority.ts';
import { pushEvent } from '../support/repository.ts';
import { BUILDKIT_IMAGE } from './images.ts';
import { freePort, run } from './programs.ts';
import { type Registry, writes } from './registry.ts';
import { asClient, createScene, type Scene, vulnerableFiles } from './scene.ts';

const stack = new AsyncDisposableStack();
let scene: Scene;
let registry: Registry;
let authority: Authority;
let images = 0;
const docker = (...args: readonly string[]) => run('docker', args, { env: process.env });
beforeAll(async () => {
  scene = stack.use(await createScene());
  registry = await scene.registry();
  authority = stack.use(await createAuthority());
});
beforeEach(async () => {
  images += 1;
  await registry.mark();
});
afterAll(() => stack.disposeAsync());

const image = () => `${registry.host}/org/nodes-${images}`;
const client = (program: string, ...args: readonly string[]) => asClient(scene, registry, program, args);
const tags = async () => (await client('crane', 'ls', image())).split('\n').filter((tag) => tag !== '');
const publish = async (inputs: Readonly<Record<string, string>>) =>
  scene.publish({ inputs: { images: image(), ...inputs }, event: await pushEvent(scene.repository) });

/** What clients find: both platforms, each with its attestations. */
async function expectWhole(digest: string | undefined) {
  expect((await client('crane', 'digest', `${image()}:main`)).trim()).toBe(digest);
  const index = JSON.parse(await client('crane', 'manifest', `${image()}:main`));
  const platforms = index.manifests.map(
    ({ platform }: { readonly platform: { readonly architecture: string } }) => platform.architecture,
  );
  expect(platforms).toEqual(['amd64', 'unknown', 'arm64', 'unknown']);
  expect(index.annotations['org.opencontainers.image.revision']).toBe(await scene.repository.head());
  for (const arch of ['amd64', 'arm64']) {
    const files = await client('crane', 'export', '--platform', `linux/${arch}`, `${image()}:main`, '-');
    expect(files).toContain(`built for ${arch}\n`);
  }
  // buildx itself writes `latest` when it pushes a build of several nodes by digest.
  expect((await tags()).toSorted()).toEqual(['main', `sha-${(await scene.repository.head()).slice(0, 7)}`]);
}

describe('a builder of two nodes', () => {
  beforeAll(async () => {
    const node = ['--driver', 'docker-container', '--driver-opt', 'network=host'];
    await docker('context', 'create', 'second', '--docker', `host=${process.env.DOCKER_HOST}`);
    await docker('buildx', 'create', '--name', 'two', '--node', 'one', ...node, '--platform', 'linux/amd64');
    await docker(
      'buildx',
      'create',
      '--name',
      'two',
      '--append',
      '--node',
      'other',
      ...node,
      '--platform',
      'linux/arm64',
      'second',
    );
  });
  afterAll(async () => {
    await docker('buildx', 'rm', '--force', 'two');
    await docker('context', 'rm', '--force', 'second');
  });

  it('builds each platform on its node, and the image has both', async () => {
    const ran = await publish({ builder: 'two' });
    expect(ran, ran.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'published' } });
    expect(ran.log).toMatch(/2 nodes: linux\/amd64, linux\/arm64 are built at the same time/);
    await expectWhole(ran.outputs.digest);
  });

  it('with `push: false` the registry is not touched', async () => {
    const ran = await publish({ builder: 'two', push: 'false', 'layout-directory': 'out' });
    expect(ran, ran.log).toMatchObject({
      exitCode: 0,
      outputs: { outcome: 'built', layout: 'out/image-linux-amd64-linux-arm64' },
    });
    expect(writes(await registry.requests())).toEqual([]);
    await expect(tags()).rejects.toThrow(/NAME_UNKNOWN|404/);
  });

  it('P1: findings on one platform stop it before anything is in the registry, also by digest', async () => {
    await scene.repository.commit('A careless change', vulnerableFiles('app-arm64'));
    const ran = await publish({ builder: 'two' });
    expect(ran.outputs, ran.log).toMatchObject({ outcome: 'findings' });
    expect(writes(await registry.requests())).toEqual([]);
    await expect(tags()).rejects.toThrow(/NAME_UNKNOWN|404/);
    await scene.repository.git('reset', '-q', '--hard', 'HEAD~1');
  });

  it('a platform that cannot be built is named', async () => {
    const dockerfile = `FROM scratch\nARG TARGETARCH\nCOPY only-\${TARGETARCH} /\n`;
    await scene.repository.commit('One platform', { 'Dockerfile.one': dockerfile, 'only-amd64': 'x' });
    const ran = await publish({ builder: 'two', file: 'Dockerfile.one' });
    expect(JSON.parse(ran.outputs.json ?? '{}').errors, ran.log).toMatchObject([
      { code: 'BUILD_FAILED', message: expect.stringMatching(/^linux\/arm64: /), facts: { platform: 'linux/arm64' } },
    ]);
    await scene.repository.git('reset', '-q', '--hard', 'HEAD~1');
  });
});

describe('remote BuildKit over mTLS', () => {
  let endpoint: string;
  let name: string;
  let inputs: Readonly<Record<string, string>>;
  beforeAll(async () => {
    const server = await authority.issue('DNS:builders.internal');
    const own = await authority.issue('DNS:client');
    const port = await freePort();
    const folder = join(scene.directory, 'tls');
    await mkdir(folder);
    await cp(authority.file, join(folder, 'ca.pem'));
    await cp(server.files.cert, join(folder, 'cert.pem'));
    await cp(server.files.key, join(folder, 'key.pem'));
    name = `buildkit-${port}`;
    const tls = ['--tlscacert', '/tls/ca.pem', '--tlscert', '/tls/cert.pem', '--tlskey', '/tls/key.pem'];
    await docker(
      ...['run', '--detach', '--privileged', '--network', 'host', '--name', name, '--volume', `${folder}:/tls:ro`],
      ...[BUILDKIT_IMAGE, '--addr', `tcp://127.0.0.1:${port}`, '--oci-worker-net', 'host', ...tls],
    );
    for (let waited = 0; waited < 30_000 && !(await answers(port)); waited += 200) await sleep(200);
    endpoint = `tcp://127.0.0.1:${port}`;
    inputs = {
      driver: 'remote',
      endpoint,
      'driver-opts': 'servername=builders.internal',
      'builder-ca': authority.ca,
      'builder-cert': own.cert,
      'builder-key': own.key,
    };
  });
  afterAll(() => docker('rm', '--force', '--volumes', name));

  it('builds, and nothing is left of the builder and the certificates', async () => {
    const ran = await publish(inputs);
    expect(ran, ran.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'published' } });
    expect(ran.log).toMatch(/driver remote, BuildKit v0\.33/);
    const builder = ran.state.builder ?? '';
    const post = await ran.post();
    expect(post.log).toContain(`Removed builder ${builder}`);
    expect(await docker('buildx', 'ls')).not.toContain(builder);
  });

  it.each([
    ['the wrong name', { 'driver-opts': '' }, /for another name: DNS:builders\.internal/],
    [
      'no certificate of the client',
      { 'builder-cert': '', 'builder-key': '' },
      /`builder-cert`, `builder-key` is empty/,
    ],
    [
      'no TLS',
      { 'builder-ca': '', 'builder-cert': '', 'builder-key': '', 'driver-opts': '' },
      /does not accept a connection without TLS/,
    ],
  ])('%s: the cause is named', async (_, more, message) => {
    const started = performance.now();
    const ran = await publish({ ...inputs, ...more });
    expect(ran.exitCode).toBe(1);
    expect(ran.log).toMatch(message);
    expect(performance.now() - started).toBeLessThan(6000);
    expect(writes(await registry.requests())).toEqual([]);
  });

  it('the certificate of somebody else is refused', async () => {
    const other = stack.use(await createAuthority());
    const stranger = await other.issue('DNS:client');
    const ran = await publish({ ...inputs, 'builder-cert': stranger.cert, 'builder-key': stranger.key });
    const { errors, steps } = JSON.parse(ran.outputs.json ?? '{}');
    expect(errors, ran.log).toMatchObject([
      { code: 'BUILDER_UNREACHABLE', message: expect.stringMatching(/`builder-cert`/) },
    ]);
    const took = steps.find((step: { readonly name: string }) => step.name === 'Build');
    expect(took.milliseconds).toBeLessThan(3000);
  });
});

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const end = (does: boolean) => {
      socket.destroy();
      resolve(does);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}
