import { describe, expect, it } from 'vitest';
import { MEDIA_TYPES } from '../../../../src/domain/manifest.ts';
import { fallbackTag } from '../../../../src/oci/client/referrers.ts';
import { listAsReferrers } from '../../../../src/oci/transfer/attach.ts';
import { fill, SOURCE } from '../../../support/copy-source.ts';
import { startRegistry } from '../../../support/registry.ts';
import { connect } from '../../../support/registry-client.ts';

describe('what refers to a manifest', () => {
  it('is what the API lists, with types and annotations', async () => {
    await using registry = await startRegistry({ referrers: true });
    const { root, referrers } = fill(registry).usual();
    const { repository } = await connect(registry, {}, SOURCE);
    const found = await repository.referrers(root.descriptor.digest);
    expect(found).toMatchObject({ support: 'api', fallback: [], problems: [] });
    expect(found.manifests).toEqual(
      referrers.map(({ descriptor }, at) => ({
        ...descriptor,
        artifactType: 'application/vnd.example.sbom',
        annotations: { of: ['sbom', 'signature'][at] },
      })),
    );
    expect(registry.log.map(({ path, status }) => `${path.split('/').at(-2)} ${status}`).toSorted()).toEqual([
      'manifests 404',
      'referrers 200',
    ]);
    registry.clearLog();
    await repository.referrers(root.descriptor.digest, { tags: new Set(['1.0']) });
    expect(registry.requests()).toBe(1);
  });

  it('P5: is what API and fallback list together, each once, and both are told apart', async () => {
    await using registry = await startRegistry({ referrers: true });
    const { index, referrer, image } = fill(registry);
    const root = image(['a']);
    const [sbom, signature] = [referrer(root, 'sbom'), referrer(root, 'signature')];
    const body = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [sbom.descriptor] };
    const headers = { 'content-type': MEDIA_TYPES.ociIndex };
    index([sbom, signature], {}, fallbackTag(root.descriptor.digest));
    for (const manifests of [[], [sbom.descriptor]]) {
      registry.addFault({
        match: { path: /referrers/ },
        action: { status: 200, body: { ...body, manifests }, headers },
      });
    }
    const { repository } = await connect(registry, {}, SOURCE);
    for (const _ of [1, 2]) {
      const { support, manifests, fallback } = await repository.referrers(root.descriptor.digest);
      expect(support).toBe('api');
      expect(manifests.map(({ digest }) => digest)).toEqual([sbom, signature].map((each) => each.descriptor.digest));
      expect(fallback).toHaveLength(2);
    }
  });

  it.each([401, 403])(
    '%i to the list, where manifests may be read: the fallback counts, and it is said',
    async (status) => {
      await using registry = await startRegistry({ referrers: true });
      const { index, referrer, image } = fill(registry);
      const root = image(['a']);
      const sbom = referrer(root, 'sbom');
      index([sbom], {}, fallbackTag(root.descriptor.digest));
      registry.addFault({ match: { path: /referrers/, nth: 'all' }, action: { status } });
      const { repository } = await connect(registry, {}, SOURCE);
      const { manifests, problems } = await repository.referrers(root.descriptor.digest);
      expect(manifests.map(({ digest }) => digest)).toEqual([sbom.descriptor.digest]);
      expect(problems).toEqual([expect.stringContaining(`refuses to list`)]);
      expect(problems).toEqual([expect.stringContaining(`${status}`)]);
    },
  );

  it.each(['another image', 'an index of platforms'])('a fallback tag that is %s is left alone', async (kind) => {
    await using registry = await startRegistry();
    const { index, image } = fill(registry);
    const root = image(['a']);
    const other = image(['b']);
    const platform = { os: 'linux', architecture: 'amd64' };
    const held = kind === 'another image' ? other : index([], { manifests: [{ ...other.descriptor, platform }] });
    registry.putManifest(SOURCE, fallbackTag(root.descriptor.digest), held.descriptor.mediaType, held.bytes);
    const { repository } = await connect(registry, {}, SOURCE);
    const found = await repository.referrers(root.descriptor.digest);
    expect(found).toMatchObject({ manifests: [], occupied: held.descriptor.digest });
    const ours = [image(['c']).descriptor];
    await expect(listAsReferrers(repository, root.descriptor.digest, ours)).rejects.toMatchObject({
      code: 'TAG_IMMUTABLE',
      message: expect.stringContaining(held.descriptor.digest),
    });
    expect(registry.tags(SOURCE)[fallbackTag(root.descriptor.digest)]).toBe(held.descriptor.digest);
  });

  it('one host may front repositories with the API and without', async () => {
    await using registry = await startRegistry({ referrers: true });
    const one = fill(registry, 'with/app').usual();
    const other = fill(registry, 'without/app').usual();
    registry.addFault({ match: { path: /without\/app\/referrers/, nth: 'all' }, action: { status: 404 } });
    const { repositoryOf } = await connect(registry);
    expect((await repositoryOf('without/app').referrers(other.root.descriptor.digest)).support).toBe('fallback');
    expect((await repositoryOf('with/app').referrers(one.root.descriptor.digest)).support).toBe('api');
    registry.clearLog();
    expect((await repositoryOf('without/app').referrers(other.root.descriptor.digest)).support).toBe('fallback');
    expect(registry.requests()).toBe(1);
  });

  it.each([
    { status: 404 },
    { status: 400, body: { errors: [{ code: 'MANIFEST_INVALID' }] } },
    { status: 405 },
    { status: 501 },
    { status: 303, headers: { location: 'https://registry.invalid/-/v2/packages' } },
    { status: 200, headers: { 'content-type': 'text/html' }, body: '<html></html>' },
  ])('52: $status of the API leads to the fallback tag, once for all', async (action) => {
    await using registry = await startRegistry();
    const { index, referrer, image } = fill(registry);
    const root = image(['a']);
    const sbom = referrer(root, 'sbom');
    const listed = index([sbom], {}, fallbackTag(root.descriptor.digest));
    registry.addFault({ match: { path: /referrers/ }, action });
    const { repository } = await connect(registry, {}, SOURCE);
    for (const _ of [1, 2]) {
      expect(await repository.referrers(root.descriptor.digest)).toEqual({
        support: 'fallback',
        manifests: [sbom.descriptor],
        fallback: [sbom.descriptor],
        fallbackDigest: listed.descriptor.digest,
        problems: [],
      });
    }
    expect(registry.requests()).toBe(3);
  });

  it('a fallback tag that holds the image itself lists nothing', async () => {
    await using registry = await startRegistry();
    const { index, image } = fill(registry);
    const root = index([image(['a'])]);
    registry.putManifest(SOURCE, fallbackTag(root.descriptor.digest), root.descriptor.mediaType, root.bytes);
    const { repository } = await connect(registry, {}, SOURCE);
    expect((await repository.referrers(root.descriptor.digest)).manifests).toEqual([]);
  });

  it('52: a page for people from a registry that has listed referrers before is an error, and no empty list', async () => {
    await using registry = await startRegistry({ referrers: true });
    const { digest } = fill(registry).usual().root.descriptor;
    const { repository } = await connect(registry, {}, SOURCE);
    await repository.referrers(digest);
    registry.addFault({
      match: { path: /referrers/ },
      action: { status: 200, body: '<html>down for maintenance</html>' },
    });
    await expect(repository.referrers(digest)).rejects.toMatchObject({ code: 'ANSWER_INVALID' });
  });

  it('51: empty pages that go on and on are refused', async () => {
    await using registry = await startRegistry({ referrers: true });
    const { digest } = fill(registry).image(['a']).descriptor;
    let page = 0;
    const headers = {
      get link() {
        page++;
        return `</v2/${SOURCE}/referrers/${digest}?page=${page}>; rel="next"`;
      },
    };
    registry.addFault({ match: { path: /referrers/, nth: 'all' }, action: { headers } });
    const { repository } = await connect(registry, {}, SOURCE);
    await expect(repository.referrers(digest)).rejects.toMatchObject({ code: 'ANSWER_INVALID' });
    expect(registry.requests()).toBeLessThan(3000);
  });

  it('51: pages are followed by relative links, and a circle of them is refused', async () => {
    await using registry = await startRegistry({ referrers: true });
    const { root } = fill(registry).usual();
    const { digest } = root.descriptor;
    const { repository } = await connect(registry, {}, SOURCE);
    const link = (page: number) => ({ link: `</v2/${SOURCE}/referrers/${digest}?page=${page}>; rel="next"` });
    const match = { path: /referrers/ };
    registry.addFault({ match, action: { headers: link(2) } });
    expect((await repository.referrers(digest)).manifests).toHaveLength(2);
    expect(registry.log.flatMap(({ path, query }) => (path.includes('/referrers/') ? [query] : []))).toEqual([
      '',
      '?page=2',
    ]);
    expect(registry.requests()).toBe(3);
    registry.addFault({ match: { ...match, nth: 'all' }, action: { headers: link(2) } });
    await expect(repository.referrers(digest)).rejects.toMatchObject({ code: 'ANSWER_INVALID' });
    expect(registry.requests()).toBe(6);
  });
});
