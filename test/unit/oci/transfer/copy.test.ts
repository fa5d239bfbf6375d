import { describe, expect, it } from 'vitest';
import { type Descriptor, MEDIA_TYPES } from '../../../../src/domain/manifest.ts';
import { fallbackTag } from '../../../../src/oci/client/referrers.ts';
import { listAsReferrers } from '../../../../src/oci/transfer/attach.ts';
import { copyImage } from '../../../../src/oci/transfer/copy.ts';
import { expectWhole, sent, silent, TARGET } from '../../../support/copy-scene.ts';
import { fill, SOURCE } from '../../../support/copy-source.ts';
import { type FaultAction, startRegistry, type TestRegistry } from '../../../support/registry.ts';
import { connect } from '../../../support/registry-client.ts';

async function within(...[options = { referrers: true }]: Parameters<typeof startRegistry>) {
  const registry = await startRegistry(options);
  const { repositoryOf } = await connect(registry);
  return { registry, from: repositoryOf(SOURCE), target: repositoryOf(TARGET), ...fill(registry) };
}

function blobBytes(registry: TestRegistry): number {
  const blobs = registry.log.filter(({ path }) => path.includes('/blobs/'));
  const reads = blobs.filter(({ method }) => method === 'GET').length;
  return reads + blobs.reduce((sum, { bytes }) => sum + bytes, 0);
}

describe('copying within a registry', () => {
  it('case 37: mounts everything with at most 49 requests and no byte of a blob; again it only looks', async () => {
    const { registry, from, target, usual } = await within();
    await using _ = registry;
    const { root, children, referrers } = usual();
    const options = { from, to: [target], digest: root.descriptor.digest, log: silent };
    expect(await copyImage(options)).toMatchObject({ manifests: 5, blobs: 0, mounted: 21, bytes: 0 });
    expect(registry.requests()).toBeLessThanOrEqual(49);
    expect(blobBytes(registry)).toBe(0);
    for (const { descriptor, bytes } of [root, ...children, ...referrers]) {
      expect(registry.manifest(TARGET, descriptor.digest)?.bytes).toEqual(Buffer.from(bytes));
    }
    expect(registry.tags(TARGET)).toEqual({});
    registry.clearLog();
    expect(await copyImage(options)).toMatchObject({
      manifests: 0,
      blobs: 0,
      mounted: 0,
      bytes: 0,
      attachments: [{}, {}],
    });
    expect(registry.writes()).toEqual([]);
  });

  it.each([
    ['with the referrers API', true],
    ['without it', false],
  ])(
    'brings what was attached later to any part of the image, and nothing else: a registry %s',
    async (_name, referrers) => {
      const { registry, from, target, usual, referrer } = await within({ referrers });
      await using _ = registry;
      const { root, children, referrers: attached } = usual();
      const options = { from, to: [target], digest: root.descriptor.digest, log: silent };
      const listed = attached.map(({ descriptor }) => descriptor);
      if (!referrers) await listAsReferrers(from, root.descriptor.digest, listed);
      await copyImage(options);
      for (const subject of [root, children[0], attached[0]]) {
        if (subject === undefined) throw new Error('there are some');
        const late = referrer(subject, `late for ${subject.descriptor.digest}`);
        if (!referrers) await listAsReferrers(from, subject.descriptor.digest, [late.descriptor]);
        registry.clearLog();
        expect(await copyImage(options)).toMatchObject({ manifests: referrers ? 1 : 2, blobs: 0 });
        expect(registry.manifest(TARGET, late.descriptor.digest)).toBeDefined();
        expect((await target.referrers(subject.descriptor.digest)).manifests.map(({ digest }) => digest)).toContain(
          late.descriptor.digest,
        );
      }
    },
  );

  it('does nothing when source and target are the same', async () => {
    const { registry, from, usual } = await within();
    await using _ = registry;
    const { digest } = usual().root.descriptor;
    expect(await copyImage({ from, to: [from], digest, log: silent })).toMatchObject({ manifests: 0 });
    expect(registry.requests()).toBe(0);
  });

  it.each<readonly [string, FaultAction]>([
    ['202 with no session', { status: 202 }],
    ['401', { status: 401, body: { errors: [{ code: 'UNAUTHORIZED' }] } }],
    ['403', { status: 403, body: { errors: [{ code: 'DENIED' }] } }],
    ['404', { status: 404, body: { errors: [{ code: 'NAME_UNKNOWN' }] } }],
    ['400', { status: 400, body: { errors: [{ code: 'INVALID_REQUEST' }] } }],
    ['500', { status: 500 }],
  ])('case 37: a mount answered by %s becomes one upload', async (_name, action) => {
    const { registry, from, target, image } = await within();
    await using _ = registry;
    const root = image(['a', 'b', 'c', 'd']);
    registry.addFault({ match: { method: 'POST', path: /mount=/, nth: 'all' }, action });
    const copied = await copyImage({ from, to: [target], digest: root.descriptor.digest, log: silent });
    expect(copied).toMatchObject({ blobs: 5, mounted: 0 });
    expectWhole(registry, TARGET, [root.descriptor.digest]);
    expect(sent(registry)).toHaveLength(5);
    expect(registry.openUploads()).toBe(0);
  });

  it.each<readonly [string, FaultAction]>([
    ['429', { status: 429, headers: { 'retry-after': '1' } }],
    ['503', { status: 503 }],
    ['a connection that breaks', { reset: 'before' }],
  ])(
    'case 37, 59: a registry that answers mounts by %s for a while is asked again, and sent nothing',
    async (_name, action) => {
      const { registry, from, target, usual } = await within();
      await using _ = registry;
      const { digest } = usual().root.descriptor;
      for (const nth of [1, 2, 3, 4]) registry.addFault({ match: { method: 'POST', path: /mount=/, nth }, action });
      expect(await copyImage({ from, to: [target], digest, log: silent })).toMatchObject({ mounted: 21, blobs: 0 });
      expect(blobBytes(registry)).toBe(0);
    },
  );

  it('brings back children that somebody has deleted of an index that is there', async () => {
    const { registry, from, target, usual, index } = await within();
    await using _ = registry;
    const { children } = usual();
    const root = index([index(children)]);
    const options = { from, to: [target], digest: root.descriptor.digest, log: silent };
    await copyImage(options);
    await target.deleteManifest(children[0].descriptor.digest);
    registry.clearLog();
    expect(await copyImage(options)).toMatchObject({ manifests: 1, mounted: 9 });
    expect(registry.manifest(TARGET, children[0].descriptor.digest)?.bytes).toEqual(Buffer.from(children[0].bytes));
  });

  it('what a fallback index lists and the source has deleted is left out, and that is said', async () => {
    const { registry, from, target, image, index, referrer } = await within({});
    await using _ = registry;
    const root = image(['a']);
    const { digest } = root.descriptor;
    const [sbom, gone] = [referrer(root, 'sbom'), referrer(root, 'gone')];
    index([gone, sbom], {}, fallbackTag(digest));
    await from.deleteManifest(gone.descriptor.digest);
    const lines: string[] = [];
    await copyImage({ from, to: [target], digest, log: { warning: (line) => void lines.push(line) } });
    expect(lines).toEqual([expect.stringContaining(gone.descriptor.digest)]);
    expect((await target.referrers(digest)).manifests.map((each) => each.digest)).toEqual([sbom.descriptor.digest]);
  });

  it('52: an attachment without a type of its own is listed with that of its config', async () => {
    const { registry, from, target, image, index, referrer } = await within({});
    await using _ = registry;
    const root = image(['a']);
    const { digest } = root.descriptor;
    index([referrer(root, 'sbom', { artifactType: '' })], {}, fallbackTag(digest));
    await copyImage({ from, to: [target], digest, log: silent });
    expect((await target.referrers(digest)).manifests).toMatchObject([{ artifactType: MEDIA_TYPES.ociEmpty }]);
  });

  it('a tag of cosign whose manifest refers to another image makes no list for that one', async () => {
    const { registry, from, target, image, cosign } = await within({});
    await using _ = registry;
    const [root, other] = [image(['a']), image(['b'])];
    const sig = `${root.descriptor.digest.replace(':', '-')}.sig`;
    const { descriptor } = cosign('sig', sig, { subject: other.descriptor });
    await copyImage({ from, to: [target], digest: root.descriptor.digest, log: silent });
    expect(registry.tags(TARGET)).toEqual({ [sig]: descriptor.digest });
  });

  it('43: attachments that the list shows only after a while', async () => {
    const { registry, from, target, usual } = await within();
    await using _ = registry;
    const { digest } = usual().root.descriptor;
    const body = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [] };
    for (const nth of [1, 2, 3]) {
      registry.addFault({ match: { path: new RegExp(`${TARGET}/referrers`), nth }, action: { status: 200, body } });
    }
    expect(await copyImage({ from, to: [target], digest, log: silent })).toMatchObject({ manifests: 5 });
  });

  it('case 37: a mount that only begins an upload leaves no session behind', async () => {
    const { registry, from, target, image } = await within();
    await using _ = registry;
    const root = image(['a', 'b', 'c', 'd']);
    // Of a repository that lacks the blob.
    const to = { ...target, mountBlob: (blob: Descriptor) => target.mountBlob(blob, 'org/empty') };
    expect(await copyImage({ from, to: [to], digest: root.descriptor.digest, log: silent })).toMatchObject({
      blobs: 5,
      mounted: 0,
    });
    expectWhole(registry, TARGET, [root.descriptor.digest]);
    expect(sent(registry)).toHaveLength(5);
    expect(registry.openUploads()).toBe(0);
  });

  it('case 48: a source tag that moves meanwhile changes nothing', async () => {
    const { registry, from, target, usual, image } = await within();
    await using _ = registry;
    const { root } = usual();
    const copying = copyImage({ from, to: [target], digest: root.descriptor.digest, log: silent });
    const other = image(['other'], {}, 'v1');
    await copying;
    expect(registry.manifest(TARGET, root.descriptor.digest)).toBeDefined();
    expect(registry.manifest(TARGET, other.descriptor.digest)).toBeUndefined();
  });

  it('case 52, 57: without the API writes one fallback index per subject, merged, and the tags of cosign last', async () => {
    const { registry, from, target, usual, index, cosign } = await within({});
    await using _ = registry;
    const { root, referrers } = usual();
    const { digest } = root.descriptor;
    const tag = fallbackTag(digest);
    index(referrers, {}, tag);
    const sig = `${digest.replace(':', '-')}.sig`;
    cosign('sig', sig);
    const theirs = fill(registry, TARGET);
    theirs.index([theirs.referrer(root, 'theirs')], {}, tag);
    registry.clearLog();
    await copyImage({ from, to: [target], digest, log: silent });
    expect((await target.referrers(digest)).manifests).toHaveLength(3);
    const puts = registry.writes().flatMap(({ method, path }) => (method === 'PUT' ? [path.split('/').at(-1)] : []));
    expect(puts.slice(-2)).toEqual([tag, sig]);
    expect(puts.filter((each) => each === tag)).toHaveLength(1);
    registry.clearLog();
    expect(await copyImage({ from, to: [target], digest, log: silent })).toMatchObject({ manifests: 0 });
  });

  it('case 57: a tag of cosign that holds other signatures at the target stays, and that is said', async () => {
    const { registry, from, target, image, cosign } = await within();
    await using _ = registry;
    const root = image(['a']);
    const sig = `${root.descriptor.digest.replace(':', '-')}.sig`;
    cosign('ours', sig);
    const theirs = fill(registry, TARGET).image(['theirs'], {}, sig);
    const lines: string[] = [];
    const log = { warning: (line: string) => void lines.push(line) };
    await copyImage({ from, to: [target], digest: root.descriptor.digest, log });
    expect(registry.tags(TARGET)).toEqual({ [sig]: theirs.descriptor.digest });
    expect(lines.join()).toContain(sig);
  });

  it.each([1, 2, 3, 4, 5])('a break at manifest %i leaves no parent without its content, and no tag', async (nth) => {
    const { registry, from, target, usual } = await within();
    await using _ = registry;
    const { root, children, referrers } = usual();
    const { digest } = root.descriptor;
    const action = { status: 403, body: { errors: [{ code: 'DENIED' }] } };
    registry.addFault({ match: { method: 'PUT', path: /manifests/, nth }, action });
    await expect(copyImage({ from, to: [target], digest, log: silent })).rejects.toMatchObject({ code: 'DENIED' });
    const all = [root, ...children, ...referrers].map((each) => each.descriptor.digest);
    expectWhole(registry, TARGET, all);
    expect(all.filter((each) => registry.manifest(TARGET, each) !== undefined)).toHaveLength(nth - 1);
    expect(registry.tags(TARGET)).toEqual({});
    await copyImage({ from, to: [target], digest, log: silent });
    expect(all.filter((each) => registry.manifest(TARGET, each) === undefined)).toEqual([]);
  });
});
