import { expect, test } from 'vitest';
import type { Credentials } from '../../../../src/credentials/credential.ts';
import type { ErrorCode } from '../../../../src/errors/catalogue.ts';
import type { Keyless } from '../../../../src/inputs/keyless.ts';
import { dockerHub } from '../../../../src/registries/docker-hub/docker-hub.ts';
import { manage } from '../../../../src/registries/management-port.ts';
import type { ManagementContext } from '../../../../src/registries/vendor.ts';
import { vendorOf } from '../../../../src/registries/vendors.ts';
import type { CloudReply } from '../../../support/cloud.ts';
import { createTestClock } from '../../../support/runtime.ts';
import { collect, refusal, vendorPlace } from '../../../support/vendor-place.ts';
import { dockerHubDouble, type HubOptions, type HubTag } from '../../../support/vendors/docker-hub.ts';
import { idTokens, SUBJECT } from '../../../support/vendors/oidc.ts';

const CONNECTION = '0f8fad5b-d9cb-469f-a165-70867728950e';
const AUDIENCE = 'https://identity.docker.com';
const KEYLESS = { 'dockerhub-connection-id': CONNECTION, 'dockerhub-organization': 'acme' };
const digest = (letter: string) => `sha256:${letter.repeat(64)}` as const;
const A = digest('a');
const B = digest('b');
const C = digest('c');

interface Setting extends Omit<HubOptions, 'now'> {
  readonly keyless?: Keyless;
  readonly env?: Readonly<Record<string, string>>;
  readonly place?: Partial<ManagementContext>;
  readonly found?: Credentials;
  /** Seconds that GitHub's token lives. */
  readonly lives?: number;
}

const PAT: Credentials = {
  kind: 'password',
  username: 'acme',
  password: 'dckr_pat_good',
  from: 'the input `password`',
};

async function setting({ keyless = {}, env = {}, place, found = PAT, lives = 300, ...options }: Setting = {}) {
  const clock = createTestClock();
  const double = dockerHubDouble({
    now: clock.now,
    users: { acme: 'dckr_pat_good' },
    connection: { id: CONNECTION, audience: AUDIENCE, subjects: [SUBJECT] },
    ...options,
  });
  const deleted: string[] = [];
  const fields = {
    host: 'docker.io',
    repository: 'acme/app',
    origin: new URL('https://registry-1.docker.io/'),
    keyless,
    env,
    idToken: idTokens({ lives, now: clock.now }),
    credentials: async () => found,
    store: {
      head: async (tag: string) => (tag === 'ancient' ? { digest: C, mediaType: 'm', size: 1 } : undefined),
      listTags: async () => [],
      deleteManifest: async (reference: string) => {
        deleted.push(reference);
        return reference === A;
      },
    },
    ...place,
  };
  const scene = await vendorPlace(double.hosts, fields, clock);
  return { ...double, ...scene, deleted, hub: manage(dockerHub, scene.place) };
}

const login = async (options: Setting = {}) => {
  const scene = await setting({ keyless: KEYLESS, ...options });
  return { ...scene, found: dockerHub.login?.(scene.place) };
};

test('the token of the job becomes a password of Docker for an hour, and is masked first', async () => {
  const { found, state, clock, runtime } = await login();
  const until = new Date(clock.now().getTime() + 3_600_000);
  expect(await found).toMatchObject({ kind: 'password', username: 'acme', password: 'dckr_oidc_0', until });
  expect(state.issued).toEqual([{ token: 'dckr_oidc_0', seconds: 3600 }]);
  expect(runtime.recorded.masks).toContain('dckr_oidc_0');
});

test('the names of docker/login-action are read, and inputs come before them', async () => {
  const env = { DOCKERHUB_OIDC_CONNECTIONID: CONNECTION, DOCKERHUB_OIDC_EXPIREIN: '900' };
  const { found, state } = await login({ keyless: { 'dockerhub-organization': 'acme' }, env });
  expect(await found).toMatchObject({ username: 'acme' });
  expect(state.issued).toMatchObject([{ seconds: 900 }]);
  const other = await login({ env: { DOCKERHUB_OIDC_CONNECTIONID: 'none' } });
  expect(await other.found).toMatchObject({ password: 'dckr_oidc_0' });
});

test('the variable alone, which may be there for another step, is no login', async () => {
  const { found, cloud } = await login({ keyless: {}, env: { DOCKERHUB_OIDC_CONNECTIONID: CONNECTION } });
  expect(await found).toBeUndefined();
  expect(cloud.requests).toEqual([]);
});

test('the audience may be another one', async () => {
  const own = { id: CONNECTION, audience: 'acme-docker', subjects: [SUBJECT] };
  const { found } = await login({ keyless: { ...KEYLESS, 'oidc-audience': 'acme-docker' }, connection: own });
  expect(await found).toMatchObject({ username: 'acme' });
});

test('without a connection, and for hosts that are not Docker Hub, nobody is asked', async () => {
  const { found, cloud } = await login({ keyless: {} });
  expect(await found).toBeUndefined();
  const elsewhere = await login({ place: { host: 'docker.io.evil.example' } });
  expect(await elsewhere.found).toBeUndefined();
  expect([...cloud.requests, ...elsewhere.cloud.requests]).toEqual([]);
});

test.for<[string, Setting, string]>([
  ['no UUID', { keyless: { ...KEYLESS, 'dockerhub-connection-id': `${CONNECTION}0` } }, 'dockerhub-connection-id'],
  ['more than a UUID', { keyless: { ...KEYLESS, 'dockerhub-connection-id': `x\n${CONNECTION}` } }, 'dockerhub-conn'],
  ['no organization', { keyless: { 'dockerhub-connection-id': CONNECTION } }, 'dockerhub-organization'],
  ['too short a life', { env: { DOCKERHUB_OIDC_EXPIREIN: '299' } }, '300 to 21600'],
  ['a life in words', { env: { DOCKERHUB_OIDC_EXPIREIN: '1h' } }, '300 to 21600'],
])('an input that cannot be is refused before anything is sent: %s', async ([, options, message]) => {
  const { found, cloud } = await login(options);
  await expect(found).rejects.toEqual(refusal('INPUT_INVALID', message));
  expect(cloud.requests).toEqual([]);
});

const answering = (host: string, reply: CloudReply): Setting => ({
  before: (request) => (request.host === host ? reply : undefined),
});
const IDENTITY = 'identity.docker.com';

test.for<[string, Setting, ErrorCode, RegExp]>([
  [
    'no ruleset fits',
    { connection: { id: CONNECTION, audience: AUDIENCE, subjects: ['repo:acme/app:*'] } },
    'ID_TOKEN_SUBJECT',
    /repo:acme@1\/app@2:ref:refs\/heads\/main or repo:acme\/app:ref:refs\/heads\/main, audience https:\/\/identity\.docker\.com, issuer https:\/\/token\.actions.*ruleset in Docker Home/,
  ],
  ['another audience', { keyless: { ...KEYLESS, 'oidc-audience': 'aws' } }, 'ID_TOKEN_AUDIENCE', /audience aws/],
  ['an old token', { lives: -1 }, 'ID_TOKEN_EXPIRED', /expired/],
  [
    'an unknown connection',
    { keyless: { ...KEYLESS, 'dockerhub-connection-id': CONNECTION.replace('0', '1') } },
    'KEYLESS_REFUSED',
    /unknown connection/,
  ],
  ['another form', answering(IDENTITY, { status: 200, body: { token: 'x' } }), 'ANSWER_INVALID', /identity/],
  ['a fault', answering(IDENTITY, { status: 503 }), 'REGISTRY_UNAVAILABLE', /Tried 5 times/],
])('a refused exchange says why: %s', async ([, options, expected, message]) => {
  const { found } = await login(options);
  await expect(found).rejects.toEqual(refusal(expected, message));
});

test('what the token service says back of the token is not in the error', async () => {
  const { found } = await login({
    before: ({ body }) => ({ status: 403, body: { message: `no: ${new URLSearchParams(body).get('subject_token')}` } }),
  });
  await expect(found).rejects.toEqual(refusal('KEYLESS_REFUSED', /no: \*\*\*/));
});

test('a repository is created once, private unless asked otherwise, with immutable tags when asked for', async () => {
  const { hub, state, cloud } = await setting();
  expect(await hub.exists()).toBe(false);
  expect(await hub.create({ immutableTags: true })).toBe('created');
  expect(state.repositories.get('acme/app')).toMatchObject({ isPrivate: true, immutable: ['.*'] });
  expect(await hub.exists()).toBe(true);
  expect(await hub.create({})).toBe('exists');
  expect(cloud.requests.filter(({ url }) => url.pathname === '/v2/auth/token')).toHaveLength(1);
  const open = await setting();
  await open.hub.create({ public: true });
  expect(open.state.repositories.get('acme/app')).toMatchObject({ isPrivate: false, immutable: undefined });
});

test.for<[string, Setting, Parameters<ReturnType<typeof manage>['create']>[0], ErrorCode, RegExp]>([
  ['official images', { place: { repository: 'library/alpine' } }, {}, 'NAME_INVALID', /official/],
  ['a name of one part', { place: { repository: 'app' } }, {}, 'NAME_INVALID', /namespace\/name/],
  ['a name of three parts', { place: { repository: 'acme/a/b' } }, {}, 'NAME_INVALID', /namespace\/name/],
  ['a name that Hub refuses', { place: { repository: 'acme/a__b' } }, {}, 'REGISTRY_REFUSED', /answered 400/],
  ['a namespace of others', { place: { repository: 'other/app' } }, {}, 'DENIED', /access denied/],
  ['a key of their own', {}, { kmsKey: 'k' }, 'CAPABILITY_MISSING', /key/],
  ['a scan at push', {}, { scanOnPush: true }, 'CAPABILITY_MISSING', /Scout/],
])('what cannot be created is refused: %s', async ([, options, settings, expected, message]) => {
  const { hub, state } = await setting(options);
  await expect(hub.create(settings)).rejects.toEqual(refusal(expected, message));
  expect(state.repositories.size).toBe(0);
});

const tag = (name: string, of: string | undefined, more: Partial<HubTag> = {}): HubTag => ({
  name,
  ...(of === undefined ? {} : { digest: of }),
  ...more,
});

test('the list has each image once, from all pages, with the latest times of its tags', async () => {
  const tags = [
    tag('1', A, { full_size: 10, media_type: 'm', tag_last_pushed: '2026-01-01T00:00:00Z', tag_last_pulled: null }),
    tag('2', B, { tag_last_pulled: '0001-01-01T00:00:00Z' }),
    tag('ancient', undefined),
    tag('latest', A, {
      full_size: 10,
      tag_last_pushed: '2026-02-01T00:00:00Z',
      tag_last_pulled: '2026-03-01T00:00:00Z',
    }),
    tag('gone', undefined),
  ];
  const { hub, cloud } = await setting({ repositories: { 'acme/app': { tags } } });
  expect(await collect(hub.list())).toEqual([
    {
      digest: A,
      tags: ['1', 'latest'],
      mediaType: 'm',
      size: 10,
      pushedAt: new Date('2026-02-01T00:00:00Z'),
      pulledAt: new Date('2026-03-01T00:00:00Z'),
      tagFacts: [
        { name: '1', updatedAt: new Date('2026-01-01T00:00:00Z') },
        {
          name: 'latest',
          updatedAt: new Date('2026-02-01T00:00:00Z'),
          pulledAt: new Date('2026-03-01T00:00:00Z'),
        },
      ],
    },
    expect.objectContaining({ digest: B, tags: ['2'] }),
    expect.objectContaining({ digest: C, tags: ['ancient'] }),
  ]);
  expect(cloud.requests.filter(({ url }) => url.pathname.endsWith('/tags'))).toHaveLength(3);
  expect(cloud.strangers).toEqual([]);
});

test('lists that cannot be are errors and not empty lists', async () => {
  const { hub } = await setting();
  await expect(collect(hub.list())).rejects.toEqual(refusal('REPOSITORY_UNKNOWN', 'acme/app'));
  const nameless = await setting({ repositories: { 'acme/app': { tags: [tag('', A)] } } });
  await expect(collect(nameless.hub.list())).rejects.toEqual(refusal('ANSWER_INVALID', 'a tag'));
  const formless = await setting({
    before: ({ url }) => (url.pathname.endsWith('/tags') ? { status: 200, body: {} } : undefined),
  });
  await expect(collect(formless.hub.list())).rejects.toEqual(refusal('ANSWER_INVALID', 'list of tags'));
});

test('a tag is deleted once; what is refused is not taken for absent', async () => {
  const mine = { 'acme/app': { tags: [tag('1', A), tag('2', A)], writers: ['acme'] } };
  const { hub, state } = await setting({ repositories: mine });
  expect(await hub.deleteTag('1')).toBe('deleted');
  expect(await hub.deleteTag('1')).toBe('absent');
  expect([...(state.repositories.get('acme/app')?.tags.keys() ?? [])]).toEqual(['2']);
  const theirs = await setting({ repositories: { 'acme/app': { tags: [tag('1', A)] } } });
  await expect(theirs.hub.deleteTag('1')).rejects.toEqual(refusal('DENIED', 'which exists'));
  const fixed = state.repositories.get('acme/app');
  if (fixed !== undefined) fixed.immutable = ['.*'];
  await expect(hub.deleteTag('2')).rejects.toEqual(refusal('TAG_IMMUTABLE', 'immutable'));
});

test('a digest is deleted by the registry itself', async () => {
  const { hub, deleted } = await setting();
  expect(await hub.deleteDigest(A)).toBe('deleted');
  expect(await hub.deleteDigest(B)).toBe('absent');
  expect(deleted).toEqual([A, B]);
});

test('the bearer is renewed before it runs out, and when it is revoked', async () => {
  const { hub, clock, state, cloud } = await setting({ repositories: { 'acme/app': {} } });
  const logins = () => cloud.requests.filter(({ url }) => url.pathname === '/v2/auth/token').length;
  await hub.exists();
  await clock.sleep(539_000);
  await hub.exists();
  expect(logins()).toBe(1);
  await clock.sleep(2000);
  await hub.exists();
  expect(logins()).toBe(2);
  state.bearers.clear();
  expect(await hub.exists()).toBe(true);
  expect(logins()).toBe(3);
});

test('credentials that do not open the management API are told with what to do', async () => {
  const wrong = await setting({ found: { ...PAT, password: 'wrong' } });
  await expect(wrong.hub.exists()).rejects.toEqual(
    refusal('UNAUTHORIZED', /Incorrect authentication.*personal access/),
  );
  const scene = await login();
  const keyless = manage(dockerHub, { ...scene.place, credentials: async () => scene.found });
  await expect(keyless.exists()).rejects.toEqual(
    refusal('UNAUTHORIZED', /opens the registry only.*personal access token in `password`/),
  );
  const none = await setting({ place: { credentials: async () => undefined } });
  await expect(collect(none.hub.list())).rejects.toEqual(refusal('UNAUTHORIZED', /needs a user name and password/));
});

test('credentials of another host that is called a Docker Hub do not go to Docker', async () => {
  const { hub, cloud } = await setting({ place: { host: 'mirror.example.com' } });
  await expect(hub.exists()).rejects.toEqual(refusal('UNAUTHORIZED'));
  expect(cloud.requests).toEqual([]);
  for (const host of ['docker.io.evil.example', 'evil-docker.io', 'docker.io.', 'xdocker.io'])
    expect(vendorOf(host).id).toBe('distribution');
  expect(vendorOf('docker.io').id).toBe('docker-hub');
});

test('before a push, only a right that is known to be missing stops it', async () => {
  const theirs = { repositories: { 'acme/app': {} } };
  const { hub } = await setting(theirs);
  await expect(hub.preflight()).rejects.toEqual(refusal('DENIED', 'acme may not push to acme/app'));
  const mine = await setting({ repositories: { 'acme/app': { writers: ['acme'] } } });
  expect(await mine.hub.preflight()).toEqual([]);
  const missing = await setting();
  expect(await missing.hub.preflight()).toEqual([]);
  const closed = await setting({ ...theirs, found: { ...PAT, password: 'wrong' } });
  expect(await closed.hub.preflight()).toEqual([]);
  const token = { ...PAT, password: 'dckr_oat_org' };
  const organization = await setting({ ...theirs, users: { acme: 'dckr_oat_org' }, found: token });
  expect(await organization.hub.preflight()).toEqual([]);
});

test('Hub’s own word for when to come back is kept', async () => {
  let refused = 0;
  const { hub, clock } = await setting({
    repositories: { 'acme/app': {} },
    before: ({ method }) => {
      if (method !== 'HEAD' || refused++ > 0) return undefined;
      return { status: 429, headers: { 'x-retry-after': String(clock.now().getTime() / 1000 + 30) } };
    },
  });
  expect(await hub.exists()).toBe(true);
  expect(clock.sleeps).toEqual([30_000]);
});
