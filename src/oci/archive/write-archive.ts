import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { pack } from 'tar-stream';
import { canonicalName } from '../../domain/local-image-names.ts';
import type { Descriptor } from '../../domain/manifest.ts';
import { blobPath } from '../image/document.ts';
import type { LocalImage, PlatformImage } from '../image/image.ts';

type Entry = { readonly name: string } & ({ readonly bytes: Uint8Array } | { readonly blob: Descriptor });

/**
 * Writes the whole image as a tar of an OCI layout. The same image gives the same bytes.
 * @param names in full, with tags
 * @param file is created with its folder, or replaced
 */
export async function writeOciArchive(image: LocalImage, names: readonly string[], file: string): Promise<void> {
  await writeTar(image, file, [
    ...layoutEntries(image.root.descriptor, names),
    ...image.manifests.map(({ descriptor, bytes }) => ({ name: blobPath(descriptor.digest).join('/'), bytes })),
    ...image.blobs.map((blob) => ({ name: blobPath(blob.digest).join('/'), blob })),
  ]);
}

/**
 * Writes one platform as `docker save` does since version 25: a layout, and beside it the older `manifest.json`, which
 * engines without the containerd image store read. Its manifest and layers keep their bytes.
 * https://github.com/moby/moby/blob/master/image/tarexport/save.go
 */
export async function writeDockerArchive(
  image: LocalImage,
  { manifest, configDigest, layers }: PlatformImage,
  names: readonly string[],
  file: string,
): Promise<void> {
  const own = new Set([configDigest, ...layers]);
  const blobs = image.blobs.filter(({ digest }) => own.has(digest));
  const path = (digest: Descriptor['digest']) => blobPath(digest).join('/');
  const listed = [{ Config: path(configDigest), RepoTags: names, Layers: layers.map(path) }];
  await writeTar(image, file, [
    ...layoutEntries(manifest.descriptor, names),
    { name: 'manifest.json', bytes: Buffer.from(JSON.stringify(listed)) },
    { name: path(manifest.descriptor.digest), bytes: manifest.bytes },
    ...blobs.map((blob) => ({ name: path(blob.digest), blob })),
  ]);
}

function layoutEntries({ mediaType, digest, size }: Descriptor, names: readonly string[]): readonly Entry[] {
  const root = { mediaType, digest, size };
  const manifests = names.map((name) => ({
    ...root,
    annotations: {
      'io.containerd.image.name': canonicalName(name),
      'org.opencontainers.image.ref.name': name.slice(name.lastIndexOf(':') + 1),
    },
  }));
  const index = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: manifests.length === 0 ? [root] : manifests,
  };
  return [
    { name: 'oci-layout', bytes: Buffer.from('{"imageLayoutVersion":"1.0.0"}') },
    { name: 'index.json', bytes: Buffer.from(JSON.stringify(index)) },
  ];
}

const EPOCH = new Date(0);

async function writeTar({ open }: LocalImage, file: string, entries: readonly Entry[]): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const tar = pack();
  const write = async () => {
    for (const entry of entries) {
      const { name } = entry;
      const size = 'bytes' in entry ? entry.bytes.length : entry.blob.size;
      const target = tar.entry({ name, size, mode: 0o644, mtime: EPOCH });
      if ('bytes' in entry) target.end(entry.bytes);
      // Hashed on the way: a damaged layer ends the archive with an error.
      else await pipeline(open(entry.blob), target);
    }
    tar.finalize();
  };
  const fill = write().catch((error: unknown) =>
    tar.destroy(error instanceof Error ? error : new Error(String(error))),
  );
  await Promise.all([fill, pipeline(tar, createWriteStream(file))]);
}
