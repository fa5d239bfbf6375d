import pLimit from 'p-limit';
import type { Digest } from '../../domain/digest.ts';
import type { Descriptor, ManifestBytes } from '../../domain/manifest.ts';
import { ActionError } from '../../errors/action-error.ts';
import { putManifest } from '../client/put-manifest.ts';
import type { Repository } from '../client/repository.ts';
import { parseManifest } from '../image/document.ts';
import type { LocalImage } from '../image/image.ts';

export interface Pushed {
  /** Blobs uploaded, and their size. */
  readonly uploaded: number;
  readonly bytes: number;
  /** Blobs already present. */
  readonly present: number;
  /** Manifests written. */
  readonly manifests: number;
}

export interface PushOptions {
  /** Concurrent blobs. */
  readonly concurrency?: number;
}

const MAX_CONCURRENT_BLOBS = 4;

/**
 * Pushes the content of an image to a repository by digest: blobs, then manifests in the order that registries accept,
 * the root last. Sets no tag and skips content already present. A registry that has a manifest has everything it refers
 * to, except the children of an index: cleanup jobs delete them because they are untagged, so each is checked.
 *
 * BuildKit's attestation manifests are children of the index and found through it. Registries with the referrers API
 * also list them by their `subject`. Without the API no fallback tag `sha256-…` is written for them: it would clutter
 * the tag list, collide with immutable tags, and add nothing to the index.
 */
export async function pushContent(
  repository: Repository,
  image: LocalImage,
  options: PushOptions = {},
): Promise<Pushed> {
  const { root } = image;
  const limit = pLimit(options.concurrency ?? MAX_CONCURRENT_BLOBS);
  const isThere = async ({ descriptor }: ManifestBytes) => (await repository.head(descriptor.digest)) !== undefined;
  let missing = image.manifests;
  if (await isThere(root)) {
    const there = await limit.map(missing, (manifest) => manifest === root || isThere(manifest));
    missing = missing.filter((_, at) => !there[at]);
    if (missing.length === 0) return { uploaded: 0, bytes: 0, present: image.blobs.length, manifests: 0 };
  }
  const sent = new Set<Digest>();
  let bytes = 0;
  let failure: { readonly error: unknown } | undefined;
  const pushBlob = async (blob: Descriptor): Promise<void> => {
    // After an error nothing new starts, and running uploads finish before it is thrown.
    if (failure !== undefined || (await repository.hasBlob(blob))) return;
    await repository.putBlob(blob, () => ({ path: image.path(blob.digest), digest: blob.digest }));
    sent.add(blob.digest);
    bytes += blob.size;
  };
  // Largest first: a big layer that starts last delays everything.
  const blobs = image.blobs.toSorted((a, b) => b.size - a.size);
  await Promise.all(
    blobs.map((blob) =>
      limit(() =>
        pushBlob(blob).catch((error: unknown) => {
          failure ??= { error };
        }),
      ),
    ),
  );
  if (failure !== undefined) throw failure.error;
  for (const manifest of missing) {
    await putManifest(repository, manifest, async () => {
      const unsent = blobsOf(manifest).filter(({ digest }) => !sent.has(digest));
      for (const blob of unsent) {
        await repository.putBlob(blob, () => ({ path: image.path(blob.digest), digest: blob.digest }));
        sent.add(blob.digest);
        bytes += blob.size;
      }
      return unsent.length;
    });
  }
  const held = await repository.head(root.descriptor.digest);
  if (held?.digest !== root.descriptor.digest) {
    throw new ActionError(
      'DIGEST_MISMATCH',
      `${repository.host}/${repository.name} took the image ${root.descriptor.digest} and does not have it.`,
      {
        facts: { registry: repository.host, repository: repository.name, reference: root.descriptor.digest },
      },
    );
  }
  return { uploaded: sent.size, bytes, present: image.blobs.length - sent.size, manifests: missing.length };
}

function blobsOf({ descriptor, bytes }: ManifestBytes): readonly Descriptor[] {
  const document = parseManifest(bytes, descriptor.mediaType, descriptor.digest);
  return document.kind === 'manifest' ? [document.config, ...document.layers] : [];
}

/** Milliseconds between checks for a tag that is not visible yet. */
const LOOK_DELAYS_MS = [0, 250, 1000, 3000] as const;

/** Refused writes that say nothing about the tag's current digest: some registries refuse the same digest again. */
const REFUSED_STATUSES: readonly unknown[] = [400, 403, 405, 409, 412, 422];

/**
 * Points a tag to an existing image, and reads it back if the registry has not confirmed its digest. Some registries
 * take a moment to show a new tag. Some refuse a tag that already points to this digest (aws/containers-roadmap#2380,
 * docker/hub-feedback#2466): that counts as success.
 * @throws ActionError TAG_IMMUTABLE, TAG_NOT_MOVED when the tag points elsewhere afterwards
 */
export async function writeTag(repository: Repository, tag: string, root: ManifestBytes): Promise<void> {
  const { digest } = root.descriptor;
  try {
    const { confirmed } = await repository.put(tag, root);
    if (confirmed) return;
  } catch (error) {
    if (!(error instanceof ActionError) || !REFUSED_STATUSES.includes(error.facts.status)) throw error;
    const held = await repository.head(tag).catch(() => undefined);
    if (held?.digest === digest) return;
    throw error;
  }
  let held: Digest | undefined;
  for (const wait of LOOK_DELAYS_MS) {
    if (wait > 0) await repository.pause(wait);
    held = (await repository.head(tag))?.digest;
    if (held === root.descriptor.digest) return;
  }
  throw new ActionError(
    'TAG_NOT_MOVED',
    `${repository.host}/${repository.name}:${tag} was set to ${root.descriptor.digest} but points to ${held ?? 'nothing'}.`,
    { facts: { registry: repository.host, repository: repository.name, reference: tag } },
  );
}
