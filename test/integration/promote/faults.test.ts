import { describe, expect, test } from 'vitest';
import { MANIFEST_TYPES, MEDIA_TYPES } from '../../../src/domain/manifest.ts';
import type { FaultAction } from '../../support/registry.ts';
import { layerOf } from '../../support/registry-client.ts';
import { createScene, DEV, expectError, expectPromoted, PROD, recordsAt, UNCONFIRMED } from './scene.ts';

function refusal(status: number, code: string): FaultAction {
  return { status, body: { errors: [{ code, message: 'no' }] } };
}

describe('mounting', () => {
  test.each<readonly [string, FaultAction]>([
    ['202 with a session', { ignoreMount: true }],
    ['202 without a session', { status: 202 }],
    ['401', refusal(401, 'UNAUTHORIZED')],
    ['403', refusal(403, 'DENIED')],
    ['404 NAME_UNKNOWN', refusal(404, 'NAME_UNKNOWN')],
    ['400 INVALID_REQUEST', refusal(400, 'INVALID_REQUEST')],
    ['500', { status: 500 }],
  ])('case 37: %s: every blob is sent, once, and no session stays open', async (_, action) => {
    await using scene = await createScene();
    const { registry } = scene;
    const { root } = scene.source.usual();
    registry.addFault({ match: { method: 'POST', path: /mount=/, nth: 'all' }, action });
    expectPromoted(await scene.promote());
    expect(scene.held()).toBe(root.descriptor.digest);
    expect(registry.openUploads()).toBe(0);
    const sent = registry.log.flatMap(({ method, query }) =>
      method === 'PUT' ? (/digest=sha256(?::|%3A)([a-f0-9]+)/.exec(query)?.[1] ?? []) : [],
    );
    expect(sent.toSorted()).toEqual([...new Set(sent)].toSorted());
    expect(sent.length).toBeGreaterThanOrEqual(20);
  });

  test('case 37: 201: no byte of a blob is read or sent', async () => {
    await using scene = await createScene();
    scene.source.usual();
    expectPromoted(await scene.promote());
    const { log } = scene.registry;
    // An upload that is begun and cancelled asks for the right to push; it carries nothing.
    const carrying = log.filter(({ method, path }) => path.includes('/blobs/') && !/^(?:POST|DELETE)$/.test(method));
    expect(carrying).toEqual([]);
  });
});

describe('manifests', () => {
  test('case 39: one of more than 4 MiB is refused, and nothing is written', async () => {
    await using scene = await createScene();
    scene.source.image(['1'], { annotations: { big: 'x'.repeat(4 * 1024 * 1024) } }, 'v1');
    const run = await scene.promote();
    expect(expectError(run, 'registry-failed', 'ANSWER_INVALID')).toMatch(/4 MiB|4194304/);
    expect(scene.registry.writes()).toEqual([]);
  });

  test('case 41: a charset in the content type, and no media type in the manifest: the same bytes as the same type', async () => {
    await using scene = await createScene();
    const { registry } = scene;
    const { descriptor, bytes } = scene.source.image(['1'], { mediaType: undefined }, 'v1');
    const headers = { 'content-type': `${descriptor.mediaType}; charset=utf-8` };
    for (const method of ['GET', 'HEAD']) {
      registry.addFault({ match: { method, path: /manifests/, nth: 'all' }, action: { headers } });
    }
    // Answers of 404 have the type, too, and nobody minds.
    expectPromoted(await scene.promote());
    const held = registry.manifest(PROD, 'production');
    expect(held).toMatchObject({ digest: descriptor.digest, mediaType: descriptor.mediaType });
    expect(Buffer.compare(held?.bytes ?? Buffer.alloc(0), bytes)).toBe(0);
  });

  test('case 42: every read of a manifest accepts all four types', async () => {
    await using scene = await createScene();
    scene.source.usual();
    expectPromoted(await scene.promote());
    const reads = scene.registry.log.filter(
      ({ method, path }) => path.includes('/manifests/') && (method === 'GET' || method === 'HEAD'),
    );
    expect(reads.length).toBeGreaterThan(4);
    for (const { headers } of reads) expect(headers.accept?.split(', ')).toEqual(MANIFEST_TYPES);
  });

  test('case 43: a new tag that cannot be seen at once is looked for again, and not written again', async () => {
    await using scene = await createScene();
    const { registry } = scene;
    scene.source.image(['1'], {}, 'v1');
    const path = new RegExp(`${PROD}/manifests/production$`);
    registry.addFault(UNCONFIRMED);
    for (const nth of [3, 4]) registry.addFault({ match: { method: 'HEAD', path, nth }, action: { status: 404 } });
    expectPromoted(await scene.promote());
    expect(registry.writes().filter((each) => path.test(each.path))).toHaveLength(1);
  });

  test('case 43: one that never can be seen is an error, and not looked for without end', async () => {
    await using scene = await createScene();
    const { registry } = scene;
    scene.source.image(['1'], {}, 'v1');
    const path = new RegExp(`${PROD}/manifests/production$`);
    registry.addFault({ match: { method: 'HEAD', path, nth: 'all' }, action: { status: 404 } });
    registry.addFault(UNCONFIRMED);
    expect(expectError(await scene.promote(), 'registry-failed', 'TAG_NOT_MOVED')).toContain('points to nothing');
    const asked = registry.log.filter((each) => path.test(each.path)).map(({ method }) => method);
    // For the plan and after the copy; then four looks, and one to see who is to blame.
    expect(asked).toEqual(['HEAD', 'HEAD', 'PUT', 'HEAD', 'HEAD', 'HEAD', 'HEAD', 'HEAD']);
    expect(recordsAt(registry)).toBe(0);
  });

  test.each(['production', '1.2.3'])('case 46: %s is there and may not be read: it is no new tag', async (tag) => {
    await using scene = await createScene();
    const { registry } = scene;
    scene.source.image(['1'], {}, 'v1');
    const old = scene.source.image(['2']);
    registry.putManifest(PROD, tag, old.descriptor.mediaType, old.bytes);
    const path = new RegExp(`${PROD}/manifests/${tag}$`);
    const action = refusal(412, 'PROJECTPOLICYVIOLATION');
    for (const method of ['HEAD', 'GET']) registry.addFault({ match: { method, path, nth: 'all' }, action });
    expectError(
      await scene.promote('v1', { to: `${registry.host}/${PROD}:${tag}` }),
      'registry-failed',
      'PULL_BLOCKED',
    );
    expect(registry.writes()).toEqual([]);
  });

  test('case 47: 403 to HEAD of a tag that is not there: it is a new tag', async () => {
    await using scene = await createScene();
    const { registry } = scene;
    const { digest } = scene.source.image(['1'], {}, 'v1').descriptor;
    const path = new RegExp(`${PROD}/manifests/`);
    registry.addFault({ match: { method: 'HEAD', path }, action: { status: 403 } });
    expectPromoted(await scene.promote());
    expect(scene.held()).toBe(digest);
  });

  test('case 48: the tag of the source moves during the copy: the first digest is promoted, and recorded', async () => {
    await using scene = await createScene();
    const { registry, source } = scene;
    const { digest } = source.image(['1'], {}, 'v1').descriptor;
    const other = source.image(['2']).descriptor.digest;
    registry.addFault({
      match: { method: 'POST', path: /mount=/ },
      action: { moves: { repository: DEV, tag: 'v1', to: other }, when: 'before' },
    });
    const run = await scene.promote();
    expectPromoted(run);
    expect(registry.tags(DEV).v1).toBe(other);
    expect(scene.held()).toBe(digest);
    expect(run.outputs.digest).toBe(digest);
    expect(registry.digests(PROD)).not.toContain(other);
  });

  test('case 49: what images may be made of arrives byte for byte at another registry', async () => {
    await using scene = await createScene({}, {});
    const { registry, target, source } = scene;
    const { image, index, store, blob, referrer } = source;
    const foreign = {
      ...layerOf(Buffer.from('elsewhere')),
      mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
      urls: ['https://example.com/layer'],
    };
    const config = { ...blob('config'), mediaType: MEDIA_TYPES.ociConfig };
    const data = { ...blob('inline'), data: Buffer.from('inline').toString('base64') };
    const windows = store(MEDIA_TYPES.ociManifest, { config, layers: [foreign, data] });
    const artifact = store(MEDIA_TYPES.ociManifest, {
      artifactType: 'application/vnd.example.unknown',
      config: { ...blob('{}'), mediaType: MEDIA_TYPES.ociEmpty },
      layers: [blob('of no known kind')],
    });
    const nested = index([image(['deep']), image(['deeper'], {}, undefined, 'sha512')]);
    const children = [windows, artifact, nested].map((each) => each.descriptor);
    const loose = { ...blob('no manifest'), mediaType: 'application/vnd.example.notes' };
    const root = store(MEDIA_TYPES.ociIndex, { manifests: [...children, loose] }, 'v1');
    referrer(nested, 'sbom of a nested index');
    expectPromoted(await scene.promote());
    expect(scene.held()).toBe(root.descriptor.digest);
    const all = registry.digests(DEV);
    expect(all).toHaveLength(7);
    for (const digest of all) expect(target.manifest(PROD, digest)).toEqual(registry.manifest(DEV, digest));
    expect(target.blob(PROD, loose.digest)?.toString()).toBe('no manifest');
    expect(target.blob(PROD, foreign.digest)).toBeUndefined();
  });
});
