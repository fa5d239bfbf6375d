import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Digest } from '../../../../src/domain/digest.ts';
import { ActionError } from '../../../../src/errors/action-error.ts';
import type { Credentials } from '../../../../src/oci/client/auth.ts';
import type { Repository } from '../../../../src/oci/client/repository.ts';
import { copyImage } from '../../../../src/oci/transfer/copy.ts';
import { across, expectWhole, sent, silent, TARGET } from '../../../support/copy-scene.ts';
import { SOURCE } from '../../../support/copy-source.ts';
import type { FaultAction } from '../../../support/registry.ts';
import { connect } from '../../../support/registry-client.ts';

describe('copying to other registries', () => {
  it('reads each blob once for all targets, and takes up what breaks', async () => {
    await using scene = await across({}, 2);
    const { source, targets, from, to, image } = scene;
    const root = image(['x'.repeat(5_000_000), 'b', 'c']);
    const copied = await copyImage({ from, to, digest: root.descriptor.digest, log: silent });
    expect(copied).toMatchObject({ blobs: 8, mounted: 0 });
    expect(source.log.filter(({ method, path }) => method === 'GET' && path.includes('/blobs/'))).toHaveLength(4);
    for (const each of targets) {
      expect(each.manifest(TARGET, root.descriptor.digest)).toBeDefined();
      expectWhole(each, TARGET, [root.descriptor.digest]);
    }
  });

  it.each<readonly [string, 'source' | 'target', FaultAction, number]>([
    ['case 20: a 500 of the target', 'target', { status: 500 }, 2],
    ['case 20: a 503 of the source', 'source', { status: 503 }, 1],
    ['case 21: a source that breaks off', 'source', { reset: 'mid-answer' }, 1],
    ['case 22: an answer of the target that is lost', 'target', { reset: 'after' }, 1],
    ['case 23: a target that breaks off', 'target', { reset: 'mid-body' }, 2],
  ])('%s: to one target and to two', async (_name, where, action, puts) => {
    for (const targets of [1, 2]) {
      await using scene = await across({}, targets);
      const { source, from, to, targets: held, image } = scene;
      const root = image(['x'.repeat(5_000_000)]);
      const [layer] = JSON.parse(Buffer.from(root.bytes).toString('utf8')).layers;
      const read = { method: 'GET', path: new RegExp(layer.digest) };
      if (where === 'source') source.addFault({ match: read, action });
      else held[0]?.addFault({ match: { method: 'PUT', path: new RegExp(encodeURIComponent(layer.digest)) }, action });
      await copyImage({ from, to, digest: root.descriptor.digest, log: silent });
      for (const each of held) {
        expect(each.manifest(TARGET, root.descriptor.digest)).toBeDefined();
        expectWhole(each, TARGET, [root.descriptor.digest]);
        expect(each.openUploads()).toBe(0);
      }
      expect(sent(scene.target).filter((each) => each === layer.digest)).toHaveLength(puts);
    }
  });

  it('case 21: goes on with a Range, and without one where the source knows none', async () => {
    for (const ignored of [false, true]) {
      await using scene = await across();
      const { source, target, from, to, image } = scene;
      const root = image(['x'.repeat(5_000_000)]);
      const match = { method: 'GET', path: /\/blobs\// };
      source.addFault({ match, action: { reset: 'mid-answer' } });
      if (ignored) source.addFault({ match: { ...match, nth: 'all' }, action: { ignoreRange: true } });
      await copyImage({ from, to, digest: root.descriptor.digest, log: silent });
      expectWhole(target, TARGET, [root.descriptor.digest]);
      const ranges = source.log.filter(({ path }) => path.includes('/blobs/')).map(({ headers }) => headers.range);
      expect(ranges.filter((each) => each !== undefined)).toEqual([expect.stringMatching(/^bytes=[1-9]\d*-$/)]);
      expect(sent(target)).toHaveLength(2);
    }
  });

  it('case 67: a source that stops in the middle of a blob is left, and the rest is fetched', async () => {
    await using scene = await across({ timeouts: { idle: 300 } });
    const { source, target, from, to, image } = scene;
    const root = image(['x'.repeat(5_000_000)]);
    source.addFault({ match: { method: 'GET', path: /\/blobs\// }, action: { hang: 'mid-answer' } });
    await copyImage({ from, to, digest: root.descriptor.digest, log: silent });
    expectWhole(target, TARGET, [root.descriptor.digest]);
    expect(source.log.some(({ headers }) => headers.range !== undefined)).toBe(true);
    expect(target.openUploads()).toBe(0);
  });

  it('bytes that are not those of the digest are never written in full', async () => {
    await using scene = await across();
    const { source, target, from, to, image } = scene;
    const root = image(['x'.repeat(5_000_000)]);
    source.addFault({
      match: { method: 'GET', path: /\/blobs\//, nth: 'all' },
      action: { corrupt: 'answer' },
    });
    const { digest } = root.descriptor;
    await expect(copyImage({ from, to, digest, log: silent })).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
    const puts = target.log.filter(({ method }) => method === 'PUT');
    for (const { bytes, headers, status } of puts) {
      expect(bytes).toBeLessThan(Number(headers['content-length']));
      expect(status).toBe(0);
    }
    expect(puts.length).toBeGreaterThan(0);
    expect(target.openUploads()).toBe(0);
  });

  it('when one target fails nothing goes on at the others', async () => {
    await using scene = await across();
    const { source, target, from, to, image } = scene;
    const { digest } = image(['a']).descriptor;
    const other = (await connect(source, {}, TARGET)).repository;
    const match = { method: 'POST', path: /mount=/, nth: 'all' } as const;
    source.addFault({ match, action: { delay: 300 } });
    source.addFault({ match, action: { ignoreMount: true } });
    target.addFault({ match: { method: 'HEAD', path: /blobs/, nth: 'all' }, action: { status: 401 } });
    await expect(copyImage({ from, to: [other, ...to], digest, log: silent })).rejects.toMatchObject({
      code: 'UNAUTHORIZED',
    });
    expect(source.openUploads()).toBe(0);
    const requests = source.requests();
    await sleep(400);
    expect(source.requests()).toBe(requests);
  });

  it('no tag comes to one target, not of cosign either, before the content is at all of them', async () => {
    await using scene = await across({}, 2, { referrers: false });
    const { targets, from, to, usual, cosign } = scene;
    const { digest } = usual().root.descriptor;
    cosign('sig', `${digest.replace(':', '-')}.sig`);
    const put = { method: 'PUT', path: /manifests/ };
    targets[1]?.addFault({ match: put, action: { status: 403, body: { errors: [{ code: 'DENIED' }] } } });
    await expect(copyImage({ from, to, digest, log: silent })).rejects.toMatchObject({ code: 'DENIED' });
    expect(targets.map((each) => each.tags(TARGET))).toEqual([{}, {}]);
  });

  it('case 10: from a public repository to one that asks for a login', async () => {
    const credentials = async (): Promise<Credentials> => ({ kind: 'password', username: 'bot', password: 'canary' });
    await using scene = await across(
      {},
      1,
      { auth: { basic: { username: 'bot', password: 'canary' } } },
      { credentials },
    );
    const { source, target, from, to, usual } = scene;
    const { digest } = usual().root.descriptor;
    expect(await copyImage({ from, to, digest, log: silent })).toMatchObject({ blobs: 21 });
    expect(source.log.filter(({ authorization }) => authorization)).toEqual([]);
    expect(target.writes().filter(({ authorization }) => !authorization)).toEqual([]);
    expect(target.manifest(TARGET, digest)).toBeDefined();
  });

  it('case 34: a blob that several images share is sent once, the empty one above all', async () => {
    await using scene = await across();
    const { target, from, to, image, blob, referrer } = scene;
    const shared = 'shared'.repeat(100_000);
    const roots = ['a', 'b', 'c', 'd'].map((each) => image([each, shared]));
    for (const root of roots) referrer(root, `sbom of ${root.descriptor.digest}`);
    await Promise.all(roots.map(({ descriptor }) => copyImage({ from, to, digest: descriptor.digest, log: silent })));
    for (const text of [shared, '{}'])
      expect(sent(target).filter((each) => each === blob(text).digest)).toHaveLength(1);
    for (const { descriptor } of roots) expectWhole(target, TARGET, [descriptor.digest]);
  });

  it('case 49: nested indexes, what is no manifest, unknown artifacts, foreign layers and sha512', async () => {
    await using scene = await across();
    const { target, from, to, image, index, blob } = scene;
    const foreign = {
      mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
      digest: `sha256:${'f'.repeat(64)}`,
      size: 7,
      urls: ['https://example.com/layer'],
    };
    const one = image(['a'], {}, undefined, 'sha512');
    const own = { ...blob('own'), mediaType: 'application/vnd.oci.image.layer.v1.tar' };
    const two = image(['b'], { layers: [foreign, own], artifactType: 'application/vnd.example.unknown+json' });
    const inner = index([one]);
    const odd = { ...blob('cache'), mediaType: 'application/vnd.example.cache' };
    const root = index([], { manifests: [inner.descriptor, two.descriptor, odd] });
    await copyImage({ from, to, digest: root.descriptor.digest, log: silent });
    for (const { descriptor, bytes } of [one, two, inner, root]) {
      expect(target.manifest(TARGET, descriptor.digest)?.bytes).toEqual(Buffer.from(bytes));
    }
    expect(target.blob(TARGET, odd.digest)).toEqual(Buffer.from('cache'));
    expect(sent(target)).not.toContain(foreign.digest);
    expect(sent(target)).toContain(own.digest);
  });
});

describe('a copy that was interrupted', () => {
  const texts = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((each) => each.repeat(300_000));

  /** That nothing shows at the target, and that a second try sends what it lacks and nothing else. */
  async function expectRest(scene: Awaited<ReturnType<typeof across>>, digest: Digest, again: Repository) {
    const { source, target, from } = scene;
    const { config, layers } = JSON.parse(String(source.manifest(SOURCE, digest)?.bytes));
    const blobs: readonly string[] = [config, ...layers].map((each) => each.digest);
    expect(target.manifest(TARGET, digest)).toBeUndefined();
    expect(target.tags(TARGET)).toEqual({});
    expect(target.openUploads()).toBe(0);
    const held = blobs.filter((each) => target.blob(TARGET, each) !== undefined);
    expect(held.length).toBeGreaterThan(0);
    expect(held.length).toBeLessThan(blobs.length);
    target.clearLog();
    await copyImage({ from, to: [again], digest, log: silent });
    expect(sent(target).toSorted()).toEqual(blobs.filter((each) => !held.includes(each)).toSorted());
    expectWhole(target, TARGET, [digest]);
    expect(target.manifest(TARGET, digest)).toBeDefined();
  }

  it.each<readonly [string, FaultAction, number]>([
    ['refuses', { status: 403, body: { errors: [{ code: 'DENIED' }] } }, 1],
    ['breaks off each time', { reset: 'mid-body' }, 5],
  ])('case 23: by a target that %s: the second one sends only what is missing', async (_name, action, times) => {
    await using scene = await across();
    const { target, from, to, image, blob } = scene;
    const { digest } = image(texts).descriptor;
    const path = new RegExp(encodeURIComponent(blob(texts[4] ?? '').digest));
    for (let nth = 1; nth <= times; nth++) target.addFault({ match: { method: 'PUT', path, nth }, action });
    await expect(copyImage({ from, to, digest, log: silent })).rejects.toThrow();
    await expectRest(scene, digest, (await connect(target, {}, TARGET)).repository);
  });

  it('case 66: by its signal: uploads are cancelled, and the second one sends only what is missing', async () => {
    const controller = new AbortController();
    await using scene = await across({ signal: controller.signal }, 1, {}, { signal: controller.signal });
    const { source, target, to, image } = scene;
    const { digest } = image(texts).descriptor;
    // The fifth and all after it do not end.
    const match = { method: 'GET', path: /\/blobs\// };
    for (let nth = 5; nth <= 8; nth++) source.addFault({ match: { ...match, nth }, action: { hang: 'mid-answer' } });
    const copying = copyImage({ from: scene.from, to, digest, log: silent });
    copying.catch(() => undefined);
    await expect.poll(() => sent(target).length).toBe(8);
    controller.abort(new ActionError('CANCELLED', 'The run was cancelled.'));
    await expect(copying).rejects.toMatchObject({ code: 'CANCELLED' });
    const from = (await connect(source, {}, SOURCE)).repository;
    await expectRest({ ...scene, from }, digest, (await connect(target, {}, TARGET)).repository);
  });
});
