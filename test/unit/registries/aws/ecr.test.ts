import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { readEcrHost } from '../../../../src/registries/aws/ecr-host.ts';
import { manage } from '../../../../src/registries/management-port.ts';
import type { ManagementContext } from '../../../../src/registries/vendor.ts';
import { VENDORS, vendorOf } from '../../../../src/registries/vendors.ts';
import type { Clock } from '../../../../src/runtime/runtime.ts';
import type { CloudRequest, Service } from '../../../support/cloud.ts';
import { createTestClock } from '../../../support/runtime.ts';
import { collect, refusal, vendorPlace } from '../../../support/vendor-place.ts';
import { type AwsImage, type AwsOptions, awsDouble } from '../../../support/vendors/aws.ts';
import { idTokens, SUBJECT } from '../../../support/vendors/oidc.ts';

const HOST = '123456789012.dkr.ecr.eu-west-1.amazonaws.com';
const ROLE = 'arn:aws:iam::123456789012:role/publish';
const digest = (letter: string) => `sha256:${letter.repeat(64)}` as const;
const IMAGES: readonly AwsImage[] = [
  { digest: digest('a'), tags: ['1', '2'], size: 7 },
  { digest: digest('b'), tags: [], size: 8 },
  { digest: digest('c'), tags: ['3'], size: 9, children: [digest('b')] },
];

interface Setting extends Partial<AwsOptions> {
  readonly place?: Partial<ManagementContext>;
  readonly images?: readonly AwsImage[];
}

const atEcr = (clock: Clock, place: Partial<ManagementContext> = {}) => ({
  host: HOST,
  repository: 'team/app',
  keyless: { 'role-to-assume': ROLE },
  idToken: idTokens({ now: clock.now }),
  credentials: async () => undefined,
  ...place,
});

async function setting({ place, images = IMAGES, ...options }: Setting = {}) {
  const clock = createTestClock();
  const region = 'eu-west-1';
  const common = { region, role: ROLE, subject: SUBJECT, now: clock.now, repositories: ['team/app', 'app'] };
  const double = awsDouble({ ...common, ...options });
  for (const { images: held } of double.state.repositories.values())
    held.push(...images.map((image) => ({ ...image, tags: [...image.tags] })));
  const scene = await vendorPlace(double.hosts, atEcr(clock, place), clock);
  const vendor = vendorOf(scene.place.host);
  return { ...double, ...scene, vendor, registry: manage(vendor, scene.place) };
}

test('lists page by page what Amazon ECR knows, in one request a page and without a pull', async () => {
  const { registry, state } = await setting();
  expect(await collect(registry.list())).toEqual([
    {
      digest: digest('a'),
      tags: ['1', '2'],
      size: 7,
      mediaType: 'application/vnd.oci.image.index.v1+json',
      pushedAt: new Date('2026-01-01T00:00:00Z'),
      pulledAt: new Date('2026-01-02T00:00:00Z'),
    },
    expect.objectContaining({ digest: digest('b'), tags: [] }),
    expect.objectContaining({ digest: digest('c'), tags: ['3'] }),
  ]);
  expect(state.asked).toEqual(['DescribeImages', 'DescribeImages']);
});

test('makes a repository as it is asked to, and is content with one that is there', async () => {
  const { registry, state } = await setting({ repositories: [] });
  expect(await registry.exists()).toBe(false);
  expect(await registry.create({ immutableTags: true, kmsKey: 'alias/images', scanOnPush: false })).toBe('created');
  expect(state.repositories.get('team/app')?.settings).toEqual({
    registryId: '123456789012',
    repositoryName: 'team/app',
    imageTagMutability: 'IMMUTABLE',
    imageScanningConfiguration: { scanOnPush: false },
    encryptionConfiguration: { encryptionType: 'KMS', kmsKey: 'alias/images' },
  });
  expect(await registry.create({})).toBe('exists');
  expect(await registry.exists()).toBe(true);
});

test('leaves to the account what it is not asked for: tags, scan on push and encryption', async () => {
  const { registry, state } = await setting({ repositories: [] });
  expect(await registry.create({})).toBe('created');
  expect(state.repositories.get('team/app')?.settings).toEqual({
    registryId: '123456789012',
    repositoryName: 'team/app',
  });
});

test('judges a deletion by what became of the image, not by the status', async () => {
  const { registry, state } = await setting();
  expect(await registry.deleteTag('1')).toBe('deleted');
  expect(state.repositories.get('team/app')?.images[0]?.tags).toEqual(['2']);
  expect(await registry.deleteTag('nobody')).toBe('absent');
  await expect(registry.deleteDigest(digest('b'))).rejects.toThrow(/ImageReferencedByManifestList/i);
  expect(await registry.deleteDigest(digest('c'))).toBe('deleted');
  expect(await registry.deleteDigest(digest('b'))).toBe('deleted');
  expect(await registry.deleteDigest(digest('b'))).toBe('absent');
});

test('tells a repository that is not there', async () => {
  const { registry } = await setting({ repositories: [] });
  await expect(collect(registry.list())).rejects.toEqual(refusal('REPOSITORY_UNKNOWN', "'team/app' does not exist"));
});

test('a login is renewed with fresh credentials, and every secret is masked', async () => {
  const { vendor, place, state, clock, runtime } = await setting({ loginLives: 3600 });
  const found = await vendor.login?.(place);
  expect(found).toMatchObject({ kind: 'password', username: 'AWS', from: `the role ${ROLE}` });
  expect(found?.until).toEqual(new Date(clock.now().getTime() + 3_600_000));
  for (const session of state.sessions.values()) expect(runtime.recorded.masks).toContain(session);
  for (const login of state.logins) expect(runtime.recorded.masks).toContain(login);
  await vendor.login?.(place);
  expect(state.logins).toHaveLength(2);
});

test('a role is taken on once for many requests, and again before it ends', async () => {
  const { registry, state, clock } = await setting();
  await registry.exists();
  await registry.exists();
  expect(state.sessions.size).toBe(1);
  await clock.sleep(3_500_000);
  await registry.exists();
  expect(state.sessions.size).toBe(2);
});

test('credentials of the environment do, where there is no role, and nobody is asked where there are none', async () => {
  const env = { AWS_ACCESS_KEY_ID: 'AKIAENVIRONMENT', AWS_SECRET_ACCESS_KEY: 'secret-of-the-environment' };
  const before = { ...process.env };
  Object.assign(process.env, env);
  try {
    const { vendor, place, registry } = await setting({ place: { keyless: {}, env } });
    expect(await vendor.login?.(place)).toBeUndefined();
    expect(await vendor.ambient?.(place)).toMatchObject({ from: 'the AWS credentials of the environment' });
    expect(await registry.exists()).toBe(true);
  } finally {
    for (const name of Object.keys(env)) delete process.env[name];
    Object.assign(process.env, before);
  }
  const nothing = await setting({ place: { keyless: {} } });
  expect(await nothing.vendor.ambient?.(nothing.place)).toBeUndefined();
  await expect(nothing.registry.exists()).rejects.toEqual(refusal('CREDENTIALS_MISSING', '`role-to-assume`'));
  expect(nothing.cloud.requests).toEqual([]);
});

test('a token file of the environment is shown to STS in the region, on the way that all requests take', async () => {
  const clock = createTestClock();
  const file = join(await mkdtemp(join(tmpdir(), 'ecr-')), 'token');
  onTestFinished(() => rm(dirname(file), { recursive: true }));
  await writeFile(file, await idTokens({ now: clock.now })('sts.amazonaws.com'));
  const env = { AWS_WEB_IDENTITY_TOKEN_FILE: file, AWS_ROLE_ARN: ROLE };
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  onTestFinished(() => void vi.unstubAllEnvs());
  const { vendor, place, cloud } = await setting({ place: { keyless: {}, env } });
  expect(await vendor.ambient?.(place)).toMatchObject({ username: 'AWS' });
  expect(new Set(cloud.requests.map(({ host }) => host))).toEqual(
    new Set(['sts.eu-west-1.amazonaws.com', 'api.ecr.eu-west-1.amazonaws.com']),
  );
});

test.each([
  ['123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu', 'eusc-de-east-1'],
  ['123456789012.dkr.ecr.us-gov-west-1.amazonaws.com', 'us-gov-west-1'],
  ['123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn', 'cn-north-1'],
  ['123456789012.dkr-ecr-fips.us-east-1.on.aws', 'us-east-1'],
])('%s is a registry of Amazon ECR', (host, region) => {
  expect(vendorOf(host).id).toBe('ecr');
  expect(readEcrHost(host)).toEqual({ account: '123456789012', region });
});

test('ECR Public has an API of its own, without what it lacks', async () => {
  const { registry, vendor, place, state } = await setting({
    place: { host: 'public.ecr.aws', repository: 'alias/app' },
  });
  expect(vendor.id).toBe('ecr-public');
  expect(await vendor.login?.(place)).toMatchObject({ username: 'AWS', password: 'ecr-password-0-ecr-public' });
  expect(await collect(registry.list())).toHaveLength(3);
  await expect(registry.create({ immutableTags: true })).rejects.toEqual(refusal('CAPABILITY_MISSING', 'immutable'));
  expect(await registry.create({})).toBe('exists');
  expect(state.repositories.has('app')).toBe(true);
  const stranger = manage(VENDORS['ecr-public'], { ...place, repository: 'somebody/app' });
  await expect(stranger.deleteTag('1')).rejects.toEqual(refusal('DENIED', 'alias somebody'));
  await expect(stranger.exists()).rejects.toEqual(refusal('DENIED', 'alias somebody'));
  expect(state.asked).not.toContain('BatchDeleteImage');
  expect(() => manage(VENDORS['ecr-public'], { ...place, repository: 'app' })).toThrow(/<alias>/);
});

test.each([
  ['AWS_ENDPOINT_URL_ECR', 'api.ecr.eu-west-1.amazonaws.com'],
  ['AWS_ENDPOINT_URL', 'api.ecr.eu-west-1.amazonaws.com'],
  ['AWS_ENDPOINT_URL_STS', 'sts.eu-west-1.amazonaws.com'],
])('%s leads to an emulator', async (name, instead) => {
  const clock = createTestClock();
  const common = { region: 'eu-west-1', role: ROLE, subject: SUBJECT, now: clock.now };
  const { hosts } = awsDouble({ ...common, repositories: ['team/app'] });
  expect(Object.keys(hosts)).toContain(instead);
  const asked: CloudRequest[] = [];
  const emulator: Service = async (request) => {
    asked.push(request);
    const sts = hosts['sts.eu-west-1.amazonaws.com'];
    const service = request.body.startsWith('Action=') ? sts : hosts['api.ecr.eu-west-1.amazonaws.com'];
    return (await service?.(request)) ?? { status: 500 };
  };
  const fields = atEcr(clock, { env: { [name]: 'https://emulator.example' } });
  const { cloud, place } = await vendorPlace({ ...hosts, 'emulator.example': emulator }, fields, clock);
  const registry = manage(VENDORS.ecr, place);
  expect(await registry.exists()).toBe(true);
  expect(asked.length).toBeGreaterThan(0);
  expect(cloud.requests.filter(({ host }) => host === instead)).toEqual([]);
});

test('a batch reports each image, and what an index lists is refused for itself alone', async () => {
  const { registry, state } = await setting();
  const gone = digest('d');
  const results = await registry.deleteDigests?.([digest('a'), digest('b'), gone]);
  expect(results?.get(digest('a'))).toBe('deleted');
  expect(results?.get(digest('b'))).toMatchObject({ code: 'IMAGE_IN_USE' });
  expect(results?.get(gone)).toBe('absent');
  expect(state.asked).toEqual(['BatchDeleteImage']);
  expect(await registry.currentTags?.(digest('c'))).toEqual(['3']);
  expect(await registry.currentTags?.(gone)).toBeUndefined();
});

test('the last tag of what an index lists is not deleted, because the image would go with it', async () => {
  const images = [
    { digest: digest('b'), tags: ['arm64'], size: 8 },
    { digest: digest('c'), tags: ['3'], size: 9, children: [digest('b')] },
  ];
  const { registry } = await setting({ images });
  await expect(registry.deleteTag('arm64')).rejects.toEqual(refusal('IMAGE_IN_USE'));
});
