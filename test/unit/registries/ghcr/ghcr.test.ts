import { expect, test } from 'vitest';
import type { Credentials } from '../../../../src/credentials/credential.ts';
import type { ErrorCode } from '../../../../src/errors/catalogue.ts';
import { ghcr } from '../../../../src/registries/ghcr/ghcr.ts';
import { manage } from '../../../../src/registries/management-port.ts';
import type { ManagementContext } from '../../../../src/registries/vendor.ts';
import { vendorOf } from '../../../../src/registries/vendors.ts';
import { collect, refusal, vendorPlace } from '../../../support/vendor-place.ts';
import {
  type GitHubOptions,
  type GitHubPackage,
  gitHubDouble,
  type PackageVersion,
} from '../../../support/vendors/github.ts';

const digest = (number: number) => `sha256:${String(number).padStart(64, '0')}` as const;
const version = (id: number, ...tags: readonly string[]): PackageVersion => ({
  id: id + 1000,
  digest: digest(id),
  tags,
  created: `2026-01-0${id}T00:00:00Z`,
});
const FIVE = [version(5, 'latest', '5'), version(4), version(3, '3'), version(2), version(1)];
const TOKEN = 'ghs_job';
const GITHUB = { token: TOKEN, actor: 'octocat', apiUrl: 'https://api.github.com', repository: 'acme/app' };
const of = (versions: readonly PackageVersion[], more: Partial<GitHubPackage> = {}): GitHubPackage => ({
  kind: 'orgs',
  versions,
  ...more,
});

interface Setting extends Partial<GitHubOptions> {
  readonly place?: Partial<ManagementContext>;
  /** The job's own access to GitHub; false for none. */
  readonly job?: false;
}

async function setting({ place, job, ...options }: Setting = {}) {
  const double = gitHubDouble({ token: TOKEN, packages: { 'acme/app': of(FIVE) }, ...options });
  const github = job === false ? {} : { github: GITHUB };
  const fields = { host: 'ghcr.io', repository: 'acme/app', ...github, ...place };
  const scene = await vendorPlace(double.hosts, fields);
  return { ...double, ...scene, packages: manage(ghcr, scene.place) };
}

const PAT: Credentials = { kind: 'password', username: 'me', password: TOKEN, from: 'the input `password`' };

test('all versions are listed, page by page, with tags and the time of the push', async () => {
  const { packages, sent, cloud, runtime } = await setting();
  const list = await collect(packages.list());
  const time = new Date('2026-01-05T00:00:00Z');
  const newest = { digest: digest(5), tags: ['latest', '5'], handle: '1005', pushedAt: time, updatedAt: time };
  expect(list[0]).toEqual(newest);
  expect(list.map((image) => image.digest)).toEqual([5, 4, 3, 2, 1].map(digest));
  const versions = '/orgs/acme/packages/container/app/versions?per_page=100';
  expect(sent()).toEqual([
    'GET /orgs/acme/packages/container/app',
    ...[1, 2, 3].map((page) => `GET ${versions}&page=${page}`),
  ]);
  expect(cloud.strangers).toEqual([]);
  expect(runtime.recorded.masks).toContain(TOKEN);
});

test('a package of a user, with slashes in its name, is found', async () => {
  const packages = { 'me/app/tool': of(FIVE, { kind: 'users' }) };
  const scene = await setting({ packages, place: { repository: 'me/app/tool' } });
  expect(await scene.packages.exists()).toBe(true);
  expect(await collect(scene.packages.list())).toHaveLength(5);
  expect(scene.sent().slice(0, 3)).toEqual([
    'GET /orgs/me/packages/container/app%2Ftool',
    'GET /users/me/packages/container/app%2Ftool',
    'GET /users/me/packages/container/app%2Ftool/versions?per_page=100&page=1',
  ]);
});

test('what is not there is said so, and is not an empty list', async () => {
  const { packages } = await setting({ packages: {} });
  expect(await packages.exists()).toBe(false);
  await expect(collect(packages.list())).rejects.toEqual(refusal('REPOSITORY_UNKNOWN', 'packages: read'));
  await expect(packages.deleteDigest(digest(1))).rejects.toEqual(refusal('REPOSITORY_UNKNOWN'));
  const nameless = await setting({ place: { repository: 'acme' } });
  await expect(nameless.packages.exists()).rejects.toEqual(refusal('NAME_INVALID', 'owner/name'));
});

test('a digest is deleted by the id of its version, which a list has shown already', async () => {
  const { packages, state, sent } = await setting();
  await collect(packages.list());
  const before = sent().length;
  expect(await packages.deleteDigest(digest(4))).toBe('deleted');
  expect(sent().slice(before)).toEqual(['DELETE /orgs/acme/packages/container/app/versions/1004']);
  expect(state.packages.get('acme/app')?.versions.map(({ id }) => id)).toEqual([1005, 1003, 1002, 1001]);
  expect(await packages.deleteDigest(digest(4))).toBe('absent');
});

test('without a list the version is looked for, and images can be deleted while they are listed', async () => {
  const { packages, state } = await setting();
  expect(await packages.deleteDigest(digest(2))).toBe('deleted');
  const seen: string[] = [];
  for await (const image of packages.list()) {
    seen.push(image.digest);
    if (image.tags.length === 0) await packages.deleteDigest(image.digest);
  }
  expect(seen).toEqual([5, 4, 3, 1].map(digest));
  expect(state.packages.get('acme/app')?.versions.map(({ id }) => id)).toEqual([1005, 1003]);
});

test('a version that somebody else deleted after the list is absent', async () => {
  const { packages, state } = await setting();
  await collect(packages.list());
  state.packages.get('acme/app')?.versions.splice(1, 1);
  expect(await packages.deleteDigest(digest(4))).toBe('absent');
});

test.for<[string, Partial<GitHubPackage>, ErrorCode, RegExp]>([
  ['the last tagged image', { versions: [version(5, 'latest')] }, 'CAPABILITY_MISSING', /Delete this package/],
  ['no role', { refuse: 403 }, 'DENIED', /admin rights.*role Admin.*Manage Actions access/],
  ['no role, hidden', { refuse: 404 }, 'DENIED', /which exists.*role Admin/],
])('GitHub keeps it, and the error says what to do: %s', async ([, more, expected, message]) => {
  const { packages, state } = await setting({ packages: { 'acme/app': of(FIVE, more) } });
  const count = state.packages.get('acme/app')?.versions.length;
  await expect(packages.deleteDigest(digest(5))).rejects.toEqual(refusal(expected, message));
  expect(state.packages.get('acme/app')?.versions).toHaveLength(count ?? -1);
});

test.for<[string, number, string, ErrorCode, RegExp]>([
  [
    'much downloaded',
    400,
    'Publicly visible package versions with more than 5000 downloads cannot be deleted. Contact GitHub support for further assistance.',
    'CAPABILITY_MISSING',
    /GitHub Support only/,
  ],
  [
    'too often',
    403,
    'You have exceeded a secondary rate limit. Please wait a few minutes.',
    'TOO_MANY_REQUESTS',
    /wait/,
  ],
  ['something else', 422, 'Validation Failed', 'REGISTRY_REFUSED', /Validation Failed/],
])('refusals keep GitHub’s words: %s', async ([, status, message, expected, words]) => {
  const { packages } = await setting({
    before: ({ method }) => (method === 'DELETE' ? { status, body: { message } } : undefined),
  });
  await expect(packages.deleteDigest(digest(5))).rejects.toEqual(refusal(expected, words));
});

test('what GitHub has not is refused with what to do instead', async () => {
  const { packages, cloud } = await setting();
  expect(() => packages.deleteTag('latest')).toThrow(refusal('CAPABILITY_MISSING', 'by its digest'));
  expect(() => packages.create({})).toThrow(refusal('CAPABILITY_MISSING', 'first push creates'));
  expect(cloud.requests).toEqual([]);
});

test.for<[string, unknown]>([
  ['no list', { versions: [] }],
  ['no digest', [{ id: 1, name: 'latest', metadata: { container: { tags: [] } } }]],
  ['no tags', [{ id: 1, name: digest(1), metadata: {} }]],
  ['no id', [{ name: digest(1), metadata: { container: { tags: [] } } }]],
])('a list of another form is an error: %s', async ([, body]) => {
  const { packages } = await setting({
    before: ({ url }) => (url.pathname.endsWith('/versions') ? { status: 200, body } : undefined),
  });
  await expect(collect(packages.list())).rejects.toEqual(refusal('ANSWER_INVALID', 'GitHub'));
});

test('before a push, a package that is not linked to the repository is a doubt with the setting to change', async () => {
  const linked = (repository?: string) =>
    setting({ packages: { 'acme/app': of(FIVE, repository === undefined ? {} : { repository }) } });
  expect(await (await linked('Acme/App')).packages.preflight()).toEqual([]);
  expect(await (await linked()).packages.preflight()).toEqual([
    expect.stringMatching(
      /not linked to a repository.*Package settings → Manage Actions access → Add repository → acme\/app with the role Write.*org\.opencontainers\.image\.source=https:\/\/github\.com\/acme\/app/,
    ),
  ]);
  expect(await (await linked('acme/other')).packages.preflight()).toEqual([
    expect.stringContaining('linked to acme/other'),
  ]);
});

test('before a push, what is not known stops nothing', async () => {
  const fresh = await setting({ packages: {} });
  expect(await fresh.packages.preflight()).toEqual([]);
  const refused = await setting({ token: 'another' });
  expect(await refused.packages.preflight()).toEqual([]);
  const stranger = await setting({ job: false, place: { credentials: async () => PAT } });
  expect(await stranger.packages.preflight()).toEqual([]);
});

test('without the job’s access the password of the registry is the token', async () => {
  const { packages } = await setting({ job: false, place: { credentials: async () => PAT } });
  expect(await collect(packages.list())).toHaveLength(5);
  const none = await setting({ job: false, place: { credentials: async () => undefined } });
  await expect(none.packages.exists()).rejects.toEqual(refusal('UNAUTHORIZED', 'no token for api.github.com'));
  const wrong = await setting({ token: 'another' });
  await expect(wrong.packages.exists()).rejects.toEqual(refusal('UNAUTHORIZED', 'Bad credentials'));
});

test('the token of another GitHub does not go to this one, and neither does its API get the password', async () => {
  for (const apiUrl of ['https://github.example.com/api/v3', 'https://api.github.com.evil.example', 'nonsense']) {
    const github = { ...GITHUB, token: 'other', apiUrl };
    const { packages, cloud } = await setting({ place: { github, credentials: async () => PAT } });
    expect(await packages.exists()).toBe(true);
    expect(cloud.requests.map(({ host, headers }) => [host, headers.authorization])).toEqual([
      ['api.github.com', `Bearer ${TOKEN}`],
    ]);
    expect(cloud.strangers).toEqual([]);
  }
});

test('a tenant of GitHub with data residency has an API of its own', async () => {
  const place = { host: 'containers.acme.ghe.com', github: { ...GITHUB, apiUrl: 'https://api.acme.ghe.com' } };
  const { packages, cloud } = await setting({ host: 'api.acme.ghe.com', place });
  expect(await packages.exists()).toBe(true);
  expect(cloud.requests).toHaveLength(1);
});

test('hosts that look like GitHub’s get nothing', async () => {
  for (const host of ['ghcr.io.evil.example', 'evil-ghcr.io', 'ghcr.io:443', 'containers.acme.ghe.com.evil.example']) {
    expect(vendorOf(host).id).toBe('distribution');
    const { packages, cloud } = await setting({ place: { host } });
    await expect(packages.exists()).rejects.toEqual(refusal('CAPABILITY_MISSING', 'not known where'));
    expect([...cloud.requests, ...cloud.strangers]).toEqual([]);
  }
});
