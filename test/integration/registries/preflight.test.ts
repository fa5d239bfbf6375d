import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ErrorCode } from '../../../src/errors/catalogue.ts';
import { type Host, type Service, startCloud } from '../../support/cloud.ts';
import { startRegistry } from '../../support/registry.ts';
import { awsDouble } from '../../support/vendors/aws.ts';
import { azureDouble } from '../../support/vendors/azure.ts';
import { gitHubDouble } from '../../support/vendors/github.ts';
import { harborDouble } from '../../support/vendors/harbor.ts';
import { jwt, oidcDouble } from '../../support/vendors/oidc.ts';
import { createSetting, GOOD, type Setting } from '../setting.ts';
import { ROWS } from './vendors.ts';

let setting: Setting;
beforeAll(async () => {
  setting = await createSetting();
  await setting.image();
});
afterAll(() => setting[Symbol.asyncDispose]());

const ROLE = 'arn:aws:iam::123456789012:role/publish';
const SUBJECT = 'repo:acme@1/app@2:ref:refs/heads/main';
const ECR = '123456789012.dkr.ecr.eu-west-1.amazonaws.com';
const error = (status: number, code: string, message: string) => ({ status, body: { errors: [{ code, message }] } });

interface Case {
  readonly what: string;
  readonly image: string;
  readonly inputs: Readonly<Record<string, string>>;
  readonly hosts: () => Readonly<Record<string, Host>>;
  /** An error, or a warning with these words. */
  readonly code?: ErrorCode;
  readonly says: string;
  readonly env?: Readonly<Record<string, string>>;
}

const ci = (host: string) => ({ registry: host, username: 'ci', password: 'password-of-ci' });
const harbor = (project: object) => () => {
  const host = 'harbor.example.com';
  const double = harborDouble({ host, users: { ci: 'password-of-ci' }, projects: { team: project } });
  return { [host]: double.hosts[host] ?? (() => ({ status: 500 })) };
};

const CASES: readonly Case[] = [
  {
    what: 'wrong credentials',
    image: 'registry.example.com/org/app',
    inputs: ci('registry.example.com'),
    hosts: () => ({
      'registry.example.com': () => ({
        ...error(401, 'UNAUTHORIZED', 'authentication required'),
        headers: { 'www-authenticate': 'Basic realm="x"' },
      }),
    }),
    code: 'UNAUTHORIZED',
    says: 'answered 401',
  },
  {
    what: 'a token that does not let push',
    image: 'registry.example.com/org/app',
    inputs: ci('registry.example.com'),
    hosts: () => ({
      'registry.example.com': ({ url, headers }) => {
        const access = [{ type: 'repository', name: 'org/app', actions: ['pull'] }];
        if (url.pathname === '/token') return { status: 200, body: { token: jwt({ access }) } };
        const challenge = 'Bearer realm="https://registry.example.com/token",service="x"';
        return headers.authorization === undefined
          ? { ...error(401, 'UNAUTHORIZED', 'who'), headers: { 'www-authenticate': challenge } }
          : error(404, 'NAME_UNKNOWN', 'repository name not known to registry');
      },
    }),
    code: 'SCOPE_TOO_NARROW',
    says: 'pull on org/app, not push',
  },
  {
    what: 'a repository that is not there, at Amazon ECR',
    image: `${ECR}/team/app`,
    inputs: { 'role-to-assume': ROLE },
    hosts: () => ({
      ...awsDouble({ region: 'eu-west-1', role: ROLE, subject: SUBJECT }).hosts,
      [ECR]: ({ method }) =>
        method === 'POST'
          ? error(404, 'NAME_UNKNOWN', "The repository with name 'team/app' does not exist in the registry")
          : error(404, 'NAME_UNKNOWN', 'not there'),
    }),
    code: 'REPOSITORY_UNKNOWN',
    says: '`create-repository: true`',
  },
  {
    what: 'no right to push, at GHCR',
    image: 'ghcr.io/acme/app',
    inputs: { 'github-token': 'ghs_of_the_job' },
    hosts: () => ({
      ...gitHubDouble({ token: 'ghs_of_the_job', packages: {} }).hosts,
      'ghcr.io': ({ method }) =>
        method === 'POST'
          ? error(403, 'DENIED', 'permission_denied: write_package')
          : error(404, 'MANIFEST_UNKNOWN', 'manifest unknown'),
    }),
    env: { GITHUB_API_URL: 'https://api.github.com' },
    code: 'GHCR_PACKAGE_NOT_LINKED',
    says: 'Manage Actions access',
  },
  {
    what: 'a quota that is used up, at Harbor',
    image: 'harbor.example.com/team/services/app',
    inputs: { ...ci('harbor.example.com'), 'registry-type': 'harbor' },
    hosts: () => {
      const [api] = Object.values(harbor({ hard: 1000, used: 1000 })());
      return { 'harbor.example.com': behind(api) };
    },
    code: 'QUOTA_EXCEEDED',
    says: '1000',
  },
  {
    what: 'a repository that is locked, at Azure',
    image: 'acme.azurecr.io/org/app',
    inputs: ci('acme.azurecr.io'),
    hosts: () => {
      const host = 'acme.azurecr.io';
      const options = { now: () => new Date(), host, tenant: 'x', client: 'x', subject: 'x' };
      const repositories = { 'org/app': { images: [], writeEnabled: false } };
      const double = azureDouble({ ...options, users: { ci: 'password-of-ci' }, repositories });
      return { [host]: behind(double.hosts[host]) };
    },
    code: 'TAG_IMMUTABLE',
    says: '--write-enabled true',
  },
];

/** The vendor's API, with a registry beside it that holds nothing and wants no login. */
function behind(api: Host | undefined): Host {
  return (request) => {
    if (typeof api !== 'function') return { status: 500 };
    if (!request.url.pathname.startsWith('/v2/')) return api(request);
    return error(404, 'NAME_UNKNOWN', 'repository name not known to registry');
  };
}

describe('before the build it is told', () => {
  test.each(CASES)('$what: $code', async ({ image, inputs, hosts, code, says, env }) => {
    const oidc = oidcDouble();
    await using cloud = await startCloud({ ...hosts(), ...oidc.hosts });
    const run = await setting.publish(
      { images: image, scan: 'off', ...inputs },
      { event: await setting.push(), env: { ...cloud.env, ...oidc.env, GITHUB_REPOSITORY: 'acme/app', ...env } },
    );
    expect(run.exitCode, run.log).toBe(1);
    const { errors, steps } = JSON.parse(run.outputs.json ?? '{}');
    expect(errors.map((each: { code: string }) => each.code)).toEqual([code]);
    expect(run.annotations.map(({ message }) => message).join('\n')).toContain(says);
    expect(steps.map((step: { name: string }) => step.name)).not.toContain('Push');
    const sent = cloud.requests.filter(({ url, body }) => url.pathname.startsWith('/v2/') && body !== '');
    expect(sent).toEqual([]);
  });

  test('a doubt is a warning, and no more: a package that knows another repository', async () => {
    await using registry = await startRegistry({
      auth: { bearer: { username: 'octocat', password: 'ghs_of_the_job' } },
      origin: 'https://ghcr.io',
    });
    const packages = { 'acme/app': { kind: 'orgs' as const, repository: 'acme/other', versions: [] } };
    await using cloud = await startCloud({
      ...gitHubDouble({ token: 'ghs_of_the_job', packages }).hosts,
      'ghcr.io': registry,
    });
    const job = { GITHUB_API_URL: 'https://api.github.com', GITHUB_REPOSITORY: 'acme/app', GITHUB_ACTOR: 'octocat' };
    const run = await setting.publish(
      { images: 'ghcr.io/acme/app', scan: 'off', 'github-token': 'ghs_of_the_job' },
      { event: await setting.push(), env: { ...cloud.env, ...job } },
    );
    expect(run.exitCode, run.log).toBe(0);
    expect(
      run.annotations
        .filter(({ level }) => level === 'warning')
        .map(({ message }) => message)
        .join('\n'),
    ).toContain('Manage Actions access');
    // The upload that was begun to find out was closed again.
    expect(registry.openUploads()).toBe(0);
  });
});

test('settings that a repository may not have got are a warning: it was made, and the answer was lost', async () => {
  const host = 'harbor.example.com';
  const double = harborDouble({ host, users: { ci: 'password-of-ci' }, projects: {} });
  let lost = false;
  const api: Service = async (request) => {
    const reply = await double.hosts[host]?.(request);
    if (lost || request.method !== 'POST' || reply?.status !== 201) return reply ?? { status: 500 };
    lost = true;
    return { status: 503 };
  };
  await using registry = await startRegistry({ origin: `https://${host}` });
  await using cloud = await startCloud({ [host]: { host: registry.host, api } });
  const run = await setting.publish(
    {
      images: `${host}/team/app`,
      scan: 'off',
      ...ci(host),
      'registry-type': 'harbor',
      'create-repository': 'immutable=true',
    },
    { event: await setting.push(), env: cloud.env },
  );
  expect(run.exitCode, run.log).toBe(0);
  expect(double.state.projects.get('team')?.rules ?? []).toEqual([]);
  const warnings = run.annotations.filter(({ level }) => level === 'warning').map(({ message }) => message);
  expect(warnings.join('\n')).toContain('check whether it has the settings immutable=true');
});

describe('a tag that the settings of the registry hold fast', () => {
  test.each(['ecr', 'artifact-registry', 'acr', 'harbor', 'nexus', 'docker-hub'] as const)(
    '%s: is told before the build',
    async (id) => {
      const row = ROWS.find((each) => each.id === id);
      if (row === undefined) throw new Error(`${id} is not told of`);
      const running = await row.start();
      const home = row.host === 'docker.io' ? 'registry-1.docker.io' : row.host;
      await using registry = await startRegistry({ auth: running.auth, origin: `https://${home}` });
      const oidc = oidcDouble();
      await using cloud = await startCloud({ ...running.hosts(registry), ...oidc.hosts });
      // Of a parent commit, so that the tag would move.
      const first = await setting.repository.head();
      const old = await setting.image(GOOD, `old-${id}`);
      await registry.putLayout(row.repository, 'main', old.directory);
      await setting.repository.commit(`next for ${id}`, { 'app.txt': id });
      expect(await setting.repository.head()).not.toBe(first);
      await setting.image(GOOD, `new-${id}`);
      running.freeze?.({ tag: 'main', digest: old.digest, mediaType: '', bytes: 1 });
      const run = await setting.publish(
        { images: `${row.host}/${row.repository}`, source: `new-${id}`, scan: 'off', ...row.inputs },
        { env: { ...cloud.env, ...oidc.env, ...running.env }, event: await setting.push() },
      );
      expect(run.exitCode, run.log).toBe(1);
      expect(run.outputs.outcome).toBe('tag-conflict');
      expect(run.annotations.map(({ message }) => message).join('\n')).toContain('this run would move main');
      expect(registry.tags(row.repository)).toEqual({ main: old.digest });
      expect(running.checks.flatMap(({ problems }) => problems)).toEqual([]);
    },
  );
});
