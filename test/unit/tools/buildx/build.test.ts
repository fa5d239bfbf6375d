import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BuildRequest } from '../../../../src/domain/build-request.ts';
import { ActionErrors } from '../../../../src/errors/action-error.ts';
import { build } from '../../../../src/tools/buildx/build.ts';
import { EMPTY_REQUEST, EVENT } from '../../../support/build.ts';
import { type DockerAnswers, FAKE_DIGEST, fakeDocker } from '../../../support/fake-docker.ts';
import { createTestRuntime, holdsText, type TestRuntime } from '../../../support/runtime.ts';

let home: TestRuntime;
let runtime: TestRuntime;
beforeEach(async () => {
  home = await createTestRuntime();
});
afterEach(async () => {
  await runtime?.dispose();
  await home.dispose();
});

interface Case {
  readonly request?: Partial<BuildRequest>;
  readonly answers?: DockerAnswers;
  readonly env?: Readonly<Record<string, string>>;
  readonly buildx?: string;
  readonly dockerfile?: string;
  readonly githubToken?: string;
}

async function run({ request, answers, env, buildx = 'v0.37.2', dockerfile = 'Dockerfile', githubToken }: Case = {}) {
  const docker = await fakeDocker(join(home.temp, 'bin'), answers);
  runtime = await createTestRuntime({ env: { PATH: docker.path, ...env } });
  await writeFile(join(runtime.workspace, dockerfile), 'FROM scratch\n');
  const result = build(runtime, {
    request: { ...EMPTY_REQUEST, ...request },
    event: EVENT,
    docker: { docker: '28.5.2', buildx },
    builder: 'b',
    environment: { DOCKER_CONFIG: '/private/docker' },
    githubToken,
  });
  // Whoever awaits it sees the failure; until then it must not end the test.
  result.catch(() => undefined);
  return { result, docker };
}

const BUILT = `for each in "$@"; do case $each in *metadata.json) echo '{"containerimage.digest":"${FAKE_DIGEST}"}' >"$each" ;; esac; done`;
const LOCKED =
  'ERROR: (*service).Write failed: rpc error: code = Unavailable desc = ref layer-sha256:78ba locked for 1.46ms (since 2026-11-21 05:31:39.09 +0000 UTC m=+0.85): unavailable';

test('the result is a fresh folder and the digest that buildx reported', async () => {
  const { result, docker } = await run();
  const built = await result;
  expect(built).toMatchObject({ digest: FAKE_DIGEST, metadata: { 'containerimage.digest': FAKE_DIGEST } });
  expect(built.directory.startsWith(runtime.temp)).toBe(true);
  const [call] = await docker.calls();
  expect(call?.args).toContain(`type=oci,tar=false,dest=${built.directory}`);
  expect(call?.args).toContain(`--provenance=mode=max,builder-id=${EVENT.runUrl}`);
});

test('the output comes line by line, and a wait for a locked layer is not shown as an error', async () => {
  const { result } = await run({
    answers: { 'buildx-build': `${BUILT}\necho '#1 [internal] load' >&2\necho '${LOCKED}' >&2\necho '#1 DONE' >&2` },
  });
  await result;
  expect(runtime.recorded.lines).toEqual(['#1 [internal] load', '#1 DONE', `Built ${FAKE_DIGEST}.`]);
  expect(runtime.recorded.debug).toEqual([LOCKED]);
});

test.each([
  'ERROR: failed to build: failed to solve: ref layer-sha256:78ba locked for 3s',
  'ERROR: (*service).Write failed: rpc error: code = Unavailable desc = transport is closing',
  'ERROR: (*service).Write failed: rpc error: code = Internal desc = no space left on device',
])('another error is shown: %s', async (line) => {
  const { result } = await run({ answers: { 'buildx-build': `echo '${line}' >&2; exit 1` } });
  await expect(result).rejects.toThrow();
  expect(runtime.recorded.lines).toContain(line);
});

test('what a build prints is no command for the runner', async () => {
  const { result } = await run({
    answers: { 'buildx-build': `${BUILT}\necho '::set-output name=x::y' >&2\necho ' ##[add-mask]x' >&2` },
  });
  await result;
  expect(runtime.recorded.lines.slice(0, 2)).toEqual(['| ::set-output name=x::y', '|  ##[add-mask]x']);
});

describe('success is exactly exit code 0', () => {
  test.each([
    ['a failure that says nothing', 'exit 1', 'BUILD_FAILED', /exit code 1/],
    ['the end by a signal', 'kill -9 $$', 'BUILD_FAILED', /was ended by SIGKILL/],
    ['no metadata', 'exit 0', 'BUILD_FAILED', /metadata/],
    ['metadata without a digest', BUILT.replace(/\{.*\}/, '{}'), 'BUILD_FAILED', /no digest/],
    ['a full disk', 'echo "ERROR: failed to solve: no space left on device" >&2; exit 1', 'BUILD_NO_SPACE', /no space/],
    [
      'a base image that is limited',
      'echo "ERROR: failed to solve: 429 Too Many Requests" >&2; exit 1',
      'TOO_MANY_REQUESTS',
      /429/,
    ],
  ])('%s', async (_name, code, expected, message) => {
    const { result } = await run({ answers: { 'buildx-build': code } });
    await expect(result).rejects.toMatchObject({ code: expected, message: expect.stringMatching(message) });
  });

  test('a failure is shown at the line of the Dockerfile that buildx names', async () => {
    const lines = ['Docker.app:7', '-'.repeat(20), 'ERROR: failed to build: no'];
    const code = `${lines.map((line) => `echo '${line}' >&2`).join('; ')}; exit 1`;
    const request = { file: 'Docker.app' };
    const { result } = await run({ request, answers: { 'buildx-build': code }, dockerfile: 'Docker.app' });
    await expect(result).rejects.toMatchObject({ facts: { file: 'Docker.app', line: 7 } });
  });

  test('words on stderr do not fail a build', async () => {
    const { result } = await run({ answers: { 'buildx-build': `${BUILT}\necho 'ERROR: only words' >&2` } });
    expect((await result).digest).toBe(FAKE_DIGEST);
  });
});

describe('P8: secrets', () => {
  const request: Partial<BuildRequest> = {
    secrets: [{ name: 'npm-token', value: 'canary-value\ncanary-second-line' }],
    secretEnvs: [{ name: 'from-env', value: 'MY_SECRET' }],
    secretFiles: [{ name: 'from-file', value: 'netrc' }],
  };
  const env = { MY_SECRET: 'canary-env', OTHER_SECRET: 'canary-other' };

  async function runWithFile(answers?: DockerAnswers) {
    const docker = await fakeDocker(join(home.temp, 'bin'), answers);
    runtime = await createTestRuntime({ env: { PATH: docker.path, ...env } });
    await writeFile(join(runtime.workspace, 'Dockerfile'), '');
    await writeFile(join(runtime.workspace, 'netrc'), 'machine x password canary-file');
    const plan = {
      request: { ...EMPTY_REQUEST, ...request },
      event: EVENT,
      docker: { docker: '', buildx: '' },
      builder: 'b',
      environment: {},
    };
    return { docker, result: build(runtime, plan) };
  }

  test('values are in files of this user alone while the build runs, and gone after it', async () => {
    const probe = `for each in "$@"; do case $each in id=npm-token,src=*) file=\${each#*src=}; stat -c '%a' "$file"; cat "$file" >"$(dirname "$0")/seen" ;; esac; done\n${BUILT}`;
    const { docker, result } = await runWithFile({ 'buildx-build': probe });
    await result;
    expect(runtime.recorded.lines[0]).toBe('600');
    expect(await readFile(join(home.temp, 'bin/seen'), 'utf8')).toBe('canary-value\ncanary-second-line');
    expect(await holdsText(runtime.temp, 'canary')).toBe(false);
    const [call] = await docker.calls();
    expect(call?.args.join(' ')).not.toContain('canary');
    expect(call?.args).toContain('id=from-env,env=MY_SECRET');
    expect(call?.args).toContain(`id=from-file,src=${join(runtime.workspace, 'netrc')}`);
    expect(call?.env).toContain('MY_SECRET');
    expect(call?.env).not.toContain('OTHER_SECRET');
    expect(runtime.recorded.masks).toEqual(expect.arrayContaining(['canary-env', 'canary-value\ncanary-second-line']));
  });

  test('a build that prints them shows stars, in the log and in the error, and leaves none behind', async () => {
    const code = `echo "#5 0.1 canary-value canary-second-line $MY_SECRET machine x password canary-file" >&2; echo "ERROR: canary-value" >&2; exit 1`;
    const { result } = await runWithFile({ 'buildx-build': code });
    const error: unknown = await result.catch((thrown: unknown) => thrown);
    expect(String(error)).toContain('***');
    expect(String(error)).not.toContain('canary');
    expect(runtime.recorded.lines.join('\n')).not.toContain('canary');
    expect(await holdsText(runtime.temp, 'canary')).toBe(false);
  });

  test('a cancelled build is stopped, and its secrets are gone', async () => {
    const { result } = await runWithFile({ 'buildx-build': 'echo started >&2; exec sleep 20' });
    const failed = expect(result).rejects.toMatchObject({ code: 'CANCELLED' });
    while (!runtime.recorded.lines.includes('started')) await new Promise((resolve) => setTimeout(resolve, 10));
    const began = Date.now();
    runtime.cancel();
    await failed;
    expect(Date.now() - began).toBeLessThan(5000);
    expect(await holdsText(runtime.temp, 'canary')).toBe(false);
  });

  test('all that is missing is said at once, without a value, and nothing is built', async () => {
    const { result, docker } = await run({
      request: {
        secrets: [{ name: 'a,b', value: 'canary' }],
        secretEnvs: [{ name: 'x', value: 'NOT_SET' }],
        secretFiles: [{ name: 'y', value: 'no/such/file' }],
      },
    });
    const error: unknown = await result.catch((thrown: unknown) => thrown);
    const errors = error instanceof ActionErrors ? error.errors : [];
    expect(errors.map(({ code, facts }) => `${code} ${facts.input}`)).toEqual([
      'INPUT_INVALID secrets',
      'INPUT_INVALID secret-envs',
      'INPUT_INVALID secret-files',
    ]);
    expect(String(error)).not.toContain('canary');
    expect(await docker.calls()).toEqual([]);
  });

  test.each<[string, Partial<BuildRequest>, boolean]>([
    ['a git context of the same server', { context: '{{defaultContext}}' }, true],
    [
      'a git build context of the same server',
      { buildContexts: [{ name: 'x', value: 'https://github.com/a/b.git' }] },
      true,
    ],
    ['a folder', {}, false],
    ['a git context of another server', { context: 'https://evil.example/org/app.git' }, false],
    [
      'a token of the user’s own',
      { context: '{{defaultContext}}', secrets: [{ name: 'GIT_AUTH_TOKEN', value: 'own-token' }] },
      false,
    ],
  ])('the token of the job goes to %s: %s', async (_name, request, expected) => {
    const { result, docker } = await run({ request, githubToken: 'canary-token' });
    await result;
    const [call] = await docker.calls();
    expect(call?.args.some((arg) => arg.startsWith('id=GIT_AUTH_TOKEN.github.com,src='))).toBe(expected);
    expect(call?.args.join(' ')).not.toContain('canary');
  });
});

describe('what the child is given', () => {
  const env = {
    ACTIONS_RUNTIME_TOKEN: 't',
    ACTIONS_RESULTS_URL: 'u',
    AWS_SECRET_ACCESS_KEY: 'k',
    FROM_ENV: 'v',
    GITHUB_TOKEN: 'g',
  };

  test.each<[string, Partial<BuildRequest>, string[]]>([
    ['an ordinary build', {}, []],
    ['a cache of type=gha', { cacheFrom: ['type=gha'] }, ['ACTIONS_RESULTS_URL', 'ACTIONS_RUNTIME_TOKEN']],
    ['a cache of type=s3', { cacheTo: ['type=s3,bucket=b'] }, ['AWS_SECRET_ACCESS_KEY']],
    ['a build argument from the environment', { buildArgs: ['FROM_ENV', 'OTHER=1'] }, ['FROM_ENV']],
  ])('%s', async (_name, request, expected) => {
    const { result, docker } = await run({ request, env });
    await result;
    const given = (await docker.calls())[0]?.env ?? [];
    expect(given.filter((name) => Object.keys(env).includes(name)).sort()).toEqual(expected);
    expect(given).toContain('DOCKER_CONFIG');
  });
});

test('P8: credentials of a cache are variables of the child, and on no command line', async () => {
  const request = {
    cacheFrom: ['type=s3,region=eu,bucket=b,access_key_id=CANARYID,"secret_access_key=canary,two"'],
    cacheTo: ['type=gha,mode=max,token=canary-three', 'ghcr.io/org/app:cache'],
  };
  const { result, docker } = await run({ request, env: { AWS_SESSION_TOKEN: 'of another identity' } });
  await result;
  const [call] = await docker.calls();
  expect(call?.args.join(' ')).not.toMatch(/canary/i);
  expect(call?.args).toEqual(
    expect.arrayContaining(['type=s3,region=eu,bucket=b', 'type=gha,mode=max', 'ghcr.io/org/app:cache']),
  );
  expect(call?.env).toEqual(
    expect.arrayContaining(['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'ACTIONS_RUNTIME_TOKEN']),
  );
});

describe('what is said before the build starts', () => {
  test.each<[string, Case, string, RegExp]>([
    ['a buildx that is too old', { buildx: 'v0.9.1' }, 'BUILDX_TOO_OLD', /buildx is v0\.9\.1.*needs 0\.10\.0/],
    [
      'a buildx too old for an input',
      { buildx: 'v0.11.2', request: { annotations: ['a=b'] } },
      'BUILDX_TOO_OLD',
      /`annotations` needs 0\.12\.0/,
    ],
    [
      'a context that is not there',
      { request: { context: 'no/such' } },
      'INPUT_INVALID',
      /`context`: the folder .* does not exist/,
    ],
    ['no Dockerfile', { dockerfile: 'other' }, 'INPUT_INVALID', /Dockerfile does not exist/],
    [
      'a file that is not there',
      { request: { file: 'docker/Dockerfile' } },
      'INPUT_INVALID',
      /`file`: .* does not exist/,
    ],
    ['standard input as context', { request: { context: '-' } }, 'INPUT_INVALID', /`context`/],
  ])('%s', async (_name, asked, code, message) => {
    const { result, docker } = await run(asked);
    await expect(result).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    expect(await docker.calls()).toEqual([]);
  });

  test('build arguments that look like secrets are a warning that shows no value', async () => {
    const { result } = await run({ request: { buildArgs: ['NPM_TOKEN=canary', 'A=1'] } });
    await result;
    expect(runtime.recorded.warnings.map(({ message }) => message)).toEqual([
      expect.stringMatching(/NPM_TOKEN\. .*`secrets`/),
    ]);
    expect(runtime.recorded.lines.join('\n')).not.toContain('canary');
  });
});

test('the folders of a build are of this user alone', async () => {
  const { result } = await run();
  await result;
  for (const name of await readdir(runtime.temp)) {
    expect((await stat(join(runtime.temp, name))).mode & 0o77).toBe(0);
  }
});
