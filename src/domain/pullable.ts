import { type Descriptor, MEDIA_TYPES } from './manifest.ts';

const OCI_LAYER = /^application\/vnd\.oci\.image\.layer\.v1\.tar(?:\+(?:gzip|zstd))?$/;
const DOCKER_LAYER = /^application\/vnd\.docker\.image\.rootfs\.diff\.tar(?:\.gzip)?$/;

/**
 * Why common clients cannot pull an image, as a phrase; undefined when they can. containerd does not accept unknown
 * layer types, and Docker and validating registries require Docker's layer types in a Docker manifest.
 * https://github.com/containerd/containerd/blob/main/core/images/mediatypes.go
 */
export function pullProblem(manifestType: string, layers: readonly Descriptor[]): string | undefined {
  const unknown = layers.find(({ mediaType }) => !OCI_LAYER.test(mediaType) && !DOCKER_LAYER.test(mediaType));
  if (unknown !== undefined) {
    return `the layer ${unknown.digest} has the media type ${printable(unknown.mediaType)}, which Docker and containerd do not unpack`;
  }
  const mixed = layers.find(({ mediaType }) => !DOCKER_LAYER.test(mediaType));
  return manifestType === MEDIA_TYPES.dockerManifest && mixed !== undefined
    ? `it is a Docker manifest, and its layer ${mixed.digest} has the media type ${mixed.mediaType}: Docker pulls such an image with none but its own layer types`
    : undefined;
}

/** What some clients cannot pull, or would never select, one sentence each. */
export function pullWarnings(
  platforms: readonly {
    readonly name: string;
    readonly layers: readonly Descriptor[];
    readonly version: string | undefined;
  }[],
): readonly string[] {
  const zstd = platforms.filter(({ layers }) => layers.some(({ mediaType }) => mediaType.endsWith('+zstd')));
  const keys = platforms.map(({ name, version = '' }) => `${name} ${version}`);
  const twice = new Set(platforms.filter((_, at) => keys.indexOf(keys[at] ?? '') !== at).map(({ name }) => name));
  return [
    ...[...twice].map(
      (name) => `The index has more than one image for ${name}. Docker and containerd pull the first one only.`,
    ),
    ...(zstd.length > 0
      ? [
          `${zstd.map(({ name }) => name).join(', ')}: layers compressed with zstd cannot be pulled by Docker before 23.0.`,
        ]
      : []),
  ];
}

function printable(text: string): string {
  return text.slice(0, 100).replace(/[^\x20-\x7e]/g, '?');
}
