import { expect, test } from 'vitest';
import { artifactorySetup } from '../../../../src/registries/artifactory/setup/setup.ts';
import { checked } from '../../../support/contract/checked.ts';
import { readContract } from '../../../support/contract/read.ts';
import { desiredRegistry, principals } from '../../../support/setup/desired.ts';
import { due, lines, setupRun } from '../../../support/setup/run.ts';
import {
  type ArtifactorySetupOptions,
  artifactoryContract,
  artifactorySetupDouble,
} from '../../../support/vendors/artifactory-setup.ts';

const HOST = 'acme.jfrog.io';

async function start(options: Partial<ArtifactorySetupOptions> = {}) {
  const double = artifactorySetupDouble({ host: HOST, user: 'admin', password: 'pw', ...options });
  const service = double.hosts[HOST];
  if (service === undefined) throw new Error('no host');
  const api = checked(service, artifactoryContract(await readContract('artifactory')));
  const credentials = async () => ({ kind: 'password', username: 'admin', password: 'pw', from: 'test' }) as const;
  const run = await setupRun(artifactorySetup, { [HOST]: api }, { host: HOST, env: { HUB: 'hub-pw' }, credentials });
  return { double, api, ...run };
}

const WANTED = desiredRegistry(
  HOST,
  [
    {
      name: 'all',
      own: { artifactory: { repositories: ['docker-local', 'hub'], defaultDeploymentRepo: 'docker-local' } },
    },
    {
      name: 'docker-local',
      description: 'Images',
      scan: 'on-push',
      visibility: 'private',
      push: ['artifactory:group/ci'],
      pull: ['artifactory:group/dev'],
      own: { artifactory: { maxUniqueTags: 50 } },
    },
  ],
  {
    cache: {
      line: 5,
      value: [
        {
          prefix: 'hub',
          from: 'docker.io',
          user: 'acme',
          secret: 'env:HUB',
          role: undefined,
          pull: principals('artifactory:group/dev'),
          line: 5,
        },
      ],
    },
  },
);

test('local, remote and virtual repositories with permissions; the second apply is empty', async () => {
  const { double, api, apply, writes } = await start();
  const first = await apply(WANTED);
  expect(first.failed).toEqual([]);
  expect(api.problems).toEqual([]);
  expect(double.state.repositories.get('docker-local')).toMatchObject({
    rclass: 'local',
    xrayIndex: true,
    maxUniqueTags: 50,
    description: 'Images',
  });
  expect(double.state.repositories.get('hub')).toMatchObject({
    rclass: 'remote',
    username: 'acme',
    password: 'hub-pw',
  });
  expect(double.state.repositories.get('all')).toMatchObject({
    rclass: 'virtual',
    repositories: ['docker-local', 'hub'],
  });
  expect(double.state.permissions.get('setup-platform-docker-local')?.repo).toMatchObject({
    repositories: ['docker-local'],
    actions: { groups: { ci: ['annotate', 'read', 'write'], dev: ['read'] } },
  });
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

test('fields that the file does not name stay; an environment of a project is not ours', async () => {
  const { double, apply } = await start();
  double.state.repositories.set('docker-local', {
    key: 'docker-local',
    rclass: 'local',
    packageType: 'docker',
    environments: ['PROD'],
    xrayIndex: false,
  });
  await apply(desiredRegistry(HOST, [{ name: 'docker-local', scan: 'on-push' }]));
  expect(double.state.repositories.get('docker-local')).toMatchObject({ environments: ['PROD'], xrayIndex: true });
});

test('another kind needs to be recreated, and immutability says who could still overwrite', async () => {
  const { double, plan } = await start();
  double.state.repositories.set('docker-local', { key: 'docker-local', rclass: 'local', packageType: 'docker' });
  double.state.repositories.set('java', { key: 'java', rclass: 'local', packageType: 'maven' });
  const { settings, steps } = await plan(
    desiredRegistry(HOST, [
      { name: 'docker-local', immutable: { mode: 'all' } },
      { name: 'java', description: 'x' },
    ]),
  );
  expect(steps).toEqual([]);
  expect(lines(settings)).toEqual([
    'docker-local immutable: unsupported',
    'java type: needs-recreation local maven → local docker',
  ]);
});
