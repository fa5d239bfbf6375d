import { afterEach, expect, test } from 'vitest';
import type { ErrorCode } from '../../../src/errors/catalogue.ts';
import { createApi } from '../../../src/http/api.ts';
import { createTransport } from '../../../src/http/transport.ts';
import { harbor } from '../../../src/registries/harbor.ts';
import { manage } from '../../../src/registries/manage.ts';
import type { Found, ListedImage, ManagementPlace } from '../../../src/registries/vendor.ts';
import { startCloud } from '../../support/cloud.ts';
import { createTestClock, createTestRuntime } from '../../support/runtime.ts';
import { type HarborOptions, harborDouble } from '../../support/vendors/harbor.ts';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

const HOST = 'harbor.example.com';
const digest = (letter: string) => `sha256:${letter.repeat(64)}` as const;

async function setting(options: Partial<HarborOptions> = {}, place: Partial<ManagementPlace> = {}) {
  const clock = createTestClock();
  const artifacts = [
    { digest: digest('a'), tags: ['1', '2'], children: [digest('b')] },
    { digest: digest('b'), tags: [], pull_time: '2026-02-02T00:00:00.000Z' },
    { digest: digest('c'), tags: ['3'], immutable: true },
  ];
  const projects = { 42: { repositories: { 'team/app': artifacts } } };
  const double = harborDouble({ host: HOST, users: { robot$ci: 'good' }, projects, ...options });
  const cloud = await startCloud(double.hosts);
  cleanups.push(cloud.close);
  const runtime = await createTestRuntime({ clock });
  cleanups.push(runtime.dispose);
  const { signal } = new AbortController();
  const transport = createTransport({ signal, insecureHosts: [], ca: cloud.ca, env: cloud.env, userAgent: 'test' });
  const api = createApi({ transport, clock, signal, log: runtime.log, mask: runtime.secret });
  const found: Found = { kind: 'password', username: 'robot$ci', password: 'good', from: 'the input `password`' };
  const whole: ManagementPlace = {
    host: HOST,
    repository: '42/team/app',
    origin: new URL(`https://${HOST}/`),
    keyless: {},
    api,
    transport,
    env: {},
    clock,
    log: runtime.log,
    idToken: async () => 'never',
    credentials: async () => found,
    store: { head: async () => undefined, listTags: async () => [], deleteManifest: async () => false },
    ...place,
  };
  return { ...double, artifacts, cloud, registry: manage(harbor, whole) };
}

async function all(images: AsyncIterable<ListedImage>): Promise<ListedImage[]> {
  const list: ListedImage[] = [];
  for await (const each of images) list.push(each);
  return list;
}

const code = (expected: ErrorCode, message = '') =>
  expect.objectContaining({ code: expected, message: expect.stringContaining(message) });

test.each([true, false])('images are listed page by page and deleted (links: %s)', async (links) => {
  const { registry, artifacts } = await setting({ links });
  const images = await all(registry.list());
  expect(images.map(({ tags }) => tags)).toEqual([['1', '2'], [], ['3']]);
  expect(images[0]).not.toHaveProperty('pulledAt');
  expect(images[1]).toMatchObject({ parents: [digest('a')], pulledAt: new Date('2026-02-02T00:00:00.000Z'), size: 7 });
  expect(await registry.deleteTag('2')).toBe('deleted');
  expect(await registry.deleteTag('2')).toBe('absent');
  expect(await registry.deleteDigest(digest('b'))).toBe('deleted');
  expect(artifacts.map(({ tags }) => tags)).toEqual([['1'], ['3']]);
  await expect(registry.deleteTag('3')).rejects.toEqual(code('TAG_IMMUTABLE'));
});

test('a project is made once, with texts for switches and a rule for immutable tags', async () => {
  const { registry, state } = await setting({ projects: {} });
  expect(await registry.exists()).toBe(false);
  expect(await registry.preflight()).toEqual([]);
  expect(await registry.create({ public: false, scanOnPush: true, immutableTags: true })).toBe('created');
  expect(await registry.exists()).toBe(true);
  expect(state.projects.get('42')).toMatchObject({
    metadata: { public: 'false', auto_scan: 'true' },
    rules: [{ action: 'immutable', scope_selectors: { repository: [{ pattern: 'team/app' }] } }],
  });
  expect(await registry.create({ immutableTags: true })).toBe('exists');
  expect(state.projects.get('42')?.rules).toHaveLength(1);
  await expect(all(registry.list())).rejects.toEqual(code('REPOSITORY_UNKNOWN'));
});

test.each([
  ['QUOTA_EXCEEDED', { hard: 10, used: 10 }, '10 bytes of 10'],
  ['DENIED', { proxy: true }, 'proxy cache'],
] as const)('what would stop a push is told before it: %s', async (expected, project, message) => {
  const { registry } = await setting({ projects: { 42: project } });
  await expect(registry.preflight()).rejects.toEqual(code(expected, message));
});

test('wrong credentials and names without a project are refused', async () => {
  await expect((await setting({ users: {} })).registry.exists()).rejects.toEqual(code('UNAUTHORIZED'));
  await expect(setting({}, { repository: 'app' })).rejects.toEqual(code('NAME_INVALID'));
});

test('a next page at another host is not asked', async () => {
  const headers = { link: '<https://evil.example/x>; rel="next"' };
  const { registry, cloud } = await setting({ before: () => ({ status: 200, headers, body: [] }) });
  await expect(all(registry.list())).rejects.toEqual(code('ANSWER_INVALID'));
  expect(cloud.strangers).toEqual([]);
});
