import { describe, expect, test } from 'vitest';
import { MEDIA_TYPES } from '../../../src/domain/manifest.ts';
import { fallbackTag } from '../../../src/oci/client/referrers.ts';
import type { TestRegistry } from '../../support/registry.ts';
import { createScene, DEV, errorsOf, expectError, expectPromoted, PROD, recordsAt, tagWrites } from './scene.ts';

/** The digests in an index under a tag. */
function listed(registry: TestRegistry, tag: string, name = PROD): readonly string[] {
  const index = JSON.parse(registry.manifest(name, tag)?.bytes.toString('utf8') ?? '{"manifests":[]}');
  return index.manifests.map(({ digest }: { readonly digest: string }) => digest);
}

describe('what refers to an image', () => {
  test('case 51: a list of several pages, each with a relative link', async () => {
    await using scene = await createScene({ pageSize: 2 });
    const { root } = scene.source.usual();
    const more = ['a', 'b', 'c'].map((text) => scene.source.referrer(root, text).descriptor.digest);
    expectPromoted(await scene.promote());
    expect(scene.registry.digests(PROD)).toEqual(expect.arrayContaining(more));
    const again = await scene.promote();
    expect(again.outputs.outcome).toBe('unchanged');
  });

  test.each([
    ['its own first page', `</v2/${DEV}/referrers/DIGEST>`, 'ANSWER_INVALID'],
    ['another host', '<https://other.example.com/v2/list>', 'REDIRECT_REFUSED'],
  ])('case 51: a list that goes on at %s is refused before anything is written', async (_, link, code) => {
    await using scene = await createScene();
    const { registry } = scene;
    const { root } = scene.source.usual();
    registry.addFault({
      match: { method: 'GET', path: new RegExp(`/${DEV}/referrers/`), nth: 'all' },
      action: { headers: { link: `${link.replace('DIGEST', root.descriptor.digest)}; rel="next"` } },
    });
    expectError(await scene.promote(), 'registry-failed', code);
    expect(registry.writes()).toEqual([]);
  });

  test('case 52: a registry that confirms a subject and has no list of referrers gets the fallback tag', async () => {
    await using scene = await createScene({ referrers: false });
    const { registry, target } = scene;
    const { digest } = scene.source.image(['1'], {}, 'v1').descriptor;
    registry.addFault({
      match: { method: 'PUT', path: /manifests\/sha256:/, nth: 'all' },
      action: { headers: { 'oci-subject': digest } },
    });
    expectPromoted(await scene.promote());
    expect(recordsAt(target)).toBe(1);
    const [record = ''] = listed(target, fallbackTag(digest));
    expect(registry.manifest(PROD, record)?.bytes.toString('utf8')).toContain('promotion.record');
    expect((await scene.promote()).outputs.outcome).toBe('unchanged');
  });

  describe('case 54: a fallback tag that is immutable', () => {
    const immutable = { referrers: false, immutable: { tags: /^sha256-/, style: 'quay' } } as const;

    test('stops before the tag moves where it lists something already, with the fix', async () => {
      await using scene = await createScene(immutable);
      const { registry } = scene;
      const { digest } = scene.source.image(['1'], {}, 'v1').descriptor;
      // The first record makes the tag.
      expectPromoted(await scene.promote('v1', { environment: 'staging' }));
      const before = listed(registry, fallbackTag(digest));
      for (let time = 0; time < 2; time++) {
        const run = await scene.promote();
        const message = expectError(run, 'tag-conflict', 'TAG_IMMUTABLE');
        expect(scene.held()).toBeUndefined();
        expect(message).toContain(`does not allow its tag ${fallbackTag(digest)} change`);
        expect(run.summary).toContain('set <code>record: false</code>');
        expect(listed(registry, fallbackTag(digest))).toEqual(before);
      }
      const without = await scene.promote('v1', { environment: 'canary', record: 'false' });
      expectPromoted(without);
      expect(registry.tags(PROD).canary).toBe(digest);
    });

    test('stops before the tag moves where the copy has made it', async () => {
      await using scene = await createScene(immutable);
      const { image, referrer, index } = scene.source;
      const root = image(['1'], {}, 'v1');
      index([referrer(root, 'signature')], {}, fallbackTag(root.descriptor.digest));
      expectError(await scene.promote(), 'tag-conflict', 'TAG_IMMUTABLE');
      expect(scene.held()).toBeUndefined();
      expectPromoted(await scene.promote('v1', { record: 'false' }));
    });

    test('does not stop a rollback, which says that its record is missing', async () => {
      await using scene = await createScene({ referrers: false });
      const { registry, source } = scene;
      const [one, two] = [
        source.image(['1'], {}, 'v1').descriptor.digest,
        source.image(['2'], {}, 'v2').descriptor.digest,
      ];
      expectPromoted(await scene.promote('v1'));
      expectPromoted(await scene.promote('v2'));
      expect(scene.held()).toBe(two);
      registry.addFault({
        match: { method: 'PUT', path: /manifests\/sha256-/, nth: 'all' },
        action: { status: 409, body: { errors: [{ code: 'TAG_IMMUTABLE', message: 'tag is immutable' }] } },
      });
      const back = await scene.job.promote({
        images: `${registry.host}/${PROD}`,
        environment: 'production',
        rollback: 'true',
      });
      expect(scene.held()).toBe(one);
      expect(expectError(back, 'tag-conflict', 'TAG_IMMUTABLE')).toMatch(/promotion record could not be attached/);
    });
  });

  test('case 56: referrers of referrers come along, and a fallback index that leads in a circle ends', async () => {
    await using scene = await createScene({ referrers: false });
    const { registry, target, source } = scene;
    const image = source.image(['1'], {}, 'v1');
    const sbom = source.referrer(image, 'sbom');
    const signature = source.referrer(sbom, 'signature of the sbom');
    const stamp = source.referrer(signature, 'time stamp');
    const list = (of: string, ...all: readonly { readonly descriptor: object }[]) => {
      const manifests = all.map((each) => each.descriptor);
      const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests }));
      registry.putManifest(DEV, of.replace(':', '-'), MEDIA_TYPES.ociIndex, bytes);
    };
    list(image.descriptor.digest, sbom);
    list(sbom.descriptor.digest, signature, sbom);
    list(signature.descriptor.digest, stamp, image, sbom);
    expectPromoted(await scene.promote());
    for (const [subject, referrer] of [
      [image, sbom],
      [sbom, signature],
      [signature, stamp],
    ] as const) {
      expect(listed(target, fallbackTag(subject.descriptor.digest))).toContain(referrer.descriptor.digest);
    }
  });

  test('case 56: 500 referrers of one image', async () => {
    await using scene = await createScene();
    const image = scene.source.image(['1'], {}, 'v1');
    const all = Array.from({ length: 500 }, (_, at) => scene.source.referrer(image, `${at}`).descriptor.digest);
    expectPromoted(await scene.promote());
    const there = new Set(scene.registry.digests(PROD));
    expect(all.filter((digest) => !there.has(digest))).toEqual([]);
  });

  test('case 57: .sig, .att and .sbom of the index and of a child, behind more than 1000 other tags', async () => {
    await using scene = await createScene({ pageSize: 400 });
    const { registry, source } = scene;
    const { root, children } = source.usual();
    const [child] = children;
    const filler = source.image(['filler']);
    for (let at = 0; at < 1200; at++) {
      registry.putManifest(DEV, `build-${at}`, filler.descriptor.mediaType, filler.bytes);
    }
    const tags = [root, child].flatMap(({ descriptor }) =>
      ['sig', 'att', 'sbom'].map((kind) => {
        const tag = `${descriptor.digest.replace(':', '-')}.${kind}`;
        return [tag, source.cosign(tag, tag).descriptor.digest] as const;
      }),
    );
    expectPromoted(await scene.promote());
    const { production, ...others } = registry.tags(PROD);
    expect(production).toBe(root.descriptor.digest);
    expect(others).toEqual(Object.fromEntries(tags));
    expect(tagWrites(registry).at(-1)).toBe('production');
    expect(errorsOf(await scene.promote())).toEqual([]);
  });
});
