import { expect, test } from 'vitest';
import type { Credentials } from '../../../../src/credentials/credential.ts';
import type { ErrorCode } from '../../../../src/errors/catalogue.ts';
import { manage } from '../../../../src/registries/management-port.ts';
import { nexus } from '../../../../src/registries/nexus/nexus.ts';
import type { ManagementContext } from '../../../../src/registries/vendor.ts';
import { vendorOf } from '../../../../src/registries/vendors.ts';
import { collect, refusal, vendorPlace } from '../../../support/vendor-place.ts';
import { type NexusOptions, type NexusTag, nexusDouble } from '../../../support/vendors/nexus.ts';

const hex = (number: number) => String(number).padStart(64, '0');
const digest = (number: number) => `sha256:${hex(number)}` as const;
const tag = (id: string, name: string, version: string, number: number, more: Partial<NexusTag> = {}): NexusTag => ({
  id,
  repository: 'docker',
  name,
  version,
  sha256: hex(number),
  blobCreated: `2026-01-0${number}T00:00:00.000+00:00`,
  ...more,
});
const COMPONENTS = [
  tag('a', 'team/app', '1.0', 1, { lastDownloaded: '2026-02-01T00:00:00.000+00:00' }),
  tag('b', 'team/App', '1.0', 3),
  tag('c', 'team/app', 'latest', 1, { lastDownloaded: '2026-03-01T00:00:00.000+00:00' }),
  tag('d', 'team/app', digest(2), 2),
  tag('e', 'team/app-tool', '1.0', 1),
  tag('f', 'team/app', '2.0', 3),
  tag('g', 'team/app', '2.0', 3, { repository: 'other' }),
  tag('h', 'team/app', 'LATEST', 4),
];
const PASSWORD: Credentials = { kind: 'password', username: 'ci', password: 's3cret', from: 'the inputs' };

interface Setting extends Partial<NexusOptions> {
  readonly place?: Partial<ManagementContext>;
  readonly found?: Credentials;
}

async function setting({ place, found = PASSWORD, ...options }: Setting = {}) {
  const double = nexusDouble({ user: 'ci', password: 's3cret', components: COMPONENTS, ...options });
  const fields = {
    host: 'nexus.example.com',
    repository: 'docker/team/app',
    credentials: async () => found,
    ...place,
  };
  const scene = await vendorPlace(double.hosts, fields);
  return { ...double, ...scene, open: () => manage(nexus, scene.place) };
}

test('the images are listed by digest over all pages, and no other image is among them', async () => {
  const { open, cloud } = await setting();
  expect(await collect(open().list())).toEqual([
    {
      digest: digest(1),
      tags: ['1.0', 'latest'],
      pushedAt: new Date('2026-01-01T00:00:00Z'),
      pulledAt: new Date('2026-03-01T00:00:00Z'),
      tagFacts: [
        { name: '1.0', updatedAt: new Date('2026-01-01T00:00:00Z'), pulledAt: new Date('2026-02-01T00:00:00Z') },
        { name: 'latest', updatedAt: new Date('2026-01-01T00:00:00Z'), pulledAt: new Date('2026-03-01T00:00:00Z') },
      ],
    },
    { digest: digest(2), tags: [], tagFacts: [], pushedAt: new Date('2026-01-02T00:00:00Z') },
    expect.objectContaining({ digest: digest(3), tags: ['2.0'], pushedAt: new Date('2026-01-03T00:00:00Z') }),
    expect.objectContaining({ digest: digest(4), tags: ['LATEST'], pushedAt: new Date('2026-01-04T00:00:00Z') }),
  ]);
  expect(await open().currentTags?.(digest(1))).toEqual(['1.0', 'latest']);
  expect(await open().currentTags?.(digest(9))).toBeUndefined();
  // Pages of two for the list, and one search for each digest.
  expect(cloud.requests.length).toBe(5 + 2);
  expect(cloud.requests.every(({ headers }) => headers.cookie === undefined)).toBe(true);
});

test('a tag and a digest are deleted with nothing beside them', async () => {
  const { open, state } = await setting();
  const images = open();
  expect(await images.deleteTag('latest')).toBe('deleted');
  expect(await images.deleteTag('latest')).toBe('absent');
  expect(state.components.map(({ id }) => id)).toEqual(['a', 'b', 'd', 'e', 'f', 'g', 'h']);
  expect(await images.deleteDigest(digest(3))).toBe('deleted');
  expect(await images.deleteDigest(digest(3))).toBe('absent');
  expect(await images.deleteDigest(digest(1))).toBe('deleted');
  expect(await images.deleteDigest(digest(2))).toBe('deleted');
  expect(state.components.map(({ id }) => id)).toEqual(['b', 'e', 'g', 'h']);
});

test('all tags of a digest are deleted together', async () => {
  const { open, state } = await setting();
  expect(await open().deleteDigest(digest(1))).toBe('deleted');
  expect(state.components.map(({ id }) => id)).toEqual(['b', 'd', 'e', 'f', 'g', 'h']);
});

test('a repository is made once, with tags that stay', async () => {
  const { open, state } = await setting({ place: { repository: 'fresh/app' } });
  const images = open();
  expect(await images.exists()).toBe(false);
  expect(await images.create({ immutableTags: true })).toBe('created');
  expect(state.repositories.get('fresh')).toEqual({
    name: 'fresh',
    online: true,
    storage: {
      blobStoreName: 'default',
      strictContentTypeValidation: true,
      writePolicy: 'ALLOW_ONCE',
      latestPolicy: true,
    },
    docker: { v1Enabled: false, forceBasicAuth: true, pathEnabled: true },
  });
  expect(await images.exists()).toBe(true);
  expect(await images.create({})).toBe('exists');
  await expect(images.create({ kmsKey: 'key' })).rejects.toEqual(refusal('CAPABILITY_MISSING', 'blob store'));
});

test('the URL of a repository names it, below a context path as well', async () => {
  const apiUrl = new URL('https://nexus.example.com/nexus/repository/docker/');
  const place = {
    host: 'docker.example.com',
    repository: 'team/app',
    apiUrl,
    origin: new URL('https://docker.example.com/'),
  };
  const { open, state, cloud } = await setting({ place, context: '/nexus', repositories: [] });
  expect(await collect(open().list())).toHaveLength(4);
  expect(await open().create({})).toBe('created');
  expect(state.repositories.get('docker')).toMatchObject({
    storage: { writePolicy: 'ALLOW' },
    docker: { v1Enabled: false, forceBasicAuth: true },
  });
  expect(state.repositories.get('docker')).not.toHaveProperty('docker.pathEnabled');
  expect(cloud.strangers).toEqual([]);
});

test('another base of the API keeps the repository in the name', async () => {
  const { open } = await setting({
    context: '/nexus',
    place: { apiUrl: new URL('https://nexus.example.com/nexus') },
  });
  expect(await collect(open().list())).toHaveLength(4);
});

test.each(['docker', 'docker/', '/app'])('the repository %j is no image', async (repository) => {
  const { open } = await setting({ place: { repository } });
  expect(open).toThrow(refusal('NAME_INVALID', '/repository/<name>'));
});

const page = (items: unknown, continuationToken: unknown = null) => ({ items, continuationToken });
const item = { id: 'a', name: 'team/app', repository: 'docker', version: '1.0' };
test.each<[ErrorCode, number, unknown]>([
  ['ANSWER_INVALID', 200, '<html>'],
  ['ANSWER_INVALID', 200, page('none')],
  ['ANSWER_INVALID', 200, page([{ ...item, assets: [] }])],
  ['ANSWER_INVALID', 200, page([], 'again and again')],
  ['UNAUTHORIZED', 401, ''],
  ['DENIED', 403, ''],
  ['REGISTRY_UNAVAILABLE', 503, ''],
])('a list that fails is %s and no empty list (%s)', async (name, status, body) => {
  const { open } = await setting({ before: () => ({ status, body }) });
  await expect(collect(open().list())).rejects.toEqual(refusal(name));
  await expect(open().deleteTag('1.0')).rejects.toEqual(refusal(name));
});

test('a refused creation, deletion or login is no success', async () => {
  const message = 'Blob store is not there';
  const bad = await setting({ before: () => ({ status: 400, body: [{ id: 'PARAMETER storage', message }] }) });
  await expect(bad.open().create({})).rejects.toEqual(refusal('REGISTRY_REFUSED', message));
  const denied = await setting({
    before: ({ method }) => (method === 'DELETE' ? { status: 403 } : undefined),
  });
  await expect(denied.open().deleteTag('1.0')).rejects.toEqual(refusal('DENIED'));
  const wrong = await setting({ found: { ...PASSWORD, password: 'wrong' } });
  await expect(wrong.open().exists()).rejects.toEqual(refusal('UNAUTHORIZED'));
  const token = await setting({ found: { kind: 'identity-token', token: 't0ken', from: 'a file' } });
  await expect(token.open().exists()).rejects.toEqual(refusal('UNAUTHORIZED', 'user name'));
  expect(token.sent()).toEqual([]);
});

test('a host is a Nexus only when the user says so', () => {
  expect(vendorOf('nexus.example.com').id).toBe('distribution');
  expect(vendorOf('nexus.example.com', new Map([['nexus.example.com', 'nexus']])).id).toBe('nexus');
  expect(vendorOf('nexus.example.com.evil', new Map([['nexus.example.com', 'nexus']])).id).toBe('distribution');
});
