import { expect, test } from 'vitest';
import { dockerHubSetup } from '../../../../src/registries/docker-hub/setup/setup.ts';
import { checked } from '../../../support/contract/checked.ts';
import { readContract } from '../../../support/contract/read.ts';
import { desiredRegistry } from '../../../support/setup/desired.ts';
import { due, lines, setupRun } from '../../../support/setup/run.ts';
import { type HubSetupOptions, hubSetupDouble } from '../../../support/vendors/hub-setup.ts';

const API = 'hub.docker.com';

async function start(options: Partial<HubSetupOptions> = {}) {
  const double = hubSetupDouble({ user: 'acme', password: 'pat', teams: { acme: ['ci', 'ops', 'all'] }, ...options });
  const api = checked(double.hosts[API], await readContract('docker-hub'));
  const credentials = async () => ({ kind: 'password', username: 'acme', password: 'pat', from: 'test' }) as const;
  const run = await setupRun(
    dockerHubSetup,
    { [API]: api },
    { host: 'docker.io', credentials },
    /^POST \/v2\/auth\/token$/,
  );
  return { double, api, ...run };
}

const TOOLS = {
  name: 'acme/tools',
  description: 'Tools of acme',
  visibility: 'public',
  immutable: { mode: 'only', tags: ['v*'] },
  push: ['hub:team/ci'],
  pull: ['hub:team/ops'],
} as const;
const WANTED = desiredRegistry('docker.io/acme', [TOOLS, { name: 'acme/secret', immutable: { mode: 'all' } }]);

test('repositories with teams and immutable tags; the second apply is empty', async () => {
  const { double, api, apply, writes } = await start();
  const first = await apply(WANTED);
  expect(first.failed).toEqual([]);
  expect(api.problems).toEqual([]);
  expect(double.state.repositories.get('acme/tools')).toMatchObject({
    fields: {
      is_private: false,
      description: 'Tools of acme',
      immutable_tags_settings: { enabled: true, rules: [expect.stringContaining('v')] },
    },
    groups: new Map([
      [100, 'write'],
      [101, 'read'],
    ]),
  });
  // A repository without a word about it is private, which is not what Docker Hub makes by itself.
  expect(double.state.repositories.get('acme/secret')?.fields.is_private).toBe(true);
  const before = writes().length;
  expect(due((await apply(WANTED)).settings)).toEqual([]);
  expect(writes()).toHaveLength(before);
});

test('a run that is killed after any step is repeated and converges', async () => {
  const { apply, plan } = await start();
  const { steps } = await plan(WANTED);
  for (let killed = 0; killed < steps.length; killed += 1) expect((await apply(WANTED, 1)).failed).toEqual([]);
  expect(due((await plan(WANTED)).settings)).toEqual([]);
});

test('teams of others stay, or go with `access: exact`; a stronger right is enough', async () => {
  const { double, apply, plan } = await start();
  const { groups } = double.addRepository('acme/tools');
  groups.set(102, 'read');
  groups.set(101, 'admin');
  expect(
    lines((await plan(desiredRegistry('docker.io/acme', [{ name: 'acme/tools', pull: ['hub:team/ops'] }]))).settings),
  ).toEqual(['acme/tools pull team ops: equal admin → read', 'acme/tools team all: kept-foreign read']);
  await apply(desiredRegistry('docker.io/acme', [{ name: 'acme/tools', pull: ['hub:team/ops'], access: 'exact' }]));
  expect([...groups]).toEqual([[101, 'read']]);
});

test('a name that somebody took in between is no failure, and an unknown team is one', async () => {
  const { double, apply } = await start();
  const raced = await apply(desiredRegistry('docker.io/acme', [{ name: 'acme/tools', pull: ['hub:team/nobody'] }]));
  expect(raced.failed).toEqual([expect.stringContaining('acme has no team nobody')]);
  const late = await start({
    before: ({ method }) => {
      if (method === 'POST' && !late.double.state.repositories.has('acme/new')) return undefined;
      return undefined;
    },
  });
  const { steps } = await late.plan(desiredRegistry('docker.io/acme', [{ name: 'acme/new' }]));
  late.double.addRepository('acme/new');
  expect((await steps[0]?.apply())?.note).toContain('acme/new');
  expect(double.state.repositories.size).toBe(1);
});

test('what Docker Hub lacks is said with what to do instead', async () => {
  const { plan } = await start();
  const { settings } = await plan(
    desiredRegistry('docker.io/acme', [
      {
        name: 'acme/tools',
        immutable: { mode: 'except', tags: ['latest'] },
        scan: 'on-push',
        quota: 5,
        labels: { a: 'b' },
      },
    ]),
  );
  expect(settings.filter(({ action }) => action === 'unsupported').map(({ name }) => name)).toEqual([
    'immutable.except',
    'scan',
    'quota',
    'labels',
  ]);
});

test('names and descriptions that Docker Hub refuses are found before a request', () => {
  const found = dockerHubSetup.mistakes(
    desiredRegistry('docker.io/acme', [{ name: 'acme/a/b' }, { name: 'acme/tools', description: 'x'.repeat(101) }]),
  );
  expect(dockerHubSetup.mistakes(desiredRegistry('docker.io', []))).toMatchObject([{ severity: 'error', line: 3 }]);
  expect(found.map(({ message }) => message)).toEqual([
    expect.stringContaining('"acme/a/b"'),
    expect.stringContaining('100 characters'),
  ]);
});
