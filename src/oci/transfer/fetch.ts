import { createWriteStream } from 'node:fs';
import { link, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import pLimit from 'p-limit';
import type { Digest } from '../../domain/digest.ts';
import type { ManifestBytes } from '../../domain/manifest.ts';
import { getManifest } from '../client/manifest.ts';
import type { Repository } from '../client/repository.ts';
import { blobPath, parseManifest } from '../image/document.ts';

const MAX_CONCURRENT_DOWNLOADS = 4;

/**
 * Copies an image from a registry into a fresh OCI layout, byte for byte: the manifest, its children, and all their
 * blobs. Checks digests on the way; {@link readLayout} checks sizes and structure.
 * @param at where a blob may exist locally; the path need not exist
 * @throws ActionError MANIFEST_UNKNOWN when the image or a child of it is gone, and all read errors
 */
export async function fetchLayout(
  repository: Repository,
  digest: Digest,
  directory: string,
  at?: (digest: Digest) => string,
): Promise<void> {
  const path = (of: Digest) => join(directory, ...blobPath(of));
  const get = async (wanted: Digest): Promise<ManifestBytes> => {
    const manifest = await getManifest(repository, wanted);
    await mkdir(dirname(path(wanted)), { recursive: true });
    await writeFile(path(wanted), manifest.bytes);
    return manifest;
  };
  await mkdir(join(directory, 'blobs', 'sha256'), { recursive: true });
  const root = await get(digest);
  const document = documentOf(root);
  const children =
    document.kind === 'index' ? await Promise.all(document.manifests.map((child) => get(child.digest))) : [];

  const documents = [document, ...children.map(documentOf)];
  const blobs = new Map(
    documents
      .flatMap((document) => (document.kind === 'manifest' ? [document.config, ...document.layers] : []))
      .map((blob) => [blob.digest, blob]),
  );
  const limit = pLimit(MAX_CONCURRENT_DOWNLOADS);
  await Promise.all(
    [...blobs.values()].map((blob) =>
      limit(async () => {
        const file = path(blob.digest);
        await mkdir(dirname(file), { recursive: true });
        if (at !== undefined && (await isLinked(at(blob.digest), file))) return;
        await pipeline(await repository.getBlob(blob), createWriteStream(file));
      }),
    ),
  );
  await writeFile(join(directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  await writeFile(join(directory, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [root.descriptor] }));
}

async function isLinked(from: string, to: string): Promise<boolean> {
  return link(from, to).then(
    () => true,
    (error: unknown) => error instanceof Error && 'code' in error && error.code === 'EEXIST',
  );
}

function documentOf({ descriptor, bytes }: ManifestBytes) {
  return parseManifest(bytes, descriptor.mediaType, descriptor.digest);
}
