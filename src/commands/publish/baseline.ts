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
import type { PublishInputs } from './inputs.ts';
import type { Naming } from './naming.ts';

/**
 * Finds the image that findings are compared with, before anything slow begins. It is asked for in one repository only, the
 * one that is named or else the first that is published to: another one might hold something else under that tag.
 * @throws ActionError BASELINE_UNUSABLE when there is no such image, and all that reading a registry raises
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
  // Only for the hint: a registry that does not list tags has said already that there is no such image.
  const tags = isDigest(reference) ? [] : ((await repository?.listTags().catch(() => [])) ?? []);
  const others = tags.length === 0 ? '' : ` It has ${tags.slice(0, 5).join(', ')}${tags.length > 5 ? ', …' : ''}.`;
  return new ActionError(
    'BASELINE_UNUSABLE',
    `there is no such image in the registry.${others}${didYouMean(reference, tags)}`,
    { facts: { registry: repository?.host ?? '', repository: repository?.name ?? '', reference } },
  );
}

/** The manifests of an image for each platform. @throws ActionError BASELINE_UNUSABLE when it is something else */
function childrenOf({ bytes, descriptor }: ManifestBytes) {
  const document = parseManifest(bytes, descriptor.mediaType, `the manifest ${descriptor.digest}`);
  const children = document.kind === 'manifest' ? [descriptor] : document.manifests.filter(isRunnable);
  if (children.length === 0 || (document.kind === 'manifest' && !isImageConfig(document.config))) {
    throw new ActionError('BASELINE_UNUSABLE', `${descriptor.digest} is not a container image.`);
  }
  return children;
}

/**
 * Fetches the platforms that an image has as well, each as an image of its own: of what both share no byte is fetched again.
 * @returns undefined when there is no such platform
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
  // One after the other: they share one folder, and what one has brought the next does not fetch again.
  for (const digest of new Set(children.map((child): Digest => child.digest))) {
    await fetchLayout(repository, digest, directory, beside.path);
    images.push(await readLayout(directory, { digest }));
  }
  const [first] = images;
  const platforms = images.flatMap((image) => image.platforms).filter(({ name }) => wanted.has(normalPlatform(name)));
  return first === undefined || platforms.length === 0 ? undefined : { directory, platforms, open: first.open };
}
