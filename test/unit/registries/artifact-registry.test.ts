import { afterEach, expect, test } from 'vitest';
import { createApi } from '../../../src/http/api.ts';
import { createTransport } from '../../../src/http/transport.ts';
import { artifactRegistry } from '../../../src/registries/artifact-registry.ts';
import { googleIdentity } from '../../../src/registries/google-identity.ts';
import { manage } from '../../../src/registries/manage.ts';
import type { ListedImage, ManagementPlace } from '../../../src/registries/vendor.ts';
import { startCloud } from '../../support/cloud.ts';
import { createTestClock, createTestRuntime } from '../../support/runtime.ts';
import { type GoogleOptions, googleDouble } from '../../support/vendors/google.ts';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});
const provider = 'projects/1/locations/global/workloadIdentityPools/pool/providers/github';
const keyless = { 'workload-identity-provider': provider };
const account = 'ci@p.iam.gserviceaccount.com';
const subject = 'repo:acme@1/app@2:ref:refs/heads/main';
const digest = (number: number) => `sha256:${String(number).padStart(64, '0')}` as const;

async function setting(more: Partial<ManagementPlace> = {}, options: Partial<GoogleOptions> = {}, life = 300) {
  const clock = createTestClock();
  const double = googleDouble({ provider, subject, account, now: clock.now, ...options });
  const cloud = await startCloud(double.hosts);
  cleanups.push(cloud.close);
  const runtime = await createTestRuntime({ clock });
  cleanups.push(runtime.dispose);
  const { signal } = new AbortController();
  const transport = createTransport({ signal, insecureHosts: [], ca: cloud.ca, env: cloud.env, userAgent: 'test' });
  const api = createApi({ transport, clock, signal, log: runtime.log, mask: runtime.secret });
  const never = async () => {
    throw new Error('nobody may ask for this');
  };
  const exp = Math.floor(clock.now().getTime() / 1000) + life;
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const place: ManagementPlace = {
    host: 'us-docker.pkg.dev',
    repository: 'p/r/team/app',
    origin: new URL('https://us-docker.pkg.dev/'),
    keyless,
    api,
    transport,
    env: {},
    clock,
    log: runtime.log,
    idToken: async (aud) => `e30.${part({ sub: subject, aud, iss: 'https://github', exp })}.x`,
    credentials: () => googleIdentity(place),
    store: { head: never, listTags: never, deleteManifest: never },
    ...more,
  };
  return { ...double, cloud, place, open: () => manage(artifactRegistry, place) };
}

test('a repository is made, listed page by page and cleaned', async () => {
  const { state, open } = await setting({ keyless: { ...keyless, 'service-account': account } });
  const app = open();
  expect(await app.exists()).toBe(false);
  expect(await app.create({ immutableTags: true })).toBe('created');
  expect(await app.create({})).toBe('exists');
  await expect(app.preflight()).rejects.toMatchObject({ code: 'DENIED' });
  for (const [number, name] of ['team/app', 'team/application', 'team/app', 'team/app'].entries()) {
    const uri = `us-docker.pkg.dev/p/r/${name}@${digest(number)}`;
    state.images.push({ uri, digest: digest(number), package: name, tags: [`v${number}`] });
  }
  const images: ListedImage[] = [];
  for await (const image of app.list()) images.push(image);
  expect(images.map((image) => image.digest)).toEqual([digest(0), digest(2), digest(3)]);
  expect(images[0]).toMatchObject({ tags: ['v0'], size: 12 });
  expect(await app.deleteTag('v0')).toBe('deleted');
  expect(await app.deleteTag('v0')).toBe('absent');
  expect(await app.deleteDigest(digest(2))).toBe('deleted');
  expect(await app.deleteDigest(digest(2))).toBe('absent');
});

test.each([
  ['ID_TOKEN_AUDIENCE', { keyless: { ...keyless, 'oidc-audience': 'other' } }, {}, 300],
  ['ID_TOKEN_SUBJECT', {}, { subject: 'repo:acme/app:x' }, 300],
  ['ID_TOKEN_EXPIRED', {}, {}, -1],
  ['KEYLESS_REFUSED', { keyless: { ...keyless, 'service-account': 'x@y' } }, {}, 300],
  ['INPUT_INVALID', { keyless: { 'workload-identity-provider': `x/${provider}` } }, {}, 300],
] as const)('a refused login is %s', async (code, more, options, life) => {
  const { place } = await setting(more, options, life);
  await expect(googleIdentity(place)).rejects.toMatchObject({ code });
});

test.each(['us-docker.pkg.dev.evil.com', 'evilgcr.io'])('%s gets nothing', async (host) => {
  const { place, cloud } = await setting({ host });
  expect(await googleIdentity(place)).toBeUndefined();
  expect(cloud.requests).toEqual([]);
});
