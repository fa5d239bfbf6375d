import { describe, expect, it } from 'vitest';
import { MEDIA_TYPES } from '../../../src/domain/manifest.ts';
import { readGraph } from '../../../src/oci/graph.ts';
import { fallbackTag } from '../../../src/oci/referrers.ts';
import { fill, SOURCE } from '../../support/copy-source.ts';
import { startRegistry } from '../../support/registry.ts';
import { connect } from '../../support/registry-client.ts';

async function source(...[options = { referrers: true }]: Parameters<typeof startRegistry>) {
  const registry = await startRegistry(options);
  const { repository } = await connect(registry, {}, SOURCE);
  return { registry, repository, ...fill(registry) };
}

describe('the graph of an image', () => {
  it('49: holds nested indexes, sha512, artifacts, leaves first; not foreign layers', async () => {
    const { registry, repository, image, index, blob } = await source();
    await using _ = registry;
    const foreign = {
      ...blob('foreign'),
      mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
      urls: ['https://example.com/layer'],
    };
    const one = image(['a'], {}, undefined, 'sha512');
    const two = image(['b'], { layers: [foreign], artifactType: 'application/x' });
    const inner = index([one]);
    const odd = { ...blob('cache'), mediaType: 'application/vnd.example.cache' };
    const root = index([], { manifests: [inner.descriptor, two.descriptor, odd] });
    const graph = await readGraph(repository, root.descriptor.digest);
    expect(graph.manifests.map((each) => each.manifest)).toEqual([one, inner, two, root]);
    expect(graph.blobs.has(foreign.digest)).toBe(false);
    expect(graph.blobs.get(odd.digest)).toMatchObject({ size: 5 });
  });

  it('56: follows referrers of children and of referrers; each manifest is read once', async () => {
    const { registry, repository, usual, referrer } = await source();
    await using _ = registry;
    const { root, children, referrers } = usual();
    const ofChild = referrer(children[1], 'of child');
    const ofSbom = referrer(ofChild, 'of sbom');
    const graph = await readGraph(repository, root.descriptor.digest);
    expect(new Set(graph.manifests.map((each) => each.manifest.descriptor.digest))).toEqual(
      new Set([root, ...children, ...referrers, ofChild, ofSbom].map((each) => each.descriptor.digest)),
    );
    const reads = registry.log.filter(({ path }) => path.includes('/manifests/')).map(({ path }) => path);
    expect(new Set(reads).size).toBe(reads.length);
  });

  it('56: 500 referrers of one subject', async () => {
    const { registry, repository, image, referrer } = await source();
    await using _ = registry;
    const root = image(['a']);
    for (let at = 0; at < 500; at++) referrer(root, `sbom ${at}`);
    expect((await readGraph(repository, root.descriptor.digest)).manifests).toHaveLength(501);
  });

  it('56: a fallback index that lists its subject, or what refers to another, leads nowhere', async () => {
    const { registry, repository, image, index, referrer } = await source({});
    await using _ = registry;
    const root = image(['a']);
    const sbom = referrer(root, 'sbom');
    index([sbom, root, image(['b'])], {}, fallbackTag(root.descriptor.digest));
    index([root, sbom], {}, fallbackTag(sbom.descriptor.digest));
    const graph = await readGraph(repository, root.descriptor.digest);
    expect(graph.manifests.map((each) => each.manifest)).toEqual([root, sbom]);
  });

  it('57: finds tags of cosign on the index and on children, beyond 1000 others', async () => {
    const { registry, repository, usual, image } = await source();
    await using _ = registry;
    const { root, children } = usual();
    const tag = (of: { readonly descriptor: { readonly digest: string } }, kind: string) =>
      `${of.descriptor.digest.replace(':', '-')}.${kind}`;
    const tags = [tag(root, 'sig'), tag(root, 'att'), tag(children[0], 'sbom')];
    for (const each of tags) image([each], {}, each);
    for (let at = 0; at < 1200; at++) registry.putManifest(SOURCE, `a${at}`, MEDIA_TYPES.ociIndex, root.bytes);
    const graph = await readGraph(repository, root.descriptor.digest);
    expect(graph.tags.map((each) => each.tag).toSorted()).toEqual(tags.toSorted());
  });

  it('a child that is gone is an error', async () => {
    const { registry, repository, index } = await source();
    await using _ = registry;
    const gone = { mediaType: MEDIA_TYPES.ociManifest, digest: `sha256:${'a'.repeat(64)}`, size: 7 };
    const root = index([], { manifests: [gone] });
    await expect(readGraph(repository, root.descriptor.digest)).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN' });
  });
});
