import type { Digest } from '../digest.ts';
import { type Descriptor, type ManifestBytes, MEDIA_TYPES } from '../manifest.ts';
import { EMPTY } from '../promotion/record-manifest.ts';
import { BUNDLE_MEDIA_TYPE } from './predicates.ts';

/** https://github.com/opencontainers/image-spec/blob/main/annotations.md */
const CREATED = 'org.opencontainers.image.created';

/** A bundle as it is attached to an image. */
export interface BundleArtifact {
  readonly blob: Descriptor;
  readonly manifest: ManifestBytes;
}

/**
 * A bundle as an artifact that refers to the image: https://github.com/sigstore/cosign/blob/main/specs/BUNDLE_SPEC.md
 * The descriptor has type and annotations as well, because lists of referrers under a tag have no other source for them, and `gh`
 * and Kyverno choose by the type that the list gives.
 * @param created when it was signed
 */
export function bundleArtifact(
  bundle: Uint8Array,
  predicateType: string,
  { mediaType, digest, size }: Descriptor,
  created: Date,
  sha256: (bytes: Uint8Array) => Digest,
): BundleArtifact {
  const blob: Descriptor = { mediaType: BUNDLE_MEDIA_TYPE, digest: sha256(bundle), size: bundle.length };
  const annotations = {
    [CREATED]: created.toISOString(),
    'dev.sigstore.bundle.content': 'dsse-envelope',
    'dev.sigstore.bundle.predicateType': predicateType,
  };
  const bytes = new TextEncoder().encode(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.ociManifest,
      artifactType: BUNDLE_MEDIA_TYPE,
      config: EMPTY.descriptor,
      layers: [blob],
      subject: { mediaType, digest, size },
      annotations,
    }),
  );
  return {
    blob,
    manifest: {
      descriptor: {
        mediaType: MEDIA_TYPES.ociManifest,
        digest: sha256(bytes),
        size: bytes.length,
        artifactType: BUNDLE_MEDIA_TYPE,
        annotations,
      },
      bytes,
    },
  };
}
