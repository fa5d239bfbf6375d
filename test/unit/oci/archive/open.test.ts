import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openSource } from '../../../../src/oci/archive/open.ts';
import { readLayout } from '../../../../src/oci/image/layout.ts';
import { writeLayout } from '../../../support/layout.ts';
import { type TarEntry, tarDirectory, tarOf, tarOfEntries } from '../../../support/tar.ts';

let root = '';
let temp = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'source-'));
  temp = join(root, 'temp');
  await mkdir(temp);
});
afterEach(() => rm(root, { recursive: true, force: true }));

const layout = () =>
  writeLayout(join(root, 'layout'), { platforms: [{ platform: 'linux/amd64' }, { platform: 'linux/arm64' }] });

const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex');

describe('P2: an OCI layout keeps the digests that its builder gave', () => {
  test('as a folder, which is used where it lies', async () => {
    const { directory, digest } = await layout();
    const source = await openSource(directory, { temp });
    expect(source).toEqual({ directory, kind: 'oci-layout' });
    expect((await readLayout(source.directory)).root.descriptor.digest).toBe(digest);
  });

  test.each([false, true])('as a tar, gzip %s, unpacked into a folder of this user alone', async (gzip) => {
    const { directory, digest } = await layout();
    await tarDirectory(directory, join(root, 'image.tar'), { gzip });
    const source = await openSource(join(root, 'image.tar'), { temp });
    expect(source.kind).toBe('oci-tar');
    expect((await stat(source.directory)).mode & 0o777).toBe(0o700);
    expect((await readLayout(source.directory)).root.descriptor.digest).toBe(digest);
  });

  test('as the combined form of Docker 25 and later', async () => {
    const { directory, digest } = await layout();
    await writeFile(join(directory, 'manifest.json'), '[{"Config":"blobs/sha256/x","RepoTags":["a:1"],"Layers":[]}]');
    await tarDirectory(directory, join(root, 'image.tar'));
    const source = await openSource(join(root, 'image.tar'), { temp });
    expect(source.kind).toBe('docker-save');
    expect((await readLayout(source.directory)).root.descriptor.digest).toBe(digest);
  });
});

async function dockerSave(
  options: { gzipLayers?: boolean; second?: boolean; change?: (entries: TarEntry[]) => TarEntry[] } = {},
) {
  const first = await tarOf({ 'bin/app': 'app' });
  const diff = `sha256:${sha256(first)}`;
  const config = JSON.stringify({
    architecture: 'amd64',
    os: 'linux',
    config: { Labels: { team: 'blue' } },
    rootfs: { type: 'layers', diff_ids: [diff, diff] },
  });
  const image = {
    Config: `${sha256(config)}.json`,
    RepoTags: ['org/app:1'],
    Layers: ['aaa/layer.tar', 'bbb/layer.tar'],
  };
  const images = options.second ? [image, { ...image, RepoTags: ['org/other:2'] }] : [image];
  const entries: TarEntry[] = [
    { header: { name: 'aaa/', type: 'directory' } },
    { header: { name: 'aaa/VERSION' }, content: '1.0' },
    { header: { name: 'aaa/layer.tar' }, content: options.gzipLayers ? gzipSync(first) : first },
    { header: { name: 'bbb/layer.tar', type: 'symlink', linkname: '../aaa/layer.tar' } },
    { header: { name: image.Config }, content: config },
    { header: { name: 'manifest.json' }, content: JSON.stringify(images) },
    { header: { name: 'repositories' }, content: '{}' },
  ];
  const path = join(root, 'save.tar');
  await writeFile(path, await tarOfEntries(options.change?.(entries) ?? entries));
  return { path, config: `sha256:${sha256(config)}`, diff };
}

describe('a docker save tar of the form before Docker 25', () => {
  test.each([false, true])('becomes a layout, always the same, layers compressed: %s', async (gzipLayers) => {
    const { path, config, diff } = await dockerSave({ gzipLayers });
    const source = await openSource(path, { temp });
    expect(source.kind).toBe('docker-save');
    const image = await readLayout(source.directory, { platforms: ['linux/amd64'] });
    expect(image.platforms[0]).toMatchObject({ configDigest: config, diffIds: [diff, diff], labels: { team: 'blue' } });
    // Both layers are the same bytes: one blob and the config.
    expect(image.blobs).toHaveLength(2);
    const again = await readLayout((await openSource(path, { temp })).directory);
    expect(again.root.descriptor.digest).toBe(image.root.descriptor.digest);
  });

  test('several images are named', async () => {
    const { path } = await dockerSave({ second: true });
    await expect(openSource(path, { temp })).rejects.toMatchObject({
      code: 'SOURCE_INVALID',
      message: expect.stringMatching(/2 images.*org\/app:1.*org\/other:2/),
    });
  });

  test.each<[string, (entries: TarEntry[]) => TarEntry[], string, RegExp]>([
    [
      'a layer that is not the one of the config',
      (entries) => entries.map((each) => (each.header.name === 'aaa/layer.tar' ? { ...each, content: 'other' } : each)),
      'LAYOUT_CORRUPT',
      /unpacks to sha256/,
    ],
    [
      'a layer that is missing',
      (entries) => entries.filter((each) => each.header.name !== 'aaa/layer.tar'),
      'SOURCE_INVALID',
      /does not contain/,
    ],
    [
      'a config that does not have the digest of its name',
      (entries) =>
        entries.map((each) =>
          each.header.name.endsWith('.json') && each.header.name !== 'manifest.json'
            ? { ...each, content: `${each.content} ` }
            : each,
        ),
      'LAYOUT_CORRUPT',
      /image config .* has the digest/,
    ],
    [
      'a manifest.json that speaks of a file of the runner',
      (entries) =>
        entries.map((each) =>
          each.header.name === 'manifest.json'
            ? { ...each, content: '[{"Config":"../../../etc/passwd","Layers":[]}]' }
            : each,
        ),
      'SOURCE_INVALID',
      /does not contain/,
    ],
    [
      'a manifest.json without an image',
      (entries) => entries.map((each) => (each.header.name === 'manifest.json' ? { ...each, content: '[]' } : each)),
      'SOURCE_INVALID',
      /names no image/,
    ],
  ])('%s is refused', async (_name, change, code, message) => {
    const { path } = await dockerSave({ change });
    await expect(openSource(path, { temp })).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });
});

describe('P8: an archive reaches nothing outside of its folder', () => {
  const layoutFile: TarEntry = { header: { name: 'oci-layout' }, content: '{"imageLayoutVersion":"1.0.0"}' };
  const index: TarEntry = { header: { name: 'index.json' }, content: '{}' };

  test.each<[string, TarEntry[]]>([
    ['a path that climbs', [{ header: { name: '../escaped' }, content: 'x' }]],
    ['a path that climbs from within', [{ header: { name: 'blobs/../../escaped' }, content: 'x' }]],
    ['an absolute path', [{ header: { name: '/escaped' }, content: 'x' }]],
    ['a path of Windows', [{ header: { name: 'C:\\escaped' }, content: 'x' }]],
    ['a backslash', [{ header: { name: 'blobs\\..\\escaped' }, content: 'x' }]],
    ['a control character', [{ header: { name: 'blobs/a\nb' }, content: 'x' }]],
    ['a symbolic link', [{ header: { name: 'blobs/link', type: 'symlink', linkname: 'index.json' } }]],
    [
      'a link out, in a docker save',
      [
        { header: { name: 'manifest.json' }, content: '[]' },
        { header: { name: 'a/layer.tar', type: 'symlink', linkname: '../../escaped' } },
      ],
    ],
    [
      'an absolute link, in a docker save',
      [
        { header: { name: 'manifest.json' }, content: '[]' },
        { header: { name: 'a/layer.tar', type: 'symlink', linkname: '/etc/passwd' } },
      ],
    ],
    ['a hard link', [{ header: { name: 'blobs/link', type: 'link', linkname: '/etc/passwd' } }]],
    ['a device', [{ header: { name: 'null', type: 'character-device', devmajor: 1, devminor: 3 } }]],
    ['a fifo', [{ header: { name: 'fifo', type: 'fifo' } }]],
    ['an entry twice', [layoutFile]],
    [
      'a link and a file of one name, in a docker save',
      [
        { header: { name: 'manifest.json' }, content: '[]' },
        { header: { name: 'a/layer.tar', type: 'symlink', linkname: '../index.json' } },
        { header: { name: 'a/layer.tar' }, content: 'x' },
      ],
    ],
    ['an entry twice, written differently', [{ header: { name: './oci-layout' }, content: 'x' }]],
    ['a file below a file', [{ header: { name: 'oci-layout/x' }, content: 'x' }]],
    [
      'a folder that is a file',
      [
        { header: { name: 'blobs/x' }, content: 'x' },
        { header: { name: 'blobs' }, content: 'x' },
      ],
    ],
  ])('%s is refused', async (_name, entries) => {
    const path = join(root, 'evil.tar');
    await writeFile(path, await tarOfEntries([layoutFile, index, ...entries]));
    await expect(openSource(path, { temp })).rejects.toMatchObject({ code: 'SOURCE_UNSAFE' });
    expect((await readdir(root)).sort()).toEqual(['evil.tar', 'temp']);
    expect((await readdir(temp)).every((name) => name.startsWith('source-'))).toBe(true);
  });

  test('too many entries, too many bytes, and a gzip bomb', async () => {
    const path = join(root, 'big.tar');
    await writeFile(
      path,
      await tarOfEntries([layoutFile, index, { header: { name: 'blobs/x' }, content: 'x'.repeat(5000) }]),
    );
    await expect(openSource(path, { temp, limits: { entries: 2 } })).rejects.toMatchObject({
      code: 'SOURCE_UNSAFE',
      message: expect.stringContaining('more than 2 entries'),
    });
    await expect(openSource(path, { temp, limits: { bytes: 4000 } })).rejects.toMatchObject({
      code: 'SOURCE_UNSAFE',
      message: expect.stringContaining('more than 4000 bytes'),
    });
    const zeros = Buffer.alloc(80 * 1024 * 1024);
    await writeFile(
      path,
      gzipSync(await tarOfEntries([layoutFile, { header: { name: 'blobs/x' }, content: zeros }]), { level: 1 }),
    );
    await expect(openSource(path, { temp })).rejects.toMatchObject({
      code: 'SOURCE_UNSAFE',
      message: expect.stringContaining('for each byte of the file'),
    });
  });
});

describe('what is no source', () => {
  test.each<[string, string | Buffer]>([
    ['text', 'no archive'],
    ['an empty file', ''],
    ['a gzip of something else', gzipSync('no archive')],
    ['a gzip that is cut off', gzipSync(Buffer.alloc(4096, 'x')).subarray(0, 20)],
  ])('%s', async (_name, content) => {
    const path = join(root, 'file');
    await writeFile(path, content);
    await expect(openSource(path, { temp })).rejects.toMatchObject({ code: 'SOURCE_INVALID' });
  });

  test('a tar that is cut off', async () => {
    const { directory } = await layout();
    const path = join(root, 'image.tar');
    await tarDirectory(directory, path);
    await writeFile(path, (await readFile(path)).subarray(0, 5000));
    await expect(openSource(path, { temp })).rejects.toMatchObject({ code: 'SOURCE_INVALID' });
  });

  test('a tar of other things, a folder of other things, and nothing at all', async () => {
    await writeFile(join(root, 'a.tar'), await tarOf({ 'README.md': 'hello' }));
    await expect(openSource(join(root, 'a.tar'), { temp })).rejects.toMatchObject({ code: 'SOURCE_INVALID' });
    await expect(openSource(temp, { temp })).rejects.toMatchObject({ code: 'SOURCE_INVALID' });
    await expect(openSource(join(root, 'none'), { temp })).rejects.toMatchObject({
      code: 'SOURCE_INVALID',
      message: expect.stringContaining('There is nothing at'),
    });
  });

  test('a cancelled run stops in the middle', async () => {
    const path = join(root, 'image.tar');
    await writeFile(path, await tarOf({ 'oci-layout': 'x', big: Buffer.alloc(32 * 1024 * 1024) }));
    const cancel = new AbortController();
    const opened = openSource(path, { temp, signal: cancel.signal });
    setTimeout(() => cancel.abort(new Error('cancelled')), 1);
    await expect(opened).rejects.toThrow('cancelled');
  });
});
