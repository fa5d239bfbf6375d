import { createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import pLimit from 'p-limit';
import { type Digest, isDigest, splitDigest } from '../domain/digest.ts';
import { isIndexType, type ManifestBytes } from '../domain/manifest.ts';
import { ActionError } from '../errors/action-error.ts';
import type { Repository } from './repository.ts';

const PARALLEL = 4;

/**
 * Copies an image from a registry into a fresh OCI layout, as bytes: the manifest, its children, and all their blobs.
 * Digests are checked on the way; sizes and structure are for {@link readLayout}, which reads the result like any other.
 * @throws ActionError MANIFEST_UNKNOWN when the image or a child of it is gone, and all that reading can raise
 */
export async function fetchLayout(repository: Repository, digest: Digest, directory: string): Promise<void> {
  const path = (of: Digest) => {
    const { algorithm, hex } = splitDigest(of);
    return join(directory, 'blobs', algorithm, hex);
  };
  const get = async (wanted: Digest): Promise<ManifestBytes> => {
    const manifest = await repository.get(wanted);
    if (manifest === undefined) {
      throw new ActionError(
        'MANIFEST_UNKNOWN',
        `${repository.host}/${repository.name}@${wanted} is not there any more.`,
        {
          facts: { registry: repository.host, repository: repository.name, reference: wanted },
        },
      );
    }
    await mkdir(dirname(path(wanted)), { recursive: true });
    await writeFile(path(wanted), manifest.bytes);
    return manifest;
  };
  await mkdir(join(directory, 'blobs', 'sha256'), { recursive: true });
  const root = await get(digest);
  const children = isIndexType(root.descriptor.mediaType)
    ? await Promise.all(digestsOf(root, 'manifests').map(({ digest: child }) => get(child)))
    : [];

  const blobs = new Map(
    [root, ...children]
      .flatMap((manifest) => ['config', 'layers'].flatMap((key) => digestsOf(manifest, key)))
      .map((each) => [each.digest, each]),
  );
  const limit = pLimit(PARALLEL);
  await Promise.all(
    [...blobs.values()].map((blob) =>
      limit(async () => {
        await mkdir(dirname(path(blob.digest)), { recursive: true });
        await pipeline(await repository.getBlob(blob), createWriteStream(path(blob.digest)));
      }),
    ),
  );
  await writeFile(join(directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  await writeFile(join(directory, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [root.descriptor] }));
}

/** The descriptors under a key of a manifest, one or many. */
function digestsOf({ bytes }: ManifestBytes, key: string) {
  const manifest: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
  const value: unknown =
    typeof manifest === 'object' && manifest !== null
      ? Object.entries(manifest).find(([name]) => name === key)?.[1]
      : undefined;
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.flatMap((each) => {
    if (typeof each !== 'object' || each === null || !('digest' in each) || !isDigest(each.digest)) return [];
    const mediaType =
      'mediaType' in each && typeof each.mediaType === 'string' ? each.mediaType : 'application/octet-stream';
    const size = 'size' in each && typeof each.size === 'number' ? each.size : 0;
    return [{ mediaType, digest: each.digest, size }];
  });
}
