import pLimit from 'p-limit';
import type { Digest } from '../../domain/digest.ts';
import type { Descriptor, ManifestBytes } from '../../domain/manifest.ts';
import { ActionError } from '../../errors/action-error.ts';
import { putManifest } from '../client/put-manifest.ts';
import type { Repository } from '../client/repository.ts';
import { parseManifest } from '../image/document.ts';
import type { LocalImage } from '../image/image.ts';

export interface Pushed {
  /** Blobs that were sent, and their bytes. */
  readonly uploaded: number;
  readonly bytes: number;
  /** Blobs that the registry had already. */
  readonly present: number;
}

export interface PushOptions {
  /** Blobs at the same time. */
  readonly concurrency?: number;
}

const CONCURRENCY = 4;

/**
 * Brings the content of an image to a repository, by digest: blobs, then manifests in an order in which a registry accepts
 * them, the root last. Nothing gets a tag. What is there already is not sent again. A registry takes a manifest only with
 * everything that it refers to; but of an index that is there, many who clean up have deleted the children, which have no
 * tags, so each is asked for.
 *
 * Attestation manifests of BuildKit are children of the index and found through it. Registries that know the referrers API
 * list them by their `subject` besides. Where it is missing no fallback tag `sha256-…` is written for them: it would
 * clutter the list of tags, collide with immutable tags, and tell nothing that the index does not.
 */
export async function pushContent(
  repository: Repository,
  image: LocalImage,
  options: PushOptions = {},
): Promise<Pushed> {
  const { root } = image;
  const limit = pLimit(options.concurrency ?? CONCURRENCY);
  const isThere = async ({ descriptor }: ManifestBytes) => (await repository.head(descriptor.digest)) !== undefined;
  let missing = image.manifests;
  if (await isThere(root)) {
    const there = await limit.map(missing, (each) => each === root || isThere(each));
    missing = missing.filter((_, at) => !there[at]);
    if (missing.length === 0) return { uploaded: 0, bytes: 0, present: image.blobs.length };
  }
  const sent = new Set<Digest>();
  let bytes = 0;
  let failure: { readonly error: unknown } | undefined;
  const bring = async (blob: Descriptor): Promise<void> => {
    // Behind an error nothing new begins; what has begun is waited for, so that nothing goes on after it was thrown.
    if (failure !== undefined || (await repository.hasBlob(blob))) return;
    await repository.putBlob(blob, () => ({ path: image.path(blob.digest), digest: blob.digest }));
    sent.add(blob.digest);
    bytes += blob.size;
  };
  // The largest first: a big layer that starts last is what everybody waits for at the end.
  const blobs = image.blobs.toSorted((a, b) => b.size - a.size);
  await Promise.all(
    blobs.map((blob) =>
      limit(() =>
        bring(blob).catch((error: unknown) => {
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
  return { uploaded: sent.size, bytes, present: image.blobs.length - sent.size };
}

function blobsOf({ descriptor, bytes }: ManifestBytes): readonly Descriptor[] {
  const document = parseManifest(bytes, descriptor.mediaType, descriptor.digest);
  return document.kind === 'manifest' ? [document.config, ...document.layers] : [];
}

/** Milliseconds between looks at a tag that is not there yet. */
const LOOK_DELAYS_MS = [0, 250, 1000, 3000] as const;

/** Refusals of a write that say nothing of what the tag holds: the same digest again is refused by some registries, too. */
const REFUSED: readonly unknown[] = [400, 403, 405, 409, 412, 422];

/**
 * Points a tag at an image that is there, and reads it back where the registry has not confirmed its digest. Some registries
 * need a moment until a new tag can be seen. Some refuse a tag that holds this digest already (aws/containers-roadmap#2380,
 * docker/hub-feedback#2466): that is success.
 * @throws ActionError TAG_IMMUTABLE, TAG_NOT_MOVED when the tag holds something else afterwards
 */
export async function writeTag(repository: Repository, tag: string, root: ManifestBytes): Promise<void> {
  const { digest } = root.descriptor;
  try {
    const { confirmed } = await repository.put(tag, root);
    if (confirmed) return;
  } catch (error) {
    if (!(error instanceof ActionError) || !REFUSED.includes(error.facts.status)) throw error;
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
    `${repository.host}/${repository.name}:${tag} was set to ${root.descriptor.digest} and holds ${held ?? 'nothing'}.`,
    { facts: { registry: repository.host, repository: repository.name, reference: tag } },
  );
}
