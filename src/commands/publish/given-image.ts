import { join, resolve } from 'node:path';
import { counted } from '../../domain/amount.ts';
import { describeOffered, newestAttempts } from '../../domain/merge/offered.ts';
import { ActionError } from '../../errors/action-error.ts';
import { requireAttestations } from '../../oci/image/attestations.ts';
import type { LocalImage } from '../../oci/image/image.ts';
import type { OfferedPart } from '../../run/merge/read-part.ts';
import { openRegistries } from '../../run/open-registries.ts';
import { step, warn } from '../../run/progress.ts';
import { destinationsOf } from '../../run/targets.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { attestationsOfOthers, describeImage, namesOf, type Obtained, takeSource } from './image-source.ts';
import type { Naming } from './naming.ts';
import { ownRun } from './own-run.ts';
import { requireOneImage, requireSameCommit, requireStarted, warnOfOrigins } from './part-checks.ts';
import { describePart } from './part-facts.ts';
import type { PartialResult } from './partial-result.ts';
import { indexAnnotations } from './request.ts';
import type { MergedOrigin, PublishInputs } from './settings.ts';

/** An image that this run does not build. */
export interface GivenImage {
  /** It, or one of its platforms: names the commit. */
  readonly image: LocalImage;
  /** The whole image, once the annotations of its index are known. */
  readonly complete: (naming: Naming) => Promise<Obtained>;
}

/** Opens the image that the inputs give; undefined when they ask for a build. */
export async function openGiven(
  runtime: Runtime,
  inputs: PublishInputs,
  partial: PartialResult,
): Promise<GivenImage | undefined> {
  const { origin, required } = inputs;
  if (origin.kind === 'build') return undefined;
  if (origin.kind === 'merge') return openParts(runtime, inputs, origin, partial);
  const source = await step(runtime, partial, 'Source', () => takeSource(runtime, required, origin.path));
  partial.image = describeImage(source);
  return { image: source.image, complete: async () => source };
}

async function openParts(
  runtime: Runtime,
  inputs: PublishInputs,
  { layouts, digests }: MergedOrigin,
  partial: PartialResult,
): Promise<GivenImage> {
  const parts = await step(runtime, partial, 'Source', async () => {
    const read = await readLayouts(runtime, layouts);
    requireStarted(read, ownRun(runtime.env));
    const { kept, older } = newestAttempts([...read, ...(await fetchDigests(runtime, inputs, digests))]);
    for (const { name } of older) runtime.log.info(`${name} is of an earlier attempt of its job, and is not used.`);
    return kept;
  });
  partial.parts = parts.map(describePart);
  const [first] = parts;
  if (first === undefined) throw new ActionError('SOURCE_INVALID', '`layouts` and `digests` name no image.');
  return {
    image: first.image,
    complete: (naming) => step(runtime, partial, 'Merge', () => merge(runtime, inputs, parts, naming, partial)),
  };
}

async function readLayouts(runtime: Runtime, layouts: readonly string[]): Promise<readonly OfferedPart[]> {
  const { findLayouts } = await import('../../run/merge/find-layouts.ts');
  const { readPart } = await import('../../run/merge/read-part.ts');
  const found = await Promise.all(layouts.map((path) => findLayouts(resolve(runtime.workspace, path), 'layouts')));
  const parts: OfferedPart[] = [];
  for (const path of new Set(found.flat())) {
    const name = path.startsWith(`${runtime.workspace}/`) ? path.slice(runtime.workspace.length + 1) : path;
    const part = await readPart(runtime, path, name);
    runtime.log.info(`${name} contains ${part.image.root.descriptor.digest}: ${namesOf(part.image)}.`);
    parts.push(part);
  }
  return parts;
}

async function fetchDigests(
  runtime: Runtime,
  { naming: { images }, registries }: PublishInputs,
  written: MergedOrigin['digests'],
): Promise<readonly OfferedPart[]> {
  if (written.length === 0) return [];
  const { fetchParts, readDigests } = await import('../../run/merge/fetch-parts.ts');
  const digests = await readDigests(runtime.workspace, written);
  const [name] = images.map(({ reference }) => reference);
  if (name === undefined)
    throw new ActionError('INPUT_INVALID', '`digests` needs `images`: the first is where they are.');
  const actor = runtime.env.GITHUB_ACTOR ?? '';
  const [from] = destinationsOf(await openRegistries(runtime, registries, [name.host], actor), [name], 'pull');
  return from === undefined ? [] : fetchParts(runtime, from.repository, from.image, digests);
}

async function merge(
  runtime: Runtime,
  { required }: PublishInputs,
  parts: readonly OfferedPart[],
  naming: Naming,
  partial: PartialResult,
): Promise<Obtained> {
  const { joinImages } = await import('../../run/merge/join.ts');
  requireOneImage(parts);
  requireSameCommit(parts, naming.commit);
  const named = parts.map((part) => ({ ...part, name: describeOffered(part) }));
  const image = await joinImages(named, {
    expected: required.platforms,
    annotations: indexAnnotations(naming),
    directory: join(runtime.temp, 'merged'),
  });
  requireAttestations(image, attestationsOfOthers(required));
  warnOfDifferences(runtime, image, partial);
  warnOfOrigins(runtime, parts, naming, partial);
  runtime.log.info(`Merged ${image.root.descriptor.digest}: ${namesOf(image)}.`);
  const obtained = { image, origin: `a merge of ${counted(parts.length, 'image')}` };
  partial.image = describeImage(obtained);
  return obtained;
}

/** A platform without an SBOM or provenance beside others that have one is usually a mistake in one job. */
function warnOfDifferences(runtime: Runtime, { platforms }: LocalImage, partial: PartialResult): void {
  for (const kind of ['sbom', 'provenance'] as const) {
    const without = platforms.filter(({ statements }) => !statements.some((each) => each.kind === kind));
    if (without.length === 0 || without.length === platforms.length) continue;
    const names = without.map(({ name }) => name).join(', ');
    warn(
      runtime,
      partial,
      `${names} has no ${kind === 'sbom' ? 'SBOM' : 'provenance'}, and other platforms have one. Set \`${kind}: true\` here to require it of all.`,
    );
  }
}
