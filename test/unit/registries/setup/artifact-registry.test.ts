import { expect, test } from 'vitest';
import { artifactRegistrySetup } from '../../../../src/registries/artifact-registry/setup/setup.ts';
import { checked } from '../../../support/contract/checked.ts';
import { readContract } from '../../../support/contract/read.ts';
import { desiredRegistry, principals } from '../../../support/setup/desired.ts';
import { due, lines, setupRun } from '../../../support/setup/run.ts';
import { type GoogleSetupOptions, googleSetupDouble } from '../../../support/vendors/google-setup.ts';

const AT = 'europe-docker.pkg.dev/acme-prod';
const PARENT = 'projects/acme-prod/locations/europe';
const API = 'artifactregistry.googleapis.com';

async function start(options: Partial<GoogleSetupOptions> = {}) {
  const double = googleSetupDouble({ token: 'ya29', ...options });
  const api = checked(double.hosts[API], await readContract('artifact-registry'));
  const run = await setupRun(
    artifactRegistrySetup,
    { [API]: api },
    {
      host: 'europe-docker.pkg.dev',
      credentials: async () => ({ kind: 'password', username: 'oauth2accesstoken', password: 'ya29', from: 'test' }),
    },
  );
  return {
    double,
    api,
    repository: (name: string) => double.state.repositories.get(`${PARENT}/repositories/${name}`),
    ...run,
  };
}

const EVERYTHING = desiredRegistry(
  AT,
  [
    {
      name: 'acme',
      members: ['acme/api'],
      description: 'Images of acme',
      labels: { team: 'platform' },
      immutable: { mode: 'all' },
      scan: 'on-push',
      key: 'projects/p/locations/europe/keyRings/r/cryptoKeys/k',
      visibility: 'private',
      pull: ['serviceAccount:Run@acme-prod.iam.gserviceaccount.com'],
      push: [
        'principalSet://iam.googleapis.com/projects/42/locations/global/workloadIdentityPools/gh/attribute.repository/acme/api',
      ],
      own: { google: { cleanupPolicyDryRun: true } },
    },
    {
      name: 'all',
      own: {
        google: {
          mode: 'VIRTUAL_REPOSITORY',
          virtualRepositoryConfig: {
            upstreamPolicies: [
              { id: 'own', repository: 'acme', priority: 20 },
              { id: 'hub', repository: 'hub', priority: 10 },
            ],
          },
        },
      },
    },
  ],
  {
    cache: {
      line: 9,
      value: [
        {
          prefix: 'hub',
          from: 'docker.io',
          user: 'acme',
          secret: 'projects/42/secrets/hub/versions/1',
          role: undefined,
          pull: principals('domain:acme.example'),
          line: 9,
        },
      ],
    },
  },
);

test('repositories, a remote and a virtual one, with access; the second apply is empty', async () => {
  const { api, apply, writes, repository, double } = await start();
  const first = await apply(EVERYTHING);
  expect(first.failed).toEqual([]);
  expect(api.problems).toEqual([]);
  expect(repository('acme')).toMatchObject({
    format: 'DOCKER',
    description: 'Images of acme',
    labels: { team: 'platform' },
    dockerConfig: { immutableTags: true },
    kmsKeyName: 'projects/p/locations/europe/keyRings/r/cryptoKeys/k',
    cleanupPolicyDryRun: true,
  });
  expect(repository('hub')).toMatchObject({
    mode: 'REMOTE_REPOSITORY',
    remoteRepositoryConfig: {
      dockerRepository: { publicRepository: 'DOCKER_HUB' },
      upstreamCredentials: {
        usernamePasswordCredentials: { passwordSecretVersion: 'projects/42/secrets/hub/versions/1' },
      },
    },
  });
  expect(repository('all')).toMatchObject({
    virtualRepositoryConfig: { upstreamPolicies: [{ repository: `${PARENT}/repositories/acme` }, { id: 'hub' }] },
  });
  expect(double.state.policies.get(`${PARENT}/repositories/acme`)?.bindings).toHaveLength(2);

  const before = writes().length;
  const second = await apply(EVERYTHING);
  expect(due(second.settings)).toEqual([]);
  expect(writes()).toHaveLength(before);
});

test('a run that is killed after any step is repeated and converges', async () => {
  const { apply, plan, writes } = await start();
  const { steps } = await plan(EVERYTHING);
  for (let killed = 0; killed < steps.length; killed += 1) expect((await apply(EVERYTHING, 1)).failed).toEqual([]);
  expect(due((await plan(EVERYTHING)).settings)).toEqual([]);
  expect(new Set(writes()).size).toBeGreaterThan(1);
});

test('another key or mode cannot be changed: nothing of that repository is touched', async () => {
  const { apply, writes, double } = await start();
  const name = `${PARENT}/repositories/acme`;
  double.state.repositories.set(name, { name, format: 'DOCKER', mode: 'STANDARD_REPOSITORY' });
  const wanted = desiredRegistry(AT, [
    { name: 'acme', key: 'projects/p/locations/europe/keyRings/r/cryptoKeys/k', scan: 'off' },
  ]);
  const { settings } = await apply(wanted);
  expect(lines(settings)).toEqual([
    'acme key: needs-recreation null → projects/p/locations/europe/keyRings/r/cryptoKeys/k',
  ]);
  expect(writes()).toEqual([]);
});

test('members and bindings of others stay, also when somebody writes in between', async () => {
  let raced = false;
  const foreign = {
    role: 'roles/artifactregistry.reader',
    members: ['group:audit@acme.example'],
    condition: { expression: 'true' },
  };
  const { apply, double, runtime } = await start({
    before: ({ method, url }) => {
      if (method === 'POST' && url.pathname.endsWith(':setIamPolicy') && !raced) {
        raced = true;
        double.state.policies.set(`${PARENT}/repositories/acme`, { version: 3, etag: 'raced', bindings: [foreign] });
      }
      return undefined;
    },
  });
  const name = `${PARENT}/repositories/acme`;
  double.state.repositories.set(name, { name, format: 'DOCKER', mode: 'STANDARD_REPOSITORY' });
  const { failed } = await apply(desiredRegistry(AT, [{ name: 'acme', pull: ['group:dev@acme.example'] }]));
  expect(failed).toEqual([]);
  expect(runtime.recorded.errors).toEqual([]);
  expect(double.state.policies.get(name)?.bindings).toEqual([
    foreign,
    { role: 'roles/artifactregistry.reader', members: ['group:dev@acme.example'] },
  ]);
});

test('exceptions of immutability, replication and a project that does not scan are said, not skipped', async () => {
  const { plan, double } = await start({ scans: false });
  const name = `${PARENT}/repositories/acme`;
  double.state.repositories.set(name, { name, format: 'DOCKER', mode: 'STANDARD_REPOSITORY' });
  const wanted = desiredRegistry(
    AT,
    [{ name: 'acme', immutable: { mode: 'except', tags: ['latest'] }, scan: 'on-push', accept: ['immutable'] }],
    { replicate: { line: 4, value: [{ to: ['us'], only: [], copiesExisting: false, deletes: undefined, line: 4 }] } },
  );
  const { settings, steps } = await plan(wanted);
  expect(steps).toEqual([]);
  expect(lines(settings)).toEqual([
    'replicate: unsupported',
    'acme scan: equal on → on',
    'acme scan.project: unsupported SCANNING_DISABLED → SCANNING_ACTIVE',
    'acme immutable.except: unsupported ["latest"]',
  ]);
  expect(settings.at(-1)?.isAccepted).toBe(true);
  expect(settings.find(({ name: each }) => each === 'scan.project')?.reason).toContain('gcloud services enable');
});

test('a missing right for IAM hides nothing else', async () => {
  const { apply, repository, double } = await start({
    before: ({ url }) =>
      url.pathname.includes('etIamPolicy')
        ? { status: 403, body: { error: { code: 403, status: 'PERMISSION_DENIED', message: 'getIamPolicy' } } }
        : undefined,
  });
  const name = `${PARENT}/repositories/acme`;
  double.state.repositories.set(name, { name, format: 'DOCKER', mode: 'STANDARD_REPOSITORY' });
  const { settings } = await apply(
    desiredRegistry(AT, [{ name: 'acme', description: 'New', pull: ['user:ann@acme.example'] }]),
  );
  expect(lines(settings)).toEqual(['acme description: create null → New', 'acme access: denied']);
  expect(repository('acme')).toMatchObject({ description: 'New' });
});
