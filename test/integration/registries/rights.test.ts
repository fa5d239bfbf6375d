import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCloud } from '../../support/cloud.ts';
import { inRecordedWords } from '../../support/harbor-answers.ts';
import { startRegistry, type TestRegistry } from '../../support/registry.ts';
import { azureDouble } from '../../support/vendors/azure.ts';
import { giteaDouble } from '../../support/vendors/gitea.ts';
import { type HarborOptions, harborDouble } from '../../support/vendors/harbor.ts';
import { createSetting, type Setting } from '../setting.ts';

let setting: Setting;
beforeAll(async () => {
  setting = await createSetting();
  await setting.image();
});
afterAll(() => setting[Symbol.asyncDispose]());

const messages = (run: { readonly annotations: readonly { readonly message: string }[] }) =>
  run.annotations.map(({ message }) => message).join('\n');
const warnings = (run: { readonly annotations: readonly { readonly level: string; readonly message: string }[] }) =>
  // `scan: off` warns of itself.
  run.annotations.flatMap(({ level, message }) =>
    level === 'warning' && !/^`scan: off`/.test(message) ? message : [],
  );
const codes = (run: { readonly outputs: Readonly<Record<string, string>> }) =>
  JSON.parse(run.outputs.json ?? '{}').errors.map(({ code }: { code: string }) => code);

const recorded = new Set<string>();

describe.each([
  { words: 'its double', auth: ({ auth }: ReturnType<typeof harborDouble>) => auth },
  {
    words: 'a real server, as recorded',
    auth: (double: ReturnType<typeof harborDouble>) => inRecordedWords(double, recorded),
  },
])('Harbor, which answers 401 for a project that does not exist, in the words of $words', ({ words, auth }) => {
  const host = 'harbor.example.com';
  const image = `${host}/team/app`;
  const admin = { registry: host, username: 'admin', password: 'password-of-admin' };
  const robot = { registry: host, username: 'robot$ci', password: 'password-of-ci' };

  async function publish(
    harbor: Partial<HarborOptions>,
    inputs: Readonly<Record<string, string>>,
    more: { readonly before?: (registry: TestRegistry) => void } = {},
  ) {
    const users = { admin: 'password-of-admin', robot$ci: 'password-of-ci' };
    const rights = { robot$ci: ['pull', 'push'] as const, ...harbor.rights };
    const double = harborDouble({ host, users, ...harbor, rights });
    const registry = await startRegistry({ auth: auth(double), origin: `https://${host}` });
    more.before?.(registry);
    await using cloud = await startCloud({
      [host]: { host: registry.host, ...(double.hosts[host] === undefined ? {} : { api: double.hosts[host] }) },
    });
    const run = await setting.publish(
      { images: image, scan: 'off', 'db-repository': '', 'registry-type': 'harbor', ...inputs },
      { event: await setting.push(), env: cloud.env },
    );
    const sent = cloud.requests.map(({ method, url }) => `${method} ${url.pathname}`);
    await registry.close();
    return { run, registry, state: double.state, sent };
  }

  test('it is created when that is asked for, and a new token is taken afterwards', async () => {
    const { run, registry, state } = await publish({}, { ...admin, 'create-repository': 'true' });
    expect(run.exitCode, run.log).toBe(0);
    expect(state.projects.has('team')).toBe(true);
    expect(Object.keys(registry.tags('team/app'))).toContain('main');
    expect(warnings(run)).toEqual([]);
  });

  test('a dry run shows that it would be created, and creates nothing', async () => {
    const { run, state } = await publish({}, { ...admin, 'create-repository': 'true', 'dry-run': 'true' });
    expect(run.exitCode, run.log).toBe(0);
    expect(run.log).toContain(`create   ${image}: the repository does not exist yet.`);
    expect(state.projects.size).toBe(0);
  });

  test('without being asked for it is an error of the name, and not of the credentials', async () => {
    const { run } = await publish({}, admin);
    expect(codes(run)).toEqual(['REPOSITORY_UNKNOWN']);
    expect(messages(run)).toContain('Check the project in the name: `team`');
  });

  test('a project that exists is not asked for at the API: wrong credentials stay what they are', async () => {
    const { run } = await publish({ projects: { team: {} } }, { ...admin, password: 'wrong' });
    expect(codes(run)).toEqual(['UNAUTHORIZED']);
    expect(messages(run)).not.toMatch(/create-repository/);
  });

  test('a robot account with push and pull publishes without a warning, and without a look at its project', async () => {
    const { run, sent } = await publish({ projects: { team: {} } }, robot);
    expect(run.exitCode, run.log).toBe(0);
    expect(warnings(run)).toEqual([]);
    expect(sent.filter((each) => each.startsWith('HEAD'))).toEqual([]);
  });

  test('a robot account that may only pull lacks a right, and is told which before the build', async () => {
    const { run, registry } = await publish({ projects: { team: {} }, rights: { robot$ci: ['pull'] } }, robot);
    expect(codes(run)).toEqual(['SCOPE_TOO_NARROW']);
    expect(messages(run)).toContain('Grant push and pull in the project `team`');
    expect(registry.writes()).toEqual([]);
  });

  // A missing right is known from the token: nothing is sent that would be refused.
  test('what was replayed', () => {
    const met = words === 'its double' ? [] : ['challenge', 'manifest in a missing project'];
    expect([...recorded].toSorted()).toEqual(met);
  });
});

describe('Gitea, whose tokens are opaque, and which refuses the first write only', () => {
  const host = 'git.example.com';
  const publish = async (may: 'read' | 'write', inputs: Readonly<Record<string, string>> = {}, owners = ['org']) => {
    const users = { ci: { password: 'password-of-ci', may } };
    const { auth } = giteaDouble({ users, owners, origin: () => `https://${host}` });
    const registry = await startRegistry({ auth, origin: `https://${host}` });
    await using cloud = await startCloud({ [host]: registry });
    const run = await setting.publish(
      { images: `${host}/org/app`, registry: host, username: 'ci', password: 'password-of-ci', ...inputs },
      { event: await setting.push(), env: cloud.env },
    );
    await registry.close();
    return { run, registry };
  };

  test('a missing right to push is told before anything is scanned, and not as wrong credentials', async () => {
    const { run, registry } = await publish('read');
    expect(codes(run)).toEqual(['DENIED']);
    expect(messages(run)).toContain('reqPackageAccess');
    expect(messages(run)).toContain(`permission to push to \`org/app\` at ${host}`);
    expect(run.log).not.toMatch(/Trivy 0\./);
    expect(registry.writes().filter(({ bytes }) => bytes > 0)).toEqual([]);
  });

  test('an owner that does not exist is told before the build, also where a repository may be created', async () => {
    for (const inputs of [{}, { 'create-repository': 'true' }]) {
      const { run } = await publish('write', inputs, []);
      expect(codes(run)).toEqual(['REPOSITORY_UNKNOWN']);
      expect(messages(run)).toContain('user, organization or project must exist');
    }
  });

  test('the upload that was begun to find out is cancelled, and a dry run begins none', async () => {
    const { run, registry } = await publish('write', { 'create-repository': 'true' });
    expect(run.exitCode, run.log).toBe(0);
    expect(registry.openUploads()).toBe(0);
    const dry = await publish('read', { 'dry-run': 'true' });
    expect(dry.run.exitCode, dry.run.log).toBe(0);
    expect(dry.registry.log.filter(({ method }) => method !== 'GET' && method !== 'HEAD')).toEqual([]);
  });

  test('settings of a new repository that a registry without them cannot have are an error', async () => {
    const { run } = await publish('write', { 'create-repository': 'immutable=true' });
    expect(codes(run)).toEqual(['CAPABILITY_MISSING']);
  });
});

describe('Azure: a token with content/read and content/write is enough', () => {
  test.each([[['pull', 'push']], [['pull', 'push', 'delete']]] as const)('scope map %j', async (map) => {
    const host = 'acme.azurecr.io';
    const options = { now: () => new Date(), host, tenant: 'x', client: 'x', subject: 'x' };
    const double = azureDouble({
      ...options,
      users: { ci: 'password-of-ci' },
      scopeMaps: { ci: map },
      repositories: { 'org/app': { images: [] } },
    });
    await using registry = await startRegistry({
      auth: {
        accepts: (header) => double.state.issued.some((token) => header === `Bearer ${token}`),
        challenge: `Bearer realm="https://${host}/oauth2/token",service="${host}"`,
      },
      origin: `https://${host}`,
    });
    const api = double.hosts[host];
    await using cloud = await startCloud({ [host]: { host: registry.host, ...(api === undefined ? {} : { api }) } });
    const run = await setting.publish(
      {
        images: `${host}/org/app`,
        scan: 'off',
        'db-repository': '',
        registry: host,
        username: 'ci',
        password: 'password-of-ci',
      },
      { event: await setting.push(), env: cloud.env },
    );
    expect(run.exitCode, run.log).toBe(0);
    expect(warnings(run)).toEqual([]);
    expect(Object.keys(registry.tags('org/app'))).toContain('main');
  });
});
