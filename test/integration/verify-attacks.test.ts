import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MEDIA_TYPES } from '../../src/domain/manifest.ts';
import { PREDICATES } from '../../src/domain/trust/predicates.ts';
import { type ActionRun, runAction } from '../support/action.ts';
import { type RegistryOptions, startRegistry, type TestRegistry } from '../support/registry.ts';
import { layerOf, manifestOf } from '../support/registry-client.ts';
import {
  attachBundle,
  createStatementKey,
  type ShownBy,
  type StatementKey,
  signedBundle,
  signedPayload,
  simpleSignature,
  statementText,
} from '../support/signed-statement.ts';

const REPOSITORY = 'acme/app';
const IMAGE = manifestOf();
const SUBJECT = IMAGE.descriptor;
const HEX = SUBJECT.digest.slice('sha256:'.length);

let ours: StatementKey;
let foreign: StatementKey;
let registry: TestRegistry;
let workspace: string;
const runs: ActionRun[] = [];

beforeEach(async () => {
  [ours, foreign] = [createStatementKey(), createStatementKey()];
  workspace = await mkdtemp(join(tmpdir(), 'verify-'));
  await writeFile(join(workspace, 'key.pub'), ours.pem);
  await start({ referrers: true });
});
afterEach(async () => {
  await Promise.all(runs.splice(0).map((run) => run.dispose()));
  await registry.close();
  await rm(workspace, { recursive: true, force: true });
});

async function start(options: RegistryOptions): Promise<void> {
  await registry?.close();
  registry = await startRegistry(options);
  registry.putBlob(REPOSITORY, Buffer.from('{}'));
  registry.putManifest(REPOSITORY, 'main', SUBJECT.mediaType, IMAGE.bytes);
}

async function verify(
  inputs: Readonly<Record<string, string>> = {},
  env: Readonly<Record<string, string>> = {},
): Promise<ActionRun> {
  const images = `${registry.host}/${REPOSITORY}:main`;
  const common = { command: 'verify', images, 'signer-key': 'key.pub' };
  const run = await runAction({ inputs: { ...common, ...inputs }, workspace, env });
  runs.push(run);
  return run;
}

const attach = (key: StatementKey, how: ShownBy = {}, sha256 = HEX) =>
  attachBundle(registry, REPOSITORY, SUBJECT, signedBundle(key, { sha256 }), how);

describe('one right signature counts', () => {
  test('among signatures of others, of other images, and of nothing', async () => {
    attach(foreign);
    attach(ours, {}, 'f'.repeat(64));
    attachBundle(registry, REPOSITORY, SUBJECT, Buffer.from('no bundle'));
    attachBundle(registry, REPOSITORY, SUBJECT, Buffer.from('{"dsseEnvelope":{"payload":7}}'));
    const refused = await verify();
    expect(refused.outputs.outcome, refused.log).toBe('unverified');
    expect(refused.log).toContain('its signature does not fit its content or the key');
    expect(refused.log).toContain('it is about sha256:ffffffffffff, not');
    expect(refused.log).toContain('it is no valid bundle');
    attach(ours);
    expect((await verify()).outputs.outcome).toBe('verified');
  });

  test.each<[string, ShownBy]>([
    ['a type that is another one', { change: (manifest) => ({ ...manifest, artifactType: 'application/x' }) }],
    ['no type', { change: ({ artifactType: _, ...manifest }) => manifest }],
    ['a predicate type that is another one', { claimed: PREDICATES.sbom }],
    ['no predicate type', { change: ({ annotations: _, ...manifest }) => manifest }],
  ])('in a manifest that shows %s', async (_what, how) => {
    attach(ours, how);
    const run = await verify();
    expect(run.outputs.outcome, run.log).toBe('verified');
  });

  test.each([
    ['is gone', { status: 404 }, 'its content does not exist in the registry'],
    ['is damaged', { corrupt: 'answer' }, 'its content is damaged'],
  ] as const)('beside one whose content %s', async (_what, action, reason) => {
    attach(foreign);
    const content = signedBundle(ours, { sha256: 'a'.repeat(64) });
    attachBundle(registry, REPOSITORY, SUBJECT, content);
    const path = new RegExp(`/blobs/${layerOf(content).digest}`);
    registry.addFault({ match: { path, nth: 'all' }, action });
    const refused = await verify();
    expect(refused.outputs.outcome, refused.log).toBe('unverified');
    expect(refused.log).toContain(reason);
    attach(ours);
    const run = await verify();
    expect(run.outputs.outcome, run.log).toBe('verified');
  });

  test('13: in a tag `.sig` of several layers with the same bytes, as Quay lists them', async () => {
    const right = simpleSignature(ours, SUBJECT.digest);
    const wrong = simpleSignature(foreign, SUBJECT.digest);
    const layer = (signature: string) => ({
      ...layerOf(right.document),
      mediaType: 'application/vnd.dev.cosign.simplesigning.v1+json',
      annotations: { 'dev.cosignproject.cosign/signature': signature },
    });
    registry.putBlob(REPOSITORY, right.document);
    const tag = `sha256-${HEX}.sig`;
    const put = (...signatures: readonly string[]) => {
      const { bytes } = manifestOf({ layers: signatures.map(layer) });
      registry.putManifest(REPOSITORY, tag, MEDIA_TYPES.ociManifest, bytes);
    };
    put(wrong.signature, wrong.signature);
    const refused = await verify();
    expect(refused.outputs.outcome, refused.log).toBe('unverified');
    put(wrong.signature, wrong.signature, right.signature);
    const run = await verify();
    expect(run.outputs.outcome, run.log).toBe('verified');
  });
});

describe('what looks like a signature and is none', () => {
  test('of the index, for a platform of it that is verified by itself', async () => {
    const platform = { os: 'linux', architecture: 'amd64' };
    const index = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: MEDIA_TYPES.ociIndex,
        manifests: [{ ...SUBJECT, platform }],
      }),
    );
    const descriptor = { ...layerOf(index), mediaType: MEDIA_TYPES.ociIndex };
    registry.putManifest(REPOSITORY, 'index', descriptor.mediaType, index);
    const sha256 = descriptor.digest.slice('sha256:'.length);
    attachBundle(registry, REPOSITORY, descriptor, signedBundle(ours, { sha256 }));
    const images = `${registry.host}/${REPOSITORY}`;
    expect((await verify({ images: `${images}:index` })).outputs.outcome).toBe('verified');
    const run = await verify({ images: `${images}@${SUBJECT.digest}` });
    expect(run.outputs.outcome, run.log).toBe('unverified');
    expect(run.log).toContain('It is not signed.');
  });

  test.each([
    ['a digest in upper case', HEX.toUpperCase()],
    ['a digest that is shorter', HEX.slice(0, 63)],
    ['no digest', ''],
  ])('with %s in the statement', async (_what, sha256) => {
    attach(ours, {}, sha256);
    const run = await verify();
    expect(run.outputs.outcome, run.log).toBe('unverified');
  });

  test('16: the image itself under the tag for its list', async () => {
    await start({});
    registry.putManifest(REPOSITORY, `sha256-${HEX}`, SUBJECT.mediaType, IMAGE.bytes);
    const run = await verify();
    expect(run.outputs.outcome, run.log).toBe('unverified');
    expect(run.log).toContain('It is not signed.');
  });
});

describe('what parsers read in different ways, signed by the right key', () => {
  const right = statementText({ sha256: HEX });
  const wrong = statementText({ sha256: 'a'.repeat(64) });
  const attachText = (payload: string | Buffer, type?: string) =>
    attachBundle(registry, REPOSITORY, SUBJECT, signedPayload(ours, Buffer.from(payload), type));

  test.each<[string, string | Buffer, string]>([
    ['two lists of subjects', `${wrong.slice(0, -1)},"subject":[{"digest":{"sha256":"${HEX}"}}]}`, 'same key twice'],
    [
      'two predicate types',
      right.replace('"predicateType"', '"predicateType":"https://a.example","predicateType"'),
      'same key twice',
    ],
    ['a key twice in the predicate', right.replace('"predicate":{}', '"predicate":{"a":1,"a":2}'), 'same key twice'],
    [
      'a second list of subjects, in another case',
      right.replace('"subject"', '"Subject":[],"subject"'),
      'in another case',
    ],
    [
      'a digest whose algorithm is in another case',
      right.replace('"sha256"', '"SHA256":"","sha256"'),
      'in another case',
    ],
    ['subjects for JavaScript alone', right.replace('"subject"', '"__proto__"'), 'names no subject'],
    [
      'a second digest that is right, beside one that is none',
      right.replace(`"${HEX}"`, `"x","sha512":"${'a'.repeat(128)}"`),
      'has no digest',
    ],
    ['one subject of two without a digest', right.replace('"subject":[', '"subject":[{"name":"a"},'), 'has no digest'],
    ['something after the statement', `${right}${wrong}`, 'not JSON'],
    ['a byte order mark', `\uFEFF${right}`, 'not JSON'],
    [
      'bytes that are not UTF-8',
      Buffer.concat([Buffer.from(right.slice(0, -1)), Buffer.from(',"a":"\xff"}', 'latin1')]),
      'not UTF-8',
    ],
    [
      'a hundred thousand levels',
      right.replace('"predicate":{}', `"predicate":{"a":${'['.repeat(1e5)}${']'.repeat(1e5)}}`),
      'levels',
    ],
    [
      'more subjects than are read',
      right.replace('"subject":[', `"subject":[${'{"digest":{}},'.repeat(1024)}`),
      'more than 1024 subjects',
    ],
  ])('%s', async (_what, payload, reason) => {
    attachText(payload);
    const refused = await verify();
    expect(refused.outputs.outcome, refused.log).toBe('unverified');
    expect(refused.log).toContain(reason);
    attachText(right);
    expect((await verify()).outputs.outcome).toBe('verified');
  });

  test.each(['application/json', 'application/vnd.in-toto+json; charset=utf-8', 'APPLICATION/VND.IN-TOTO+JSON', ''])(
    'a payload of the type "%s"',
    async (type) => {
      attachText(right, type);
      const run = await verify();
      expect(run.outputs.outcome, run.log).toBe('unverified');
      expect(run.log).toContain('what it signs is no in-toto statement');
    },
  );

  test.each<[string, (bundle: string) => string, string]>([
    ['a second envelope', (bundle) => `${bundle.slice(0, -1)},"dsseEnvelope":{}}`, 'same key twice'],
    ['two signatures', (bundle) => bundle.replace(/"signatures":\[(.*?)\]/, '"signatures":[$1,$1]'), 'no valid bundle'],
    ['no signature', (bundle) => bundle.replace(/"signatures":\[.*?\]/, '"signatures":[]'), 'no valid bundle'],
    [
      'a media type of something else',
      (bundle) => bundle.replace('bundle.v0.3+json', 'other.v0.3+json'),
      'no valid bundle',
    ],
    [
      'a media type of the future',
      (bundle) => bundle.replace('v0.3+json', 'v9.3+json'),
      'no bundle of a known version',
    ],
    [
      'a media type that goes on',
      (bundle) => bundle.replace('v0.3+json', 'v0.3+json; a'),
      'no bundle of a known version',
    ],
    ['something behind it', (bundle) => `${bundle}{}`, 'not JSON'],
  ])('a bundle with %s', async (_what, change, reason) => {
    const bundle = signedBundle(ours, { sha256: HEX }).toString();
    attachBundle(registry, REPOSITORY, SUBJECT, Buffer.from(change(bundle)));
    const run = await verify();
    expect(run.outputs.outcome, run.log).toBe('unverified');
    expect(run.log).toContain(reason);
  });
});

describe('more than is read', () => {
  test('a thousand signatures: the requests are bounded, and it is said that some were not opened', async () => {
    const bundles = Array.from({ length: 1000 }, (_, at) => signedBundle(foreign, { sha256: HEX, predicate: { at } }));
    for (const bundle of bundles) attachBundle(registry, REPOSITORY, SUBJECT, bundle);
    const run = await verify();
    expect(run.outputs.outcome, run.log).toBe('unverified');
    expect(run.log).toMatch(/800 of the manifests that refer to sha256:\w+ were not opened/);
    expect(registry.requests()).toBeLessThan(420);
    expect(run.log.length).toBeLessThan(20_000);
  });

  test('a bundle that says it has gigabytes is not downloaded', async () => {
    const bundle = signedBundle(ours, { sha256: HEX });
    attachBundle(registry, REPOSITORY, SUBJECT, bundle, {
      change: ({ layers, ...manifest }) => ({
        ...manifest,
        layers: Array.isArray(layers) ? layers.map((layer: object) => ({ ...layer, size: 5_000_000_000 })) : [],
      }),
    });
    const run = await verify();
    expect(run.outputs.outcome, run.log).toBe('unverified');
    expect(run.log).toContain('more than are read');
    expect(registry.log.filter(({ path }) => path.endsWith(layerOf(bundle).digest))).toEqual([]);
  });
});

test('15: a credential helper of docker is used for the signatures, too', async () => {
  await start({ referrers: true, auth: { basic: { username: 'me', password: 'a secret of the helper' } } });
  attach(ours);
  // Not in the workspace, whose programs are never run.
  const programs = await mkdtemp(join(tmpdir(), 'helper-'));
  const config = join(workspace, 'docker');
  await mkdir(config);
  const helper = join(programs, 'docker-credential-tests');
  await writeFile(
    helper,
    `#!/bin/sh\ncat >/dev/null\nprintf '{"ServerURL":"x","Username":"me","Secret":"a secret of the helper"}'\n`,
  );
  await chmod(helper, 0o755);
  await writeFile(join(config, 'config.json'), JSON.stringify({ credHelpers: { [registry.host]: 'tests' } }));
  const PATH = [programs, process.env.PATH].join(delimiter);
  const run = await verify({}, { PATH, DOCKER_CONFIG: config });
  expect(run.outputs.outcome, run.log).toBe('verified');
  expect(run.log.replaceAll(/::add-mask::.*/g, '')).not.toContain('a secret of the helper');
  expect((await verify({}, { DOCKER_CONFIG: join(workspace, 'none') })).outputs.outcome).toBe('registry-failed');
  await rm(programs, { recursive: true });
});
