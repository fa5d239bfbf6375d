import { describe, expect, test } from 'vitest';
import type { Digest } from '../../../src/domain/digest.ts';
import type { PlanStep } from '../../../src/domain/retention/plan.ts';
import { placeholderFor } from '../../../src/run/deletion/untag.ts';
import { readContents, readInventory } from '../../../src/run/inventory/read-inventory.ts';
import { applyAll } from '../../support/cleanup/apply-all.ts';
import { plainScene } from '../../support/cleanup/scene.ts';

const NAME = 'team/app';
const remove = (digest: Digest, role: 'root' | 'child' | 'referrer', ...tags: string[]): PlanStep => ({
  action: 'delete',
  digest,
  role,
  tags,
});

describe('inventory of a plain registry', () => {
  test('tags, children, nested indexes and fallback lists take one request for each tag and referrer', async () => {
    const { target, options, content, registry } = await plainScene();
    const amd64 = content.image('amd64');
    const inner = content.index([amd64]);
    const outer = content.index([inner, content.image('arm64')], 'v1', 'latest');
    const signature = content.referrer(outer);
    const fallback = content.fallback(outer, [signature]);
    const { inventory, errors, requests } = await readInventory(target, options);
    expect(errors).toEqual([]);
    expect(inventory.gaps).toEqual([]);
    const found = new Map(inventory.manifests.map((each) => [each.digest, each]));
    expect(found.get(outer)?.children).toContain(inner);
    expect(found.get(inner)?.children).toEqual([amd64]);
    expect(found.get(amd64)).toMatchObject({ presence: 'unverified', platform: 'linux/amd64' });
    expect(found.get(signature)).toMatchObject({ kind: 'referrer', subject: outer });
    expect(found.get(fallback)).toMatchObject({ subject: outer, children: [signature] });
    // v1, latest, the fallback tag, the inner index, the signature.
    expect(requests).toBe(5);
    expect(registry.log.filter(({ path }) => path.includes('/referrers/')).length).toBe(1);
  });

  test('with the API, referrers of images, of their platforms and of referrers are found', async () => {
    const { target, options, content } = await plainScene({ referrers: true });
    const amd64 = content.image('amd64');
    const index = content.index([amd64], 'v1');
    const sbom = content.referrer(index, 'application/spdx+json');
    const signature = content.referrer(sbom);
    const ofPlatform = content.referrer(amd64);
    const { inventory } = await readInventory(target, options);
    const subjects = new Map(inventory.manifests.map(({ digest, subject }) => [digest, subject]));
    expect(subjects.get(sbom)).toBe(index);
    expect(subjects.get(signature)).toBe(sbom);
    expect(subjects.get(ofPlatform)).toBe(amd64);
  });

  test("cosign's tags belong to their image, and an image under the fallback tag is an image", async () => {
    const { target, options, content } = await plainScene();
    const image = content.image('one', 'v1');
    const signature = content.image('signature of one', `${image.replace(':', '-')}.sig`);
    const other = content.image('two');
    const copied = content.index([other], other.replace(':', '-'));
    const { inventory } = await readInventory(target, options);
    const found = new Map(inventory.manifests.map((each) => [each.digest, each]));
    expect(found.get(signature)).toMatchObject({ kind: 'referrer', subject: image });
    expect(found.get(copied)).not.toHaveProperty('subject');
  });

  test('a cache that is an index of layers is whole, and its layers are no manifests', async () => {
    const { target, options, content } = await plainScene();
    const cache = content.cache('build', 'buildcache');
    const { inventory } = await readInventory(target, options);
    expect(inventory.gaps).toEqual([]);
    expect(inventory.manifests).toHaveLength(1);
    expect(inventory.manifests[0]).toMatchObject({ digest: cache, kind: 'cache', children: [] });
    expect(inventory.manifests[0]?.blobs).toHaveLength(2);
  });

  test('sizes are those of manifests and blobs, shared layers included each time', async () => {
    const { target, options, content } = await plainScene();
    const image = content.image('one', 'v1');
    const { inventory } = await readInventory(target, options);
    const found = inventory.manifests.find(({ digest }) => digest === image);
    expect(found?.blobs?.map(({ size }) => size).reduce((a, b) => a + b, 0)).toBeGreaterThan(10);
    expect(found?.size).toBeGreaterThan(100);
  });

  test('platforms are read only where their sizes are wanted, each once', async () => {
    const { target, options, content } = await plainScene();
    const [amd64, arm64] = [content.image('amd64'), content.image('arm64')];
    content.index([amd64, arm64], 'v1');
    const reading = await readInventory(target, options);
    const sizesOf = ({ inventory }: typeof reading) => inventory.manifests.map(({ blobs }) => blobs?.length);
    expect(sizesOf(reading).filter((each) => each === undefined)).toHaveLength(2);
    const more = await readContents(target, reading, [amd64, arm64]);
    expect(sizesOf(more)).not.toContain(undefined);
    expect(more.requests).toBe(reading.requests + 2);
    expect((await readContents(target, more, [amd64, arm64])).requests).toBe(more.requests);
  });

  test.each([
    ['a page of tags', /tags\/list\?.*last/, 500, 'tags'],
    ['a manifest', /manifests\/v2/, 500, 'tags'],
    ['a manifest that may not be read', /manifests\/v2/, 403, 'tags'],
  ])('%s that cannot be read is a gap, and nothing is deleted', async (_, path, status, what) => {
    const faults = [{ match: { path, nth: 'all' as const }, action: { status } }];
    const { target, options, content, stored } = await plainScene({ pageSize: 2, faults });
    const image = content.image('one', 'v1');
    content.image('two', 'v2');
    content.image('three', 'v3');
    const { inventory, errors } = await readInventory(target, options);
    expect(inventory.gaps).toMatchObject([{ what }]);
    expect(errors).toHaveLength(1);
    const before = stored();
    const report = await applyAll(target, [remove(image, 'root', 'v1')], options);
    expect(report.errors).toHaveLength(1);
    expect(report.results).toMatchObject([{ outcome: 'skipped' }]);
    expect(stored()).toEqual(before);
  });

  test('a tag that is listed and cannot be read is a gap; one that is gone since is not', async () => {
    const { target, options, content, registry } = await plainScene();
    content.image('one', 'v1');
    registry.putManifest(NAME, 'odd', 'application/vnd.example.unknown', Buffer.from('{}'));
    expect((await readInventory(target, options)).inventory.gaps).toMatchObject([{ what: 'tags', subject: 'odd' }]);
    const gone = registry.manifest(NAME, 'odd')?.digest ?? '';
    registry.addFault({ match: { path: /tags\/list/ }, action: { delay: 1 } });
    const listTags = async () => {
      const names = await target.repository.listTags();
      registry.drop(NAME, gone);
      return names;
    };
    const repository = { ...target.repository, listTags };
    expect((await readInventory({ ...target, repository }, options)).inventory.gaps).toEqual([]);
  });

  test('a manifest that lists something without a digest is a gap', async () => {
    const { target, options, content } = await plainScene();
    content.put('application/vnd.oci.image.index.v1+json', { manifests: [{ mediaType: 'x', size: 1 }] }, ['odd']);
    const { inventory } = await readInventory(target, options);
    expect(inventory.gaps).toMatchObject([{ what: 'tags', subject: 'odd' }]);
  });
});

describe('plan applied to a plain registry', () => {
  const scene = async (deletes: 'digests' | 'digests and tags' | 'nothing') => {
    const opened = await plainScene({ deletes });
    const { content } = opened;
    const shared = content.image('shared');
    const own = content.image('own');
    const old = content.index([shared, own], 'pr-1');
    const kept = content.index([shared], 'v1', 'pr-2');
    const signature = content.referrer(old);
    const list = content.fallback(old, [signature]);
    const steps: PlanStep[] = [
      { action: 'untag', tag: 'pr-2', digest: kept },
      remove(old, 'root', 'pr-1'),
      remove(own, 'child'),
      remove(list, 'referrer', old.replace(':', '-')),
      remove(signature, 'referrer'),
    ];
    return { ...opened, steps, images: { shared, own, old, kept, signature, list } };
  };

  test.each(['digests', 'digests and tags'] as const)('a registry that deletes %s', async (deletes) => {
    const { target, options, steps, images, stored } = await scene(deletes);
    const report = await applyAll(target, steps, options);
    expect(report.errors).toEqual([]);
    expect(report.results.map(({ outcome }) => outcome)).toEqual(steps.map(() => 'done'));
    expect(report.broken).toEqual([]);
    expect(report.notices.join(' ')).toContain('garbage-collect');
    expect(stored().map(({ digest, tags }) => [digest, tags])).toEqual([
      [images.shared, []],
      [images.kept, ['v1']],
    ]);
  });

  test('a registry that deletes nothing stops at the first request, and says what to set', async () => {
    const { target, options, steps, stored, registry } = await scene('nothing');
    const before = stored();
    const report = await applyAll(target, steps.slice(1), options);
    expect(report.errors).toMatchObject([{ code: 'UNSUPPORTED' }]);
    expect(report.errors[0]?.message).toContain('REGISTRY_STORAGE_DELETE_ENABLED');
    expect(report.results.map(({ outcome }) => outcome)).toEqual(['failed', 'skipped', 'skipped', 'skipped']);
    expect(registry.log.filter(({ method }) => method === 'DELETE')).toHaveLength(1);
    expect(stored()).toEqual(before);
  });

  test('an untag that was interrupted is finished, and is no image of the inventory', async () => {
    const { target, options, steps, images, stored, registry } = await scene('digests');
    const placeholder = placeholderFor('pr-2');
    registry.putManifest(NAME, 'pr-2', placeholder.descriptor.mediaType, placeholder.bytes);
    const { inventory, placeholders } = await readInventory(target, options);
    expect(inventory.tags.map(({ name }) => name)).not.toContain('pr-2');
    expect(inventory.manifests.map(({ digest }) => digest)).not.toContain(placeholder.descriptor.digest);
    expect(placeholders).toEqual([{ tag: 'pr-2', digest: placeholder.descriptor.digest }]);
    const report = await applyAll(target, steps.slice(0, 1), options);
    expect(report.results).toMatchObject([{ outcome: 'absent' }]);
    expect(stored().find(({ digest }) => digest === images.kept)?.tags).toEqual(['v1']);
    expect(stored().map(({ digest }) => digest)).not.toContain(placeholder.descriptor.digest);
  });

  test.each([1, 2, 3, 4])(
    'a run that ends after %i deletions leaves nothing broken, and the next one finishes',
    async (nth) => {
      const { target, options, steps, images, stored, registry } = await scene('digests and tags');
      let isDown = true;
      const deletions = () => registry.log.filter(({ method }) => method === 'DELETE').length;
      const { deleteDigest, deleteTag } = target.managed;
      const failing =
        <T>(task: (reference: T) => Promise<'deleted' | 'absent'>) =>
        async (reference: T) => {
          if (isDown && deletions() >= nth) throw new Error('the runner is gone');
          return task(reference);
        };
      const managed = { ...target.managed, deleteDigest: failing(deleteDigest), deleteTag: failing(deleteTag) };
      const first = await applyAll({ ...target, managed }, steps, options);
      expect(first.errors.length).toBeGreaterThan(0);
      const present = new Set(stored().map(({ digest }) => digest));
      for (const { children, tags } of stored()) {
        // The list of referrers goes before what it lists; nothing that has a tag lacks anything.
        if (tags.length > 0) for (const child of children) expect(present).toContain(child);
      }
      isDown = false;
      const second = await applyAll({ ...target, managed }, steps, options);
      expect(second.errors).toEqual([]);
      expect(stored().map(({ digest, tags }) => [digest, tags])).toEqual([
        [images.shared, []],
        [images.kept, ['v1']],
      ]);
    },
  );

  test('a tag that moves between the look at the repository and its deletion stays', async () => {
    const { target, options, steps, images, registry, content } = await scene('digests and tags');
    const other = content.image('other', 'v2');
    registry.addFault({
      match: { method: 'HEAD', path: /manifests\/pr-2$/ },
      action: { moves: { repository: NAME, tag: 'pr-2', to: other }, when: 'before' },
    });
    const report = await applyAll(target, steps.slice(0, 1), options);
    expect(report.results).toMatchObject([{ outcome: 'skipped', reason: expect.stringContaining('pr-2') }]);
    expect(registry.tags(NAME)).toMatchObject({ 'pr-2': other, v1: images.kept });
  });

  test('a tag that appears while the plan is applied keeps its image', async () => {
    const { target, options, steps, images, registry } = await scene('digests and tags');
    let now = Date.UTC(2026, 5, 1);
    // Every look at the clock is ten seconds later.
    const later = () => {
      now += 10_000;
      return new Date(now);
    };
    const clock = { ...options.clock, now: later };
    const managed = {
      ...target.managed,
      deleteTag: async (tag: string) => {
        const old = registry.manifest(NAME, images.old);
        registry.putManifest(NAME, 'released', old?.mediaType ?? '', old?.bytes ?? Buffer.alloc(0));
        return target.managed.deleteTag(tag);
      },
    };
    const report = await applyAll({ ...target, managed }, steps, { ...options, clock });
    expect(report.results[1]).toMatchObject({ outcome: 'skipped', reason: expect.stringContaining('released') });
    expect(registry.tags(NAME)).toMatchObject({ released: images.old, 'pr-1': images.old });
    for (const part of [images.own, images.signature]) expect(registry.digests(NAME)).toContain(part);
  });

  test('what is missing afterwards from a kept index is reported', async () => {
    const { target, options, steps, images, registry } = await scene('digests and tags');
    registry.addFault({ match: { method: 'DELETE' }, action: { delay: 1 } });
    const dropping = {
      ...target.managed,
      deleteTag: async (tag: string) => {
        registry.drop(NAME, images.shared);
        return target.managed.deleteTag(tag);
      },
    };
    const report = await applyAll({ ...target, managed: dropping }, steps.slice(0, 1), options);
    expect(report.broken).toEqual(
      [
        { root: images.kept, missing: images.shared },
        { root: images.old, missing: images.shared },
      ].toSorted((a, b) => (a.root < b.root ? -1 : 1)),
    );
  });
});
