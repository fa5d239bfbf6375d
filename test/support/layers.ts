import { createHash } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type TarEntry, tarOfEntries } from './tar.ts';

/** Entries of a layer, or a whole tar. */
export type LayerSpec = readonly TarEntry[] | Uint8Array;

/** Changes to the JSON of a config or manifest before it is written. */
export type Change = (document: Record<string, unknown>) => Record<string, unknown>;

const INDEX = 'application/vnd.oci.image.index.v1+json';

const same: Change = (document) => document;

/**
 * Writes an OCI layout of one image for linux/amd64, of layers with entries of any kind.
 * @param directory is emptied
 */
export async function writeLayers(
  directory: string,
  layers: readonly LayerSpec[],
  {
    config: changeConfig = same,
    manifest: changeManifest = same,
    root,
  }: {
    readonly config?: Change;
    readonly manifest?: Change /** Makes an image index of the manifest. */;
    readonly root?: Change;
  } = {},
): Promise<void> {
  await rm(directory, { recursive: true, force: true });
  await mkdir(join(directory, 'blobs/sha256'), { recursive: true });
  const put = async (mediaType: string, content: Uint8Array | Record<string, unknown>) => {
    const bytes = content instanceof Uint8Array ? content : Buffer.from(JSON.stringify(content));
    const digest = hexOf(bytes);
    await writeFile(join(directory, 'blobs/sha256', digest), bytes);
    return { mediaType, digest: `sha256:${digest}`, size: bytes.length };
  };
  const diffIds: string[] = [];
  const descriptors = [];
  for (const layer of layers) {
    const tar = layer instanceof Uint8Array ? layer : await tarOfEntries(layer);
    diffIds.push(`sha256:${hexOf(tar)}`);
    descriptors.push(await put('application/vnd.oci.image.layer.v1.tar+gzip', gzipSync(tar, { level: 1 })));
  }
  const config = await put(
    'application/vnd.oci.image.config.v1+json',
    changeConfig({ architecture: 'amd64', os: 'linux', config: {}, rootfs: { type: 'layers', diff_ids: diffIds } }),
  );
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = await put(mediaType, changeManifest({ schemaVersion: 2, mediaType, config, layers: descriptors }));
  const platform = { os: 'linux', architecture: 'amd64' };
  const index = { schemaVersion: 2, mediaType: INDEX, manifests: [{ ...manifest, platform }] };
  const entry = root === undefined ? manifest : await put(INDEX, root(index));
  await writeFile(join(directory, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [entry] }));
  await writeFile(join(directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
}

function hexOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
