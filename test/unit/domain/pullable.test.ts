import { expect, test } from 'vitest';
import { pullProblem, pullWarnings } from '../../../src/domain/pullable.ts';

const OCI = 'application/vnd.oci.image.manifest.v1+json';
const DOCKER = 'application/vnd.docker.distribution.manifest.v2+json';
const layer = (mediaType: string) => ({ mediaType, digest: `sha256:${'a'.repeat(64)}`, size: 1 }) as const;

test.each<[string, string, string[], RegExp | undefined]>([
  ['an OCI image', OCI, ['application/vnd.oci.image.layer.v1.tar+gzip'], undefined],
  ['an OCI image with zstd', OCI, ['application/vnd.oci.image.layer.v1.tar+zstd'], undefined],
  ["an OCI manifest with Docker's layers", OCI, ['application/vnd.docker.image.rootfs.diff.tar.gzip'], undefined],
  ['a Docker image', DOCKER, ['application/vnd.docker.image.rootfs.diff.tar.gzip'], undefined],
  ['a Docker manifest with an OCI layer', DOCKER, ['application/vnd.oci.image.layer.v1.tar+gzip'], /Docker manifest/],
  ['a Docker manifest with zstd', DOCKER, ['application/vnd.oci.image.layer.v1.tar+zstd'], /Docker manifest/],
  ['octet-stream', OCI, ['application/octet-stream'], /Docker and containerd do not unpack/],
  ['a made-up type', OCI, ['application/vnd.oci.image.layer.v1.tar+xz'], /do not unpack/],
])('%s', (_name, manifest, layers, problem) => {
  const found = pullProblem(manifest, layers.map(layer));
  if (problem === undefined) expect(found).toBeUndefined();
  else expect(found).toMatch(problem);
});

test('a platform twice and zstd are warned about, two releases of Windows are not', () => {
  const zstd = [layer('application/vnd.oci.image.layer.v1.tar+zstd')];
  const gzip = [layer('application/vnd.oci.image.layer.v1.tar+gzip')];
  expect(
    pullWarnings([
      { name: 'linux/amd64', layers: gzip, version: undefined },
      { name: 'linux/amd64', layers: zstd, version: undefined },
      { name: 'windows/amd64', layers: gzip, version: '10.0.1' },
      { name: 'windows/amd64', layers: gzip, version: '10.0.2' },
    ]),
  ).toEqual([
    'The index has more than one image for linux/amd64. Docker and containerd pull the first one only.',
    'linux/amd64: layers compressed with zstd cannot be pulled by Docker before 23.0.',
  ]);
});
