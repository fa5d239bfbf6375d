import { describe, expect, it } from 'vitest';
import type { Digest } from '../../../../src/domain/digest.ts';
import { type ManifestBytes, MEDIA_TYPES } from '../../../../src/domain/manifest.ts';
import { fallbackTag } from '../../../../src/oci/client/referrers.ts';
import type { Repository } from '../../../../src/oci/client/repository.ts';
import { readGraph } from '../../../../src/oci/transfer/graph.ts';
import { fill, SOURCE } from '../../../support/copy-source.ts';
import { startRegistry } from '../../../support/registry.ts';
import { connect } from '../../../support/registry-client.ts';

async function source(...[options = { referrers: true }]: Parameters<typeof startRegistry>) {
  const registry = await startRegistry(options);
  const { repository } = await connect(registry, {}, SOURCE);
  return { registry, repository, ...fill(registry) };
}

/** A repository that holds one manifest under as many digests as one likes. */
function multiply(repository: Repository, one: ManifestBytes, count: number) {
  const digests = Array.from({ length: count }, (_, at): Digest => `sha256:${String(at).padStart(64, '0')}`);
  const manifests = digests.map((digest) => ({ ...one.descriptor, digest }));
  const held = new Map(manifests.map((each) => [String(each.digest), each]));
  let reads = 0;
  const get: Repository['get'] = async (reference) => {
    reads++;
    const descriptor = held.get(reference);
    return descriptor === undefined ? repository.get(reference) : { ...one, descriptor };
  };
  return { ...repository, get, manifests, reads: () => reads };
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
    const { registry, repository, usual, cosign } = await source();
    await using _ = registry;
    const { root, children } = usual();
    const tag = (of: { readonly descriptor: { readonly digest: string } }, kind: string) =>
      `${of.descriptor.digest.replace(':', '-')}.${kind}`;
    const tags = [tag(root, 'sig'), tag(root, 'att'), tag(children[0], 'sbom')];
    for (const each of tags) cosign(each, each);
    for (let at = 0; at < 1200; at++) registry.putManifest(SOURCE, `a${at}`, MEDIA_TYPES.ociIndex, root.bytes);
    const graph = await readGraph(repository, root.descriptor.digest);
    expect(graph.tags.map((each) => each.tag).toSorted()).toEqual(tags.toSorted());
    // Who may not list may still read.
    for (const status of [401, 403, 405]) {
      registry.addFault({ match: { path: /tags\/list/, nth: 'all' }, action: { status } });
      const asked = await readGraph(repository, root.descriptor.digest);
      expect(asked.tags.map((each) => each.tag).toSorted()).toEqual(tags.toSorted());
    }
  });

  it('57: a tag of cosign that cannot be read is an error, and one that is not there is not', async () => {
    const { registry, repository, image } = await source();
    await using _ = registry;
    const one = image(['a'], {}, undefined, 'sha512').descriptor.digest;
    const other = image(['b']).descriptor.digest;
    registry.addFault({ match: { path: /tags\/list/, nth: 'all' }, action: { status: 403 } });
    expect((await readGraph(repository, one)).tags).toEqual([]);
    expect((await readGraph(repository, other)).tags).toEqual([]);
    registry.addFault({ match: { path: /\.att$/ }, action: { status: 403 } });
    await expect(readGraph(repository, other)).rejects.toMatchObject({ code: 'DENIED' });
  });

  it('49: a manifest of a type that is no more is refused by its name; who only asks what there is gets to know it', async () => {
    const { registry, repository, image } = await source();
    await using _ = registry;
    const { digest } = image(['a']).descriptor;
    const mediaType = 'application/vnd.oci.artifact.manifest.v1+json';
    const manifests = [{ mediaType, digest: `sha256:${'a'.repeat(64)}`, size: 7 }];
    const body = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests };
    registry.addFault({ match: { path: /referrers/, nth: 'all' }, action: { status: 200, body } });
    expect((await repository.referrers(digest)).manifests).toEqual(manifests);
    const refused = readGraph(repository, digest);
    await expect(refused).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    await expect(refused).rejects.toThrow(mediaType);
  });

  it('56: fallback indexes full of what belongs to others are not read without end', async () => {
    const { registry, repository, image, usual } = await source({});
    await using _ = registry;
    const { root } = usual();
    const stranger = image(['stranger']);
    const { manifests, reads, ...hostile } = multiply(repository, stranger, 3000);
    const referrers: Repository['referrers'] = async () => ({
      support: 'fallback',
      manifests,
      fallback: manifests,
      problems: [],
    });
    const graph = readGraph({ ...hostile, referrers }, root.descriptor.digest);
    await expect(graph).rejects.toMatchObject({ code: 'TOO_LARGE' });
    expect(reads()).toBeLessThanOrEqual(5000);
  });

  it('39: manifests of 4 MiB each are not held without end', async () => {
    const { registry, repository, image, index } = await source();
    await using _ = registry;
    const one = image(['a'], { annotations: { big: 'x'.repeat(4_000_000) } });
    const { manifests, reads, ...hostile } = multiply(repository, one, 100);
    const root = index([], { manifests });
    await expect(readGraph(hostile, root.descriptor.digest)).rejects.toMatchObject({ code: 'TOO_LARGE' });
    expect(reads()).toBeLessThan(40);
  });

  it('a child that is gone is an error', async () => {
    const { registry, repository, index } = await source();
    await using _ = registry;
    const gone = { mediaType: MEDIA_TYPES.ociManifest, digest: `sha256:${'a'.repeat(64)}`, size: 7 };
    const root = index([], { manifests: [gone] });
    await expect(readGraph(repository, root.descriptor.digest)).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN' });
  });
});
