import { afterEach, describe, expect, test } from 'vitest';
import { PREDICATES } from '../../../src/domain/trust/predicates.ts';
import { attachBundles, checkAttachable, type SignedBundle } from '../../../src/evidence/attach-bundle.ts';
import { hasSignature, openSignatures } from '../../../src/evidence/signatures.ts';
import { fallbackTag } from '../../../src/oci/client/referrers.ts';
import { createBundleChecker } from '../../../src/sigstore/verify-bundle.ts';
import { type RegistryOptions, startRegistry, type TestRegistry } from '../../support/registry.ts';
import { connect, layerOf, manifestOf } from '../../support/registry-client.ts';

let registry: TestRegistry | undefined;
afterEach(async () => {
  await registry?.close();
  registry = undefined;
});

const IMAGE = manifestOf();
const SUBJECT = IMAGE.descriptor;

async function start(options: RegistryOptions = {}) {
  registry = await startRegistry(options);
  registry.putBlob('org/app', Buffer.from('{}'));
  registry.putManifest('org/app', 'main', SUBJECT.mediaType, IMAGE.bytes);
  const { repositoryOf } = await connect(registry);
  return repositoryOf('org/app', 'push');
}

const bundle = (text = '{"bundle":1}'): SignedBundle => ({
  bytes: Buffer.from(text),
  predicateType: PREDICATES.signature,
  subject: SUBJECT,
  created: new Date('2026-03-10T00:00:00Z'),
});

describe('an attached bundle', () => {
  test.each([
    ['the referrers API', { referrers: true }],
    ['the list under a tag', {}],
  ])('is listed by %s, with its type and what it signs', async (_how, options) => {
    const repository = await start(options);
    const [digest] = await attachBundles(repository, [bundle()]);
    const { manifests } = await repository.referrers(SUBJECT.digest);
    expect(manifests).toEqual([
      expect.objectContaining({
        digest,
        artifactType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
        annotations: expect.objectContaining({ 'dev.sigstore.bundle.predicateType': PREDICATES.signature }),
      }),
    ]);
    expect(await hasSignature(repository, SUBJECT.digest)).toBe(true);
  });

  test('10: shows no media type with a semicolon, which ECR refuses', async () => {
    const repository = await start();
    const [digest = ''] = await attachBundles(repository, [bundle()]);
    const written = [digest, fallbackTag(SUBJECT.digest)].map((name) => registry?.manifest('org/app', name)?.bytes);
    const types = written.flatMap((bytes) => String(bytes).match(/"(?:media|artifact)Type":"[^"]+"/g) ?? []);
    expect(types.length).toBeGreaterThan(5);
    expect(types.filter((type) => type.includes(';'))).toEqual([]);
  });

  test('several of one image are one write to the list', async () => {
    const repository = await start();
    await attachBundles(repository, [bundle(), bundle('{"bundle":2}')]);
    const lists = registry?.writes().filter(({ path }) => path.includes('/manifests/sha256-')) ?? [];
    expect(lists).toHaveLength(1);
    expect((await repository.referrers(SUBJECT.digest)).manifests).toHaveLength(2);
  });

  test('is found where the API answers with an empty list: the tag is written as well', async () => {
    const empty = { schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests: [] };
    const answer = { status: 200, headers: { 'content-type': empty.mediaType }, body: empty };
    const repository = await start({ faults: [{ match: { path: /\/referrers\//, nth: 'all' }, action: answer }] });
    await attachBundles(repository, [bundle()]);
    expect(await hasSignature(repository, SUBJECT.digest)).toBe(true);
  });

  test('that cannot be found afterwards is no success', async () => {
    const repository = await start({
      faults: [
        { match: { path: /\/referrers\//, nth: 'all' }, action: { status: 404 } },
        { match: { method: 'GET', path: /\/manifests\/sha256-/, nth: 'all' }, action: { status: 404 } },
      ],
    });
    await expect(attachBundles(repository, [bundle()])).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  });

  test('that a registry refuses is an error of the registry', async () => {
    const refusal = { status: 400, body: { errors: [{ code: 'MANIFEST_INVALID', message: 'unsupported config' }] } };
    const repository = await start({
      faults: [{ match: { method: 'PUT', path: /\/manifests\/sha256:/, nth: 'all' }, action: refusal }],
    });
    await expect(attachBundles(repository, [bundle()])).rejects.toThrow(/unsupported config/);
  });
});

describe('before anything is signed', () => {
  test('an image that is not there is refused', async () => {
    const repository = await start();
    const gone = layerOf(Buffer.from('gone')).digest;
    await expect(checkAttachable(repository, gone)).rejects.toMatchObject({
      code: 'MANIFEST_UNKNOWN',
      message: expect.stringContaining('Nothing was signed'),
    });
  });

  test('a list that must not change is refused with the rule to exclude', async () => {
    const repository = await start({ immutable: { tags: /^sha256-/, style: 'harbor' } });
    await attachBundles(repository, [bundle()]);
    await expect(checkAttachable(repository, SUBJECT.digest)).rejects.toMatchObject({
      message: expect.stringContaining('no signature can be added'),
      remedy: [expect.stringContaining('Exclude tags that begin with `sha256-`')],
    });
  });

  test('a free list costs two looks and no write', async () => {
    const repository = await start();
    await checkAttachable(repository, SUBJECT.digest);
    expect(registry?.writes()).toEqual([]);
  });
});

describe('a registry that cannot be read', () => {
  test.each([
    ['429', 'TOO_MANY_REQUESTS'],
    ['503', 'REGISTRY_UNAVAILABLE'],
  ])('answers %s: that is never "unsigned"', async (status, code) => {
    const repository = await start({
      referrers: true,
      faults: [{ match: { path: /\/referrers\//, nth: 'all' }, action: { status: Number(status) } }],
    });
    const check = await createBundleChecker({ roots: [], keys: [] });
    await expect(openSignatures(repository, SUBJECT.digest, check).all()).rejects.toMatchObject({ code });
  });

  test('and one whose list is damaged is no better', async () => {
    const repository = await start();
    const broken = JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.index.v1+json',
      manifests: [{}],
    });
    registry?.putManifest(
      'org/app',
      fallbackTag(SUBJECT.digest),
      'application/vnd.oci.image.index.v1+json',
      Buffer.from(broken),
    );
    const check = await createBundleChecker({ roots: [], keys: [] });
    await expect(openSignatures(repository, SUBJECT.digest, check).all()).rejects.toMatchObject({
      code: 'ANSWER_INVALID',
    });
  });

  test('junk among the referrers is read, and signs nothing', async () => {
    const repository = await start({ referrers: true });
    await attachBundles(repository, [bundle('no json'), bundle('{}'), bundle('[]'), bundle('{"mediaType":1}')]);
    const check = await createBundleChecker({ roots: [], keys: [] });
    const { signed, rejected } = await openSignatures(repository, SUBJECT.digest, check).all();
    expect(signed).toEqual([]);
    expect(rejected).toHaveLength(4);
  });
});
