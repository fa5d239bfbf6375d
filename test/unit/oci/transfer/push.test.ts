import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readLayout } from '../../../../src/oci/image/layout.ts';
import { pushContent, writeTag } from '../../../../src/oci/transfer/push.ts';
import { type LayoutSpec, writeLayout } from '../../../support/layout.ts';
import { type Fault, startRegistry } from '../../../support/registry.ts';
import { connect } from '../../../support/registry-client.ts';

let temp: string;
beforeEach(async () => {
  temp = await mkdtemp(join(tmpdir(), 'push-'));
});
afterEach(() => rm(temp, { recursive: true, force: true }));

const TWO: LayoutSpec = { platforms: [{ platform: 'linux/amd64' }, { platform: 'linux/arm64' }] };

async function image(spec: LayoutSpec = TWO, name = 'layout') {
  const layout = await writeLayout(join(temp, name), spec);
  return { layout, image: await readLayout(layout.directory) };
}

describe('pushing an image', () => {
  it('sends every blob once and the manifests in an order in which a strict registry takes them, without a tag', async () => {
    await using registry = await startRegistry();
    const { repository } = await connect(registry);
    const { image: local, layout } = await image();
    const pushed = await pushContent(repository, local);
    expect(pushed).toMatchObject({ uploaded: local.blobs.length, present: 0 });
    expect(pushed.bytes).toBe(local.blobs.reduce((sum, each) => sum + each.size, 0));
    expect(registry.tags('org/app')).toEqual({});
    const puts = registry.writes().filter(({ method, path }) => method === 'PUT' && path.includes('/blobs/'));
    expect(puts).toHaveLength(local.blobs.length);
    expect(new Set(puts.map(({ query }) => new URLSearchParams(query).get('digest'))).size).toBe(puts.length);
    const manifests = registry.writes().filter(({ path }) => path.includes('/manifests/'));
    expect(manifests.map(({ path }) => path.split('/').at(-1))).toEqual(
      local.manifests.map(({ descriptor }) => descriptor.digest),
    );
    expect(manifests.at(-1)?.path).toContain(layout.digest);
    for (const { descriptor, bytes } of local.manifests) {
      expect(registry.manifest('org/app', descriptor.digest)?.bytes.equals(bytes)).toBe(true);
    }
    expect(registry.openUploads()).toBe(0);
  });

  it('asks for each manifest and sends nothing when the image is there already', async () => {
    await using registry = await startRegistry();
    const { layout, image: local } = await image();
    await registry.putLayout('org/app', 'old', layout.directory);
    const { repository, requests } = await connect(registry);
    expect(await pushContent(repository, local)).toEqual({
      uploaded: 0,
      bytes: 0,
      present: local.blobs.length,
      manifests: 0,
    });
    expect(new Set(registry.log.map(({ method }) => method))).toEqual(new Set(['HEAD']));
    expect(requests()).toBe(local.manifests.length);
  });

  it('brings back the children that somebody has deleted from under an index that is there', async () => {
    await using registry = await startRegistry();
    const { layout, image: local } = await image();
    await registry.putLayout('org/app', 'old', layout.directory);
    const { repository } = await connect(registry);
    const [first, second] = local.platforms.map(({ manifest }) => manifest.descriptor.digest);
    await repository.deleteManifest(`${second}`);
    registry.clearLog();
    await pushContent(repository, local);
    expect(registry.manifest('org/app', `${first}`)).toBeDefined();
    expect(registry.manifest('org/app', `${second}`)).toBeDefined();
    expect(registry.writes().map(({ path }) => path.split('/').at(-1))).toEqual([second]);
  });

  it('34: a layer that two platforms share and the empty config of both attestations are each sent once', async () => {
    await using registry = await startRegistry();
    const shared = { 'bin/tool': 'same' };
    const { image: local } = await image({
      platforms: [
        { platform: 'linux/amd64', layers: [shared, { a: 'amd64' }] },
        { platform: 'linux/arm64', layers: [shared, { a: 'arm64' }] },
      ],
    });
    const { repository } = await connect(registry);
    await pushContent(repository, local, { concurrency: 8 });
    const digests = registry
      .writes()
      .filter(({ method, path }) => method === 'PUT' && path.includes('/blobs/'))
      .map(({ query }) => new URLSearchParams(query).get('digest'));
    expect(digests.toSorted()).toEqual([...new Set(digests)].toSorted());
    expect(digests).toHaveLength(local.blobs.length);
  });

  it('sends only what is missing', async () => {
    await using registry = await startRegistry();
    const { image: before, layout: old } = await image(
      { platforms: [{ platform: 'linux/amd64', layers: [{ base: 'x' }, { app: '1' }] }], attestations: 'none' },
      'old',
    );
    await registry.putLayout('org/app', 'old', old.directory);
    const { image: after } = await image(
      { platforms: [{ platform: 'linux/amd64', layers: [{ base: 'x' }, { app: '2' }] }], attestations: 'none' },
      'new',
    );
    const { repository } = await connect(registry);
    const pushed = await pushContent(repository, after);
    const had = new Set(before.blobs.map(({ digest }) => digest));
    expect(pushed.present).toBe(after.blobs.filter(({ digest }) => had.has(digest)).length);
    expect(pushed.present).toBeGreaterThan(0);
    expect(pushed.uploaded).toBe(after.blobs.length - pushed.present);
  });

  it('reads the root back: a registry that took it and does not have it is an error', async () => {
    await using registry = await startRegistry();
    const { image: local } = await image();
    registry.addFault({
      match: { method: 'HEAD', path: /\/manifests\/sha256/, nth: 2 },
      action: { status: 404 },
    });
    const { repository } = await connect(registry);
    await expect(pushContent(repository, local)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  });

  it('an upload that fails for good stops the push before any manifest, and nothing goes on behind the error', async () => {
    await using registry = await startRegistry();
    const { image: local } = await image();
    const denied = { errors: [{ code: 'DENIED', message: 'requested access to the resource is denied' }] };
    registry.addFault({ match: { method: 'POST', nth: 'all' }, action: { status: 403, body: denied } });
    const { repository } = await connect(registry);
    await expect(pushContent(repository, local)).rejects.toMatchObject({ code: 'DENIED', facts: { status: 403 } });
    const { length } = registry.log;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(registry.log).toHaveLength(length);
    expect(registry.writes().every(({ path }) => path.includes('/uploads/'))).toBe(true);
  });

  it('behind an error no other upload begins', async () => {
    await using registry = await startRegistry();
    const { image: local } = await image();
    registry.addFault({ match: { method: 'POST', nth: 'all' }, action: { status: 403 } });
    const { repository } = await connect(registry);
    await expect(pushContent(repository, local, { concurrency: 1 })).rejects.toMatchObject({ code: 'DENIED' });
    expect(registry.log.map(({ method }) => method)).toEqual(['HEAD', 'HEAD', 'POST']);
  });

  it('pushes again, what it has sent already is not sent twice', async () => {
    await using registry = await startRegistry();
    const { image: local } = await image();
    registry.addFault({ match: { method: 'PUT', path: /\/manifests\// }, action: { status: 400, body: '{}' } });
    const { repository } = await connect(registry);
    await expect(pushContent(repository, local)).rejects.toThrow('400');
    registry.clearLog();
    expect(await pushContent(repository, local)).toMatchObject({ uploaded: 0, present: local.blobs.length });
    expect(registry.writes().every(({ path }) => path.includes('/manifests/'))).toBe(true);
  });

  it('pushes an image of sha512', async () => {
    await using registry = await startRegistry();
    const { image: local } = await image({ ...TWO, algorithm: 'sha512' });
    const { repository } = await connect(registry);
    await pushContent(repository, local);
    expect(registry.manifest('org/app', local.root.descriptor.digest)).toBeDefined();
  });
});

/** A registry that does not name the digest of what it took. */
const UNCONFIRMED: Fault = {
  match: { method: 'PUT', path: /manifests/ },
  action: { headers: { 'docker-content-digest': null } },
};

describe('writing a tag', () => {
  async function pushed() {
    const registry = await startRegistry();
    const { image: local, layout } = await image();
    await registry.putLayout('org/app', layout.digest, layout.directory);
    return { registry, root: local.root, ...(await connect(registry)) };
  }

  it('puts the root under the tag, and reads it back where the registry has not confirmed the digest', async () => {
    const { registry, root, repository } = await pushed();
    await using _ = registry;
    await writeTag(repository, '1.2.3', root);
    expect(registry.tags('org/app')).toEqual({ '1.2.3': root.descriptor.digest });
    expect(registry.log.map(({ method }) => method)).toEqual(['PUT']);
    registry.clearLog();
    registry.addFault(UNCONFIRMED);
    await writeTag(repository, '1.2.4', root);
    expect(registry.log.map(({ method }) => method)).toEqual(['PUT', 'HEAD']);
  });

  it('43: looks again while a registry needs a moment', async () => {
    const { registry, root, repository, sleeps } = await pushed();
    await using _ = registry;
    registry.addFault(UNCONFIRMED);
    for (const nth of [1, 2, 3]) registry.addFault({ match: { method: 'HEAD', nth }, action: { status: 404 } });
    await writeTag(repository, '1.2.3', root);
    expect(sleeps).toEqual([250, 1000, 3000]);
  });

  it('a race that was lost is TAG_NOT_MOVED, with both digests', async () => {
    const { registry, root, repository } = await pushed();
    await using _ = registry;
    const other = `sha256:${'b'.repeat(64)}`;
    registry.addFault(UNCONFIRMED);
    registry.addFault({
      match: { method: 'HEAD', nth: 'all' },
      action: { headers: { 'docker-content-digest': other } },
    });
    const failed = writeTag(repository, '1.2.3', root);
    await expect(failed).rejects.toMatchObject({ code: 'TAG_NOT_MOVED' });
    await expect(failed).rejects.toThrow(other);
    await expect(failed).rejects.toThrow(root.descriptor.digest);
  });

  it.each(['ecr', 'harbor', 'quay', 'acr', 'artifactory'] as const)(
    '45: an immutable tag of %s with other content is TAG_IMMUTABLE, with the same content it is done',
    async (style) => {
      await using registry = await startRegistry({ immutable: { tags: /^\d/, style } });
      const { image: first, layout } = await image();
      const { image: second, layout: other } = await image({ platforms: [{ platform: 'linux/amd64' }] }, 'other');
      await registry.putLayout('org/app', '1.2.3', layout.directory);
      await registry.putLayout('org/app', other.digest, other.directory);
      const { repository, sleeps } = await connect(registry);
      await expect(writeTag(repository, '1.2.3', second.root)).rejects.toMatchObject({
        code: 'TAG_IMMUTABLE',
      });
      await writeTag(repository, '1.2.3', first.root);
      expect(registry.tags('org/app')['1.2.3']).toBe(first.root.descriptor.digest);
      expect(registry.writes().every(({ method }) => method === 'PUT')).toBe(true);
      expect(sleeps).toEqual([]);
    },
  );

  it.each([400, 403, 405, 409, 412])(
    'a refusal with %i is settled by one HEAD: the same digest is success, another one is not',
    async (status) => {
      const { registry, root, repository } = await pushed();
      await using _ = registry;
      registry.addFault({ match: { method: 'PUT', path: /manifests/, nth: 'all' }, action: { status } });
      registry.putManifest('org/app', 'main', root.descriptor.mediaType, root.bytes);
      await writeTag(repository, 'main', root);
      expect(registry.log.map(({ method }) => method)).toEqual(['PUT', 'HEAD']);
      await expect(writeTag(repository, 'other', root)).rejects.toMatchObject({ facts: { status } });
    },
  );

  it('a refusal whose HEAD fails is still the refusal', async () => {
    const { registry, root, repository } = await pushed();
    await using _ = registry;
    registry.addFault({ match: { method: 'PUT' }, action: { status: 403 } });
    registry.addFault({ match: { method: 'HEAD', nth: 'all' }, action: { status: 401 } });
    await expect(writeTag(repository, 'main', root)).rejects.toMatchObject({ code: 'DENIED', facts: { status: 403 } });
  });
});

describe('a registry that says to have what it has not', () => {
  it('gets the layers of the manifest that it refuses, once, and the manifest again', async () => {
    await using registry = await startRegistry();
    const { image: local } = await image();
    registry.addFault({ match: { method: 'HEAD', path: /blobs/, nth: 'all' }, action: { status: 200 } });
    const { repository } = await connect(registry);
    await pushContent(repository, local);
    expect(registry.manifest('org/app', local.root.descriptor.digest)).toBeDefined();
    const sent = registry.writes().filter(({ method, path }) => method === 'PUT' && path.includes('/blobs/'));
    expect(sent).toHaveLength(local.blobs.length);
  });
});
