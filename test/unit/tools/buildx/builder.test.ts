import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type BuilderWish, chooseBuilder } from '../../../../src/tools/buildx/builder.ts';
import { inspectDocker, isAtLeast, parseBuilder } from '../../../../src/tools/buildx/docker.ts';
import { dockerEnvironment } from '../../../../src/tools/buildx/docker-environment.ts';
import { type DockerAnswers, fakeDocker, inspectText } from '../../../support/fake-docker.ts';
import { createTestRuntime, type TestRuntime } from '../../../support/runtime.ts';

let runtime: TestRuntime | undefined;
afterEach(() => runtime?.dispose());

async function start(answers: DockerAnswers = {}, env: Readonly<Record<string, string>> = {}) {
  const home = await createTestRuntime();
  const docker = await fakeDocker(join(home.temp, 'bin'), answers);
  runtime = await createTestRuntime({ env: { PATH: docker.path, ...env } });
  const dispose = runtime.dispose;
  runtime = { ...runtime, dispose: () => dispose().then(home.dispose) };
  return { runtime, docker, env: dockerEnvironment(runtime.env) };
}

function wish(more: Partial<BuilderWish> = {}): BuilderWish & { readonly announced: string[] } {
  const announced: string[] = [];
  return {
    announced,
    platforms: ['linux/amd64'],
    driver: 'docker-container',
    endpoints: [],
    driverOptions: [],
    allow: [],
    announce: (name) => announced.push(name),
    ...more,
  };
}

const inspect = (facts: Parameters<typeof inspectText>[0]) => `cat <<'END'\n${inspectText(facts)}\nEND`;
/** One answer for the builder of the user, a healthy one for the builder that is made. */
const unlessMade = (code: string) =>
  `case "$*" in *registry-action-*) cat <<'END'\n${inspectText({ name: 'registry-action-made', driver: 'docker-container' })}\nEND\n;; *) ${code}\n;; esac`;

describe('docker, its daemon and buildx', () => {
  test('are found with their versions', async () => {
    const { runtime, env } = await start();
    expect(await inspectDocker(runtime, env)).toEqual({ docker: '28.5.2', buildx: 'v0.37.2' });
  });

  test('no docker on PATH', async () => {
    runtime = await createTestRuntime({ env: { PATH: '/nonexistent' } });
    await expect(inspectDocker(runtime, dockerEnvironment(runtime.env))).rejects.toMatchObject({
      code: 'DOCKER_MISSING',
      message: expect.stringContaining('/nonexistent'),
    });
  });

  test.each<[string, DockerAnswers, string, string]>([
    [
      'a daemon that is not there',
      { version: 'echo "Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?" >&2; exit 1' },
      'DAEMON_UNREACHABLE',
      'unix:///x',
    ],
    ['a daemon that says nothing', { version: 'echo null' }, 'DAEMON_UNREACHABLE', 'exit code 0'],
    [
      'no buildx',
      { 'buildx-version': 'echo "docker: unknown command: docker buildx" >&2; exit 1' },
      'BUILDX_MISSING',
      'unknown command',
    ],
    ['a buildx that crashes in silence', { 'buildx-version': 'kill -9 $$' }, 'BUILDX_MISSING', 'was ended by SIGKILL'],
  ])('%s', async (_name, answers, code, message) => {
    const { runtime, env } = await start(answers);
    await expect(inspectDocker(runtime, env)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  });

  test('what is written to stderr does not decide', async () => {
    const { runtime, env } = await start({ version: `echo 'WARNING: something' >&2; echo '"28.5.2"'` });
    expect((await inspectDocker(runtime, env)).docker).toBe('28.5.2');
  });

  test.each([
    ['v0.37.2', '0.12.0', true],
    ['0.29.1+ds1', '0.29.1', true],
    ['v0.9.1', '0.10.0', false],
    ['v0.11.0-rc1', '0.11.0', true],
    ['v0.0.0+unknown', '0.11.0', true],
    ['', '0.11.0', true],
    [undefined, '0.11.0', true],
  ])('%s is at least %s: %s', (found, wanted, expected) => {
    expect(isAtLeast(found, wanted)).toBe(expected);
  });
});

test('P8: docker is given no token of the job', () => {
  const env = dockerEnvironment({
    PATH: '/bin',
    DOCKER_HOST: 'unix:///x',
    BUILDX_CONFIG: '/b',
    BUILDKIT_PROGRESS: 'tty',
    SOURCE_DATE_EPOCH: '0',
    GITHUB_TOKEN: 'canary',
    ACTIONS_RUNTIME_TOKEN: 'canary',
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'canary',
    INPUT_PASSWORD: 'canary',
    AWS_SECRET_ACCESS_KEY: 'canary',
  });
  expect(Object.keys(env).sort()).toEqual([
    'BUILDKIT_PROGRESS',
    'BUILDX_CONFIG',
    'DOCKER_HOST',
    'PATH',
    'SOURCE_DATE_EPOCH',
  ]);
});

test('the text of `docker buildx inspect`, old and new', () => {
  expect(
    parseBuilder(inspectText({ name: 'b', driver: 'docker-container', nodes: 2, labels: ['a.b/c-d: x y'] })),
  ).toMatchObject({
    name: 'b',
    driver: 'docker-container',
    nodes: [
      { name: 'b0', status: 'running', buildkit: 'v0.33.1', platforms: ['linux/amd64', 'linux/amd64/v2', 'linux/386'] },
      { name: 'b1' },
    ],
  });
  const old =
    'Name:   default\nDriver: docker\n\nNodes:\nName:      default\nEndpoint:  default\nStatus:    running\nBuildkit:  23.0.1\nPlatforms: linux/amd64\n';
  expect(parseBuilder(old)).toEqual({
    name: 'default',
    driver: 'docker',
    nodes: [{ name: 'default', status: 'running', buildkit: '23.0.1', platforms: ['linux/amd64'], labels: {} }],
  });
  const away = 'Name:          far\nDriver:        \nError:         no route to host\n';
  expect(parseBuilder(away)).toMatchObject({ name: 'far', driver: '', nodes: [], error: 'no route to host' });
  expect(parseBuilder('')).toBeUndefined();
});

const SNAPSHOTTER = 'org.mobyproject.buildkit.worker.snapshotter: overlayfs';

describe('the builder', () => {
  test.each<[string, DockerAnswers]>([
    ['the current one of driver docker-container', {}],
    [
      'Docker’s own with the containerd store',
      { 'buildx-inspect': inspect({ name: 'current', driver: 'docker', labels: [SNAPSHOTTER] }) },
    ],
    [
      'Docker’s own of unknown version',
      {
        'buildx-inspect': inspect({
          name: 'current',
          driver: 'docker',
          labels: [SNAPSHOTTER],
          buildkit: 'v0.0.0+unknown',
        }),
      },
    ],
    ['a remote one of one node', { 'buildx-inspect': inspect({ name: 'current', driver: 'remote' }) }],
    ['one of several nodes', { 'buildx-inspect': inspect({ name: 'current', driver: 'docker-container', nodes: 3 }) }],
  ])('%s is used as it is', async (_name, answers) => {
    const { runtime, docker, env } = await start(answers);
    const asked = wish();
    const chosen = await chooseBuilder(runtime, env, asked);
    await chosen.dispose();
    expect(chosen).toMatchObject({ made: false, builder: { name: 'current' } });
    expect(asked.announced).toEqual([]);
    expect((await docker.calls()).map(({ args }) => args)).toEqual([['buildx', 'inspect']]);
  });

  test.each<[string, string, RegExp]>([
    [
      'Docker’s own without the containerd store',
      inspect({ name: 'default', driver: 'docker' }),
      /containerd image store/,
    ],
    [
      'one that is too old',
      inspect({ name: 'old', driver: 'docker-container', buildkit: 'v0.10.6' }),
      /BuildKit is v0\.10\.6/,
    ],
    ['one that cannot be reached', `printf 'Name: far\\nDriver: \\nError: no route to host\\n'`, /no route to host/],
    ['none at all', 'echo "ERROR: no builder found" >&2; exit 1', /no such builder/],
  ])('%s: one is made for the run, announced before, and removed', async (_name, code, reason) => {
    const { runtime, docker, env } = await start({ 'buildx-inspect': unlessMade(code) }, { GITHUB_RUN_ID: '42' });
    const asked = wish();
    const chosen = await chooseBuilder(runtime, env, asked);
    expect(chosen.made).toBe(true);
    expect(asked.announced).toEqual([expect.stringMatching(/^registry-action-42-[0-9a-f]{8}$/)]);
    expect(runtime.recorded.lines.join('\n')).toMatch(reason);
    await chosen.dispose();
    const calls = (await docker.calls()).map(({ args }) => args.join(' '));
    expect(calls).toContain(`buildx create --name ${asked.announced[0]} --driver docker-container`);
    expect(calls.at(-1)).toBe(`buildx rm --force ${asked.announced[0]}`);
  });

  test.each<[string, string, RegExp]>([
    ['no builder of that name', 'echo "ERROR: no builder \\"mine\\" found" >&2; exit 1', /"mine".*no such builder/],
    ['no containerd store', inspect({ name: 'mine', driver: 'docker' }), /containerd image store/],
  ])('one that is named and cannot do it is an error: %s', async (_name, code, message) => {
    for (const [env, name] of [
      [{}, 'mine'],
      [{ BUILDX_BUILDER: 'mine' }, undefined],
    ] as const) {
      const ready = await start({ 'buildx-inspect': code }, env);
      await expect(chooseBuilder(ready.runtime, ready.env, wish({ name }))).rejects.toMatchObject({
        code: 'BUILDER_UNSUITABLE',
        message: expect.stringMatching(message),
      });
      await ready.runtime.dispose();
    }
  });

  test('options, a configuration and entitlements make one, although the current one would do', async () => {
    const { runtime, docker, env } = await start();
    const asked = wish({ driverOptions: ['network=host', 'image=x'], config: '/c.toml', allow: ['security.insecure'] });
    await (await chooseBuilder(runtime, env, asked)).dispose();
    expect((await docker.calls())[0]?.args.slice(3)).toEqual([
      asked.announced[0],
      '--driver',
      'docker-container',
      '--driver-opt',
      'network=host',
      '--driver-opt',
      'image=x',
      '--buildkitd-config',
      '/c.toml',
      '--buildkitd-flags',
      '--allow-insecure-entitlement=network.host --allow-insecure-entitlement=security.insecure',
    ]);
  });

  test('one for each remote daemon, with its platforms and certificates', async () => {
    const { runtime, docker, env } = await start({
      'buildx-inspect': inspect({ name: 'registry-action-made', driver: 'remote', nodes: 2 }),
    });
    const asked = wish({
      driver: 'remote',
      endpoints: [
        { address: 'tcp://amd:1234', platforms: ['linux/amd64'] },
        { address: 'tcp://arm:1234', platforms: ['linux/arm64', 'linux/arm/v7'] },
      ],
      tls: { ca: '/t/ca.pem', cert: '/t/cert.pem', key: '/t/key.pem' },
      driverOptions: ['servername=builders'],
    });
    await (await chooseBuilder(runtime, env, asked)).dispose();
    const tls = '--driver-opt cacert=/t/ca.pem --driver-opt cert=/t/cert.pem --driver-opt key=/t/key.pem';
    const created = (await docker.calls()).map(({ args }) => args.join(' ')).slice(0, 2);
    const create = `buildx create --name ${asked.announced[0]} --driver remote`;
    expect(created).toEqual([
      `${create} --node node0 --platform linux/amd64 ${tls} --driver-opt servername=builders tcp://amd:1234`,
      `${create} --node node1 --append --platform linux/arm64,linux/arm/v7 ${tls} --driver-opt servername=builders tcp://arm:1234`,
    ]);
  });

  test('options of the Kubernetes driver are passed on, lists in them as one option', async () => {
    const { runtime, docker, env } = await start();
    const driverOptions = ['namespace=ci', 'nodeselector=kubernetes.io/arch=arm64,pool=ci', 'requests.cpu=2'];
    await (await chooseBuilder(runtime, env, wish({ driver: 'kubernetes', driverOptions }))).dispose();
    expect((await docker.calls())[0]?.args.slice(4)).toEqual([
      '--driver',
      'kubernetes',
      '--driver-opt',
      'namespace=ci',
      '--driver-opt',
      '"nodeselector=kubernetes.io/arch=arm64,pool=ci"',
      '--driver-opt',
      'requests.cpu=2',
    ]);
  });

  test('one that sleeps is woken up', async () => {
    const { runtime, docker, env } = await start({
      'buildx-inspect': `case "$*" in *--bootstrap*) touch "$HOME/awake" ;; *) if [ -e "$HOME/awake" ]; then ${inspect({ name: 'nap', driver: 'docker-container' })}
else ${inspect({ name: 'nap', driver: 'docker-container', status: 'inactive', buildkit: '' })}
fi ;; esac`,
    });
    await mkdir(join(runtime.temp, 'home'));
    const chosen = await chooseBuilder(runtime, { ...env, HOME: join(runtime.temp, 'home') }, wish());
    expect(chosen.builder.nodes[0]?.buildkit).toBe('v0.33.1');
    expect((await docker.calls()).map(({ args }) => args.join(' '))).toContain('buildx inspect --bootstrap nap');
  });

  test('pods that are not scheduled: namespace and selector are named', async () => {
    const { runtime, env } = await start({
      'buildx-inspect': `case "$*" in *--bootstrap*) echo 'ERROR: expected 1 replicas to be ready, got 0' >&2; exit 1 ;;
*) ${inspect({ name: 'made', driver: 'kubernetes', status: 'inactive' })}
;; esac`,
    });
    const driverOptions = ['namespace=ci', 'nodeselector=kubernetes.io/arch=arm64'];
    await expect(chooseBuilder(runtime, env, wish({ driver: 'kubernetes', driverOptions }))).rejects.toMatchObject({
      code: 'BUILDER_UNSUITABLE',
      message: expect.stringMatching(/namespace=ci; nodeselector=kubernetes\.io\/arch=arm64.*got 0/),
    });
  });

  test('one that does not start is removed, and its reason told', async () => {
    const { runtime, docker, env } = await start({
      'buildx-inspect': `case "$*" in *--bootstrap*) echo 'ERROR: toomanyrequests: You have reached your unauthenticated pull rate limit.' >&2; exit 1 ;;
*) ${inspect({ name: 'made', driver: 'docker-container', status: 'inactive' })}
;; esac`,
    });
    await expect(chooseBuilder(runtime, env, wish({ driverOptions: ['network=host'] }))).rejects.toMatchObject({
      code: 'PULL_LIMIT',
    });
    expect((await docker.calls()).at(-1)?.args.slice(0, 2)).toEqual(['buildx', 'rm']);
  });

  test('one that cannot be made', async () => {
    const { runtime, env } = await start({ 'buildx-create': 'echo "ERROR: invalid driver option" >&2; exit 1' });
    await expect(chooseBuilder(runtime, env, wish({ driverOptions: ['x=y'] }))).rejects.toMatchObject({
      code: 'BUILDER_UNSUITABLE',
      message: expect.stringContaining('invalid driver option'),
    });
  });

  test('after a cancellation no child is started: the post step knows the name', async () => {
    const { runtime, docker, env } = await start();
    const chosen = await chooseBuilder(runtime, env, wish({ driverOptions: ['a=b'] }));
    const before = (await docker.calls()).length;
    runtime.cancel();
    await chosen.dispose();
    expect(await docker.calls()).toHaveLength(before);
  });
});

test('a fake that is asked something unexpected fails', async () => {
  const { runtime, env } = await start();
  expect((await runtime.exec('docker', ['push', 'x'], { env })).exitCode).toBe(99);
});
