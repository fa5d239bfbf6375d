import { expect, test } from 'vitest';
import { harborSetup } from '../../../../src/registries/harbor/setup/setup.ts';
import { checked } from '../../../support/contract/checked.ts';
import { readContract } from '../../../support/contract/read.ts';
import { blocksOf, desiredRegistry, principals } from '../../../support/setup/desired.ts';
import { due, lines, setupRun } from '../../../support/setup/run.ts';
import { type HarborSetupOptions, harborSetupDouble } from '../../../support/vendors/harbor-setup.ts';

const HOST = 'harbor.acme.example';

async function start(options: Partial<HarborSetupOptions> = {}, env: Readonly<Record<string, string>> = {}) {
  const double = harborSetupDouble({ host: HOST, user: 'admin', password: 'pw', people: ['ann', 'bob'], ...options });
  const service = double.hosts[HOST];
  if (service === undefined) throw new Error('no host');
  const api = checked(service, await readContract('harbor'));
  const run = await setupRun(
    harborSetup,
    { [HOST]: api },
    {
      host: HOST,
      env,
      credentials: async () => ({ kind: 'password', username: 'admin', password: 'pw', from: 'test' }),
    },
  );
  return { double, api, ...run };
}

const ACME = {
  name: 'acme',
  members: ['acme/api', 'acme/tools'],
  visibility: 'private',
  scan: 'on-push',
  immutable: { mode: 'except', tags: ['latest', 'sha256-*'] },
  push: ['harbor:robot/ci'],
  pull: ['harbor:robot/prod', 'harbor:group/staff', 'harbor:user/ann'],
  quota: 50 * 2 ** 30,
  own: { harbor: { severity: 'high', prevent_vul: 'true', robots: { ci: { duration: 90 } } } },
} as const;

const EVERYTHING = desiredRegistry(HOST, [ACME], {
  cache: {
    line: 9,
    value: [
      {
        prefix: 'hub',
        from: 'docker.io',
        secret: 'env:HUB_TOKEN',
        user: 'acme',
        role: undefined,
        pull: principals('harbor:group/staff'),
        line: 9,
      },
    ],
  },
  replicate: { line: 10, value: [{ to: ['eu'], only: ['acme/'], copiesExisting: true, deletes: undefined, line: 10 }] },
  own: blocksOf({
    harbor: {
      endpoints: {
        eu: {
          url: 'https://harbor-eu.acme.example',
          type: 'harbor',
          access_key: 'sync',
          access_secret: 'env:EU_TOKEN',
        },
      },
    },
  }),
});
const ENV = { HUB_TOKEN: 'hub-secret', EU_TOKEN: 'eu-secret' };

test('a new project with robots, members, rules, quota, cache and replication; the second apply is empty', async () => {
  const { double, api, apply, writes, runtime } = await start({}, ENV);
  const first = await apply(EVERYTHING);
  expect(first.failed).toEqual([]);
  expect(api.problems).toEqual([]);
  const acme = double.state.projects.get('acme');
  expect(acme).toMatchObject({
    metadata: { public: 'false', auto_scan: 'true', severity: 'high', prevent_vul: 'true' },
    quota: { storage: 53687091200 },
    rules: [
      {
        tag_selectors: [{ decoration: 'excludes', pattern: '{latest,sha256-*}' }],
        scope_selectors: { repository: [{ pattern: '{api,tools}' }] },
      },
    ],
  });
  expect(acme?.robots.map(({ name, duration }) => `${String(name)} ${String(duration)}`)).toEqual([
    'robot$acme+ci 90',
    'robot$acme+prod 30',
  ]);
  expect(double.state.projects.get('hub')).toMatchObject({ registryId: double.state.registries[1]?.id });
  expect(double.state.policies).toMatchObject([{ name: 'platform-eu', replicate_deletion: false }]);
  expect(double.state.executions).toHaveLength(1);
  expect(double.state.registries.map(({ credential }) => credential)).toMatchObject([
    { access_key: 'sync', access_secret: 'eu-secret' },
    { access_key: 'acme', access_secret: 'hub-secret' },
  ]);
  // Secrets come out once, masked, and stand in no plan.
  const issued = first.applied.flatMap(({ issued: all = [] }) => all);
  expect(issued.map(({ username, password }) => [username, password])).toEqual([
    ['robot$acme+ci', double.state.secrets[0]],
    ['robot$acme+prod', double.state.secrets[1]],
  ]);
  expect(runtime.recorded.masks).toEqual(expect.arrayContaining(double.state.secrets));
  expect(JSON.stringify(first)).not.toContain('hub-secret');

  const before = writes().length;
  const second = await apply(EVERYTHING);
  expect(due(second.settings)).toEqual([]);
  expect(writes()).toHaveLength(before);
});

test('planning only reads', async () => {
  const { plan, writes } = await start({}, ENV);
  const { steps } = await plan(EVERYTHING);
  expect(steps.length).toBeGreaterThan(8);
  expect(writes()).toEqual([]);
});

test('a run that is killed after any step is repeated and converges', async () => {
  const { apply, plan, writes } = await start({}, ENV);
  const { steps } = await plan(EVERYTHING);
  for (let killed = 0; killed < steps.length; killed += 1) expect((await apply(EVERYTHING, 1)).failed).toEqual([]);
  expect(due((await plan(EVERYTHING)).settings)).toEqual([]);
  expect(new Set(writes()).size).toBeGreaterThan(1);
});

/** A rule as Harbor stores it. */
const rule = (repositories: string, tags: string, more: object = {}) => ({
  id: Math.abs(Buffer.from(`${repositories}${tags}`).reduce((sum, byte) => sum * 31 + byte, 7) % 9999),
  action: 'immutable',
  template: 'immutable_template',
  disabled: false,
  priority: 0,
  params: {},
  scope_selectors: { repository: [{ kind: 'doublestar', decoration: 'repoMatches', pattern: repositories }] },
  tag_selectors: [{ kind: 'doublestar', decoration: 'matches', pattern: tags }],
  ...more,
});

test('rules of other repositories stay; ours are changed in place, and a switched-off one is switched on', async () => {
  const { double, apply, plan } = await start();
  const project = double.addProject('acme');
  project.rules = [
    rule('**', 'release-*'),
    rule('{api,tools}', 'old-*'),
    rule('{tools,api}', '**', { disabled: true }),
  ];
  const wanted = desiredRegistry(HOST, [
    { name: 'acme', members: ['acme/api', 'acme/tools'], immutable: { mode: 'all' } },
  ]);
  const { failed } = await apply(wanted);
  expect(failed).toEqual([]);
  expect(project.rules).toEqual([rule('**', 'release-*'), rule('{tools,api}', '**')]);
  expect(due((await plan(wanted)).settings)).toEqual([]);
  await apply(
    desiredRegistry(HOST, [{ name: 'acme', members: ['acme/api', 'acme/tools'], immutable: { mode: 'off' } }]),
  );
  expect(project.rules).toEqual([rule('**', 'release-*')]);
});

test('another prefix of robot accounts, another order of rights and more rights are no difference', async () => {
  const { double, apply, plan } = await start({ robotPrefix: 'robot_' });
  double.addProject('acme');
  const wanted = desiredRegistry(HOST, [{ name: 'acme', push: ['harbor:robot/ci'] }]);
  await apply(wanted);
  expect(double.state.projects.get('acme')?.robots[0]?.name).toBe('robot_acme+ci');
  expect(due((await plan(wanted)).settings)).toEqual([]);
  const weaker = desiredRegistry(HOST, [{ name: 'acme', pull: ['harbor:robot/ci'] }]);
  expect(due((await plan(weaker)).settings)).toEqual([]);
  const exact = desiredRegistry(HOST, [{ name: 'acme', pull: ['harbor:robot/ci'], access: 'exact' }]);
  expect((await apply(exact)).failed).toEqual([]);
  expect(double.state.projects.get('acme')?.robots).toHaveLength(1);
  expect(double.state.secrets).toHaveLength(1);
});

test('`access: exact` removes others, but not the administrator of the project', async () => {
  const { double, apply } = await start();
  const project = double.addProject('acme');
  project.members.push({ id: 500, entity_name: 'bob', entity_type: 'u', role_id: 2 });
  await apply(desiredRegistry(HOST, [{ name: 'acme', pull: ['harbor:user/ann'], access: 'exact' }]));
  expect(project.members.map(({ entity_name: name }) => name)).toEqual(['admin', 'ann']);
});

test('a missing right for quotas hides nothing else', async () => {
  const { double, apply } = await start({
    before: ({ url }) =>
      url.pathname.endsWith('/quotas')
        ? { status: 403, body: { errors: [{ code: 'FORBIDDEN', message: 'forbidden' }] } }
        : undefined,
  });
  double.addProject('acme');
  const { settings, failed } = await apply(desiredRegistry(HOST, [{ name: 'acme', quota: 1024, scan: 'on-push' }]));
  expect(failed).toEqual([]);
  expect(lines(settings)).toEqual(['acme scan: change off → on push', 'acme quota: denied']);
  expect(double.state.projects.get('acme')?.metadata.auto_scan).toBe('true');
});

test('a project that is no cache cannot become one, and groups need a Harbor that has them', async () => {
  const { double, plan } = await start({ authMode: 'db_auth' }, ENV);
  double.addProject('hub');
  const cache = EVERYTHING.cache ?? { value: null, line: 1 };
  const { settings } = await plan(desiredRegistry(HOST, [{ name: 'acme', pull: ['harbor:group/staff'] }], { cache }));
  expect(settings.map(({ subject, name, action }) => `${subject} ${name} ${action}`)).toEqual([
    ' endpoint cache-hub create',
    'hub cache needs-recreation',
    'acme exists create',
    'acme pull group staff unsupported',
  ]);
});

test('an unknown user and a missing variable are errors that name them', async () => {
  const { apply } = await start();
  const cache = EVERYTHING.cache ?? { value: null, line: 1 };
  const { failed } = await apply(desiredRegistry(HOST, [{ name: 'acme', pull: ['harbor:user/eve'] }], { cache }));
  expect(failed).toEqual([
    expect.stringContaining('HUB_TOKEN'),
    expect.stringContaining('cache-hub'),
    expect.stringContaining('hub pull group staff'),
    expect.stringContaining('user eve not found'),
  ]);
});

test('switches of Harbor by their own names, and what is wrong with them', () => {
  const found = harborSetup.mistakes(
    desiredRegistry(HOST, [
      {
        name: 'acme',
        own: { harbor: { severity: 'bad', public: true, sevrity: 'high', robots: { ci: { duration: 0 } } } },
      },
    ]),
  );
  expect(found.map(({ message }) => message)).toEqual([
    expect.stringContaining('none, low, medium, high, critical'),
    expect.stringContaining('`visibility`'),
    expect.stringContaining('Did you mean `severity`?'),
    expect.stringContaining('days by robot account'),
  ]);
});

test('`replicate: none` removes the rules of the owner and no others; `pull: none` says what to do', async () => {
  const { double, apply, plan } = await start({}, ENV);
  await apply(EVERYTHING);
  double.state.policies.push({ id: 900, name: 'other-team', dest_registry: { id: double.state.registries[0]?.id } });
  const none = desiredRegistry(HOST, [{ name: 'acme', scan: 'on-push' }], {
    replicate: { value: null, line: 4 },
    cache: { value: null, line: 5 },
  });
  const { settings, failed } = await apply(none);
  expect(failed).toEqual([]);
  expect(double.state.policies.map(({ name }) => name)).toEqual(['other-team']);
  expect(double.state.projects.has('hub')).toBe(true);
  expect(lines(settings)).toContain('cache: unsupported null');
  expect(due((await plan(none)).settings)).toEqual([]);
});

test('a project admin needs no right for what the file does not name', async () => {
  const asked: string[] = [];
  const { double, apply } = await start({
    before: ({ url }) => {
      asked.push(url.pathname.replace('/api/v2.0', ''));
      return undefined;
    },
  });
  double.addProject('acme');
  await apply(desiredRegistry(HOST, [{ name: 'acme', scan: 'on-push' }]));
  expect([...new Set(asked)]).toEqual(['/projects', '/projects/acme']);
});
