import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Digest } from '../../domain/digest.ts';
import { indexDocument } from '../../domain/merge/index-document.ts';
import { type MergeInput, mergePlan } from '../../domain/merge/plan.ts';
import { ActionError, ActionErrors } from '../../errors/action-error.ts';
import { digestOf } from '../../oci/image/digest-of.ts';
import { blobPath } from '../../oci/image/document.ts';
import type { LocalImage } from '../../oci/image/image.ts';
import { readLayout } from '../../oci/image/layout.ts';
import { shareFile } from '../../oci/image/share-files.ts';

/** An image to merge. */
export interface Part {
  /** For messages. */
  readonly name: string;
  readonly image: LocalImage;
}

const MISSING = [
  'Check the job that builds the platform, and re-run it if it failed or its artifact expired.',
  'Download the artifacts without `merge-multiple`: files of two layouts in one folder replace each other.',
  'Correct `platforms`.',
];

/**
 * Makes one image of several: an index of every platform, in a fresh layout that shares its files with those of the
 * parts. No bytes but the index are written, so this takes as long for large images as for small ones.
 * @param expected platforms that the image must have
 * @param annotations `index:key=value` and `manifest-descriptor:key=value`
 * @param directory is created
 * @throws ActionErrors PLATFORM_MISSING and PLATFORM_CONFLICT, and all errors of {@link readLayout}
 */
export async function joinImages(
  parts: readonly Part[],
  {
    expected,
    annotations,
    directory,
  }: {
    readonly expected: readonly string[];
    readonly annotations: readonly string[];
    readonly directory: string;
  },
): Promise<LocalImage> {
  const plan = mergePlan(parts.map(inputOf), expected);
  if (!plan.ok) {
    throw new ActionErrors(
      plan.problems.map(
        ({ code, message, platform }) =>
          new ActionError(code, message, {
            facts: { platform },
            ...(code === 'PLATFORM_MISSING' ? { remedy: MISSING } : {}),
          }),
      ),
    );
  }
  const bytes = Buffer.from(indexDocument(plan.value, annotations));
  const digest = digestOf(bytes);
  const path = (of: Digest) => join(directory, ...blobPath(of));
  const kept = new Set(plan.value.entries.map((entry) => entry.digest));
  for (const { image } of parts) {
    const manifests = image.manifests.map(({ descriptor }) => descriptor).filter((each) => kept.has(each.digest));
    for (const blob of [...manifests, ...image.blobs]) await shareFile(image.path(blob.digest), path(blob.digest));
  }
  await mkdir(dirname(path(digest)), { recursive: true });
  await writeFile(path(digest), bytes);
  const root = { mediaType: plan.value.mediaType, digest, size: bytes.length };
  await writeFile(join(directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  await writeFile(join(directory, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [root] }));
  return readLayout(directory, { digest, platforms: expected });
}

/** The image as a list of manifests, its index flattened. */
function inputOf({ name, image }: Part): MergeInput {
  const platforms = image.platforms.map(({ manifest, platform }) => ({ descriptor: manifest.descriptor, platform }));
  const runnable = new Set(platforms.map(({ descriptor }) => descriptor.digest));
  const references = new Map(image.attestations.map(({ digest, reference }) => [digest, reference]));
  const others = image.manifests
    .map(({ descriptor }) => descriptor)
    .filter(({ digest }) => digest !== image.root.descriptor.digest && !runnable.has(digest))
    .map((descriptor) => {
      const about = [...runnable].find((digest) => digest === references.get(descriptor.digest));
      return { descriptor, ...(about === undefined ? {} : { about }) };
    });
  return { name, entries: [...platforms, ...others] };
}
