import { afterEach, expect, test } from 'vitest';
import type { Credentials } from '../../../../src/credentials/credential.ts';
import type { ErrorCode } from '../../../../src/errors/catalogue.ts';
import { createApi } from '../../../../src/http/api.ts';
import { createTransport } from '../../../../src/http/transport.ts';
import { artifactRegistry } from '../../../../src/registries/artifact-registry/artifact-registry.ts';
import { googleIdentity } from '../../../../src/registries/artifact-registry/identity.ts';
import { manage } from '../../../../src/registries/management-port.ts';
import type { ListedImage, LoginContext, ManagementContext } from '../../../../src/registries/vendor.ts';
import { type CloudReply, type CloudRequest, startCloud } from '../../../support/cloud.ts';
import { checked } from '../../../support/contract/checked.ts';
import { readContract } from '../../../support/contract/read.ts';
import { createTestClock, createTestRuntime } from '../../../support/runtime.ts';
import { type GoogleOptions, googleDouble } from '../../../support/vendors/google.ts';

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});
const provider = 'projects/1/locations/global/workloadIdentityPools/pool/providers/github';
const keyless = { 'workload-identity-provider': provider };
const account = 'ci@p.iam.gserviceaccount.com';
const subject = 'repo:acme@1/app@2:ref:refs/heads/main';
const UPLOAD = 'artifactregistry.repositories.uploadArtifacts';
const HOME = 'projects/p/locations/us/repositories/r';
const digest = (number: number) => `sha256:${String(number).padStart(64, '0')}` as const;

interface Setting extends Partial<ManagementContext> {
  /** Seconds that GitHub's token lives. */
  readonly life?: number;
  /** Stands in for a service where it answers. */
  readonly instead?: (request: CloudRequest) => CloudReply | undefined;
  /** What a login is taken for, when it is not one of the provider's. */
  readonly found?: Credentials;
}

async function setting({ life = 300, instead, found, ...more }: Setting = {}, options: Partial<GoogleOptions> = {}) {
  const clock = createTestClock();
  const double = googleDouble({ provider, subject, account, now: clock.now, ...options });
  const described = async (host: keyof typeof double.hosts, contract: Parameters<typeof readContract>[0]) =>
    checked((request) => instead?.(request) ?? double.hosts[host](request), await readContract(contract));
  const hosts = {
    'sts.googleapis.com': await described('sts.googleapis.com', 'google-sts'),
    'iamcredentials.googleapis.com': await described('iamcredentials.googleapis.com', 'google-iamcredentials'),
    'artifactregistry.googleapis.com': await described('artifactregistry.googleapis.com', 'artifact-registry'),
  };
  const cloud = await startCloud(hosts);
  cleanups.push(cloud.close, () => expect(Object.values(hosts).flatMap(({ problems }) => problems)).toEqual([]));
  const runtime = await createTestRuntime({ clock });
  cleanups.push(runtime.dispose);
  const { signal } = new AbortController();
  const transport = createTransport({ signal, insecureHosts: [], ca: cloud.ca, env: cloud.env, userAgent: 'test' });
  const api = createApi({ transport, clock, signal, log: runtime.log, mask: runtime.secret });
  const never = async () => {
    throw new Error('nobody may ask for this');
  };
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const login = (place: LoginContext) => (found === undefined ? googleIdentity(place) : Promise.resolve(found));
  const place: ManagementContext = {
    host: 'us-docker.pkg.dev',
    repository: 'p/r/team/app',
    origin: new URL('https://us-docker.pkg.dev/'),
    keyless,
    api,
    transport,
    env: {},
    clock,
    log: runtime.log,
    idToken: async (aud) => {
      const exp = Math.floor(clock.now().getTime() / 1000) + life;
      return `e30.${part({ sub: subject, aud, iss: 'https://github', exp })}.signature`;
    },
    credentials: () => login(place),
    store: { head: never, listTags: never, deleteManifest: never },
    ...more,
  };
  const bodies = (verb: string) =>
    cloud.requests
      .filter(({ method, url }) => `${method} ${url.pathname}`.endsWith(verb))
      .map(({ body }): unknown => JSON.parse(body));
  return { ...double, cloud, clock, runtime, place, bodies, app: manage(artifactRegistry, place) };
}

const image = (number: number, name = 'team/app', tags = [`v${number}`]) => ({
  uri: `us-docker.pkg.dev/p/r/${name}@${digest(number)}`,
  digest: digest(number),
  package: name,
  tags,
});
const all = async (images: AsyncIterable<ListedImage>) => {
  const list: ListedImage[] = [];
  for await (const each of images) list.push(each);
  return list;
};
const code = (expected: ErrorCode, message = '') =>
  expect.objectContaining({ code: expected, message: expect.stringContaining(message) });
/** An answer for paths that end so. */
const at = (end: string, status: number, body: unknown) => (request: CloudRequest) =>
  request.url.pathname.endsWith(end) ? { status, body } : undefined;

test('a repository is made, listed page by page and cleaned', async () => {
  const { state, app } = await setting({ keyless: { ...keyless, 'service-account': account } });
  expect(await app.exists()).toBe(false);
  expect(await app.create({})).toBe('created');
  expect(await app.create({})).toBe('exists');
  expect(await app.exists()).toBe(true);
  expect(await all(app.list())).toEqual([]);
  state.images.push(image(0), image(1, 'team/application'), image(2), image(3, 'team/app', []));
  const images = await all(app.list());
  expect(images.map((each) => each.digest)).toEqual([digest(0), digest(2), digest(3)]);
  expect(images[0]).toEqual({
    digest: digest(0),
    tags: ['v0'],
    size: 12,
    pushedAt: new Date('2026-01-01T00:00:00Z'),
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
  });
  expect(images[2]?.tags).toEqual([]);
  expect(await app.deleteTag('v0')).toBe('deleted');
  expect(await app.deleteTag('v0')).toBe('absent');
  expect(await app.deleteDigest(digest(2))).toBe('deleted');
  expect(await app.deleteDigest(digest(2))).toBe('absent');
  expect(state.images.map((each) => each.digest)).toEqual([digest(0), digest(1), digest(3)]);
});

test.each([
  ['nothing', {}, {}],
  ['immutable tags', { immutableTags: true }, { dockerConfig: { immutableTags: true } }],
  ['scanning', { scanOnPush: true }, { vulnerabilityScanningConfig: { enablementConfig: 'INHERITED' } }],
  ['no scanning', { scanOnPush: false }, { vulnerabilityScanningConfig: { enablementConfig: 'DISABLED' } }],
  [
    'a key',
    { kmsKey: 'projects/p/locations/us/keyRings/k/cryptoKeys/c' },
    { kmsKeyName: 'projects/p/locations/us/keyRings/k/cryptoKeys/c' },
  ],
])('a repository is made with %s', async (_name, settings, expected) => {
  const { app, bodies } = await setting();
  expect(await app.create(settings)).toBe('created');
  expect(bodies('/repositories')).toEqual([{ format: 'DOCKER', mode: 'STANDARD_REPOSITORY', ...expected }]);
});

test('immutable tags can be neither moved nor deleted, and images go by digest', async () => {
  const { app, push, state } = await setting();
  await app.create({ immutableTags: true });
  expect(push(HOME, image(1)).status).toBe(200);
  expect(push(HOME, image(2, 'team/app', ['v1']))).toMatchObject({ status: 400 });
  await expect(app.deleteTag('v1')).rejects.toEqual(code('TAG_IMMUTABLE', 'FAILED_PRECONDITION'));
  expect(state.images[0]?.tags).toEqual(['v1']);
  expect(await app.deleteDigest(digest(1))).toBe('deleted');
});

test('an image that an index holds stays', async () => {
  const { app, state } = await setting();
  await app.create({});
  state.images.push(image(1), { ...image(2, 'team/app', []), parent: digest(1) });
  await expect(app.deleteDigest(digest(2))).rejects.toEqual(code('IMAGE_IN_USE', digest(1)));
});

test.each([
  ['gcr.io', 'p/app', 'projects/p/locations/us/repositories/gcr.io', 'us-docker.pkg.dev/p/gcr.io/app'],
  ['us.gcr.io', 'p/app', 'projects/p/locations/us/repositories/us.gcr.io', 'us.gcr.io/p/app'],
  ['eu.gcr.io', 'p/team/app', 'projects/p/locations/europe/repositories/eu.gcr.io', 'eu.gcr.io/p/team/app'],
  [
    'asia.gcr.io',
    'p/app',
    'projects/p/locations/asia/repositories/asia.gcr.io',
    'asia-docker.pkg.dev/p/asia.gcr.io/app',
  ],
  [
    'gcr.io',
    'example.com/project/app',
    'projects/example.com:project/locations/us/repositories/gcr.io',
    'us-docker.pkg.dev/example.com/project/gcr.io/app',
  ],
  [
    'europe-west1-docker.pkg.dev',
    'example.com/project/r/app',
    'projects/example.com:project/locations/europe-west1/repositories/r',
    'europe-west1-docker.pkg.dev/example.com/project/r/app',
  ],
])('%s/%s is %s', async (host, repository, home, uri) => {
  const { app, state, cloud } = await setting({ host, repository });
  expect(await app.create({})).toBe('created');
  expect([...state.repositories.keys()]).toEqual([home]);
  expect(await app.exists()).toBe(true);
  const name = repository.endsWith('/team/app') ? 'team/app' : 'app';
  state.images.push(
    { uri: `${uri}@${digest(1)}`, digest: digest(1), package: name, tags: ['1'] },
    { uri: `${host}/other/app@${digest(2)}`, digest: digest(2), package: 'other', tags: [] },
  );
  expect((await all(app.list())).map((each) => each.digest)).toEqual([digest(1)]);
  expect(await app.deleteTag('1')).toBe('deleted');
  expect(await app.deleteDigest(digest(1))).toBe('deleted');
  expect(cloud.strangers).toEqual([]);
});

test.each([
  ['us-docker.pkg.dev', 'p/r', 'us-docker.pkg.dev/project/repository/image'],
  ['us-docker.pkg.dev', 'example.com/p/r', 'us-docker.pkg.dev/project/repository/image'],
  ['gcr.io', 'p', 'gcr.io/project/image'],
])('%s/%s lacks a part', (host, repository, form) =>
  expect(setting({ host, repository })).rejects.toEqual(code('NAME_INVALID', form)),
);

test.each([
  ['ID_TOKEN_AUDIENCE', { keyless: { ...keyless, 'oidc-audience': 'other' } }, {}],
  ['ID_TOKEN_SUBJECT', {}, { subject: 'repo:acme/app:x' }],
  ['ID_TOKEN_EXPIRED', { life: -1 }, {}],
  ['KEYLESS_REFUSED', {}, { provider: `${provider}-2` }],
] as const)('a refused exchange is %s, and shows both forms of the subject', async (expected, more, options) => {
  const { place } = await setting(more, options);
  const plain = 'repo:acme/app:ref:refs/heads/main';
  await expect(googleIdentity(place)).rejects.toEqual(code(expected, `subject ${subject} or ${plain}, audience`));
});

test.each([
  ['KEYLESS_REFUSED', 'roles/iam.workloadIdentityUser', { ...keyless, 'service-account': 'x@y' }],
  ['INPUT_INVALID', 'projects/NUMBER/', { 'workload-identity-provider': `x/${provider}` }],
  ['INPUT_INVALID', 'number of the project', { 'workload-identity-provider': provider.replace('/1/', '/name/') }],
] as const)('a refused login is %s (%s)', async (expected, words, logins) => {
  const { place, cloud } = await setting({ keyless: logins });
  await expect(googleIdentity(place)).rejects.toEqual(code(expected, words));
  if (expected === 'INPUT_INVALID') expect(cloud.requests).toEqual([]);
});

test('the tokens of a login are masked, and say when they end', async () => {
  const { place, clock, runtime } = await setting();
  const after = (seconds: number) => new Date(clock.now().getTime() + seconds * 1000);
  const direct = await googleIdentity(place);
  expect(direct).toMatchObject({ username: 'oauth2accesstoken', password: 'federated-1', until: after(600) });
  const impersonated = await googleIdentity({ ...place, keyless: { ...keyless, 'service-account': account } });
  expect(impersonated).toMatchObject({
    password: 'impersonated-3',
    until: after(3300),
    from: expect.stringContaining(account),
  });
  const signed = expect.stringMatching(/^e30\..*\.signature$/);
  expect(runtime.recorded.masks).toEqual([signed, 'federated-1', signed, 'federated-2', 'impersonated-3']);
});

test('an audience of the provider that is not its name', async () => {
  const { place } = await setting({ keyless: { ...keyless, 'oidc-audience': 'mine' } }, { audience: 'mine' });
  expect(await googleIdentity(place)).toMatchObject({ password: 'federated-1' });
});

test.each(['us-docker.pkg.dev.evil.com', 'evilgcr.io', 'docker.pkg.dev'])('%s gets nothing', async (host) => {
  const { place, cloud } = await setting({ host });
  expect(await googleIdentity(place)).toBeUndefined();
  expect(cloud.requests).toEqual([]);
});

test('a token that is too old is refused, and one that is fetched anew is not', async () => {
  const { place, app, clock } = await setting();
  const old = await place.credentials();
  await clock.sleep(600_000);
  const stale = manage(artifactRegistry, { ...place, credentials: async () => old });
  await expect(stale.exists()).rejects.toEqual(code('UNAUTHORIZED', 'UNAUTHENTICATED'));
  expect(await app.exists()).toBe(false);
});

test('the right to push is known before the push', async () => {
  const granted = await setting({}, { permissions: [UPLOAD] });
  await granted.app.create({});
  expect(await granted.app.preflight()).toEqual([]);
  expect(granted.bodies(':testIamPermissions')).toEqual([{ permissions: [UPLOAD] }]);

  const lacking = await setting({}, { permissions: ['artifactregistry.repositories.downloadArtifacts'] });
  await lacking.app.create({});
  await expect(lacking.app.preflight()).rejects.toEqual(code('DENIED', UPLOAD));
});

test('a repository that is not there is no missing right', async () => {
  const { app } = await setting({}, { permissions: [UPLOAD] });
  await expect(app.preflight()).rejects.toEqual(code('REPOSITORY_UNKNOWN', HOME));
  const gcr = await setting({ host: 'gcr.io', repository: 'p/app' });
  expect(await gcr.app.preflight()).toEqual([expect.stringContaining('There is no repository gcr.io yet')]);
});

test.each([
  [403, []],
  [404, undefined],
])('the look for the right to push is answered with %i', async (status, doubts) => {
  const error = { code: status, message: 'No.', status: status === 403 ? 'PERMISSION_DENIED' : 'NOT_FOUND' };
  const { app } = await setting({ instead: at(':testIamPermissions', status, { error }) });
  await app.create({});
  const told = app.preflight();
  if (doubts === undefined) await expect(told).rejects.toEqual(code('REPOSITORY_UNKNOWN'));
  else expect(await told).toEqual(doubts.map((doubt) => expect.stringContaining(doubt)));
});

test('who may neither push nor look hears of the right to push', async () => {
  const error = { code: 403, message: 'No.', status: 'PERMISSION_DENIED' };
  const { app } = await setting({ instead: at('/repositories/r', 403, { error }) });
  await app.create({});
  await expect(app.preflight()).rejects.toEqual(code('DENIED', UPLOAD));
});

test.each(['_json_key', '_json_key_base64'])(
  'a key of a service account (%s) pushes, and manages nothing',
  async (username) => {
    const found: Credentials = {
      kind: 'password',
      username,
      password: '{"private_key":"k3y"}',
      from: 'the input `password`',
    };
    const { app, cloud } = await setting({ found });
    expect(await app.preflight()).toEqual([]);
    const error: unknown = await app.exists().catch((thrown: unknown) => thrown);
    expect(error).toEqual(code('UNAUTHORIZED', 'there is a service account key: use workload-identity-provider'));
    expect(String(error)).not.toContain('k3y');
    expect(cloud.requests).toEqual([]);
  },
);

test.each(['oauth2accesstoken', '_token', '_dcgcloud_token', '_dcgcr_2_1_32_token', '_dcgcr_token'])(
  'the password of %s is an access token',
  async (username) => {
    const { app, place } = await setting();
    const login = await googleIdentity(place);
    if (login?.kind !== 'password') throw new Error('no login');
    const theirs = manage(artifactRegistry, { ...place, credentials: async () => ({ ...login, username }) });
    await app.create({});
    expect(await theirs.exists()).toBe(true);
    const other = manage(artifactRegistry, { ...place, credentials: async () => ({ ...login, username: 'me' }) });
    await expect(other.exists()).rejects.toEqual(code('UNAUTHORIZED', 'a login of another kind'));
  },
);

test.each([
  [7, 'DENIED', 'PERMISSION_DENIED: No.'],
  [9, 'REGISTRY_REFUSED', 'FAILED_PRECONDITION: No.'],
  [8, 'TOO_MANY_REQUESTS', 'RESOURCE_EXHAUSTED: No.'],
  [14, 'REGISTRY_UNAVAILABLE', 'UNAVAILABLE: No.'],
  ['odd', 'REGISTRY_REFUSED', 'No.'],
] as const)('an operation that fails with %s is %s', async (rpc, expected, words) => {
  const { app, state } = await setting({}, { failure: { code: rpc, message: 'No.' } });
  const failed = code(expected, `failed creating the repository r: ${words}`);
  await expect(app.create({})).rejects.toEqual(failed);
  state.repositories.set(HOME, { name: HOME });
  state.images.push(image(1));
  await expect(app.deleteDigest(digest(1))).rejects.toEqual(code(expected, `failed deleting ${digest(1)}: ${words}`));
});

test('an operation that finds its wish met by somebody else', async () => {
  const made = await setting({}, { failure: { code: 6, message: 'There.' } });
  expect(await made.app.create({})).toBe('exists');
  const gone = await setting({}, { failure: { code: 5, message: 'Gone.' } });
  gone.state.repositories.set(HOME, { name: HOME });
  gone.state.images.push(image(1));
  expect(await gone.app.deleteDigest(digest(1))).toBe('absent');
});

test('an operation that does not end is given up after five minutes', async () => {
  const { app, state, clock } = await setting({}, { endless: true });
  const begin = clock.now().getTime();
  await expect(app.create({})).rejects.toEqual(code('REGISTRY_UNAVAILABLE', 'within 5 minutes'));
  expect(state.polls).toBe(152);
  expect(clock.now().getTime() - begin).toBe(299_750);
});

test('a conflict that is no repository is an error', async () => {
  const error = { code: 409, message: 'Another operation runs.', status: 'ABORTED' };
  const { app } = await setting({ instead: at('/repositories', 409, { error }) });
  await expect(app.create({})).rejects.toEqual(code('REGISTRY_REFUSED', 'ABORTED: Another operation runs.'));
});

test('what the API forbids is DENIED', async () => {
  const error = { code: 403, message: 'Permission denied.', status: 'PERMISSION_DENIED' };
  const { app } = await setting({
    instead: ({ host }) => (host.startsWith('artifact') ? { status: 403, body: { error } } : undefined),
  });
  const asked = [app.exists, () => app.create({}), () => all(app.list()), () => app.deleteTag('1')];
  for (const ask of [...asked, () => app.deleteDigest(digest(1))]) {
    await expect(ask()).rejects.toEqual(code('DENIED', 'artifactregistry.googleapis.com answered 403'));
  }
});

type App = Awaited<ReturnType<typeof setting>>['app'];
const look = (app: App) => app.exists();
const make = (app: App) => app.create({});
const list = (app: App) => all(app.list());
const may = (app: App) => app.preflight();
const login = (_app: App, place: ManagementContext) => googleIdentity(place);
const listed = '/dockerImages';
test.each<[string, string, unknown, (app: App, place: ManagementContext) => Promise<unknown>]>([
  ['a page of a proxy', '/repositories/r', '<html>', look],
  ['another repository', '/repositories/r', { name: 'projects/p/locations/us/repositories/rr' }, look],
  ['an operation without a name', '/repositories', {}, make],
  ['an operation of another place', '/repositories', { name: '../../evil?x' }, make],
  ['no operation', '/repositories', '<html>', make],
  ['a page of a proxy as list', listed, '<html>', list],
  ['a list as list', listed, [], list],
  ['images that are no list', listed, { dockerImages: {} }, list],
  ['an image without a name', listed, { dockerImages: [{}] }, list],
  ['an image without a digest', listed, { dockerImages: [{ uri: 'us-docker.pkg.dev/p/r/team/app@sha256:1' }] }, list],
  ['a page token that is no text', listed, { nextPageToken: 1 }, list],
  ['permissions that are no list', ':testIamPermissions', { permissions: UPLOAD }, may],
  ['no permissions', ':testIamPermissions', '<html>', may],
  ['a tag deleted by a proxy', '/tags/1', '<html>', (app) => app.deleteTag('1')],
  ['a page of a proxy as token', '/v1/token', '<html>', login],
  ['no token', '/v1/token', { expires_in: 600 }, login],
  ['a token without an end', '/v1/token', { access_token: 'x' }, login],
  ['a token that never ends', '/v1/token', { access_token: 'x', expires_in: 1e300 }, login],
  ['no token of the account', ':generateAccessToken', { expireTime: '2026-01-02T03:04:05Z' }, login],
  ['a token of the account without an end', ':generateAccessToken', { accessToken: 'x', expireTime: 'soon' }, login],
])('%s is not taken for an answer', async (_name, end, body, ask) => {
  const logins = end.startsWith(':gen') ? { ...keyless, 'service-account': account } : keyless;
  const { app, place } = await setting({ keyless: logins, instead: at(end, 200, body) });
  await expect(ask(app, place)).rejects.toEqual(code('ANSWER_INVALID', 'googleapis.com'));
});

test.each([[['a', 'a']], [['a', 'b', 'a']]])('pages that repeat (%s) end in an error', async (tokens) => {
  const pages = tokens.values();
  const instead = ({ url }: CloudRequest) =>
    url.pathname.endsWith(listed) ? { status: 200, body: { nextPageToken: pages.next().value ?? 'never' } } : undefined;
  const { app, cloud } = await setting({ instead });
  await expect(all(app.list())).rejects.toEqual(code('ANSWER_INVALID', 'its pages do not end'));
  expect(cloud.requests.filter(({ url }) => url.pathname.endsWith(listed))).toHaveLength(tokens.length);
});

test('what servers say back holds no secret', async () => {
  const said = (request: CloudRequest) => `${request.headers.authorization ?? ''} ${request.body}`;
  const echo = (host: string, status: number, form: (words: string) => unknown) => (request: CloudRequest) =>
    request.host.startsWith(host) ? { status, body: form(said(request)) } : undefined;
  const error = (words: string) => ({ error: { code: 400, message: words, status: 'INVALID_ARGUMENT' } });
  const asked = [
    [echo('sts', 400, (words) => ({ error: 'invalid_grant', error_description: words })), look, '***'],
    [echo('sts', 400, (words) => `Said: ${words}`), look, '***'],
    [echo('iamcredentials', 403, error), look, 'Bearer ***'],
    [echo('artifactregistry', 400, error), look, 'Bearer ***'],
    [
      echo('artifactregistry', 200, (message) => ({ done: true, error: { code: 7, message, details: [message] } })),
      make,
      'Bearer ***',
    ],
  ] as const;
  for (const [instead, ask, shown] of asked) {
    const { app } = await setting({ instead, keyless: { ...keyless, 'service-account': account } });
    const thrown: unknown = await ask(app).catch((each: unknown) => each);
    expect(thrown).toMatchObject({ message: expect.stringContaining(shown) });
    expect(String(thrown)).not.toMatch(/e30\.|signature|federated-|impersonated-/);
  }
});
