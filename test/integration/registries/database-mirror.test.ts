import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MEDIA_TYPES } from '../../../src/domain/manifest.ts';
import { type ActionOptions, runAction } from '../../support/action.ts';
import { type Certificate, certificate } from '../../support/certificate.ts';
import { npmPackage } from '../../support/image.ts';
import { writeLayout } from '../../support/layout.ts';
import { type RegistryOptions, startRegistry, type TestRegistry } from '../../support/registry.ts';
import { tarOfEntries } from '../../support/tar.ts';
import { packTrivyDb } from '../../support/trivy-db.ts';

const ACCOUNT = { username: 'scanner', password: 'canary-database-password' };
const LAYER = 'application/vnd.aquasec.trivy.db.layer.v1.tar+gzip';

let root: string;
let layer: Buffer;
let pair: Certificate;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'mirror-'));
  layer = await packTrivyDb();
  pair = await certificate();
  await writeLayout(join(root, 'layout'), {
    platforms: [{ platform: 'linux/amd64', files: npmPackage('lodash', '4.17.11') }],
  });
});
afterAll(async () => {
  await rm(root, { recursive: true, force: true });
  await pair[Symbol.asyncDispose]();
});

/** A registry that holds the database as `mirror/trivy-db:2`. */
async function mirror(options: RegistryOptions = {}, content = layer, mediaType = LAYER): Promise<TestRegistry> {
  const registry = await startRegistry(options);
  const put = (bytes: Buffer) => ({ digest: registry.putBlob('mirror/trivy-db', bytes), size: bytes.length });
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.ociManifest,
    config: { mediaType: 'application/vnd.aquasec.trivy.config.v1+json', ...put(Buffer.from('{}')) },
    layers: [{ mediaType, ...put(content), annotations: { 'org.opencontainers.image.title': 'db.tar.gz' } }],
  };
  registry.putManifest('mirror/trivy-db', '2', MEDIA_TYPES.ociManifest, Buffer.from(JSON.stringify(manifest)));
  return registry;
}
const named = ({ host }: TestRegistry) => `${host}/mirror/trivy-db:2`;

async function gate(mirrors: string, inputs: Readonly<Record<string, string>> = {}, more: Partial<ActionOptions> = {}) {
  await using target = await startRegistry();
  const run = await runAction({
    inputs: {
      images: `${target.host}/org/app`,
      tags: 'type=raw,value=1',
      source: join(root, 'layout'),
      'db-repository': mirrors,
      ...inputs,
    },
    ...more,
  });
  await run.dispose();
  const { errors } = JSON.parse(run.outputs.json ?? '{"errors":[]}');
  return { ...run, errors, error: errors[0] ?? {} };
}

/** The gate has looked with the database of the mirror. */
function expectScanned(run: Awaited<ReturnType<typeof gate>>) {
  expect(run, run.log).toMatchObject({ exitCode: 1, outputs: { outcome: 'findings' } });
  expect(run.log).toContain('CVE-2019-10744');
}

const login = ({ host }: TestRegistry, password = ACCOUNT.password) => ({
  'registry-auth': `- registry: ${host}\n  username: ${ACCOUNT.username}\n  password: ${password}`,
});

describe('the database comes through the client of the images', () => {
  test.each<readonly [string, RegistryOptions]>([
    ['a token', { auth: { bearer: ACCOUNT } }],
    ['Basic', { auth: { basic: ACCOUNT } }],
  ])('from a mirror that wants %s, with `registry-auth`; the scanner sees no password', async (_, options) => {
    await using registry = await mirror(options);
    const run = await gate(named(registry), login(registry));
    expectScanned(run);
    expect(registry.log.some(({ authorization, status }) => authorization && status === 200)).toBe(true);
    expect(run.log.replaceAll(/^::add-mask::.*$/gm, '')).not.toContain(ACCOUNT.password);
    if (!('basic' in Object(options.auth))) {
      const [token] = registry.log.filter(({ path }) => path === '/token');
      expect(token?.query).toContain(encodeURIComponent('repository:mirror/trivy-db:pull'));
      expect(token?.query).not.toContain('push');
    }
  });

  test('from a mirror with a certificate of an own authority, with `registry-ca`', async () => {
    await using registry = await mirror({ tls: pair, auth: { bearer: ACCOUNT } });
    expectScanned(await gate(named(registry), { ...login(registry), 'registry-ca': pair.file }));
    const without = await gate(named(registry), login(registry));
    expect(without).toMatchObject({ outputs: { outcome: 'database-failed' }, error: { code: 'DATABASE_UNREACHABLE' } });
    expect(without.error.message).toContain('registry-ca');
  });

  test('an anonymous token, as ghcr.io and public.ecr.aws give them out', async () => {
    await using registry = await mirror({ auth: { bearer: {} } });
    expectScanned(await gate(named(registry)));
    expect(registry.log.every(({ path, authorization }) => path !== '/token' || !authorization)).toBe(true);
  });

  test('a login that is wrong does not keep a public mirror from serving', async () => {
    await using registry = await mirror({ auth: { bearer: { ...ACCOUNT, anonymous: ['pull'] } } });
    expectScanned(await gate(named(registry), login(registry, 'wrong-password')));
  });

  test('a second run of the job finds it, and asks nobody', async () => {
    await using registry = await mirror();
    const tempDir = join(root, 'job');
    expectScanned(await gate(named(registry), {}, { tempDir }));
    registry.clearLog();
    expectScanned(await gate(named(registry), {}, { tempDir }));
    expect(registry.requests()).toBe(0);
  });
});

describe('P7: mirrors are tried in order, and what is wrong with them is said', () => {
  test.each([
    ['429', { status: 429 }, 1],
    ['503', { status: 503 }, 1],
    ['404', { status: 404 }, 1],
    ['403', { status: 403 }, 2],
    ['a connection that breaks', { reset: 'before' } as const, 1],
    ['a login page', { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>' }, 1],
  ])('%s: the next one serves, at once', async (_, action, asked) => {
    await using first = await mirror();
    await using second = await mirror();
    first.addFault({ match: { path: /manifests/, nth: 'all' }, action });
    expectScanned(await gate(`${named(first)}\n${named(second)}`));
    expect(first.requests()).toBe(asked);
  });

  test('a mirror without a login: its own error, and the remedy names `registry-auth`', async () => {
    await using registry = await mirror({ auth: { bearer: ACCOUNT } });
    const run = await gate(named(registry));
    expect(run, run.log).toMatchObject({ exitCode: 1, outputs: { outcome: 'database-failed' } });
    expect(run.error.code).toBe('DATABASE_DENIED');
    expect(run.error.message).toContain(named(registry));
    expect(JSON.stringify(run.error.remedy ?? run.log)).toContain('registry-auth');
  });

  test.each<readonly [string, () => Promise<TestRegistry>, RegExp]>([
    ['another media type', () => mirror({}, layer, 'application/octet-stream'), /another media type/],
    ['no gzip', () => mirror({}, Buffer.from('nothing')), /cannot be unpacked/],
    ['a tar that breaks off', async () => mirror({}, gzipSync(Buffer.alloc(512, 'x'))), /cannot be unpacked/],
    [
      'an archive that has only other files and links',
      async () =>
        mirror(
          {},
          gzipSync(
            await tarOfEntries([
              { header: { name: '../../escape' }, content: 'x' },
              { header: { name: 'trivy.db', type: 'symlink', linkname: '/etc/passwd' } },
              { header: { name: 'metadata.json', type: 'link', linkname: '/etc/passwd' } },
            ]),
          ),
        ),
      /no readable metadata\.json/,
    ],
    [
      'bytes that are not of its digest',
      async () => {
        const registry = await mirror();
        const digest = `sha256:${createHash('sha256').update(layer).digest('hex')}`;
        const path = new RegExp(`blobs/${digest}`);
        registry.addFault({ match: { path, nth: 'all' }, action: { corrupt: 'answer' } });
        return registry;
      },
      /other bytes|cannot be unpacked/,
    ],
  ])('%s is DATABASE_INVALID', async (_, start, message) => {
    await using registry = await start();
    const run = await gate(named(registry));
    expect(run, run.log).toMatchObject({ exitCode: 1, outputs: { outcome: 'database-failed' } });
    expect(run.error.code).toBe('DATABASE_INVALID');
    expect(run.error.message).toMatch(message);
  });
});
