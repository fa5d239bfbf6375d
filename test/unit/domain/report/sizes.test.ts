import { describe, expect, it } from 'vitest';
import type { Digest } from '../../../../src/domain/digest.ts';
import { contentOf } from '../../../../src/domain/report/content.ts';
import type {
  InventoryManifest,
  InventoryTag,
  RepositoryInventory,
} from '../../../../src/domain/retention/inventory.ts';
import { registryTraits } from '../../../../src/domain/retention/registry-traits.ts';

const id = (letter: string): Digest => `sha256:${letter.repeat(64)}`;
const blob = (letter: string, size: number) => ({ digest: id(letter), size });

function manifest(letter: string, more: Partial<InventoryManifest> = {}): InventoryManifest {
  return {
    digest: id(letter),
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    kind: 'image',
    presence: 'present',
    children: [],
    size: 1,
    ...more,
  };
}

function inventory(
  manifests: readonly InventoryManifest[],
  tags: readonly (readonly [string, string])[] = [],
  vendor = 'ecr',
): RepositoryInventory {
  return {
    repository: 'registry.example.com/org/app',
    readAt: 0,
    traits: registryTraits(vendor),
    tags: tags.map(([name, letter]): InventoryTag => ({ name, digest: id(letter) })),
    manifests,
    gaps: [],
  };
}

describe('sizes of a repository', () => {
  it('a layer of two images counts twice one by one, once when stored, and frees nothing alone', () => {
    const { sizes } = contentOf(
      inventory(
        [
          manifest('a', { blobs: [blob('1', 100), blob('2', 10)] }),
          manifest('b', { blobs: [blob('1', 100), blob('3', 20)] }),
        ],
        [
          ['v1', 'a'],
          ['v2', 'b'],
        ],
      ),
    );
    expect(sizes).toMatchObject({ sum: 232, distinct: 132, exclusive: 32, unreferenced: 0, isExact: true });
    expect(sizes.byRoot.get(id('a'))).toEqual({ size: 111, exclusive: 11 });
    expect(sizes.shared).toEqual([{ digest: id('1'), size: 100, images: 2 }]);
  });

  it.each([
    [5, Number.MAX_SAFE_INTEGER],
    [Number.MAX_SAFE_INTEGER, 5],
  ])(
    'manifests that disagree about the size of a layer (%d, %d): the smaller one counts, as an estimate',
    (one, other) => {
      const { sizes } = contentOf(
        inventory(
          [manifest('a', { blobs: [blob('1', one)] }), manifest('b', { blobs: [blob('1', other)] })],
          [
            ['v1', 'a'],
            ['v2', 'b'],
          ],
        ),
      );
      expect(sizes).toMatchObject({ sum: 12, distinct: 7, isExact: false });
    },
  );

  it('a layer that one image lists twice counts once', () => {
    const { sizes } = contentOf(inventory([manifest('a', { blobs: [blob('1', 100), blob('1', 100)] })], [['v1', 'a']]));
    expect(sizes).toMatchObject({ sum: 101, distinct: 101 });
  });

  it('an image with two tags counts once', () => {
    const { sizes, counts } = contentOf(
      inventory(
        [manifest('a', { blobs: [blob('1', 100)] })],
        [
          ['v1', 'a'],
          ['latest', 'a'],
        ],
      ),
    );
    expect(sizes.sum).toBe(101);
    expect(counts).toMatchObject({ images: 1, tags: 2 });
  });

  it('platforms belong to their index, and signatures to their subject', () => {
    const { sizes, counts, images } = contentOf(
      inventory(
        [
          manifest('a', {
            mediaType: 'application/vnd.oci.image.index.v1+json',
            children: [id('b'), id('c')],
            blobs: [],
          }),
          manifest('b', { blobs: [blob('1', 100)], platform: 'linux/amd64' }),
          manifest('c', { blobs: [blob('2', 50)], platform: 'linux/arm64' }),
          manifest('d', { kind: 'referrer', subject: id('a'), blobs: [blob('3', 5)] }),
        ],
        [['v1', 'a']],
      ),
    );
    expect(counts).toMatchObject({ images: 1, untagged: 0, referrers: 1, orphans: 0 });
    expect(sizes).toMatchObject({ sum: 159, distinct: 159, exclusive: 159 });
    expect(images[0]?.platforms).toEqual(['linux/amd64', 'linux/arm64']);
  });

  it('a signature of an image that is gone belongs to no image', () => {
    const { sizes, counts } = contentOf(
      inventory([
        manifest('a', { blobs: [blob('1', 100)] }),
        manifest('d', { kind: 'referrer', subject: id('f'), blobs: [blob('3', 5)] }),
      ]),
    );
    expect(counts).toMatchObject({ images: 1, untagged: 1, orphans: 1 });
    expect(sizes).toMatchObject({ distinct: 107, sum: 101, unreferenced: 6 });
  });

  it('a missing platform has no bytes and makes the index broken', () => {
    const { sizes, counts, images } = contentOf(
      inventory(
        [
          manifest('a', { mediaType: 'application/vnd.oci.image.index.v1+json', children: [id('b')], blobs: [] }),
          manifest('b', { presence: 'missing' }),
        ],
        [['v1', 'a']],
      ),
    );
    expect(counts.broken).toBe(1);
    expect(images[0]?.broken).toBe('ghost');
    expect(sizes.distinct).toBe(1);
  });

  it('without manifests the sizes of the list fill in, as estimates without shared layers', () => {
    const { sizes } = contentOf(
      inventory([manifest('a', { contentSize: 70 }), manifest('b', { contentSize: 70 })], [['v1', 'a']]),
    );
    expect(sizes).toMatchObject({ distinct: 142, isExact: false, shared: [] });
  });

  it('where only tags are listed, the number of untagged images is unknown', () => {
    const { counts } = contentOf(inventory([manifest('a', { blobs: [] })], [['v1', 'a']], 'distribution'));
    expect(counts.untagged).toBeUndefined();
    expect(counts.orphans).toBeUndefined();
  });

  it('an empty repository is nothing, exactly', () => {
    expect(contentOf(inventory([]))).toMatchObject({
      images: [],
      counts: { images: 0, tags: 0, untagged: 0, orphans: 0 },
      sizes: { sum: 0, distinct: 0, isExact: true },
    });
  });

  it('never pulled is known only where the registry records pulls', () => {
    const pulled = (vendor: string) =>
      contentOf(inventory([manifest('a', { blobs: [], pulledAt: 'never' })], [['v1', 'a']], vendor)).images[0]
        ?.pulledAt;
    expect(pulled('ecr')).toBe('never');
    expect(pulled('acr')).toBeUndefined();
  });

  it('a pull of a platform is a pull of the index', () => {
    const { images } = contentOf(
      inventory(
        [
          manifest('a', {
            mediaType: 'application/vnd.oci.image.index.v1+json',
            children: [id('b')],
            pulledAt: 'never',
          }),
          manifest('b', { pulledAt: 1000, platform: 'linux/amd64' }),
        ],
        [['v1', 'a']],
      ),
    );
    expect(images[0]?.pulledAt).toBe(1000);
  });
});
