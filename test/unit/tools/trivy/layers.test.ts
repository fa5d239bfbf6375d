import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { createLayerReader, type UnpackedLayer } from '../../../../src/tools/trivy/layers.ts';
import { type TarEntry, tarOf, tarOfEntries } from '../../../support/tar.ts';

type Layer = Readonly<Record<string, string>> | Uint8Array | Promise<Uint8Array>;

async function read(...layers: readonly Layer[]) {
  const blobs = new Map<string, Uint8Array>();
  const named: UnpackedLayer[] = [];
  for (const [at, layer] of layers.entries()) {
    const digest = `sha256:${String(at).padStart(64, '0')}` as const;
    const bytes = layer instanceof Uint8Array || layer instanceof Promise ? await layer : await tarOf(layer);
    blobs.set(digest, bytes);
    const layerOf = { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest, size: bytes.length };
    named.push({ layer: layerOf, diffId: diffIdOf(bytes) });
  }
  return createLayerReader((layer) => Readable.from([Buffer.from(blobs.get(layer.digest) ?? [])]))(named);
}

/** Digest of what a layer unpacks to. */
function diffIdOf(bytes: Uint8Array): string {
  const unpack = [gunzipSync, zstdDecompressSync, (plain: Uint8Array) => plain];
  for (const each of unpack) {
    try {
      return `sha256:${createHash('sha256').update(each(bytes)).digest('hex')}`;
    } catch {
      // Another form.
    }
  }
  return '';
}

const RELEASE = { 'etc/os-release': 'ID=x' };
const link = (name: string, linkname: string): TarEntry => ({ header: { name, type: 'symlink', linkname } });
const folder = (name: string): TarEntry => ({ header: { name, type: 'directory' } });

test.each<[string, readonly Layer[], readonly string[]]>([
  ['nothing: FROM scratch', [{ 'app/server': 'x' }], []],
  [
    'where systems name themselves',
    [{ ...RELEASE, 'usr/lib/os-release': '' }],
    ['etc/os-release', 'usr/lib/os-release'],
  ],
  ['Alpine', [{ 'lib/apk/db/installed': '' }], ['lib/apk/db/installed']],
  ['Alpine with a merged /usr', [{ 'usr/lib/apk/db/installed': '' }], ['usr/lib/apk/db/installed']],
  ['Debian', [{ 'var/lib/dpkg/status': '' }], ['var/lib/dpkg/status']],
  [
    'distroless: a folder of many files is named once',
    [{ 'var/lib/dpkg/status.d/base': '', 'var/lib/dpkg/status.d/libc6': '' }],
    ['var/lib/dpkg/status.d/'],
  ],
  ['Fedora', [{ 'usr/lib/sysimage/rpm/rpmdb.sqlite': '' }], ['usr/lib/sysimage/rpm/']],
  ['RHEL', [{ 'var/lib/rpm/Packages': '' }], ['var/lib/rpm/']],
  ['Arch', [{ 'var/lib/pacman/local/zlib-1/desc': '' }], ['var/lib/pacman/local/']],
  [
    'names with a leading dot or slash',
    [tarOfEntries([{ header: { name: './etc/os-release' } }, { header: { name: '/lib/apk/db/installed' } }])],
    ['etc/os-release', 'lib/apk/db/installed'],
  ],
  [
    'a symlink counts, a folder does not',
    [tarOfEntries([link('etc/os-release', '../usr/lib/os-release'), folder('var/lib/rpm/')])],
    ['etc/os-release'],
  ],
  [
    'a file of a similar name does not',
    [{ 'opt/etc/os-release': '', 'etc/os-release.bak': '', 'var/lib/dpkg/status-old': '' }],
    [],
  ],
  ['removed by a whiteout in a later layer', [RELEASE, { 'etc/.wh.os-release': '' }], []],
  ['removed with its folder', [RELEASE, { '.wh.etc': '' }], []],
  ['removed by an opaque folder', [RELEASE, { 'etc/.wh..wh..opq': '' }], []],
  [
    'an opaque folder spares what its own layer brings',
    [
      { 'lib/apk/db/installed': '', ...RELEASE },
      { 'etc/.wh..wh..opq': '', 'etc/os-release': '' },
    ],
    ['etc/os-release', 'lib/apk/db/installed'],
  ],
  [
    'a whiteout in an earlier layer does not reach later ones',
    [{ 'etc/.wh.os-release': '' }, RELEASE],
    ['etc/os-release'],
  ],
  ['a whiteout of a neighbour changes nothing', [RELEASE, { 'etc/.wh.os': '', '.wh.et': '' }], ['etc/os-release']],
  [
    'a file in the place of a folder',
    [{ 'var/lib/rpm/Packages': '' }, tarOfEntries([link('var/lib/rpm', '../../usr')])],
    [],
  ],
  ['removed and written again', [RELEASE, { '.wh.etc': '' }, RELEASE], ['etc/os-release']],
])('system files: %s', async (_, layers, files) => {
  expect((await read(...layers)).osFiles).toEqual(files);
});

test.each([
  ['plain', (tar: Buffer) => tar],
  ['gzip', (tar: Buffer) => gzipSync(tar)],
  ['zstd', (tar: Buffer) => zstdCompressSync(tar)],
])('layers are read as %s, whatever their media type says', async (_, pack) => {
  expect((await read(pack(await tarOf({ ...RELEASE, big: 'x'.repeat(300_000) })))).osFiles).toEqual(['etc/os-release']);
});

test.each(['app/a.jar', 'app/A.WAR', 'x.ear', 'x.par'])('%s is a Java archive', async (name) => {
  expect((await read({ [name]: '' })).hasJava).toBe(true);
  // The scanner looks at each layer by itself.
  expect((await read({ [name]: '' }, { [name.replace(/([^/]+)$/, '.wh.$1')]: '' })).hasJava).toBe(true);
  expect((await read({ [`${name}.txt`]: '' })).hasJava).toBe(false);
});

test.each([
  ['no tar at all', Buffer.from('nothing like a tar, but long enough to be one. '.repeat(40))],
  ['cut off', gzipSync(Buffer.alloc(100_000, 'x')).subarray(0, 60)],
])('a layer that is %s is an error and not an image without a system', async (_, bytes) => {
  await expect(read(bytes)).rejects.toMatchObject({
    code: 'LAYOUT_CORRUPT',
    message: expect.stringMatching(/The layer sha256:0+ cannot be read/),
  });
});

test('a layer that platforms share is read once', async () => {
  const tar = await tarOf(RELEASE);
  let opened = 0;
  const reader = createLayerReader(() => {
    opened += 1;
    return Readable.from([tar]);
  });
  const digest = `sha256:${'0'.repeat(64)}` as const;
  const layer = { layer: { mediaType: '', digest, size: tar.length }, diffId: diffIdOf(tar) };
  await Promise.all([reader([layer]), reader([layer, layer])]);
  expect(opened).toBe(1);
});

test.each([
  ['sha512', true],
  ['sha256', false],
] as const)('what a layer unpacks to is held against the config (%s)', async (algorithm, isRight) => {
  const tar = await tarOf(RELEASE);
  const hex = createHash(algorithm)
    .update(tar)
    .update(isRight ? '' : 'more')
    .digest('hex');
  const layer = { mediaType: '', digest: `sha256:${'0'.repeat(64)}` as const, size: tar.length };
  const facts = createLayerReader(() => Readable.from([gzipSync(tar)]))([{ layer, diffId: `${algorithm}:${hex}` }]);
  if (isRight) expect(await facts).toMatchObject({ osFiles: ['etc/os-release'] });
  else await expect(facts).rejects.toMatchObject({ code: 'LAYOUT_CORRUPT', message: expect.stringContaining(hex) });
});
