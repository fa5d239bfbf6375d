import { expect, test } from 'vitest';
import { nexusSetup } from '../../../../src/registries/nexus/setup/setup.ts';
import { checked } from '../../../support/contract/checked.ts';
import { readContract } from '../../../support/contract/read.ts';
import { desiredRegistry, principals } from '../../../support/setup/desired.ts';
import { due, lines, setupRun } from '../../../support/setup/run.ts';
import { type NexusSetupOptions, nexusSetupDouble } from '../../../support/vendors/nexus-setup.ts';

const HOST = 'nexus.acme.example';

async function start(
  options: Partial<NexusSetupOptions> = {},
  env: Readonly<Record<string, string>> = { HUB: 'hub-pw' },
) {
  const double = nexusSetupDouble({ host: HOST, user: 'admin', password: 'pw', ...options });
  const service = double.hosts[HOST];
  if (service === undefined) throw new Error('no host');
  const api = checked(service, await readContract('nexus'));
  const credentials = async () => ({ kind: 'password', username: 'admin', password: 'pw', from: 'test' }) as const;
  return { double, api, ...(await setupRun(nexusSetup, { [HOST]: api }, { host: HOST, env, credentials })) };
}

const cache = {
  line: 5,
  value: [
    {
      prefix: 'hub',
      from: 'docker.io',
      user: 'acme',
      secret: 'env:HUB',
      role: undefined,
      pull: principals('nexus:role/dev'),
      line: 5,
    },
  ],
};
const WANTED = desiredRegistry(
  HOST,
  [
    {
      name: 'images',
      immutable: { mode: 'except', tags: ['latest'] },
      visibility: 'private',
      push: ['nexus:role/ci'],
      pull: ['nexus:role/dev'],
    },
    { name: 'all', own: { nexus: { memberNames: ['images', 'hub'] } }, pull: ['nexus:role/dev'] },
  ],
  { cache },
);

test('hosted, proxy and group repositories with roles; the second apply is empty', async () => {
  const { double, api, apply, writes } = await start();
  const first = await apply(WANTED);
  expect(first.failed).toEqual([]);
  expect(api.problems).toEqual([]);
  expect(double.state.repositories.get('images')?.fields).toMatchObject({
    storage: { writePolicy: 'ALLOW_ONCE', latestPolicy: true },
    docker: { pathEnabled: true, forceBasicAuth: true },
  });
  expect(double.state.repositories.get('hub')?.type).toBe('proxy');
  expect(double.state.passwords.get('hub')).toBe('hub-pw');
  expect(double.state.repositories.get('all')?.fields.group).toEqual({ memberNames: ['images', 'hub'] });
  expect(double.state.roles.get('dev')?.privileges).toEqual(
    ['all', 'hub', 'images'].flatMap((name) => [
      `nx-repository-view-docker-${name}-browse`,
      `nx-repository-view-docker-${name}-read`,
    ]),
  );
  expect(JSON.stringify(first.steps)).not.toContain('hub-pw');
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

test('an update keeps every setting that the file does not name, and privileges of others stay', async () => {
  const { double, apply } = await start();
  const fields = {
    name: 'images',
    online: true,
    storage: { blobStoreName: 'big', strictContentTypeValidation: true, writePolicy: 'ALLOW' },
    docker: { v1Enabled: false, forceBasicAuth: false, httpPort: 8082 },
    cleanup: { policyNames: ['old'] },
  };
  double.state.repositories.set('images', { type: 'hosted', fields });
  double.state.roles.set('ci', {
    id: 'ci',
    name: 'CI',
    privileges: ['nx-search-read'],
    roles: ['base'],
    source: 'default',
  });
  const { failed } = await apply(
    desiredRegistry(HOST, [{ name: 'images', immutable: { mode: 'all' }, push: ['nexus:role/ci'] }]),
  );
  expect(failed).toEqual([]);
  expect(double.state.repositories.get('images')?.fields).toMatchObject({
    storage: { blobStoreName: 'big', writePolicy: 'ALLOW_ONCE' },
    docker: { forceBasicAuth: false, httpPort: 8082 },
    cleanup: { policyNames: ['old'] },
  });
  expect(double.state.roles.get('ci')).toMatchObject({
    roles: ['base'],
    privileges: expect.arrayContaining(['nx-search-read', 'nx-repository-view-docker-images-add']),
  });
});

test('another kind needs to be recreated; public access without anonymous users is said', async () => {
  const { double, plan } = await start();
  double.state.repositories.set('hub', { type: 'hosted', fields: { name: 'hub' } });
  double.state.repositories.set('images', {
    type: 'hosted',
    fields: { name: 'images', docker: { forceBasicAuth: false } },
  });
  const { settings, steps } = await plan(
    desiredRegistry(HOST, [{ name: 'images', visibility: 'public', immutable: { mode: 'only', tags: ['v*'] } }], {
      cache: { ...cache, value: cache.value.map((each) => ({ ...each, pull: [] })) },
    }),
  );
  expect(steps).toEqual([]);
  expect(lines(settings)).toEqual([
    'hub type: needs-recreation hosted → proxy',
    'images visibility: equal public → public',
    'images immutable.only: unsupported ["v*"]',
    'images visibility.anonymous: unsupported',
  ]);
});
