import { expect, test } from 'vitest';
import type { Credentials } from '../../../../src/credentials/credential.ts';
import { harbor } from '../../../../src/registries/harbor/harbor.ts';
import { manage } from '../../../../src/registries/management-port.ts';
import type { ManagementContext } from '../../../../src/registries/vendor.ts';
import { collect, refusal, vendorPlace } from '../../../support/vendor-place.ts';
import { type HarborOptions, harborDouble } from '../../../support/vendors/harbor.ts';

const HOST = 'harbor.example.com';
const digest = (letter: string) => `sha256:${letter.repeat(64)}` as const;

async function setting(options: Partial<HarborOptions> = {}, place: Partial<ManagementContext> = {}) {
  const artifacts = [
    { digest: digest('a'), tags: ['1', '2'], children: [digest('b')] },
    { digest: digest('b'), tags: [], pull_time: '2026-02-02T00:00:00.000Z' },
    { digest: digest('c'), tags: ['3'], immutable: true },
  ];
  const projects = { 42: { repositories: { 'team/app': artifacts } } };
  const double = harborDouble({ host: HOST, users: { robot$ci: 'good' }, projects, ...options });
  const found: Credentials = { kind: 'password', username: 'robot$ci', password: 'good', from: 'the input `password`' };
  const fields = { host: HOST, repository: '42/team/app', credentials: async () => found, ...place };
  const scene = await vendorPlace(double.hosts, fields);
  return { ...double, ...scene, artifacts, registry: manage(harbor, scene.place) };
}

test.each([true, false])('images are listed page by page and deleted (links: %s)', async (links) => {
  const { registry, artifacts } = await setting({ links });
  const images = await collect(registry.list());
  expect(images.map(({ tags }) => tags)).toEqual([['1', '2'], [], ['3']]);
  expect(images[0]).not.toHaveProperty('pulledAt');
  expect(images[0]).toMatchObject({ children: [digest('b')] });
  expect(images[1]).toMatchObject({ pulledAt: new Date('2026-02-02T00:00:00.000Z'), size: 7 });
  expect(images[2]?.tagFacts).toMatchObject([{ name: '3', lock: { kind: 'immutable' } }]);
  expect(await registry.deleteTag('2')).toBe('deleted');
  expect(await registry.deleteTag('2')).toBe('absent');
  await expect(registry.deleteDigest(digest('b'))).rejects.toEqual(refusal('IMAGE_IN_USE'));
  expect(await registry.currentTags?.(digest('a'))).toEqual(['1']);
  // Its child goes with it.
  expect(await registry.deleteDigest(digest('a'))).toBe('deleted');
  expect(await registry.currentTags?.(digest('a'))).toBeUndefined();
  expect(artifacts.map(({ tags }) => tags)).toEqual([['3']]);
  await expect(registry.deleteTag('3')).rejects.toEqual(refusal('TAG_IMMUTABLE'));
});

test('pages that lead in a circle come to an end', async () => {
  let asked = 0;
  const { registry } = await setting({
    before: ({ url }) => {
      if (asked++ > 20) return { status: 404 };
      const other = new URL(url);
      other.searchParams.set('page', url.searchParams.get('page') === '1' ? '2' : '1');
      const link = `<${other.pathname}${other.search}>; rel="next"`;
      return { status: 200, headers: { link }, body: [{ digest: digest('a'), tags: [] }] };
    },
  });
  await expect(collect(registry.list())).rejects.toEqual(refusal('ANSWER_INVALID', 'a page of the images'));
  expect(asked).toBe(2);
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
  await expect(collect(registry.list())).rejects.toEqual(refusal('REPOSITORY_UNKNOWN'));
});

test.each([
  ['QUOTA_EXCEEDED', { hard: 10, used: 10 }, '10 bytes of 10'],
  ['READ_ONLY', { proxy: true }, 'proxy cache'],
] as const)('what would stop a push is told before it: %s', async (expected, project, message) => {
  const { registry } = await setting({ projects: { 42: project } });
  await expect(registry.preflight()).rejects.toEqual(refusal(expected, message));
});

test('wrong credentials and names without a project are refused', async () => {
  await expect((await setting({ users: {} })).registry.exists()).rejects.toEqual(refusal('UNAUTHORIZED'));
  await expect(setting({}, { repository: 'app' })).rejects.toEqual(refusal('NAME_INVALID'));
});

test('a next page at another host is not asked', async () => {
  const headers = { link: '<https://evil.example/x>; rel="next"' };
  const { registry, cloud } = await setting({ before: () => ({ status: 200, headers, body: [] }) });
  await expect(collect(registry.list())).rejects.toEqual(refusal('ANSWER_INVALID'));
  expect(cloud.strangers).toEqual([]);
});
