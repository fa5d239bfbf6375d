import { describe, expect, test } from 'vitest';
import { startCloud } from '../../support/cloud.ts';
import { fill } from '../../support/copy-source.ts';
import { startRegistry } from '../../support/registry.ts';
import { harborDouble } from '../../support/vendors/harbor.ts';
import { jwt, oidcDouble } from '../../support/vendors/oidc.ts';
import { ROWS } from '../registries/vendors.ts';
import { createPromotionJob } from './job.ts';
import { errorsOf } from './scene.ts';

const FREEZING = ROWS.filter(({ id }) =>
  ['ecr', 'artifact-registry', 'acr', 'harbor', 'nexus', 'docker-hub'].includes(id),
);

describe.each(FREEZING)('a moving tag that the settings of $id freeze', (row) => {
  test.each(['true', 'false'])(
    'stops before the first write, though no content is to be copied: dry-run %s',
    async (dryRun) => {
      await using job = await createPromotionJob();
      const running = await row.start();
      if (running.freeze === undefined) return;
      const home = row.host === 'docker.io' ? 'registry-1.docker.io' : row.host;
      await using registry = await startRegistry({
        auth: running.auth,
        origin: `https://${home}`,
        referrers: true,
        ...row.registry,
      });
      const oidc = oidcDouble();
      await using cloud = await startCloud({ ...running.hosts(registry), ...oidc.hosts });
      const { image } = fill(registry, row.repository);
      const { descriptor } = image(['old'], {}, 'staging');
      image(['next'], {}, 'next');
      const pushed = { tag: 'staging', digest: descriptor.digest, mediaType: descriptor.mediaType, bytes: 1 };
      running.freeze(pushed);
      const run = await job.promote(
        {
          images: `${row.host}/${row.repository}`,
          from: 'next',
          environment: 'staging',
          'dry-run': dryRun,
          'registry-ca': cloud.caFile,
          ...row.inputs,
        },
        { env: { ...cloud.env, ...oidc.env, ...running.env } },
      );
      expect(run, run.log).toMatchObject({ exitCode: 1, outputs: { outcome: 'tag-conflict' } });
      expect(errorsOf(run)).toMatchObject([{ code: 'TAG_IMMUTABLE', message: expect.stringContaining('staging') }]);
      expect(registry.writes()).toEqual([]);
      expect(run.summary).toContain('["✗ pre-flight"]:::failed');
    },
  );
});

test.each(['true', 'false'])('a token that may not push stops before the first write: dry-run %s', async (dryRun) => {
  await using job = await createPromotionJob();
  await using registry = await startRegistry({ referrers: true });
  const { image } = fill(registry, 'org/app');
  image(['old'], {}, 'staging');
  image(['next'], {}, 'next');
  const access = [{ type: 'repository', name: 'org/app', actions: ['pull'] }];
  const host = 'registry.example.com';
  await using cloud = await startCloud({
    [host]: async ({ method, url, headers }) => {
      if (url.pathname === '/token') return { status: 200, body: { token: jwt({ access }) } };
      const challenge = { 'www-authenticate': `Bearer realm="https://${host}/token",service="x"` };
      const errors = [{ code: 'UNAUTHORIZED', message: 'who' }];
      if (headers.authorization === undefined) return { status: 401, body: { errors }, headers: challenge };
      if (method !== 'GET' && method !== 'HEAD') throw new Error(`${method} ${url.pathname}`);
      const reply = await fetch(`http://${registry.host}${url.pathname}`, { method, headers: { accept: '*/*' } });
      return { status: reply.status, body: await reply.text(), headers: Object.fromEntries(reply.headers) };
    },
  });
  const run = await job.promote(
    {
      images: `${host}/org/app`,
      from: 'next',
      environment: 'staging',
      'dry-run': dryRun,
      'registry-ca': cloud.caFile,
      registry: host,
      username: 'ci',
      password: 'password-of-ci',
    },
    { env: cloud.env },
  );
  expect(run, run.log).toMatchObject({ exitCode: 1, outputs: { outcome: 'registry-failed' } });
  expect(errorsOf(run)).toMatchObject([{ code: 'SCOPE_TOO_NARROW' }]);
  expect(cloud.requests.filter(({ method }) => method !== 'GET' && method !== 'HEAD')).toEqual([]);
});

describe('a Harbor project whose quota is used up', () => {
  const host = 'harbor.example.com';

  /** `team/app` with `old` under staging, and `next`. */
  async function createFull() {
    const job = await createPromotionJob();
    const project = { hard: 1000, used: 1000 };
    const double = harborDouble({ host, users: { ci: 'password-of-ci' }, projects: { team: project } });
    const registry = await startRegistry({ auth: double.auth, origin: `https://${host}`, referrers: true });
    const cloud = await startCloud({
      [host]: { host: registry.host, api: double.hosts[host] ?? (() => ({ status: 500 })) },
    });
    const { image } = fill(registry, 'team/app');
    const old = image(['old'], {}, 'staging').descriptor.digest;
    image(['next'], {}, 'next');
    return {
      registry,
      old,
      project: double.state.projects,
      run: (inputs: Readonly<Record<string, string>>) =>
        job.promote(
          {
            images: `${host}/team/app`,
            environment: 'staging',
            'registry-type': 'harbor',
            'registry-ca': cloud.caFile,
            registry: host,
            username: 'ci',
            password: 'password-of-ci',
            ...inputs,
          },
          { env: cloud.env },
        ),
      [Symbol.asyncDispose]: async () => {
        await cloud.close();
        await registry.close();
        await job[Symbol.asyncDispose]();
      },
    };
  }

  test.each(['true', 'false'])('stops before the first write: dry-run %s', async (dryRun) => {
    await using full = await createFull();
    const run = await full.run({ from: 'next', 'dry-run': dryRun });
    expect(run, run.log).toMatchObject({ exitCode: 1, outputs: { outcome: 'registry-failed' } });
    expect(errorsOf(run)).toMatchObject([{ code: 'QUOTA_EXCEEDED', message: expect.stringContaining('1000 bytes') }]);
    expect(full.registry.writes()).toEqual([]);
  });

  test('does not hold up a rollback, which takes no space', async () => {
    await using full = await createFull();
    full.project.set('team', {});
    expect((await full.run({ from: 'next' })).outputs.outcome).toBe('promoted');
    full.project.set('team', { hard: 1000, used: 1000 });
    const back = await full.run({ rollback: 'true' });
    expect(back.outputs.outcome, back.log).toBe('rolled-back');
    expect(full.registry.tags('team/app').staging).toBe(full.old);
    expect(back.summary).toContain('is full: 1000 bytes of 1000 are used');
  });
});
