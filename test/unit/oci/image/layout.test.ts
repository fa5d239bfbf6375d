import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MEDIA_TYPES } from '../../../../src/domain/manifest.ts';
import { requireAttestations } from '../../../../src/oci/image/attestations.ts';
import { parseManifest } from '../../../../src/oci/image/document.ts';
import { readLayout } from '../../../../src/oci/image/layout.ts';
import { corruptBlob, type Json, type LayoutSpec, truncateBlob, writeLayout } from '../../../support/layout.ts';

let root = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'layout-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const TWO: LayoutSpec['platforms'] = [
  { platform: 'linux/amd64', labels: { team: 'blue' }, files: { 'bin/app': 'amd64' } },
  { platform: 'linux/arm64', layers: [{ 'bin/app': 'arm64' }, { 'etc/app.conf': 'a=b' }] },
];

/** What makes an entry of an index one that no client chooses by its platform. */
const HIDDEN = {
  platform: { os: 'unknown', architecture: 'unknown' },
  annotations: { 'vnd.docker.reference.type': 'attestation-manifest' },
};

const write = (spec: Partial<LayoutSpec> = {}) => writeLayout(join(root, 'layout'), { platforms: TWO, ...spec });

describe('what a layout may look like', () => {
  test.each<[string, Partial<LayoutSpec>, number, number]>([
    ['an index with attestations of today', {}, 5, 2],
    ['an index with attestations of the old form', { attestations: 'image' }, 5, 2],
    ['an index without attestations', { attestations: 'none' }, 3, 0],
    ['one image with three tags', { names: ['a.example/x:1', 'a.example/x:2', 'b.example/y:1'] }, 5, 2],
    ['an image without a name', { names: [], attestations: 'none' }, 3, 0],
    ['media types of Docker', { docker: true, attestations: 'none' }, 3, 0],
    ['digests of sha512', { algorithm: 'sha512' }, 5, 2],
  ])('%s', async (_name, spec, manifests, attestations) => {
    const layout = await write(spec);
    const image = await readLayout(layout.directory, {
      platforms: ['linux/amd64', 'linux/arm64'],
      digest: layout.digest,
    });
    expect(image.root.descriptor.digest).toBe(layout.digest);
    expect(image.manifests).toHaveLength(manifests);
    expect(image.manifests.at(-1)).toBe(image.root);
    expect(image.attestations).toHaveLength(attestations);
    expect(image.platforms.map(({ name }) => name)).toEqual(['linux/amd64', 'linux/arm64']);
    requireAttestations(image, { requireSbom: attestations > 0, requireProvenance: attestations > 0 });
  });

  test('index.json that points at the manifest of the only platform', async () => {
    const layout = await write({ platforms: TWO.slice(0, 1), shape: 'manifest' });
    const image = await readLayout(layout.directory, { platforms: ['linux/amd64'] });
    expect(image.root.descriptor.mediaType).toBe(MEDIA_TYPES.ociManifest);
    expect(image.manifests).toEqual([image.root]);
    expect(image.platforms[0]?.name).toBe('linux/amd64');
  });

  test.each(['docker-28', 'buildkit-0.33'])('what the builder of %s wrote', async (fixture) => {
    execFileSync('tar', ['-xf', join(import.meta.dirname, `../../../fixtures/layouts/${fixture}.tar`), '-C', root]);
    await mkdir(join(root, 'ingest'));
    const image = await readLayout(root, { platforms: ['linux/amd64', 'linux/arm64'] });
    requireAttestations(image, { requireSbom: true, requireProvenance: true });
    expect(image.attestations.map(({ subject }) => subject !== undefined)).toEqual(
      fixture === 'docker-28' ? [false, false] : [true, true],
    );
    for (const { statements, labels, name } of image.platforms) {
      expect(labels.arch).toBe(name.slice('linux/'.length));
      expect(statements.map(({ kind }) => kind)).toEqual(['sbom', 'provenance']);
      expect(statements[1]?.builderId).toBe('https://github.com/org/app/actions/runs/1/attempts/1');
      // An image FROM scratch with one text file: the generator still names the image itself.
      expect(statements[0]?.packages).toBe(1);
    }
  });
});

test('P2: what is read are the bytes on disk, and their descriptors', async () => {
  const layout = await write();
  const image = await readLayout(layout.directory);
  const [amd64, arm64] = image.platforms;
  expect(amd64).toMatchObject({ configDigest: layout.platforms[0]?.config, labels: { team: 'blue' } });
  expect(arm64?.diffIds).toEqual(layout.platforms[1]?.diffIds);
  for (const { descriptor, bytes } of image.manifests) {
    expect(Buffer.from(bytes)).toEqual(await readFile(image.path(descriptor.digest)));
    expect(descriptor.size).toBe(bytes.length);
  }
  for (const blob of image.blobs) {
    expect(await buffer(image.open(blob))).toHaveLength(blob.size);
  }
  expect(new Set(image.blobs.map(({ digest }) => digest)).size).toBe(image.blobs.length);
});

test('P5: subjects come before what speaks of them, and the index last', async () => {
  const layout = await write();
  const order = (await readLayout(layout.directory)).manifests.map(({ descriptor }) => descriptor.digest);
  const [a, b] = layout.platforms;
  expect(order).toEqual([a?.digest, b?.digest, a?.attestation, b?.attestation, layout.digest]);
});

test('a blob that nothing refers to is left aside', async () => {
  const layout = await write();
  await writeFile(join(layout.directory, 'blobs/sha256', 'f'.repeat(64)), 'no such content');
  expect((await readLayout(layout.directory)).blobs).toHaveLength(10);
});

describe('every damaged byte is found', () => {
  test('in each blob and manifest, by digest and by size', async () => {
    const layout = await write();
    const { platforms, digest } = layout;
    const all = [
      digest,
      ...platforms.flatMap((each) => [
        each.digest,
        each.config,
        ...each.layers,
        ...(each.attestation === undefined ? [] : [each.attestation]),
        ...Object.values(each.statements),
      ]),
    ];
    expect(all).toHaveLength(14);
    for (const each of all) {
      const intact = await readFile(layout.path(each));
      await corruptBlob(layout, each);
      await expect(readLayout(layout.directory).then((image) => image.verify())).rejects.toMatchObject({
        code: 'LAYOUT_CORRUPT',
        message: expect.stringContaining(layout.path(each)),
      });
      await writeFile(layout.path(each), intact);
      await truncateBlob(layout, each);
      await expect(readLayout(layout.directory)).rejects.toMatchObject({
        code: 'LAYOUT_CORRUPT',
        message: expect.stringContaining(`has ${intact.length - 1} bytes, not the ${intact.length}`),
      });
      await unlink(layout.path(each));
      await expect(readLayout(layout.directory)).rejects.toMatchObject({
        code: 'LAYOUT_CORRUPT',
        message: expect.stringContaining('is missing'),
      });
      await writeFile(layout.path(each), intact);
    }
    const image = await readLayout(layout.directory);
    await image.verify();
  });

  test('P2: a layer is hashed by who reads it, and not once more', async () => {
    const layout = await write();
    const image = await readLayout(layout.directory);
    const [layer = ''] = layout.platforms[0]?.layers ?? [];
    const blob = image.blobs.find(({ digest }) => digest === layer);
    if (blob === undefined) throw new Error('no layer');
    await buffer(image.open(blob));
    // What was read is known: it would be found here.
    await corruptBlob(layout, blob.digest);
    await image.verify();
    await expect(buffer(image.open(blob))).rejects.toMatchObject({
      code: 'LAYOUT_CORRUPT',
      message: expect.stringContaining(layout.path(blob.digest)),
    });
  });
});

const manifests = (index: Json): Json[] => (Array.isArray(index.manifests) ? index.manifests : []);
const layersOf = (manifest: Json): Json[] => (Array.isArray(manifest.layers) ? manifest.layers : []);

describe('what is refused', () => {
  test.each<[string, Partial<LayoutSpec>, string, RegExp]>([
    [
      'an index in an index',
      {
        change: {
          index: (index) => ({
            ...index,
            manifests: manifests(index).map((each) => ({ ...each, mediaType: MEDIA_TYPES.ociIndex })),
          }),
        },
      },
      'SOURCE_INVALID',
      /another index/,
    ],
    [
      'two images',
      {
        change: {
          indexJson: (index) => ({
            ...index,
            manifests: [...manifests(index), { ...manifests(index)[0], digest: `sha256:${'a'.repeat(64)}` }],
          }),
        },
      },
      'SOURCE_INVALID',
      /contains 2 images.*ghcr\.io\/org\/app:1\.2\.3/,
    ],
    [
      'no image in index.json',
      { change: { indexJson: (index) => ({ ...index, manifests: [] }) } },
      'IMAGE_INVALID',
      /no image/,
    ],
    [
      'no image in the index',
      { change: { index: (index) => ({ ...index, manifests: [] }) } },
      'IMAGE_INVALID',
      /no image/,
    ],
    [
      'a layer that lies elsewhere',
      {
        change: {
          manifest: (manifest) => ({
            ...manifest,
            layers: layersOf(manifest).map((each) => ({
              ...each,
              mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
            })),
          }),
        },
      },
      'FOREIGN_LAYERS',
      /stored elsewhere/,
    ],
    [
      'a layer with addresses of its own',
      {
        change: {
          manifest: (m) => ({
            ...m,
            layers: layersOf(m).map((each) => ({ ...each, urls: ['https://example.com/x'] })),
          }),
        },
      },
      'FOREIGN_LAYERS',
      /stored elsewhere/,
    ],
    [
      'a document that is an index and a manifest',
      { change: { manifest: (m) => ({ ...m, manifests: [] }) } },
      'IMAGE_INVALID',
      /mixes/,
    ],
    [
      'a document that says it is something else',
      { change: { manifest: (m) => ({ ...m, mediaType: MEDIA_TYPES.dockerManifest }) } },
      'IMAGE_INVALID',
      /has the media type/,
    ],
    [
      'a platform that the config denies',
      { change: { config: (c) => ({ ...c, architecture: 'amd64' }) } },
      'IMAGE_INVALID',
      /is for linux\/arm64; in its config, for linux\/amd64/,
    ],
    [
      'a config that speaks of other layers',
      { change: { config: (c) => ({ ...c, rootfs: { type: 'layers', diff_ids: [] } }) } },
      'IMAGE_INVALID',
      /of diff_ids in the config \(0\) differ/,
    ],
    [
      'an attestation that clients could choose by its platform',
      {
        attestations: 'image',
        change: {
          index: (index) => ({
            ...index,
            manifests: manifests(index).map((each, at) =>
              at < 2 ? each : { ...each, platform: { os: 'linux', architecture: 's390x' } },
            ),
          }),
        },
      },
      'IMAGE_INVALID',
      /names no platform/,
    ],
    [
      'P1: an image that only some clients take for one: `OS` is `os` in Go',
      {
        attestations: 'none',
        change: {
          index: (index) => ({
            ...index,
            manifests: manifests(index).map((each, at) => ({
              ...each,
              ...(at === 0 ? {} : HIDDEN),
              platform: at === 0 ? each.platform : { OS: 'linux', Architecture: 'arm64' },
            })),
          }),
        },
      },
      'IMAGE_INVALID',
      /has "OS", which some clients read as "os"/,
    ],
    [
      'P1: an image that is for no platform, but can be run by its digest',
      {
        attestations: 'none',
        change: {
          index: (index) => ({
            ...index,
            manifests: manifests(index).map((each, at) => (at === 0 ? each : { ...each, ...HIDDEN })),
          }),
        },
      },
      'IMAGE_INVALID',
      /is for no platform, so it is not scanned, and its layer sha256:[0-9a-f]+ has the media type/,
    ],
    [
      'a config nested too deep',
      { change: { config: (c) => ({ ...c, deep: JSON.parse(`${'['.repeat(101)}${']'.repeat(101)}`) }) } },
      'IMAGE_INVALID',
      /nested more than 100 levels/,
    ],
    [
      'digests that cannot be checked',
      { change: { indexJson: (i) => ({ ...i, manifests: [{ ...manifests(i)[0], digest: 'md5:abc' }] }) } },
      'IMAGE_INVALID',
      /no sha256 or sha512/,
    ],
    [
      'an annotation that climbs out',
      {
        change: {
          indexJson: (i) => ({ ...i, manifests: [{ ...manifests(i)[0], digest: 'sha256:../../../etc/passwd' }] }),
        },
      },
      'IMAGE_INVALID',
      /no sha256 or sha512/,
    ],
    [
      'two sizes of one blob',
      {
        change: {
          manifest: (m, p) => ({
            ...m,
            layers: layersOf(m).map((each) => (p === 'linux/arm64' ? { ...each, size: 7 } : each)),
          }),
        },
      },
      'LAYOUT_CORRUPT',
      /bytes, not the 7/,
    ],
  ])('%s', async (_name, spec, code, message) => {
    const layout = await write(spec);
    await expect(readLayout(layout.directory)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  test('P1: a field that occurs twice, of which clients take the one or the other', () => {
    const descriptor = `{"mediaType":"${MEDIA_TYPES.ociManifest}","digest":"sha256:${'a'.repeat(64)}","size":2,"annotations":{"OS":"a:b"},`;
    const platform = '"platform":{"os":"linux","architecture":"amd64"}';
    const parse = (more: string) =>
      parseManifest(Buffer.from(`{"schemaVersion":2,"manifests":[${descriptor}${more}}]}`), MEDIA_TYPES.ociIndex, 'it');
    expect(parse(platform)).toMatchObject({ manifests: [{ platform: { os: 'linux' }, annotations: { OS: 'a:b' } }] });
    expect(() => parse(`${platform},"platform":{}`)).toThrow('it has a field twice');
  });

  test('P1: an image does not escape the gate by calling itself an attestation', async () => {
    const annotations = { 'vnd.docker.reference.type': 'attestation-manifest' };
    const layout = await write({
      attestations: 'none',
      change: {
        index: (index) => ({ ...index, manifests: manifests(index).map((each) => ({ ...each, annotations })) }),
      },
    });
    expect((await readLayout(layout.directory)).platforms.map(({ name }) => name)).toEqual([
      'linux/amd64',
      'linux/arm64',
    ]);
  });

  test('a platform that is missing, or that nobody asked for', async () => {
    const layout = await write();
    await expect(readLayout(layout.directory, { platforms: ['linux/amd64', 'linux/arm/v7'] })).rejects.toMatchObject({
      code: 'PLATFORM_MISSING',
      message: expect.stringMatching(/linux\/arm\/v7 is missing; linux\/arm64 was not requested/),
    });
  });

  test('a digest that the builder did not report', async () => {
    const layout = await write();
    const wanted = `sha256:${'0'.repeat(64)}` as const;
    await expect(readLayout(layout.directory, { digest: wanted })).rejects.toMatchObject({
      code: 'LAYOUT_CORRUPT',
      message: expect.stringContaining(wanted),
    });
  });

  test('a folder that is no layout', async () => {
    await expect(readLayout(root)).rejects.toMatchObject({ code: 'LAYOUT_CORRUPT' });
    await writeFile(join(root, 'oci-layout'), '{"imageLayoutVersion":"9"}');
    await expect(readLayout(root)).rejects.toMatchObject({ message: expect.stringContaining('imageLayoutVersion') });
  });

  test('P8: a blob that is a link to a file outside of the layout', async () => {
    const layout = await write();
    const layer = layout.platforms[0]?.layers[0] ?? layout.digest;
    const outside = join(root, 'outside');
    await writeFile(outside, await readFile(layout.path(layer)));
    await unlink(layout.path(layer));
    await symlink(outside, layout.path(layer));
    await expect(readLayout(layout.directory)).rejects.toMatchObject({ code: 'SOURCE_UNSAFE' });
  });

  test('a manifest of more than 4 MiB', async () => {
    const layout = await write({
      change: { index: (index) => ({ ...index, annotations: { fill: 'x'.repeat(4 << 20) } }) },
    });
    await expect(readLayout(layout.directory)).rejects.toMatchObject({
      code: 'IMAGE_INVALID',
      message: expect.stringContaining('more than the 4194304'),
    });
  });
});
