import { createHash } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MEDIA_TYPES } from '../../src/domain/manifest.ts';
import { writeLayers } from '../support/layers.ts';
import type { Json, LayoutSpec } from '../support/layout.ts';
import { tarHeader, tarOf } from '../support/tar.ts';
import { CLEAN, createSetting, type Setting } from './setting.ts';

let setting: Setting;
beforeAll(async () => {
  setting = await createSetting();
});
afterAll(() => setting[Symbol.asyncDispose]());

const OCI_LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip';
const NOT_JSON = '{"architecture":"amd64",';
const notJson = {
  mediaType: MEDIA_TYPES.ociConfig,
  digest: `sha256:${createHash('sha256').update(NOT_JSON).digest('hex')}`,
  size: NOT_JSON.length,
};

const list = (value: unknown): Json[] => (Array.isArray(value) ? value : []);
const ONE: LayoutSpec = { platforms: [{ platform: 'linux/amd64', files: CLEAN }] };
const PLAIN: LayoutSpec = { ...ONE, attestations: 'none' };

const layerTypes =
  (mediaType: string) =>
  (manifest: Json): Json => ({
    ...manifest,
    layers: list(manifest.layers).map((layer) => ({ ...layer, mediaType })),
  });

const hiddenAs =
  (type: string) =>
  (index: Json): Json => ({
    ...index,
    manifests: list(index.manifests).map((each, at) =>
      at === 0
        ? each
        : {
            ...each,
            annotations: {
              'vnd.docker.reference.type': type,
              'vnd.docker.reference.digest': list(index.manifests)[0]?.digest,
            },
            platform: { os: 'unknown', architecture: 'unknown' },
          },
    ),
  });

const TWO: LayoutSpec = {
  attestations: 'none',
  platforms: [
    { platform: 'linux/amd64', files: CLEAN },
    { platform: 'linux/arm64', files: CLEAN },
  ],
};

const REJECTED: readonly (readonly [string, LayoutSpec, RegExp])[] = [
  [
    'an image hidden as an attestation manifest',
    { ...TWO, change: { index: hiddenAs('attestation-manifest') } },
    /is for no platform, so it is not scanned.*has the media type "application\/vnd\.oci\.image\.layer/,
  ],
  [
    'an image hidden behind a reference type of its own',
    { ...TWO, change: { index: hiddenAs('base-image') } },
    /is for no platform, so it is not scanned/,
  ],
  [
    'an attestation with a layer of octet-stream',
    { ...ONE, change: { attestation: layerTypes('application/octet-stream') } },
    /its layer sha256:[0-9a-f]+ has the media type "application\/octet-stream"/,
  ],
  [
    'an attestation with one layer of a program beside its statements',
    {
      ...ONE,
      attestations: 'image',
      change: {
        attestation: (manifest) => ({
          ...manifest,
          layers: list(manifest.layers).map((each, at) => (at === 0 ? each : { ...each, mediaType: OCI_LAYER })),
        }),
      },
    },
    /is for no platform, so it is not scanned/,
  ],
  [
    'a Docker manifest with OCI layers',
    { ...PLAIN, docker: true, change: { manifest: layerTypes('application/vnd.oci.image.layer.v1.tar+gzip') } },
    /Docker manifest.*media type application\/vnd\.oci\.image\.layer\.v1\.tar\+gzip.*Docker/,
  ],
  [
    'a Docker manifest with zstd layers',
    { ...PLAIN, docker: true, change: { manifest: layerTypes('application/vnd.oci.image.layer.v1.tar+zstd') } },
    /Docker manifest.*tar\+zstd.*Docker/,
  ],
  [
    'layers of octet-stream',
    { ...PLAIN, change: { manifest: layerTypes('application/octet-stream') } },
    /media type application\/octet-stream, which Docker and containerd do not unpack/,
  ],
  ['`layers: null`', { ...PLAIN, change: { manifest: (m) => ({ ...m, layers: null }) } }, /layers is not a list/],
  ['no `layers`', { ...PLAIN, change: { manifest: ({ layers: _, ...m }) => m } }, /layers is not a list/],
  [
    '`layers: []`',
    {
      ...PLAIN,
      change: {
        manifest: (m) => ({ ...m, layers: [] }),
        config: (c) => ({ ...c, rootfs: { type: 'layers', diff_ids: [] } }),
      },
    },
    /without layers/,
  ],
  [
    'an architecture that is no name of Go',
    { ...PLAIN, change: { config: (c) => ({ ...c, architecture: 'x86_64' }) } },
    /x86_64.*amd64/,
  ],
  [
    'an architecture that is no name of Go, in the index too',
    {
      ...PLAIN,
      change: {
        config: (c) => ({ ...c, architecture: 'x86_64' }),
        index: (i) => ({
          ...i,
          manifests: list(i.manifests).map((each) => ({
            ...each,
            platform: { os: 'linux', architecture: 'x86_64' },
          })),
        }),
      },
    },
    /x86_64.*amd64/,
  ],
  [
    'an architecture with its variant',
    { ...PLAIN, change: { config: (c) => ({ ...c, architecture: 'arm64/v8' }) } },
    /arm64\/v8.*`variant`/,
  ],
  [
    'annotations of a manifest that are no texts',
    { ...PLAIN, change: { manifest: (m) => ({ ...m, annotations: { build: 7 } }) } },
    /has annotations that are not a map of texts/,
  ],
  [
    'annotations of an index that are a list',
    { ...PLAIN, change: { index: (i) => ({ ...i, annotations: ['a=b'] }) } },
    /has annotations that are not a map of texts/,
  ],
  [
    'one manifest listed twice',
    { ...PLAIN, change: { index: (i) => ({ ...i, manifests: [...list(i.manifests), ...list(i.manifests)] }) } },
    /lists the manifest sha256:[0-9a-f]+ more than once/,
  ],
  [
    'a config without rootfs',
    { ...PLAIN, change: { config: ({ rootfs: _, ...config }) => config } },
    /the number of layers \(1\) and of diff_ids in the config \(0\) differ/,
  ],
];

describe('an image that clients cannot use, or that hides something, is rejected with the cause', () => {
  test.each(REJECTED)('%s', async (_, spec, said) => {
    await setting.image(spec);
    const run = await setting.publish({ push: 'false' });
    expect(run, run.log).toMatchObject({ exitCode: 1, outputs: { outcome: 'image-rejected' } });
    const errors = run.annotations.filter(({ level }) => level === 'error').map(({ message }) => message);
    expect(errors.join('\n')).toMatch(said);
    expect(run.log).not.toMatch(/check the disk/);
    // Neither is any of it let pass without a scan.
    const unscanned = await setting.publish({ push: 'false', scan: 'off' });
    expect(unscanned, unscanned.log).toMatchObject({ exitCode: 1, outputs: { outcome: 'image-rejected' } });
  });

  test('a config that is no JSON', async () => {
    const layout = await setting.image({ ...PLAIN, change: { manifest: (m) => ({ ...m, config: notJson }) } });
    await writeFile(join(layout.directory, 'blobs/sha256', notJson.digest.slice(7)), NOT_JSON);
    const run = await setting.publish({ push: 'false' });
    expect(run, run.log).toMatchObject({ exitCode: 1, outputs: { outcome: 'image-rejected' } });
    expect(run.log).toMatch(/the image config sha256:[0-9a-f]+ is not JSON/);
    expect(run.log).not.toMatch(/check the disk/);
  });
});

/** A layer whose only file claims 10^12 bytes, of which three are there. */
const CLAIMS = Buffer.concat([tarHeader('app/huge', 10 ** 12), Buffer.from('abc')]);

describe('an entry that claims 10^12 bytes', () => {
  test('in a layer', async () => {
    await writeLayers(join(setting.repository.directory, 'image'), [CLAIMS]);
    const run = await setting.publish({ push: 'false' });
    expect(run, run.log).toMatchObject({ exitCode: 1, outputs: { outcome: 'image-rejected' } });
    expect(run.log).toMatch(/::error title=The image is damaged::The layer sha256:[0-9a-f]+ cannot be read: it ends/);
  });

  test('in the archive that `source` names', async () => {
    await writeFile(join(setting.repository.directory, 'image.tar'), Buffer.concat([await tarOf({ a: 'b' }), CLAIMS]));
    await writeFile(join(setting.repository.directory, 'huge.tar'), CLAIMS);
    for (const source of ['image.tar', 'huge.tar']) {
      const run = await setting.publish({ push: 'false', source });
      expect(run.exitCode, run.log).toBe(1);
      expect(run.outputs.outcome).toMatch(/^(?:invalid-input|image-rejected)$/);
      expect(run.annotations.some(({ level, message }) => level === 'error' && message.includes(source))).toBe(true);
    }
  });
});

describe('an image that only some clients can pull is published with a warning that names them', () => {
  const warnings = (run: Awaited<ReturnType<Setting['publish']>>) =>
    run.annotations.filter(({ level }) => level === 'warning').map(({ message }) => message);

  test('two images for linux/amd64', async () => {
    await setting.image({
      attestations: 'none',
      platforms: [
        { platform: 'linux/amd64', files: CLEAN },
        { platform: 'linux/amd64', files: { ...CLEAN, 'app/other': '' } },
      ],
    });
    const run = await setting.publish({ push: 'false' });
    expect(run, run.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'built' } });
    expect(warnings(run)).toContain(
      'The index has more than one image for linux/amd64. Docker and containerd pull the first one only.',
    );
  });

  test('layers compressed with zstd, which are read and scanned', async () => {
    const tar = await tarOf({ 'app/node_modules/lodash/package.json': '{"name":"lodash","version":"4.17.11"}' });
    const layer = zstdCompressSync(tar);
    const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
    const layout = await setting.image({
      ...PLAIN,
      change: {
        config: (c) => ({ ...c, rootfs: { type: 'layers', diff_ids: [`sha256:${digest(tar)}`] } }),
        manifest: (m) => ({
          ...m,
          layers: [
            {
              mediaType: 'application/vnd.oci.image.layer.v1.tar+zstd',
              digest: `sha256:${digest(layer)}`,
              size: layer.length,
            },
          ],
        }),
      },
    });
    await writeFile(join(layout.directory, 'blobs/sha256', digest(layer)), layer);
    const run = await setting.publish({ push: 'false' });
    expect(run, run.log).toMatchObject({ exitCode: 1, outputs: { outcome: 'findings' } });
    expect(run.log).toMatch(/CVE-2019-10744 in lodash/);
    expect(warnings(run)).toContain('linux/amd64: layers compressed with zstd cannot be pulled by Docker before 23.0.');
  });

  test('a folder as `oras cp --recursive` writes it: the image is taken, its signature and SBOM are named', async () => {
    const layout = await setting.image(PLAIN);
    const blob = async (text: string, mediaType: string) => {
      const hex = createHash('sha256').update(text).digest('hex');
      await writeFile(join(layout.directory, 'blobs/sha256', hex), text);
      return { mediaType, digest: `sha256:${hex}`, size: text.length };
    };
    const index: Json = JSON.parse(await readFile(join(layout.directory, 'index.json'), 'utf8'));
    const [image] = list(index.manifests);
    const config = await blob('{}', 'application/vnd.oci.empty.v1+json');
    const artifacts = [];
    for (const artifactType of ['application/vnd.dev.sigstore.bundle.v0.3+json', 'application/spdx+json']) {
      const subject = { mediaType: image?.mediaType, digest: image?.digest, size: image?.size };
      const layers = [await blob(`{"type":"${artifactType}"}`, artifactType)];
      const manifest = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociManifest, artifactType, config, layers, subject };
      artifacts.push({ ...(await blob(JSON.stringify(manifest), MEDIA_TYPES.ociManifest)), artifactType });
    }
    const manifests = [...artifacts, ...list(index.manifests)];
    await writeFile(join(layout.directory, 'index.json'), JSON.stringify({ ...index, manifests }));
    await rm(join(layout.directory, 'ingest'), { recursive: true, force: true });
    const run = await setting.publish({ push: 'false' });
    expect(run, run.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'built', digest: layout.digest } });
    for (const { digest, artifactType } of artifacts)
      expect(warnings(run).join('\n')).toContain(`also contains the artifact ${digest} ("${artifactType}")`);
  });
});
