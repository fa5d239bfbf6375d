import { expect, test } from 'vitest';
import { dialectOf } from '../../../../src/domain/retention/native/dialects.ts';
import { acrSetup } from '../../../../src/registries/acr/setup/setup.ts';
import { artifactRegistrySetup } from '../../../../src/registries/artifact-registry/setup/setup.ts';
import { harborSetup } from '../../../../src/registries/harbor/setup/setup.ts';
import { desiredRegistry } from '../../../support/setup/desired.ts';
import { retentionOf } from '../../../support/setup/policy.ts';
import { due, lines, setupRun } from '../../../support/setup/run.ts';
import { azureSetupDouble } from '../../../support/vendors/azure-setup.ts';
import { googleSetupDouble } from '../../../support/vendors/google-setup.ts';
import { harborSetupDouble } from '../../../support/vendors/harbor-setup.ts';
import { jwt } from '../../../support/vendors/oidc.ts';

const POLICY = (match: string) => `
version: 1
protect:
  tags: [latest]
repositories:
  - match: ["${match}"]
    multi-tag: any
    rules:
      - select: {tags: ["dev-*"], kind: any}
        remove: {older-than: 30d}
      - select: {tagged: false, kind: any}
        remove: {older-than: 7d}
`;

const HARBOR = 'harbor.acme.example';
const harbor = async () => {
  const double = harborSetupDouble({ host: HARBOR, user: 'admin', password: 'pw' });
  const service = double.hosts[HARBOR];
  if (service === undefined) throw new Error('no host');
  const credentials = async () => ({ kind: 'password', username: 'admin', password: 'pw', from: 'test' }) as const;
  return { double, ...(await setupRun(harborSetup, { [HARBOR]: service }, { host: HARBOR, credentials })) };
};

test('Harbor retains what no rule deletes, for the repositories of the file; rules of others stay', async () => {
  const { double, apply, plan } = await harbor();
  const project = double.addProject('acme');
  const foreign = {
    action: 'retain',
    template: 'always',
    params: {},
    tag_selectors: [{ kind: 'doublestar', decoration: 'matches', pattern: '**' }],
    scope_selectors: { repository: [{ kind: 'doublestar', decoration: 'repoMatches', pattern: 'other/**' }] },
  };
  double.state.retentions.set(900, {
    id: 900,
    algorithm: 'or',
    scope: { level: 'project', ref: project.id },
    trigger: { kind: 'Schedule', settings: { cron: '0 0 4 * * *' } },
    rules: [{ ...foreign, id: 1 }],
  });
  project.metadata = { ...project.metadata, retention_id: '900' };
  const wanted = desiredRegistry(HARBOR, [
    { name: 'acme', members: ['acme/api', 'acme/web'], retention: retentionOf(POLICY('**')) },
  ]);
  const first = await apply(wanted);
  expect(first.failed).toEqual([]);
  const rules = double.state.retentions.get(900)?.rules;
  expect(rules).toEqual(expect.arrayContaining([expect.objectContaining(foreign)]));
  expect(Array.isArray(rules) ? rules.length : 0).toBeGreaterThan(3);
  // The time of day is that of whoever came first.
  expect(double.state.retentions.get(900)?.trigger).toMatchObject({ settings: { cron: '0 0 4 * * *' } });
  expect(due((await plan(wanted)).settings)).toEqual([]);
  await apply(desiredRegistry(HARBOR, [{ name: 'acme', members: ['acme/api', 'acme/web'], retention: null }]));
  expect(double.state.retentions.get(900)?.rules).toEqual([expect.objectContaining(foreign)]);
});

test('a new Harbor project gets a policy of its own, by the id that Harbor gave the project', async () => {
  const { double, apply, plan } = await harbor();
  const wanted = desiredRegistry(HARBOR, [
    { name: 'acme', members: ['acme/api'], retention: retentionOf(POLICY('**')) },
  ]);
  expect((await apply(wanted)).failed).toEqual([]);
  const [policy] = double.state.retentions.values();
  expect(policy).toMatchObject({ scope: { level: 'project', ref: double.state.projects.get('acme')?.id } });
  expect(due((await plan(wanted)).settings)).toEqual([]);
});

test('rules that setup gave Harbor are those that cleanup sets: with one policy, neither changes what the other did', async () => {
  const { double, apply } = await harbor();
  const retention = retentionOf(POLICY('**'));
  const wanted = (members: readonly string[]) => desiredRegistry(HARBOR, [{ name: 'acme', members, retention }]);
  expect((await apply(wanted(['acme/api', 'acme/web']))).failed).toEqual([]);
  const [stored] = double.state.retentions.values();
  const rules = (Array.isArray(stored?.rules) ? stored.rules : []).map(
    ({ id: _id, priority: _priority, disabled: _disabled, ...rule }) => rule,
  );
  const live = { algorithm: 'or', rules, schedule: '0 0 2 * * *' };
  const dialect = dialectOf('harbor');
  const [own] = retention.policy.repositories;
  if (dialect === undefined || own === undefined) throw new Error('harbor');
  const names = ['api', 'web'];
  const documents = new Map(names.map((name) => [name, dialect.compile(retention.policy, own, name).document]));
  const combined = dialect.combine(live, documents, names);
  expect(combined).toEqual({ ok: true, value: live });

  // Fifteen rules are all that a project takes: then one rule is for several repositories.
  const many = await apply(wanted(['acme/a', 'acme/b', 'acme/c', 'acme/d', 'acme/e', 'acme/f']));
  expect(many.failed).toEqual([]);
  expect(JSON.stringify([...double.state.retentions.values()])).toContain('{a,b,c,d,e,f}');
});

const AT = 'europe-docker.pkg.dev/acme-prod';
const NAME = 'projects/acme-prod/locations/europe/repositories/acme';
const google = async () => {
  const double = googleSetupDouble({ token: 'ya29' });
  const credentials = async () =>
    ({ kind: 'password', username: 'oauth2accesstoken', password: 'ya29', from: 'test' }) as const;
  return {
    double,
    ...(await setupRun(artifactRegistrySetup, double.hosts, { host: 'europe-docker.pkg.dev', credentials })),
  };
};

test('Artifact Registry stores ages in seconds, which is no difference; policies of others stay', async () => {
  const { double, apply, plan } = await google();
  const other = { id: 'team', action: 'KEEP', mostRecentVersions: { keepCount: 3 } };
  double.state.repositories.set(NAME, {
    name: NAME,
    format: 'DOCKER',
    mode: 'STANDARD_REPOSITORY',
    cleanupPolicies: { team: other },
  });
  const wanted = desiredRegistry(AT, [{ name: 'acme', members: ['acme/api'], retention: retentionOf(POLICY('**')) }]);
  expect((await apply(wanted)).failed).toEqual([]);
  const policies = double.state.repositories.get(NAME)?.cleanupPolicies;
  expect(policies).toMatchObject({
    team: other,
    'setup-platform-delete-1': {
      action: 'DELETE',
      condition: { olderThan: '2592000s', tagState: 'TAGGED', tagPrefixes: ['dev-'] },
    },
    'setup-platform-keep-protected': { action: 'KEEP' },
  });
  expect(due((await plan(wanted)).settings)).toEqual([]);
  await apply(desiredRegistry(AT, [{ name: 'acme', retention: null }]));
  expect(double.state.repositories.get(NAME)?.cleanupPolicies).toEqual({ team: other });
});

test('one command sets the policies of Artifact Registry: those of cleanup are kept, unless the file replaces them', async () => {
  const { double, apply, plan, writes } = await google();
  const policies = {
    'registry-action-delete-1': {
      id: 'registry-action-delete-1',
      action: 'DELETE',
      condition: { olderThan: '86400s' },
    },
  };
  double.state.repositories.set(NAME, {
    name: NAME,
    format: 'DOCKER',
    mode: 'STANDARD_REPOSITORY',
    cleanupPolicies: policies,
  });
  const wanted = (replace: boolean) =>
    desiredRegistry(AT, [{ name: 'acme', members: ['acme/api'], retention: retentionOf(POLICY('**'), replace) }]);
  const refused = await apply(wanted(false));
  expect(refused.settings.find(({ name }) => name === 'retention')).toMatchObject({
    action: 'kept-foreign',
    reason: expect.stringContaining('`command: cleanup` set cleanup policies of this repository'),
  });
  expect(writes()).toEqual([]);
  expect(double.state.repositories.get(NAME)?.cleanupPolicies).toEqual(policies);

  expect((await apply(wanted(true))).failed).toEqual([]);
  const now = double.state.repositories.get(NAME)?.cleanupPolicies;
  expect(Object.keys(Object(now)).every((id) => id.startsWith('setup-platform-'))).toBe(true);
  expect(due((await plan(wanted(true))).settings)).toEqual([]);
});

test.each([
  ['ecr', { rules: [{ rulePriority: 1, description: 'setup-platform: untagged after 7 days' }] }],
  ['artifact-registry', { cleanupPolicies: { 'setup-platform-delete-1': { id: 'setup-platform-delete-1' } } }],
])('cleanup does not set rules of %s beside those of setup', (vendor, live) => {
  const dialect = dialectOf(vendor);
  const own = new Map([['app', { rules: [] }]]);
  expect(dialect?.combine(live, own, ['app'])).toMatchObject({
    ok: false,
    problems: [expect.stringContaining('`command: setup` set the present rules')],
  });
  // What cleanup has no rules for stays as it is.
  expect(dialect?.combine(live, new Map(), ['app'])).toMatchObject({ ok: true, value: expect.objectContaining(live) });
});

test('a policy for some images of a repository is not given to Google, which would apply it to all', async () => {
  const { apply, writes, double } = await google();
  double.state.repositories.set(NAME, { name: NAME, format: 'DOCKER', mode: 'STANDARD_REPOSITORY' });
  const wanted = desiredRegistry(AT, [
    { name: 'acme', members: ['acme/api'], retention: retentionOf(POLICY('acme-prod/acme/api')) },
  ]);
  const { settings } = await apply(wanted);
  expect(lines(settings)).toEqual(['acme retention.rule 2: unsupported', 'acme retention: unsupported']);
  expect(writes()).toEqual([]);
});

const GROUP = '/subscriptions/7c1e0000-0000-4000-8000-000000000001/resourceGroups/registries';
const RESOURCE = `${GROUP}/providers/Microsoft.ContainerRegistry/registries/acmeprod`;

test('Azure purges by a task that runs daily, which is compared by its commands and switched off by `none`', async () => {
  const registry = { location: 'westeurope', sku: { name: 'Premium' }, properties: {} };
  const double = azureSetupDouble({ resource: RESOURCE, registry });
  const login = () => ({ status: 200, body: { access_token: jwt({ exp: 4_000_000_000 }) } });
  const id = '1b6a2c1e-3f40-4a8e-8d11-5d3f8a9b0c11';
  const { apply, plan } = await setupRun(
    acrSetup,
    { ...double.hosts, 'login.microsoftonline.com': login },
    {
      host: 'acmeprod.azurecr.io',
      keyless: { 'azure-client-id': id, 'azure-tenant-id': id },
      idToken: async () => jwt({}),
    },
  );
  const more = { in: { value: GROUP, line: 3 } };
  const wanted = desiredRegistry(
    'acmeprod.azurecr.io',
    [{ name: 'acme/api', retention: retentionOf(POLICY('**')) }],
    more,
  );
  expect((await apply(wanted)).failed).toEqual([]);
  const task = double.state.children.get('/tasks/setup-platform-purge');
  const content = JSON.stringify(task).match(/"encodedTaskContent":"([^"]+)"/)?.[1] ?? '';
  expect(Buffer.from(content, 'base64').toString()).toMatch(
    /^version: v1\.1\.0\nsteps:\n {2}- cmd: "acr purge --filter 'acme\/api:/,
  );
  expect(due((await plan(wanted)).settings)).toEqual([]);
  await apply(desiredRegistry('acmeprod.azurecr.io', [{ name: 'acme/api', retention: null }], more));
  expect(double.state.children.get('/tasks/setup-platform-purge')?.properties).toMatchObject({ status: 'Disabled' });
});
