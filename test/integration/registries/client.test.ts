import { describe, expect, test } from 'vitest';
import { MEDIA_TYPES } from '../../../src/domain/manifest.ts';
import { fallbackTag } from '../../../src/oci/client/referrers.ts';
import type { FaultAction } from '../../support/registry.ts';
import { createScene, DEV, errorsOf, expectError, expectPromoted, PROD } from '../promote/scene.ts';

const ACCOUNT = { username: 'me', password: 'secret-password' };
const bearer = (more: object = {}) => ({ auth: { bearer: { ...ACCOUNT, ...more } } });
const login = (...hosts: readonly string[]) => ({
  'registry-auth': hosts.map((host) => `- registry: ${host}\n  username: me\n  password: secret-password`).join('\n'),
});
const digestsIn = (index: string | undefined) =>
  JSON.parse(index ?? '{"manifests":[]}').manifests.map(({ digest }: { readonly digest: string }) => digest);

describe('rights', () => {
  test('a source that may only be read: its token service refuses `pull,push`, and is never asked for it', async () => {
    await using scene = await createScene(bearer({ refuse: ['push'] }), bearer());
    scene.source.usual();
    const run = await scene.promote('v1', login(scene.registry.host, scene.target.host));
    expectPromoted(run);
    const asked = scene.registry.log.filter(({ path }) => path === '/token').map(({ query }) => query);
    expect(asked).toHaveLength(1);
    expect(asked[0]).toContain(encodeURIComponent(`repository:${DEV}:pull`));
    expect(asked[0]).not.toContain('push');
    const target = scene.target.log.filter(({ path }) => path === '/token').map(({ query }) => query);
    expect(target).toHaveLength(1);
    expect(target[0]).toContain(encodeURIComponent(`repository:${PROD}:pull,push`));
  });

  test('a target that refuses `push` is read with `pull`, and its refusal is the error', async () => {
    await using scene = await createScene({}, bearer({ refuse: ['push'] }));
    scene.source.usual();
    const run = await scene.promote('v1', login(scene.target.host));
    expect(run).toMatchObject({ exitCode: 1 });
    expect(errorsOf(run).map(({ code }) => code)).toEqual(['DENIED']);
    expect(scene.target.writes()).toEqual([]);
  });

  test('a proxy that knows the repository by another name: asked once more as the challenge names it', async () => {
    const inside = { alias: { [DEV]: 'remote/dev/app' } };
    await using scene = await createScene(bearer(inside), bearer());
    scene.source.usual();
    expectPromoted(await scene.promote('v1', login(scene.registry.host, scene.target.host)));
    const scopes = scene.registry.log.filter(({ path }) => path === '/token').map(({ query }) => query);
    expect(scopes).toHaveLength(2);
    expect(scopes[1]).toContain(encodeURIComponent('repository:remote/dev/app:pull'));
  });

  test('a mount asks for both repositories, each as wide as it needs', async () => {
    await using scene = await createScene(bearer());
    scene.source.usual();
    expectPromoted(await scene.promote('v1', login(scene.registry.host)));
    const scopes = scene.registry.log
      .filter(({ path }) => path === '/token')
      .map(({ query }) => new URLSearchParams(query).getAll('scope'));
    expect(scopes).toContainEqual([`repository:${PROD}:pull,push`, `repository:${DEV}:pull`]);
    expect(scopes.flat()).not.toContain(`repository:${DEV}:pull,push`);
  });
});

describe('P5: referrers', () => {
  /** A signature that only the fallback tag lists, in a registry whose API answers 200 with an empty list. */
  test('what only the fallback tag lists travels, though the API answers with an empty list', async () => {
    await using scene = await createScene();
    const { registry, source } = scene;
    const root = source.image(['1'], {}, 'v1');
    const [signature, sbom] = [source.referrer(root, 'signature'), source.referrer(root, 'sbom')];
    source.index([signature], {}, fallbackTag(root.descriptor.digest));
    const body = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [sbom.descriptor] };
    registry.addFault({
      match: { path: new RegExp(`${DEV}/referrers/${root.descriptor.digest}`), nth: 'all' },
      action: { status: 200, headers: { 'content-type': MEDIA_TYPES.ociIndex }, body },
    });
    expectPromoted(await scene.promote());
    expect(registry.digests(PROD)).toEqual(
      expect.arrayContaining([signature.descriptor.digest, sbom.descriptor.digest]),
    );
  });

  test('a target that answers without `OCI-Subject` and has an empty API gets the fallback index, with all of it', async () => {
    await using scene = await createScene();
    const { registry, source } = scene;
    const { root, referrers } = source.usual();
    registry.addFault({
      match: { method: 'PUT', path: new RegExp(`${PROD}/manifests/`), nth: 'all' },
      action: { headers: { 'oci-subject': null } },
    });
    const body = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [] };
    registry.addFault({
      match: { path: new RegExp(`${PROD}/referrers/`), nth: 'all' },
      action: { status: 200, headers: { 'content-type': MEDIA_TYPES.ociIndex }, body },
    });
    expectPromoted(await scene.promote());
    const index = registry.manifest(PROD, fallbackTag(root.descriptor.digest))?.bytes.toString('utf8');
    expect(digestsIn(index)).toEqual(expect.arrayContaining(referrers.map(({ descriptor }) => descriptor.digest)));
    // The record of the promotion stands beside them.
    expect(digestsIn(index)).toHaveLength(referrers.length + 1);
    expect((await scene.promote()).outputs.outcome).toBe('unchanged');
  });

  test.each<readonly [string, FaultAction, RegExp | undefined]>([
    ['401 without a challenge', { status: 401 }, /refuses to list what refers to .* \(401\)/],
    ['403', { status: 403 }, /refuses to list what refers to .* \(403\)/],
    ['501', { status: 501 }, undefined],
  ])('%s from the API of the source: the fallback counts, and a refusal is a warning', async (_, action, warning) => {
    await using scene = await createScene();
    const { registry, source } = scene;
    const root = source.image(['1'], {}, 'v1');
    const signature = source.referrer(root, 'signature');
    source.index([signature], {}, fallbackTag(root.descriptor.digest));
    registry.addFault({ match: { path: new RegExp(`${DEV}/referrers/`), nth: 'all' }, action });
    const run = await scene.promote();
    expectPromoted(run);
    expect(registry.digests(PROD)).toContain(signature.descriptor.digest);
    const told = run.annotations.filter(({ level, message }) => level === 'warning' && /refuses to list/.test(message));
    if (warning === undefined) expect(told).toEqual([]);
    else expect(told[0]?.message).toMatch(warning);
  });

  test.each([401, 403])(
    'P7: %i from the API of the target: what is held back there is not known, so nothing moves',
    async (status) => {
      await using scene = await createScene();
      const { registry, source } = scene;
      source.image(['old'], {}, 'v1');
      expectPromoted(await scene.promote());
      source.image(['new'], {}, 'v2');
      const before = scene.held();
      registry.addFault({ match: { path: new RegExp(`${PROD}/referrers/`), nth: 'all' }, action: { status } });
      const run = await scene.promote('v2');
      expect(run, run.log).toMatchObject({ exitCode: 1, outputs: { outcome: 'refused' } });
      expect(run.log).toContain('refuses to list what refers to');
      expect(scene.held()).toBe(before);
    },
  );

  test('a listed artifact that is gone is named and left out', async () => {
    await using scene = await createScene();
    const { registry, source } = scene;
    const { referrers } = source.usual();
    const [gone, kept] = referrers;
    registry.addFault({
      match: { method: 'GET', path: new RegExp(`${DEV}/manifests/${gone?.descriptor.digest}`), nth: 'all' },
      action: { status: 404, body: { errors: [{ code: 'MANIFEST_UNKNOWN', message: 'manifest unknown' }] } },
    });
    const run = await scene.promote();
    expectPromoted(run);
    expect(registry.digests(PROD)).toContain(kept?.descriptor.digest);
    const warnings = run.annotations.filter(({ level }) => level === 'warning').map(({ message }) => message);
    expect(warnings).toContainEqual(expect.stringMatching(`${gone?.descriptor.digest}.*left out`));
  });

  test('a fallback tag that is an image is left alone, named, and no obstacle', async () => {
    await using scene = await createScene();
    const { registry, source } = scene;
    const { root } = source.usual();
    const other = source.image(['other'], {}, fallbackTag(root.descriptor.digest));
    const run = await scene.promote();
    expectPromoted(run);
    expect(run.annotations.map(({ message }) => message).join('\n')).toContain(other.descriptor.digest);
    expect(registry.digests(PROD)).not.toContain(other.descriptor.digest);
  });
});

describe('uploads', () => {
  test.each([
    ['escapes and a flag', '?_state=a%20b%2Bc~d&flag', '?_state=a%20b%2Bc~d&flag&digest='],
    ['bytes that are no UTF-8', '?_state=%FF%fe', '?_state=%FF%fe&digest='],
    ['quotes and signs that a URL would escape', "?_state='x'|{y}", "?_state='x'|{y}&digest="],
    ['a flag without value at the end', '?upload', '?upload&digest='],
    ['no query', '', '?digest='],
    ['an empty query', '?', '?digest='],
    ['a query that ends in &', '?a=b&', '?a=b&digest='],
  ])('an address with %s is sent back byte for byte, with the digest behind', async (_, query, expected) => {
    await using scene = await createScene({}, { referrers: true });
    const { target } = scene;
    scene.source.image(['1'], {}, 'v1');
    const location = `/v2/${PROD}/blobs/uploads/one${query}`;
    target.addFault({
      match: { method: 'POST', path: /uploads\/$/, nth: 'all' },
      action: { status: 202, headers: { location } },
    });
    target.addFault({ match: { method: 'PUT', path: /uploads\/one/, nth: 'all' }, action: { status: 201 } });
    await scene.promote();
    const sent = target.log.flatMap(({ method, target: path }) => (method === 'PUT' ? path : []));
    expect(sent.length).toBeGreaterThan(0);
    for (const path of sent.slice(0, 1))
      expect(path.split('sha256')[0]).toBe(`/v2/${PROD}/blobs/uploads/one${expected}`);
  });

  test('a mount that was answered with 201 and did nothing: the blobs are sent once, and the image is there', async () => {
    await using scene = await createScene();
    const { registry } = scene;
    const { root } = scene.source.usual();
    registry.addFault({ match: { method: 'POST', path: /mount=/, nth: 'all' }, action: { status: 201 } });
    const run = await scene.promote();
    expectPromoted(run);
    expect(scene.held()).toBe(root.descriptor.digest);
    const sent = registry.writes().filter(({ method, path }) => method === 'PUT' && path.includes('/blobs/'));
    expect(new Set(sent.map(({ query }) => new URLSearchParams(query).get('digest'))).size).toBe(sent.length);
    expect(run.log).toContain('as present but does not have it');
  });

  test('a mount that lies, and a registry that takes the bytes and forgets them too, ends with its own error', async () => {
    await using scene = await createScene();
    const { registry } = scene;
    scene.source.usual();
    registry.addFault({ match: { method: 'POST', path: /mount=/, nth: 'all' }, action: { status: 201 } });
    registry.addFault({ match: { method: 'PUT', path: /uploads/, nth: 'all' }, action: { status: 201 } });
    expectError(await scene.promote(), 'registry-failed', 'BLOB_UNKNOWN');
    expect(scene.held()).toBeUndefined();
  });
});

describe('a refused write of a tag', () => {
  test.each([403, 409, 400, 405, 412])('%i bare, and the tag already points to this digest: done', async (status) => {
    await using scene = await createScene();
    const { registry } = scene;
    const { digest, mediaType } = scene.source.image(['1'], {}, 'v1').descriptor;
    const bytes = registry.manifest(DEV, digest)?.bytes ?? Buffer.alloc(0);
    registry.addFault({
      match: { method: 'PUT', path: /manifests\/production$/ },
      action: { moves: { repository: PROD, tag: 'production', to: digest }, when: 'before' },
    });
    registry.addFault({ match: { method: 'PUT', path: /manifests\/production$/ }, action: { status } });
    registry.putManifest(PROD, digest, mediaType, bytes);
    expectPromoted(await scene.promote());
    expect(scene.held()).toBe(digest);
  });

  test('403 bare, and the tag holds nothing: the refusal is the error', async () => {
    await using scene = await createScene();
    scene.source.image(['1'], {}, 'v1');
    scene.registry.addFault({ match: { method: 'PUT', path: /manifests\/production$/ }, action: { status: 403 } });
    const run = await scene.promote();
    expect(run.exitCode).toBe(1);
    expect(errorsOf(run).map(({ code }) => code)).toEqual(['DENIED']);
  });
});
