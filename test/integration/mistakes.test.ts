import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MAX_STEPS } from '../../src/errors/remedy.ts';
import { fakeDocker } from '../support/fake-docker.ts';
import { bannedPhrases, foreignWords } from '../support/plain-english.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { createSetting, type Setting } from './setting.ts';

let setting: Setting;
let open: TestRegistry;
let guarded: TestRegistry;
let readOnly: TestRegistry;
let docker: string;
beforeAll(async () => {
  setting = await createSetting();
  const { directory } = setting.repository;
  await setting.image();
  await mkdir(join(directory, 'app'), { recursive: true });
  await writeFile(join(directory, 'app/Dockerfile'), 'FROM scratch AS base\nFROM base AS final\n');
  await writeFile(
    join(directory, 'expired.yaml'),
    'ignores:\n  - id: CVE-2019-10744\n    reason: x\n    expires: never\n',
  );
  await writeFile(join(directory, 'noreason.yaml'), 'ignores:\n  - id: CVE-2019-10744\n    expires: 2099-01-01\n');
  await writeFile(join(directory, 'vex.json'), '{}');
  await writeFile(join(directory, 'not-a-ca.pem'), 'nothing');
  open = await startRegistry();
  await open.putLayout('org/app', 'main', join(directory, 'image'));
  guarded = await startRegistry({ auth: { basic: { username: 'ci', password: 'right' } } });
  readOnly = await startRegistry({ auth: { bearer: { username: 'ci', password: 'right', grant: ['pull'] } } });
  docker = (await fakeDocker(join(directory, '../docker-of-mistakes'))).path;
});
afterAll(async () => {
  await Promise.all([open, guarded, readOnly].map((registry) => registry.close()));
  await setting[Symbol.asyncDispose]();
});

interface Mistake {
  readonly what: string;
  readonly inputs: () => Readonly<Record<string, string>>;
  readonly code: string;
  /** What the text has to name: the input or the object, and the cause. */
  readonly names: readonly (string | RegExp)[];
  /** The kind of registry that advice may be about; default: none in particular. */
  readonly vendor?: string;
  readonly event?: () => Promise<Awaited<ReturnType<Setting['push']>>>;
}

const image = (registry: TestRegistry) => `${registry.host}/org/app`;
const login = (registry: TestRegistry, password = 'right') => ({ registry: registry.host, username: 'ci', password });
const build = (inputs: Readonly<Record<string, string>>) => () => ({ source: '', images: image(open), ...inputs });
const input = (name: string, value: string, ...names: readonly (string | RegExp)[]): Mistake => ({
  what: `${name}: ${value.replaceAll('\n', ' / ').slice(0, 60)}`,
  inputs: () => ({ images: image(open), [name]: value }),
  code: 'INPUT_INVALID',
  names: [name, ...names],
});
const promote = (
  what: string,
  code: string,
  inputs: Readonly<Record<string, string>>,
  ...names: readonly (string | RegExp)[]
): Mistake => ({
  what: `promote: ${what}`,
  inputs: () => ({
    command: 'promote',
    source: '',
    'db-repository': '',
    images: image(open),
    from: 'main',
    to: 'production',
    ...inputs,
  }),
  code,
  names,
});

const MISTAKES: readonly Mistake[] = [
  // Credentials and rights.
  {
    what: 'a wrong password',
    inputs: () => ({ images: image(guarded), ...login(guarded, 'wrong') }),
    code: 'UNAUTHORIZED',
    names: [/127\.0\.0\.1:\d+ answered 401/],
  },
  {
    what: 'no password at all',
    inputs: () => ({ images: image(guarded) }),
    code: 'CREDENTIALS_MISSING',
    names: ['no credentials were found', '`username`'],
  },
  {
    what: 'no right to push',
    inputs: () => ({ images: image(readOnly), ...login(readOnly) }),
    code: 'SCOPE_TOO_NARROW',
    names: ['org/app', 'push'],
  },
  {
    what: 'an empty secret as password',
    inputs: () => ({ images: image(guarded), registry: guarded.host, username: 'ci' }),
    code: 'INPUT_INVALID',
    names: ['`password`', 'secret'],
  },
  {
    what: 'a password without a user name',
    inputs: () => ({ images: image(guarded), registry: guarded.host, password: 'right' }),
    code: 'INPUT_INVALID',
    names: ['`username`'],
    vendor: 'ghcr',
  },
  {
    what: 'login without credentials',
    inputs: () => ({ command: 'login', source: '', 'db-repository': '', registry: guarded.host }),
    code: 'CREDENTIALS_MISSING',
    names: ['No credentials found', '127.0.0.1'],
  },
  {
    what: 'login with a wrong password',
    inputs: () => ({ command: 'login', source: '', 'db-repository': '', ...login(guarded, 'wrong') }),
    code: 'UNAUTHORIZED',
    names: ['127.0.0.1', '401'],
  },
  {
    what: 'login without a registry',
    inputs: () => ({ command: 'login', source: '', 'db-repository': '' }),
    code: 'INPUT_INVALID',
    names: ['`registry`'],
  },
  {
    what: 'registry-auth that is no YAML',
    inputs: () => ({ images: image(open), 'registry-auth': '- registry: [' }),
    code: 'INPUT_INVALID',
    names: ['registry-auth', 'line 1'],
  },
  {
    what: 'registry-auth beside username',
    inputs: () => ({ images: image(guarded), ...login(guarded), 'registry-auth': '- registry: ghcr.io' }),
    code: 'INPUT_INVALID',
    names: ['`registry-auth`'],
  },
  {
    what: 'half of a keyless login at Docker Hub',
    inputs: () => ({ images: 'docker.io/acme/app', 'dockerhub-connection-id': 'x' }),
    code: 'INPUT_INVALID',
    names: ['`dockerhub-organization`'],
    vendor: 'docker-hub',
  },
  {
    what: 'half of a keyless login at Azure',
    inputs: () => ({ images: 'acme.azurecr.io/app', 'azure-client-id': 'x' }),
    code: 'INPUT_INVALID',
    names: ['`azure-tenant-id`'],
    vendor: 'acr',
  },
  {
    what: 'a service account without a provider',
    inputs: () => ({ images: 'europe-docker.pkg.dev/p/r/app', 'service-account': 'a@b' }),
    code: 'INPUT_INVALID',
    names: ['`workload-identity-provider`'],
    vendor: 'artifact-registry',
  },
  {
    what: 'a host that does not answer',
    inputs: () => ({ images: '127.0.0.1:9/org/app' }),
    code: 'REGISTRY_UNREACHABLE',
    names: ['127.0.0.1:9'],
  },
  // Names.
  input('images', 'ghcr.io/org/app:1.0', 'tag'),
  input('images', 'https://ghcr.io/org/app', /https/),
  {
    what: 'no rule that applies',
    inputs: () => ({ images: image(open), tags: 'type=ref,event=tag' }),
    code: 'NO_TAGS',
    names: ['tags'],
  },
  // Inputs of other actions, slips and forms.
  input('outputs', 'type=tar', 'not an input of this action'),
  input('tag', '1.0', '`tags`'),
  input('platform', 'linux/amd64', '`platforms`'),
  input('push', 'maybe', 'true'),
  input('platforms', 'linux/x86', 'linux/'),
  input('severity', 'SEVERE', 'CRITICAL'),
  input('scan', 'yes', 'gate'),
  input('max-db-age', 'soon', '3d'),
  input('trivy-version', 'latest', 'version'),
  input('registry-type', 'habor', 'harbor'),
  input('registry-ca', 'not-a-ca.pem', 'PEM'),
  input('registry-ca', 'missing.pem', 'missing.pem'),
  input('create-repository', 'immutible=true', 'immutable'),
  input('role-to-assume', 'publish', 'ARN'),
  input('environment', 'production', '`command: promote`'),
  input('command', 'publsh', 'publish'),
  // The source and the gate.
  {
    what: 'a source that does not exist',
    inputs: () => ({ images: image(open), source: 'missing.tar' }),
    code: 'SOURCE_INVALID',
    names: ['missing.tar'],
  },
  {
    what: 'a platform that the source lacks',
    inputs: () => ({ images: image(open), platforms: 'linux/s390x' }),
    code: 'PLATFORM_MISSING',
    names: ['linux/s390x'],
  },
  {
    what: 'an ignore file that does not exist',
    inputs: () => ({ images: image(open), ignorefile: 'missing.yaml' }),
    code: 'IGNOREFILE_INVALID',
    names: ['missing.yaml'],
  },
  {
    what: 'an entry without a valid end',
    inputs: () => ({ images: image(open), ignorefile: 'expired.yaml' }),
    code: 'IGNOREFILE_INVALID',
    names: ['expires'],
  },
  {
    what: 'an entry without a reason',
    inputs: () => ({ images: image(open), ignorefile: 'noreason.yaml' }),
    code: 'IGNOREFILE_INVALID',
    names: ['reason'],
  },
  {
    what: 'a VEX document that is none',
    inputs: () => ({ images: image(open), vex: 'vex.json' }),
    code: 'VEX_INVALID',
    names: ['vex.json'],
  },
  // The build.
  {
    what: 'a context that does not exist',
    inputs: build({ context: 'missing' }),
    code: 'INPUT_INVALID',
    names: ['`context`', 'missing'],
  },
  {
    what: 'no Dockerfile where it is looked for',
    inputs: build({}),
    code: 'INPUT_INVALID',
    names: ['Dockerfile does not exist', '`file: app/Dockerfile`'],
  },
  {
    what: 'a Dockerfile relative to the context',
    inputs: build({ context: 'app', file: 'Dockerfile' }),
    code: 'INPUT_INVALID',
    names: ['Paths start at the workspace', '`file: app/Dockerfile`'],
  },
  {
    what: 'a stage that does not exist',
    inputs: build({ context: 'app', target: 'finl' }),
    code: 'INPUT_INVALID',
    names: ['`target`', '`final`'],
  },
  {
    what: 'a build context that does not exist',
    inputs: build({ context: 'app', 'build-contexts': 'docs=./missing' }),
    code: 'INPUT_INVALID',
    names: ['`build-contexts`', 'docs'],
  },
  {
    what: 'an index annotation without an index',
    inputs: build({ context: 'app', sbom: 'false', provenance: 'false', annotations: 'index:a=b' }),
    code: 'INPUT_INVALID',
    names: ['`annotations`', '`manifest:`'],
  },
  {
    what: 'build-args of several lines without quotes',
    inputs: build({ 'build-args': 'KEY=line one\nline two' }),
    code: 'INPUT_INVALID',
    names: ['build-args', 'double quotes'],
  },
  // Promotion.
  promote('a tag that does not exist', 'INPUT_INVALID', { from: 'missing' }, 'missing', '`from`'),
  promote(
    'a digest that does not exist',
    'INPUT_INVALID',
    { from: `sha256:${'0'.repeat(64)}` },
    'sha256:0000',
    '`from`',
  ),
  promote('no source', 'INPUT_INVALID', { from: '' }, '`from`'),
  promote('an unknown requirement', 'INPUT_INVALID', { require: 'sbim' }, 'require'),
  promote('force without a person', 'INPUT_INVALID', { force: 'true' }, 'force', 'workflow_dispatch'),
  promote('rollback with force', 'INPUT_INVALID', { rollback: 'true', force: 'true' }, '`force`'),
  promote('an input of publish', 'INPUT_INVALID', { context: 'app' }, 'context', '`command: publish`'),
];

test('there are at least 45 mistakes, each different', () => {
  expect(MISTAKES.length).toBeGreaterThanOrEqual(45);
  expect(new Set(MISTAKES.map(({ what }) => what)).size).toBe(MISTAKES.length);
});

describe('P10: a mistake is named with its cause and at most three steps', () => {
  test.concurrent.each(MISTAKES)('$what: $code', async ({ inputs, code, names, vendor }) => {
    const run = await setting.publish(inputs(), { env: { PATH: `${process.env.TEST_TRIVY_DIR}:${docker}` } });
    expect(run.exitCode, run.log).toBe(1);
    const { errors } = JSON.parse(run.outputs.json ?? '{}');
    expect(
      errors.map((each: { readonly code: string }) => each.code),
      run.log,
    ).toEqual([code]);
    const [error] = errors;
    const text = [error.title, error.message, ...error.remedy].join('\n');
    for (const name of names) expect(text).toMatch(typeof name === 'string' ? new RegExp(escaped(name)) : name);
    expect(error.remedy.length).toBeLessThanOrEqual(MAX_STEPS);
    expect(bannedPhrases(text.replaceAll(/`[^`]*`/g, '')), text).toEqual([]);
    expect(foreignWords([error.title, ...error.remedy].join('\n'), vendor), text).toEqual([]);
    // What is in the log is in the summary, with nothing lost to Markdown.
    expect(run.summary).toContain(code);
    expect(run.log).toContain(`What to do (${code}):`);
  });
});

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
