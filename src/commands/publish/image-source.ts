import { join, resolve } from 'node:path';
import { platformName } from '../../domain/platform.ts';
import { openSource } from '../../oci/archive/open.ts';
import { requireAttestations } from '../../oci/image/attestations.ts';
import type { LocalImage } from '../../oci/image/image.ts';
import { readLayout } from '../../oci/image/layout.ts';
import { fetchLayout } from '../../oci/transfer/fetch.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { Plan } from './preflight.ts';
import type { ImageFacts } from './result.ts';
import type { PublishInputs, RequiredContent } from './settings.ts';

/** A local image and a short description of its source. */
export interface Obtained {
  readonly image: LocalImage;
  readonly origin: string;
}

/** Uses an image of another builder: its own bytes, validated, never converted if they are OCI already. */
export async function takeSource(runtime: Runtime, required: RequiredContent, path: string): Promise<Obtained> {
  const { directory, kind } = await openSource(resolve(runtime.workspace, path), {
    temp: runtime.temp,
    signal: runtime.signal,
  });
  const image = await readLayout(directory, {
    ...(required.platforms.length > 0 ? { platforms: required.platforms } : {}),
  });
  requireAttestations(image, attestationsOfOthers(required));
  runtime.log.info(`${path} (${kind}) contains ${image.root.descriptor.digest}: ${namesOf(image)}.`);
  return { image, origin: `source ${path} (${kind})` };
}

/** How log, summary and `json` describe a reused image. */
export const READ_FROM_REGISTRY = 'read from the registry, not built by this run';

/** Fetches a previously published image, to scan it again and to complete its tags. */
export async function takePublished(
  runtime: Runtime,
  { origin, required }: Pick<PublishInputs, 'origin' | 'required'>,
  { digest, from }: NonNullable<Plan['taken']>,
): Promise<Obtained> {
  const directory = join(runtime.temp, 'published');
  runtime.log.info(`${from.image}@${digest} was published before: it is ${READ_FROM_REGISTRY}.`);
  await fetchLayout(from.repository, digest, directory);
  const image = await readLayout(directory, { digest });
  requireAttestations(image, origin.kind === 'build' ? attestationsOfBuild(required) : attestationsOfOthers(required));
  return { image, origin: `${from.image}, ${READ_FROM_REGISTRY}` };
}

/** A build must contain attestations unless disabled. */
export function attestationsOfBuild({ sbom, provenance }: RequiredContent) {
  return { requireSbom: sbom !== false, requireProvenance: provenance !== false };
}

/** Other builders attest differently or not at all: the user decides which attestations are required. */
export function attestationsOfOthers({ sbom, provenance }: RequiredContent) {
  return { requireSbom: isAsked(sbom), requireProvenance: isAsked(provenance) };
}

function isAsked(value: boolean | string | undefined): boolean {
  return value !== undefined && value !== false;
}

export function namesOf(image: LocalImage): string {
  return image.platforms.map(({ name }) => name).join(', ');
}

/** The image in the summary and `json`. */
export function describeImage({ image, origin }: Obtained): ImageFacts {
  return {
    digest: image.root.descriptor.digest,
    mediaType: image.root.descriptor.mediaType,
    origin,
    platforms: image.platforms.map(({ platform, manifest, compressedSize, diffIds, statements }) => {
      const packages = statements.flatMap(({ kind, packages: count }) => (kind === 'sbom' ? [count ?? 0] : []));
      return {
        name: platformName(platform),
        digest: manifest.descriptor.digest,
        bytes: compressedSize,
        layers: diffIds.length,
        ...(packages.length === 0 ? {} : { sbomPackages: packages.reduce((sum, count) => sum + count, 0) }),
        provenance: statements.some(({ kind }) => kind === 'provenance'),
      };
    }),
  };
}
