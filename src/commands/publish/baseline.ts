import { join } from 'node:path';
import { type Digest, isDigest, shortDigest } from '../../domain/digest.ts';
import { isImageConfig, type ManifestBytes } from '../../domain/manifest.ts';
import { normalPlatform, platformName } from '../../domain/platform.ts';
import { didYouMean } from '../../domain/suggestion.ts';
import { ActionError } from '../../errors/action-error.ts';
import type { Repository } from '../../oci/client/repository.ts';
import { isRunnable } from '../../oci/image/attestation-manifest.ts';
import { parseManifest } from '../../oci/image/document.ts';
import type { LocalImage } from '../../oci/image/image.ts';
import { readLayout } from '../../oci/image/layout.ts';
import { fetchLayout } from '../../oci/transfer/fetch.ts';
import { openRegistries } from '../../run/open-registries.ts';
import { aboutBaseline, type BaselineImage } from '../../run/scan.ts';
import { type Destination, destinationsOf } from '../../run/targets.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { ScannableImage } from '../../tools/trivy/view.ts';
import type { Naming } from './naming.ts';
import type { PublishInputs } from './settings.ts';

/**
 * Finds the baseline image before any slow work. Looks in one repository only, the given one or the first to be
 * published to: another one might use the tag for a different image.
 * @throws ActionError BASELINE_UNUSABLE when the image does not exist, and all read errors
 */
export async function findBaseline(
  runtime: Runtime,
  inputs: PublishInputs,
  naming: Naming,
  destinations: readonly Destination[],
): Promise<BaselineImage | undefined> {
  const { baseline, mode } = inputs.scan;
  const name = baseline?.image ?? naming.images[0];
  if (baseline === undefined || name === undefined || mode === 'off') return undefined;
  const { reference } = baseline;
  const image = `${name.familiarName}${isDigest(reference) ? '@' : ':'}${reference}`;
  const known = destinations.find(
    ({ repository }) => repository.host === name.host && repository.name === name.repository,
  );
  return aboutBaseline(image, async () => {
    const opened =
      known ??
      destinationsOf(
        await openRegistries(runtime, inputs.registries, [name.host], naming.event.actor),
        [name],
        'pull',
      )[0];
    const repository = opened?.repository;
    const root = await repository?.get(reference);
    if (repository === undefined || root === undefined) throw await missing(reference, repository);
    childrenOf(root);
    const { digest } = root.descriptor;
    runtime.log.info(`Baseline: ${image}${isDigest(reference) ? '' : ` (${shortDigest(digest)})`}`);
    return {
      image,
      digest,
      isPinned: isDigest(reference),
      fetch: (beside) =>
        aboutBaseline(image, () => fetchPlatforms(repository, root, beside, join(runtime.temp, 'baseline'))),
    };
  });
}

async function missing(reference: string, repository: Repository | undefined): Promise<ActionError> {
  // Only for the hint: the registry has already reported that the image does not exist.
  const tags = isDigest(reference) ? [] : ((await repository?.listTags().catch(() => [])) ?? []);
  const others = tags.length === 0 ? '' : ` It has ${tags.slice(0, 5).join(', ')}${tags.length > 5 ? ', …' : ''}.`;
  return new ActionError(
    'BASELINE_UNUSABLE',
    `there is no such image in the registry.${others}${didYouMean(reference, tags)}`,
    { facts: { registry: repository?.host ?? '', repository: repository?.name ?? '', reference } },
  );
}

/** The manifest of each platform of an image. @throws ActionError BASELINE_UNUSABLE for other content */
function childrenOf({ bytes, descriptor }: ManifestBytes) {
  const document = parseManifest(bytes, descriptor.mediaType, `the manifest ${descriptor.digest}`);
  const children = document.kind === 'manifest' ? [descriptor] : document.manifests.filter(isRunnable);
  if (children.length === 0 || (document.kind === 'manifest' && !isImageConfig(document.config))) {
    throw new ActionError('BASELINE_UNUSABLE', `${descriptor.digest} is not a container image.`);
  }
  return children;
}

/**
 * Fetches the platforms that the baseline shares with an image, each as an image of its own; bytes that both share are
 * not fetched again.
 * @returns undefined when they share no platform
 */
async function fetchPlatforms(
  repository: Repository,
  root: ManifestBytes,
  beside: LocalImage,
  directory: string,
): Promise<ScannableImage | undefined> {
  const wanted = new Set(beside.platforms.map(({ name }) => normalPlatform(name)));
  const children = childrenOf(root).filter(
    ({ platform }) => platform === undefined || wanted.has(normalPlatform(platformName(platform))),
  );
  const images: LocalImage[] = [];
  // Sequentially: they share one folder, and each can reuse the blobs of the previous ones.
  for (const digest of new Set(children.map((child): Digest => child.digest))) {
    await fetchLayout(repository, digest, directory, beside.path);
    images.push(await readLayout(directory, { digest }));
  }
  const [first] = images;
  const platforms = images.flatMap((image) => image.platforms).filter(({ name }) => wanted.has(normalPlatform(name)));
  return first === undefined || platforms.length === 0 ? undefined : { directory, platforms, open: first.open };
}
