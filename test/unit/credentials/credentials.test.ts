import { chmod, mkdir, readFile, readlink, stat, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Credentials } from '../../../src/credentials/credential.ts';
import { createCredentials } from '../../../src/credentials/credentials.ts';
import { writePrivateDockerConfig } from '../../../src/credentials/docker-config.ts';
import { createTestRuntime, type TestRuntime } from '../../support/runtime.ts';

let base: TestRuntime;
let directory: string;
beforeEach(async () => {
  base = await createTestRuntime();
  // Beside the workspace: what is in it could have been written by the author of a pull request.
  directory = join(dirname(base.workspace), 'docker');
  await mkdir(directory);
});
afterEach(() => base.dispose());

const basic = (text: string) => Buffer.from(text).toString('base64');

async function withConfig(config: unknown, env: Record<string, string> = {}) {
  await writeFile(join(directory, 'config.json'), JSON.stringify(config));
  return { ...base, env: { ...base.env, DOCKER_CONFIG: directory, ...env } };
}

async function helper(name: string, script: string) {
  const bin = join(base.workspace, 'bin');
  await mkdir(bin, { recursive: true });
  const file = join(bin, `docker-credential-${name}`);
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
  return { PATH: `${bin}${delimiter}${process.env.PATH}` };
}

const login = { host: 'ghcr.io', username: 'me', password: 'given' };
const github = { actor: 'octocat', token: 'ghs_job' };

test('what is given to the step comes before what docker has', async () => {
  const runtime = await withConfig({ auths: { 'ghcr.io': { auth: basic('old:stale') } } });
  expect(await createCredentials(runtime, { logins: [login], github })('ghcr.io')).toMatchObject({
    username: 'me',
    password: 'given',
  });
});

test('what docker has comes before the token of the job', async () => {
  const runtime = await withConfig({ auths: { 'ghcr.io': { auth: basic('old:pass:with:colons') } } });
  expect(await createCredentials(runtime, { logins: [], github })('ghcr.io')).toMatchObject({
    username: 'old',
    password: 'pass:with:colons',
  });
});

test('where they come from is told once, also when there are none, and they themselves never', async () => {
  const find = createCredentials(await withConfig({}), { logins: [login] });
  for (const host of ['ghcr.io', 'docker.io', 'ghcr.io', 'docker.io']) await find(host);
  expect(base.recorded.lines.filter((line) => line.includes('redentials for'))).toEqual([
    expect.stringContaining('Credentials for ghcr.io: inputs of this step.'),
    expect.stringContaining('No credentials for docker.io, using anonymous access.'),
  ]);
  expect(base.recorded.lines.join()).not.toContain(login.password);
});

test('the token of the job is for ghcr.io and for no other host', async () => {
  const find = createCredentials(await withConfig({}), { logins: [], github });
  expect(await find('ghcr.io')).toMatchObject({ username: 'octocat', password: 'ghs_job' });
  for (const host of ['ghcr.io.evil.example', 'evil.example', 'xghcr.io', 'docker.io'])
    expect(await find(host)).toBeUndefined();
});

test('Docker Hub’s credentials are found under the name that docker login gives them', async () => {
  const runtime = await withConfig({ auths: { 'https://index.docker.io/v1/': { auth: basic('hub:pat') } } });
  expect(await createCredentials(runtime, { logins: [] })('docker.io')).toMatchObject({
    username: 'hub',
    password: 'pat',
  });
});

test('an identity token is not a password', async () => {
  const runtime = await withConfig({
    auths: { 'app.azurecr.io': { auth: basic('00000000-0000-0000-0000-000000000000:'), identitytoken: 'refresh' } },
  });
  expect(await createCredentials(runtime, { logins: [] })('app.azurecr.io')).toMatchObject({
    kind: 'identity-token',
    token: 'refresh',
  });
});

test('a credential helper is asked by standard input, and its secret is masked', async () => {
  const env = await helper(
    'vault',
    'test "$1" = get || exit 1; test "$(cat)" = r.example:5000 || exit 1; echo \'{"Username":"u","Secret":"s3cret"}\'',
  );
  const runtime = await withConfig({ credHelpers: { 'r.example:5000': 'vault' } }, env);
  expect(await createCredentials(runtime, { logins: [] })('r.example:5000')).toMatchObject({
    username: 'u',
    password: 's3cret',
  });
  expect(base.recorded.masks).toContain('s3cret');
  expect(JSON.stringify(base.recorded.commands.map(({ args }) => args))).not.toContain('s3cret');
});

test('a helper that has nothing is no error; one that breaks is', async () => {
  const nothing = await helper('none', 'echo "credentials not found in native keychain"; exit 1');
  expect(
    await createCredentials(await withConfig({ credsStore: 'none' }, nothing), { logins: [] })('r.example'),
  ).toBeUndefined();
  const broken = await helper('broken', 'echo "vault is sealed" >&2; exit 1');
  await expect(
    createCredentials(await withConfig({ credsStore: 'broken' }, broken), { logins: [] })('r.example'),
  ).rejects.toThrow(/vault is sealed/);
});

test('a helper whose words only resemble that is broken, and nobody is asked without a login in its place', async () => {
  for (const words of ['gcloud: command not found', 'credential file /home/me/key.json not found']) {
    const broken = await helper('resembles', `echo "${words}" >&2; exit 127`);
    await expect(
      createCredentials(await withConfig({ credsStore: 'resembles' }, broken), { logins: [] })('r.example'),
      words,
    ).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
  }
});

test('an entry with an empty helper is read from the file, as docker does, whatever the store may hold', async () => {
  const store = await helper('old', 'echo \'{"Username":"old","Secret":"stale"}\'');
  const config = {
    auths: { 'r.example': { auth: basic('me:filed') } },
    credHelpers: { 'r.example': '' },
    credsStore: 'old',
  };
  const runtime = await withConfig(config, store);
  expect(await createCredentials(runtime, { logins: [] })('r.example')).toMatchObject({ password: 'filed' });
  expect(await createCredentials(runtime, { logins: [] })('other.example')).toMatchObject({ password: 'stale' });
  const { DOCKER_CONFIG = '' } = await writePrivateDockerConfig(runtime, []);
  expect(JSON.parse(await readFile(join(DOCKER_CONFIG, 'config.json'), 'utf8'))).toEqual(config);
});

test('docker also takes a user name and a password as they are; what else an entry holds is carried along', async () => {
  const auths = {
    'r.example': { username: 'me', password: 'as it is' },
    's.example': { auth: basic('bot:coded'), username: 'other', email: 'a@b.c' },
    't.example': { registrytoken: 'bearer' },
  };
  const runtime = await withConfig({ auths });
  const find = createCredentials(runtime, { logins: [] });
  expect(await find('r.example')).toMatchObject({ username: 'me', password: 'as it is' });
  expect(await find('s.example')).toMatchObject({ username: 'bot', password: 'coded' });
  expect(await find('t.example')).toBeUndefined();
  const { DOCKER_CONFIG = '' } = await writePrivateDockerConfig(runtime, []);
  expect(JSON.parse(await readFile(join(DOCKER_CONFIG, 'config.json'), 'utf8'))).toEqual({ auths });
});

test('an address of former years is of its host alone', async () => {
  for (const key of [
    'https://r.example/',
    'http://r.example',
    'https://r.example/v2',
    'https://r.example/api/docker',
  ]) {
    const runtime = await withConfig({
      auths: { 'https://r.example.evil.example/': {}, [key]: { auth: basic('me:x') } },
    });
    const find = createCredentials(runtime, { logins: [] });
    expect(await find('r.example'), key).toMatchObject({ username: 'me' });
    for (const host of ['r.example:5000', 'evil.example', 'r.example.evil.example', 'example', 'docker.io'])
      expect(await find(host), host).toBeUndefined();
  }
  // What podman files for one namespace is not for all of the registry.
  const narrow = await withConfig({ auths: { 'r.example/team': { auth: basic('team:x') } } });
  expect(await createCredentials(narrow, { logins: [] })('r.example')).toBeUndefined();
});

test('the name of a helper cannot be a path', async () => {
  const runtime = await withConfig({ credsStore: '../../bin/sh' });
  await expect(createCredentials(runtime, { logins: [] })('r.example')).rejects.toMatchObject({
    code: 'INPUT_INVALID',
  });
});

test('the private configuration holds the given login on top of what was there, readable by this user alone', async () => {
  await mkdir(join(directory, 'cli-plugins'));
  const runtime = await withConfig({
    auths: { 'ghcr.io': { auth: basic('old:stale') }, 'other.example': { auth: basic('a:b') } },
    credsStore: 'desktop',
    proxies: { default: {} },
  });
  const env = await writePrivateDockerConfig(runtime, [login, { host: 'docker.io', username: 'hub', password: 'pat' }]);
  const file = join(env.DOCKER_CONFIG ?? '', 'config.json');
  expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({
    auths: {
      'ghcr.io': { auth: basic('me:given') },
      'other.example': { auth: basic('a:b') },
      'https://index.docker.io/v1/': { auth: basic('hub:pat') },
    },
    credHelpers: { 'ghcr.io': '', 'https://index.docker.io/v1/': '' },
    credsStore: 'desktop',
    proxies: { default: {} },
  });
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect((await stat(env.DOCKER_CONFIG ?? '')).mode & 0o777).toBe(0o700);
  expect(await readlink(join(env.DOCKER_CONFIG ?? '', 'cli-plugins'))).toBe(join(directory, 'cli-plugins'));
  expect(env.BUILDX_CONFIG).toBe(join(directory, 'buildx'));
  // The user's own file is as it was.
  expect(await readFile(join(directory, 'config.json'), 'utf8')).toContain(basic('old:stale'));
});

test('keyless comes after what is given and before what docker has; what lies around comes last', async () => {
  const runtime = await withConfig({ auths: { 'ghcr.io': { auth: basic('old:docker') } } });
  const from = (name: string) => async () =>
    ({ kind: 'password', username: name, password: name, from: name }) as const;
  const nobody = async () => undefined;
  const order = async (
    logins: readonly (typeof login)[],
    keyless: () => Promise<Credentials | undefined>,
    host: string,
  ) =>
    (await createCredentials(runtime, { logins, github }, () => ({ keyless, ambient: from('ambient') }))(host))?.from;
  expect(await order([login], from('keyless'), 'ghcr.io')).toBe('inputs of this step');
  expect(await order([], from('keyless'), 'ghcr.io')).toBe('keyless');
  expect(await order([], nobody, 'ghcr.io')).toBe("docker's config.json");
  expect(await order([], nobody, 'registry.example.com')).toBe('ambient');
});

test('credentials are asked for once, again before they end, and again when they are refused', async () => {
  let asked = 0;
  const keyless = async () => {
    asked++;
    const until = new Date(base.clock.now().getTime() + (asked === 1 ? 30_000 : 3_600_000));
    return { kind: 'password', username: 'AWS', password: `password ${asked}`, from: 'keyless', until } as const;
  };
  const credentials = createCredentials(base, { logins: [] }, () => ({ keyless, ambient: async () => undefined }));
  const password = async (refused?: { readonly secret: string }) => {
    const found = await credentials('registry.example.com', refused);
    return found?.kind === 'password' ? found.password : undefined;
  };
  expect(await password()).toBe('password 1');
  // Half a minute is less than a request may take.
  expect(await Promise.all([password(), password(), password()])).toEqual(['password 2', 'password 2', 'password 2']);
  expect(await password()).toBe('password 2');
  expect(await Promise.all([1, 2].map(() => password({ secret: 'password 2' })))).toEqual(['password 3', 'password 3']);
  // Somebody who comes late with what was refused long ago gets what there is.
  expect(await password({ secret: 'password 2' })).toBe('password 3');
  expect(asked).toBe(3);
});

test('a login that failed once is tried again', async () => {
  let asked = 0;
  const keyless = async () => {
    asked++;
    if (asked === 1) throw new Error('not today');
    return { kind: 'password', username: 'me', password: 'p', from: 'keyless' } as const;
  };
  const credentials = createCredentials(base, { logins: [] }, () => ({ keyless, ambient: async () => undefined }));
  await expect(credentials('registry.example.com')).rejects.toThrow('not today');
  expect(await credentials('registry.example.com')).toMatchObject({ password: 'p' });
});

test.each(['constructor', 'valueof', 'hasownproperty'])('a host that is called %s has no credentials', async (host) => {
  const runtime = await withConfig({ auths: {}, credHelpers: {} });
  expect(await createCredentials(runtime, { logins: [], github })(host)).toBeUndefined();
});
