import { describe, expect, test } from 'vitest';
import { MEDIA_TYPES } from '../../../../src/domain/manifest.ts';
import { notCarriedBecause } from '../../../../src/domain/promotion/carried.ts';

const EMPTY = {
  mediaType: MEDIA_TYPES.ociEmpty,
  digest: 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a',
  size: 2,
};
const other = (mediaType: string) => ({ mediaType, digest: `sha256:${'c'.repeat(64)}`, size: 700 });
const layers = (...types: readonly string[]) => types.map(other);
const TAR = 'application/vnd.oci.image.layer.v1.tar+gzip';

describe('what refers to an image and may travel with it', () => {
  test.each([
    ['a signature of cosign', other(MEDIA_TYPES.ociConfig), ['application/vnd.dev.cosign.simplesigning.v1+json']],
    ['an attestation of cosign', other(MEDIA_TYPES.ociConfig), ['application/vnd.dsse.envelope.v1+json']],
    ['an SBOM of cosign', other(MEDIA_TYPES.ociConfig), ['text/spdx+json']],
    ['an SBOM of cosign in XML', other(MEDIA_TYPES.ociConfig), ['application/vnd.cyclonedx+xml']],
    ['a bundle of Sigstore', EMPTY, ['application/vnd.dev.sigstore.bundle.v0.3+json']],
    ['a signature of Notary', other('application/vnd.cncf.notary.signature'), ['application/jose+json']],
    ['a folder that oras has attached', EMPTY, [TAR]],
    [
      'a chart of Helm',
      other('application/vnd.cncf.helm.config.v1+json'),
      ['application/vnd.cncf.helm.chart.content.v1.tar+gzip'],
    ],
  ])('%s may', (_, config, types) => {
    expect(notCarriedBecause(MEDIA_TYPES.ociManifest, { config, layers: layers(...types) })).toBeUndefined();
  });

  test.each([
    ['an image', MEDIA_TYPES.ociManifest, { config: other(MEDIA_TYPES.ociConfig), layers: layers(TAR) }],
    [
      'an image that says what else it is',
      MEDIA_TYPES.ociManifest,
      { artifactType: 'application/spdx+json', config: other(MEDIA_TYPES.ociConfig), layers: layers(TAR) },
    ],
    ['an image without layers', MEDIA_TYPES.ociManifest, { config: other(MEDIA_TYPES.ociConfig), layers: [] }],
    [
      'an image with one document in it',
      MEDIA_TYPES.ociManifest,
      { config: other(MEDIA_TYPES.ociConfig), layers: layers('text/spdx', TAR) },
    ],
    [
      'an image whose layers pretend to be documents',
      MEDIA_TYPES.ociManifest,
      {
        config: other(MEDIA_TYPES.ociConfig),
        layers: layers(
          'application/vnd.oci.image.layer.v1.tar+json',
          'application/vnd.oci.image.layer.v1.tar+gzip+json',
        ),
      },
    ],
    [
      'an image whose layers have an unknown type',
      MEDIA_TYPES.ociManifest,
      { config: other(MEDIA_TYPES.ociConfig), layers: layers('application/octet-stream') },
    ],
    [
      "an image with Docker's config",
      MEDIA_TYPES.ociManifest,
      { config: other(MEDIA_TYPES.dockerConfig), layers: layers('application/vnd.docker.image.rootfs.diff.tar.gzip') },
    ],
    [
      "an image of Docker's schema 2",
      MEDIA_TYPES.dockerManifest,
      { config: other('application/octet-stream'), layers: layers('text/plain') },
    ],
    [
      'an image under another name for its config',
      MEDIA_TYPES.ociManifest,
      { config: other('application/vnd.acme.config+json'), layers: layers(TAR) },
    ],
    [
      'an image whose config only claims to be the empty one',
      MEDIA_TYPES.ociManifest,
      { config: { ...other(MEDIA_TYPES.ociEmpty), size: 2 }, layers: layers(TAR) },
    ],
    [
      'an image of foreign layers',
      MEDIA_TYPES.ociManifest,
      { config: other('x/y'), layers: layers('application/vnd.docker.image.rootfs.foreign.diff.tar.gzip') },
    ],
    [
      'an image whose layers are not encrypted for us',
      MEDIA_TYPES.ociManifest,
      { config: other('x/y'), layers: layers('application/vnd.oci.image.layer.v1.tar+gzip+encrypted') },
    ],
    ['an index', MEDIA_TYPES.ociIndex, { manifests: [] }],
    ["an index of Docker's", MEDIA_TYPES.dockerIndex, { manifests: [] }],
    ['an image without a list of layers', MEDIA_TYPES.ociManifest, { config: other(MEDIA_TYPES.ociConfig) }],
  ])('%s may not', (_, mediaType, manifest) => {
    expect(notCarriedBecause(mediaType, manifest)).toMatch(/runs|run$/);
  });
});
