import { expect, test } from 'vitest';
import type { Credentials } from '../../../../src/credentials/credential.ts';
import type { ErrorCode } from '../../../../src/errors/catalogue.ts';
import { artifactory } from '../../../../src/registries/artifactory/artifactory.ts';
import { manage } from '../../../../src/registries/management-port.ts';
import type { ManagementContext } from '../../../../src/registries/vendor.ts';
import { vendorOf } from '../../../../src/registries/vendors.ts';
import { createTestClock } from '../../../support/runtime.ts';
import { collect, refusal, vendorPlace } from '../../../support/vendor-place.ts';
import {
  type ArtifactoryFolder,
  type ArtifactoryOptions,
  artifactoryDouble,
} from '../../../support/vendors/artifactory.ts';
import { idTokens, jwt, SUBJECT } from '../../../support/vendors/oidc.ts';

const hex = (number: number) => String(number).padStart(64, '0');
const digest = (number: number) => `sha256:${hex(number)}` as const;
const folder = (path: string, number: number, more: Partial<ArtifactoryFolder> = {}): ArtifactoryFolder => ({
  repo: 'docker-local',
  path,
  sha256: hex(number),
  created: `2026-01-0${number}T00:00:00.000Z`,
  ...more,
});
const FOLDERS = [
  folder('team/app/1.0', 1, { name: 'list.manifest.json', downloaded: '2026-02-01T00:00:00.000Z' }),
  folder('team/app/latest', 1, { name: 'list.manifest.json', downloaded: '2026-03-01T00:00:00.000Z' }),
  folder(`team/app/${digest(2)}`, 2),
  folder('team/app/2.0', 3),
  folder('team/app/tool/2.0', 3),
  folder('team/application/2.0', 3),
  folder('team/app/2.0', 3, { repo: 'other-local' }),
];
const PROVIDER = { name: 'github', audience: 'jfrog-github', subject: SUBJECT };
const BASIC = `Basic ${Buffer.from('ci:s3cret').toString('base64')}`;
const PASSWORD: Credentials = { kind: 'password', username: 'ci', password: 's3cret', from: 'the inputs' };

interface Setting extends ArtifactoryOptions {
  readonly place?: Partial<ManagementContext>;
  readonly found?: Credentials;
}

async function setting({ place, found = PASSWORD, ...options }: Setting = {}) {
  const clock = createTestClock();
  const double = artifactoryDouble({
    folders: FOLDERS,
    authorized: [BASIC],
    provider: PROVIDER,
    now: clock.now,
    ...options,
  });
  const fields = {
    host: 'acme.jfrog.io',
    repository: 'docker-local/team/app',
    idToken: idTokens({ now: clock.now }),
    credentials: async () => found,
    ...place,
  };
  const scene = await vendorPlace(double.hosts, fields, clock);
  return { ...double, ...scene, open: () => manage(artifactory, scene.place) };
}

const keyless = { 'oidc-provider-name': 'github' };

test('the token of the job becomes one of Artifactory, and opens its API', async () => {
  const scene = await setting({ place: { keyless } });
  const found = await artifactory.login?.(scene.place);
  expect(found).toMatchObject({ kind: 'password', username: 'ci-bot' });
  expect(found?.until?.getTime()).toBe(scene.clock.now().getTime() + 3_600_000);
  const images = manage(artifactory, { ...scene.place, credentials: async () => found });
  expect(await images.exists()).toBe(true);
  expect(scene.cloud.requests.at(-1)?.headers.authorization).toMatch(/^Bearer /);
});

test.each([
  ['jfrt@01abc/jane', undefined, 'jane'],
  ['jfac@01abc/users/ci/jane', undefined, 'jane'],
  ['robot', undefined, 'robot'],
  ['other/robot', undefined, 'other/robot'],
  ['jfac@01abc/users/jane', 'named', 'named'],
])('the user of the subject %s with the name %s is %s', async (subject, username, expected) => {
  const scene = await setting({ place: { keyless }, subject, ...(username === undefined ? {} : { username }) });
  expect(await artifactory.login?.(scene.place)).toMatchObject({ username: expected });
});

test('without a provider nothing is asked, and its audience can be another one', async () => {
  const scene = await setting({ provider: { ...PROVIDER, audience: 'acme' } });
  expect(await artifactory.login?.(scene.place)).toBeUndefined();
  expect(scene.sent()).toEqual([]);
  const other = { ...scene.place, keyless: { ...keyless, 'oidc-audience': 'acme' } };
  expect(await artifactory.login?.(other)).toMatchObject({ kind: 'password' });
});

const broken = (status: number, body: unknown): Setting => ({ before: () => ({ status, body }) });
test.each<[ErrorCode, string, Setting]>([
  ['ID_TOKEN_AUDIENCE', 'audience jfrog-github', { provider: { ...PROVIDER, audience: 'other' } }],
  ['ID_TOKEN_SUBJECT', `${SUBJECT} or repo:acme/app:ref`, { provider: { ...PROVIDER, subject: 'repo:acme/else' } }],
  ['ID_TOKEN_EXPIRED', 'expired', { now: () => new Date('2100-01-01') }],
  ['KEYLESS_REFUSED', 'was not found', { provider: { ...PROVIDER, name: 'gitlab' } }],
  ['KEYLESS_REFUSED', '403', broken(403, '')],
  ['ANSWER_INVALID', '', broken(200, { token: 'x' })],
  ['ANSWER_INVALID', '', broken(200, { access_token: 'no-user-in-it' })],
])('a refused exchange is %s (%s)', async (name, text, options) => {
  const scene = await setting({ ...options, place: { keyless } });
  const login = artifactory.login?.(scene.place);
  await expect(login).rejects.toEqual(refusal(name, text));
  await expect(login).rejects.not.toEqual(refusal(name, 'eyJ'));
});

test('the images are listed by digest over all pages, and no other image is among them', async () => {
  const scene = await setting();
  const images = await collect(scene.open().list());
  expect(images).toEqual([
    {
      digest: digest(1),
      tags: ['1.0', 'latest'],
      pushedAt: new Date('2026-01-01T00:00:00Z'),
      pulledAt: new Date('2026-03-01T00:00:00Z'),
      tagFacts: [
        expect.objectContaining({ name: '1.0', pulledAt: new Date('2026-02-01T00:00:00Z') }),
        expect.objectContaining({ name: 'latest', pulledAt: new Date('2026-03-01T00:00:00Z') }),
      ],
    },
    expect.objectContaining({ digest: digest(3), tags: ['2.0'], pushedAt: new Date('2026-01-03T00:00:00Z') }),
    { digest: digest(2), tags: [], tagFacts: [], pushedAt: new Date('2026-01-02T00:00:00Z') },
  ]);
  expect(await scene.open().currentTags?.(digest(1))).toEqual(['1.0', 'latest']);
  expect(await scene.open().currentTags?.(digest(9))).toBeUndefined();
  expect(scene.sent().length).toBeGreaterThan(2);
});

test('a tag and a digest are deleted with nothing beside them', async () => {
  const { open, state } = await setting();
  const images = open();
  const paths = () => state.folders.filter(({ repo }) => repo === 'docker-local').map(({ path }) => path);
  expect(await images.deleteTag('2.0')).toBe('deleted');
  expect(await images.deleteTag('2.0')).toBe('absent');
  expect(await images.deleteDigest(digest(1))).toBe('deleted');
  expect(await images.deleteDigest(digest(1))).toBe('absent');
  expect(await images.deleteDigest(digest(2))).toBe('deleted');
  // Other images, and no tag of this one.
  expect(await images.deleteDigest(digest(3))).toBe('absent');
  expect(await images.deleteTag('tool')).toBe('absent');
  expect(paths()).toEqual(['team/app/tool/2.0', 'team/application/2.0']);
  expect(state.folders).toHaveLength(3);
});

test('a tag with another image below it is not deleted', async () => {
  const folders = [folder('team/app/tool', 4), folder('team/app/tool/2.0', 3)];
  const { open, state } = await setting({ folders });
  await expect(open().deleteTag('tool')).rejects.toEqual(refusal('CAPABILITY_MISSING', 'one folder'));
  await expect(open().deleteDigest(digest(4))).rejects.toEqual(refusal('CAPABILITY_MISSING', 'one folder'));
  expect(state.folders).toHaveLength(2);
});

test.each(['', '.', '..', 'a/b', '%2e%2e'])('the tag %j never becomes a deletion', async (tag) => {
  const { open, sent } = await setting();
  await expect(open().deleteTag(tag)).rejects.toEqual(refusal('TAG_INVALID'));
  expect(sent()).toEqual([]);
});

test.each(['docker-local', 'docker-local/', 'docker-local/../x', '', 'docker-local//x'])(
  'the repository %j is no image',
  async (repository) => {
    const { open } = await setting({ place: { repository } });
    expect(open).toThrow(refusal('NAME_INVALID', '<repository key>/<image>'));
  },
);

test('a repository is made once', async () => {
  const { open, state } = await setting({ place: { repository: 'new-local/app' } });
  const images = open();
  expect(await images.exists()).toBe(false);
  expect(await images.create({ scanOnPush: true })).toBe('created');
  expect(state.repositories.get('new-local')).toEqual({
    key: 'new-local',
    rclass: 'local',
    packageType: 'docker',
    dockerApiVersion: 'V2',
    xrayIndex: true,
  });
  expect(await images.exists()).toBe(true);
  expect(await images.create({})).toBe('exists');
  await expect(images.create({ immutableTags: true })).rejects.toEqual(
    refusal('CAPABILITY_MISSING', 'Delete/Overwrite'),
  );
});

test('a token as the password goes as a bearer, an API key as Basic', async () => {
  const token = jwt({ sub: 'jfac@01/users/ci' });
  const scene = await setting({ found: { ...PASSWORD, password: token }, authorized: [`Bearer ${token}`] });
  expect(await scene.open().exists()).toBe(true);
  expect(await collect(scene.open().list())).toHaveLength(3);
  const wrong = await setting({ authorized: [] });
  await expect(wrong.open().exists()).rejects.toEqual(refusal('UNAUTHORIZED'));
  await expect(collect(wrong.open().list())).rejects.toEqual(refusal('UNAUTHORIZED'));
});

test.each<[ErrorCode, number, unknown]>([
  ['ANSWER_INVALID', 200, 'hello'],
  ['ANSWER_INVALID', 200, { results: 'none' }],
  ['ANSWER_INVALID', 200, { results: [{ repo: 'docker-local', path: 'team/app/1', sha256: 'short' }] }],
  ['DENIED', 403, { errors: [{ status: 403, message: 'no' }] }],
  ['REGISTRY_UNAVAILABLE', 503, ''],
])('a list that fails is %s and no empty list (%s)', async (name, status, body) => {
  const scene = await setting({ before: () => ({ status, body }) });
  await expect(collect(scene.open().list())).rejects.toEqual(refusal(name));
  await expect(scene.open().deleteDigest(digest(1))).rejects.toEqual(refusal(name));
});

test('a refused creation or deletion is no success', async () => {
  const refused = await setting({ before: () => ({ status: 400, body: { errors: [{ message: 'Bad key' }] } }) });
  await expect(refused.open().create({})).rejects.toEqual(refusal('REGISTRY_REFUSED', 'Bad key'));
  const answer = { status: 403, body: { errors: [{ message: 'no' }] } };
  const denied = await setting({ before: ({ method }) => (method === 'DELETE' ? answer : undefined) });
  await expect(denied.open().deleteTag('1.0')).rejects.toEqual(refusal('DENIED'));
});

test('hosts that only look like Artifactory get nothing', () => {
  expect(vendorOf('acme.jfrog.io').id).toBe('artifactory');
  for (const host of ['x.jfrog.io.evil.example', 'evil.example', 'jfrog.io', 'x.evil-jfrog.io.evil', 'a.b.jfrog.io']) {
    expect(vendorOf(host).id).toBe('distribution');
    expect(vendorOf(host).login).toBeUndefined();
  }
  expect(vendorOf('docker.acme.com', new Map([['docker.acme.com', 'artifactory']])).id).toBe('artifactory');
});
