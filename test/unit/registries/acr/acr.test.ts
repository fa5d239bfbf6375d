import { expect, test } from 'vitest';
import type { Credentials } from '../../../../src/credentials/credential.ts';
import { acr } from '../../../../src/registries/acr/acr.ts';
import { manage } from '../../../../src/registries/management-port.ts';
import type { ManagementContext } from '../../../../src/registries/vendor.ts';
import { vendorOf } from '../../../../src/registries/vendors.ts';
import { createTestClock } from '../../../support/runtime.ts';
import { collect, refusal, vendorPlace } from '../../../support/vendor-place.ts';
import { type AzureOptions, azureDouble } from '../../../support/vendors/azure.ts';
import { ISSUER, idTokens, SUBJECT } from '../../../support/vendors/oidc.ts';

const HOST = 'acme.azurecr.io';
const CLIENT = '0f8fad5b-d9cb-469f-a165-70867728950e';
const TENANT = '7c9e6679-7425-40de-944b-e07fc1f90ae7';
const KEYLESS = { 'azure-client-id': CLIENT, 'azure-tenant-id': TENANT };
const digest = (letter: string) => `sha256:${letter.repeat(64)}` as const;
const image = (letter: string, tags: string[] = [], locked = false) => {
  return { digest: digest(letter), tags, size: 7, created: '2026-01-02T03:04:05.678Z', locked };
};

async function setting(
  place: Partial<ManagementContext> & { readonly lives?: number; readonly issuer?: string } = {},
  options: Partial<AzureOptions> = {},
) {
  const { lives = 300, issuer = ISSUER, ...rest } = place;
  const clock = createTestClock();
  const repositories = { 'org/app': { images: [image('a', ['1', '2']), image('b'), image('c', ['3'], true)] } };
  const common = { now: clock.now, host: HOST, tenant: TENANT, client: CLIENT, subject: SUBJECT, repositories };
  const double = azureDouble({ ...common, users: { acme: 'good' }, ...options });
  const found: Credentials = { kind: 'password', username: 'acme', password: 'good', from: 'the input `password`' };
  const fields = {
    host: HOST,
    repository: 'org/app',
    keyless: KEYLESS,
    idToken: idTokens({ issuer, lives, now: clock.now }),
    credentials: async () => found,
    ...rest,
  };
  const scene = await vendorPlace(double.hosts, fields, clock);
  const { place: whole } = scene;
  return { ...double, ...scene, registry: manage(acr, whole), login: async () => acr.login?.(whole) };
}

test('a login without a stored secret lists and deletes images, page by page', async () => {
  const { login, place, state, clock, cloud } = await setting();
  const found = await login();
  expect(found).toMatchObject({ kind: 'identity-token', until: new Date(clock.now().getTime() + 10_800_000) });
  const registry = manage(acr, { ...place, credentials: async () => found });
  expect(await registry.exists()).toBe(true);
  const images = await collect(registry.list());
  expect(images.map((each) => each.tags)).toEqual([['1', '2'], [], ['3']]);
  expect(images[0]).toMatchObject({ digest: digest('a'), size: 7, pushedAt: new Date('2026-01-02T03:04:05.678Z') });
  expect(await registry.deleteTag('2')).toBe('deleted');
  expect(await registry.deleteTag('2')).toBe('absent');
  expect(await registry.deleteDigest(digest('b'))).toBe('deleted');
  expect(state.repositories.get('org/app')?.images.map(({ tags }) => tags)).toEqual([['1'], ['3']]);
  const tokens = () => cloud.requests.filter(({ url }) => url.pathname === '/oauth2/token').length;
  // One to read the list, one to delete.
  expect(tokens()).toBe(2);
  await clock.sleep(250_000, new AbortController().signal);
  expect(await registry.exists()).toBe(true);
  expect(tokens()).toBe(3);
});

test('a password works as well, and a wrong one is UNAUTHORIZED', async () => {
  expect(await (await setting()).registry.exists()).toBe(true);
  await expect((await setting({}, { users: {} })).registry.exists()).rejects.toEqual(refusal('UNAUTHORIZED'));
});

test('what is locked stays, and says how to unlock it', async () => {
  const { registry } = await setting();
  await expect(registry.deleteTag('3')).rejects.toEqual(refusal('TAG_IMMUTABLE', '--image org/app:3'));
  await expect(registry.deleteDigest(digest('c'))).rejects.toEqual(refusal('TAG_IMMUTABLE', '--image org/app@sha256'));
  expect(await registry.preflight()).toEqual([]);
  const { registry: locked } = await setting({}, { repositories: { 'org/app': { images: [], writeEnabled: false } } });
  await expect(locked.preflight()).rejects.toMatchObject({
    code: 'TAG_IMMUTABLE',
    remedy: [expect.stringContaining('--write-enabled true')],
  });
  const { registry: none } = await setting({}, { repositories: {} });
  expect(await none.exists()).toBe(false);
  await expect(collect(none.list())).rejects.toEqual(refusal('REPOSITORY_UNKNOWN'));
  expect(() => none.create({})).toThrow(refusal('CAPABILITY_MISSING', 'A push creates the repository.'));
});

test.each([
  ['ID_TOKEN_AUDIENCE', { keyless: { ...KEYLESS, 'oidc-audience': 'else' } }, {}, 'audience else'],
  ['ID_TOKEN_SUBJECT', {}, { subject: 'other' }, 'repo:acme/app:ref:refs/heads/main'],
  ['ID_TOKEN_SUBJECT', { issuer: 'https://ghe.example' }, {}, 'issuer https://ghe.example'],
  ['ID_TOKEN_EXPIRED', { lives: -1 }, {}, 'AADSTS700024'],
  ['KEYLESS_REFUSED', {}, { client: TENANT }, 'AADSTS700016'],
  ['KEYLESS_REFUSED', {}, { roleless: true }, 'AcrPush'],
  ['INPUT_INVALID', { keyless: { 'azure-client-id': CLIENT } }, {}, 'azure-tenant-id'],
  ['INPUT_INVALID', { keyless: { ...KEYLESS, 'azure-tenant-id': `${TENANT}/x` } }, {}, 'not a UUID'],
] as const)('a login fails with %s', async (expected, place, options, message) => {
  await expect((await setting(place, options)).login()).rejects.toEqual(refusal(expected, message));
});

test.each(['acme.azurecr.io.evil.com', 'evil.com', 'a.b.azurecr.io', 'acmeazurecr.io', 'acme.azurecr.io:8443'])(
  '%s gets nothing',
  async (host) => {
    const { login, cloud } = await setting({ host });
    expect(await login()).toBeUndefined();
    expect(vendorOf(host).id).not.toBe('acr');
    expect([...cloud.requests, ...cloud.strangers]).toEqual([]);
  },
);

test('a next page at another host is not asked', async () => {
  const link = '<https://evil.example/acr/v1/x>; rel="next"';
  const { registry, cloud } = await setting(
    {},
    {
      before: ({ url }) =>
        url.pathname.endsWith('/_manifests')
          ? { status: 200, headers: { link }, body: { manifests: null } }
          : undefined,
    },
  );
  await expect(collect(registry.list())).rejects.toEqual(refusal('ANSWER_INVALID'));
  expect(cloud.strangers).toEqual([]);
});

test('locks of manifests and of tags are two things', async () => {
  const images = [{ ...image('a', ['1', '2']), lockedTags: ['2'] }, image('b', ['3'], true)];
  const { registry } = await setting({}, { repositories: { 'org/app': { images } } });
  const [a, b] = await collect(registry.list());
  expect(a).not.toHaveProperty('lock');
  expect(a?.tagFacts?.map(({ name, lock }) => [name, lock?.reason])).toEqual([
    ['1', undefined],
    ['2', 'deleteEnabled is false'],
  ]);
  expect(b?.lock).toEqual({ kind: 'locked', reason: 'deleteEnabled is false' });
  expect(await registry.currentTags?.(digest('a'))).toEqual(['1', '2']);
  expect(await registry.currentTags?.(digest('f'))).toBeUndefined();
});
