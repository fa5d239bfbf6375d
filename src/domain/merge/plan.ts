import { compareText, sortedByKey } from '../compare-text.ts';
import { type Digest, shortDigest } from '../digest.ts';
import { type Descriptor, MEDIA_TYPES, type PlatformFields } from '../manifest.ts';
import { normalPlatform, platformName } from '../platform.ts';

/** One manifest of an input. */
interface MergeEntry {
  /** As its index lists it; of a manifest without an index, its own. */
  readonly descriptor: Descriptor;
  /** Of its config, for a runnable image; undefined for an attestation manifest and other manifests. */
  readonly platform?: PlatformFields;
  /** The manifest that it is about, for an attestation manifest. */
  readonly about?: Digest;
}

/** One input of a merge: an image of one or more platforms, with its index flattened. */
export interface MergeInput {
  /** For messages: a path, or a digest in a repository. */
  readonly name: string;
  readonly entries: readonly MergeEntry[];
}

/** The entries of the merged index, in order. */
export interface MergePlan {
  readonly mediaType: string;
  readonly entries: readonly Descriptor[];
}

/** Why there is no merged index. */
export interface MergeProblem {
  readonly code: 'PLATFORM_MISSING' | 'PLATFORM_CONFLICT';
  readonly platform: string;
  readonly message: string;
}

/** An image of the merged index and what is about it. */
interface Placed {
  readonly key: string;
  readonly descriptor: Descriptor;
  readonly input: string;
}

/**
 * The index that contains every platform of the inputs, or every reason why there cannot be one. Pure: the same inputs
 * give the same index, in whatever order they come.
 *
 * Attestation manifests are kept and follow their image. Manifests that occur in several inputs are listed once.
 * Platforms are normalised: `linux/arm64/v8` is `linux/arm64`.
 * https://github.com/opencontainers/image-spec/blob/main/image-index.md
 * @param expected platforms that the index must have, all of them and no others
 */
export function mergePlan(
  inputs: readonly MergeInput[],
  expected: readonly string[],
):
  | { readonly ok: true; readonly value: MergePlan }
  | { readonly ok: false; readonly problems: readonly MergeProblem[] } {
  const images = new Map<Digest, Placed>();
  const others = new Map<Digest, Placed & { readonly about?: Digest | undefined }>();
  for (const { name: input, entries } of inputs) {
    for (const { descriptor, platform, about } of entries) {
      const { digest } = descriptor;
      if (platform === undefined) {
        if (!others.has(digest)) others.set(digest, { key: '', descriptor, input, about });
      } else if (!images.has(digest)) {
        const normal = normalFields(platform);
        const key = [platformName(normal), normal['os.version']].filter(Boolean).join(' ');
        images.set(digest, { key, descriptor: { ...descriptor, platform: normal }, input });
      }
    }
  }

  const problems = [
    ...conflicts([...images.values()]),
    ...attestationConflicts([...others.values()], images),
    ...differences([...images.values()], expected),
  ];
  if (problems.length > 0) return { ok: false, problems };

  const sorted = [...images.values()].toSorted((a, b) => compareText(a.key, b.key) || compareDigests(a, b));
  const left = [...others.values()].toSorted(compareDigests);
  const entries = [
    ...sorted.flatMap(({ descriptor }) => [
      descriptor,
      ...left.flatMap((each) => (each.about === descriptor.digest ? [each.descriptor] : [])),
    ]),
    ...left.flatMap((each) => (each.about === undefined || !images.has(each.about) ? [each.descriptor] : [])),
  ];
  const isDocker = entries.every(({ mediaType }) => mediaType === MEDIA_TYPES.dockerManifest);
  return {
    ok: true,
    value: {
      // A Docker manifest list may not contain OCI manifests; an OCI index may contain both.
      mediaType: isDocker ? MEDIA_TYPES.dockerIndex : MEDIA_TYPES.ociIndex,
      entries: entries.map(inOrder),
    },
  };
}

/** Two images of one platform: a client would get the first one only, and which one that is would be chance. */
function conflicts(images: readonly Placed[]): readonly MergeProblem[] {
  const keys = [...new Set(images.map(({ key }) => key))];
  return keys.flatMap((key) => {
    const same = images.filter((image) => image.key === key);
    if (same.length < 2) return [];
    const listed = same.map(({ descriptor, input }) => `${descriptor.digest} (${input})`).toSorted();
    return {
      code: 'PLATFORM_CONFLICT' as const,
      platform: key,
      message: `There are ${same.length} images for ${key}: ${listed.join(' and ')}.`,
    };
  });
}

/** One build of a platform has one attestation manifest: two mean that two builds gave the same image. */
function attestationConflicts(
  others: readonly (Placed & { readonly about?: Digest | undefined })[],
  images: ReadonlyMap<Digest, Placed>,
): readonly MergeProblem[] {
  return [...images.values()].flatMap(({ key, descriptor }) => {
    const own = others.filter(({ about }) => about === descriptor.digest);
    if (own.length < 2) return [];
    const listed = own.map((each) => `${each.descriptor.digest} (${each.input})`).toSorted();
    return {
      code: 'PLATFORM_CONFLICT' as const,
      platform: key,
      message: `The image for ${key} (${shortDigest(descriptor.digest)}) has ${own.length} attestation manifests, of different builds: ${listed.join(' and ')}.`,
    };
  });
}

function differences(images: readonly Placed[], expected: readonly string[]): readonly MergeProblem[] {
  const wanted = new Set(expected.map(normalPlatform));
  const present = new Map(
    images.flatMap(({ descriptor, input }) =>
      descriptor.platform === undefined ? [] : [[normalPlatform(platformName(descriptor.platform)), input] as const],
    ),
  );
  const found = [...present.keys()].toSorted().join(', ') || 'no platform';
  return [
    ...[...wanted].flatMap((platform) =>
      present.has(platform)
        ? []
        : {
            code: 'PLATFORM_MISSING' as const,
            platform,
            message: `${platform} is missing: \`platforms\` lists it, and the inputs have ${found}. Its job may have failed, or its artifact may have expired.`,
          },
    ),
    ...[...present].flatMap(([platform, input]) =>
      wanted.has(platform)
        ? []
        : {
            code: 'PLATFORM_MISSING' as const,
            platform,
            message: `${platform} (${input}) was not requested: \`platforms\` lists ${expected.join(', ')}.`,
          },
    ),
  ];
}

/** With the names that clients look for, as containerd normalises them. */
function normalFields(platform: PlatformFields): PlatformFields {
  const [os = '', architecture = '', variant] = normalPlatform(
    [platform.os, platform.architecture, platform.variant].filter(Boolean).join('/'),
  ).split('/');
  const { 'os.version': version, 'os.features': features = [] } = platform;
  return {
    architecture,
    os,
    ...(variant === undefined ? {} : { variant }),
    ...(version === undefined ? {} : { 'os.version': version }),
    ...(features.length === 0 ? {} : { 'os.features': features }),
  };
}

/** The fields of a descriptor in one order, so that equal entries give equal bytes. */
function inOrder({ mediaType, digest, size, annotations, platform, artifactType }: Descriptor): Descriptor {
  const sorted = annotations === undefined ? undefined : Object.fromEntries(sortedByKey(Object.entries(annotations)));
  return {
    mediaType,
    digest,
    size,
    ...(sorted === undefined ? {} : { annotations: sorted }),
    ...(platform === undefined ? {} : { platform }),
    ...(artifactType === undefined ? {} : { artifactType }),
  };
}

function compareDigests(a: Placed, b: Placed): number {
  return compareText(a.descriptor.digest, b.descriptor.digest);
}
