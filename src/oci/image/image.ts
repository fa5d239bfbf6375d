import type { Readable } from 'node:stream';
import type { Digest } from '../../domain/digest.ts';
import type { Descriptor, ManifestBytes, PlatformFields } from '../../domain/manifest.ts';

/**
 * One image on this machine as an OCI layout: every manifest parsed, every blob present with the size in its
 * descriptor. Blobs are hashed while they are scanned and again while they are sent, so that exactly these bytes are
 * scanned, pushed and reported (P2).
 */
export interface LocalImage {
  /** Folder with `oci-layout`, `index.json` and `blobs/`. */
  readonly directory: string;
  /** What the tags will point to: an index, or the manifest of the only platform. Its digest is *the* digest. */
  readonly root: ManifestBytes;
  /** All manifests in the order that registries accept: subjects before their referrers, `root` last. */
  readonly manifests: readonly ManifestBytes[];
  /** All blobs of all manifests, without duplicates. */
  readonly blobs: readonly Descriptor[];
  /** The runnable images in index order, without attestation manifests. */
  readonly platforms: readonly PlatformImage[];
  /** The attestation manifests in index order. */
  readonly attestations: readonly AttestationManifest[];
  /** Warnings for the user before the image is published, one sentence each. */
  readonly warnings?: readonly string[];
  /** Opens a blob and verifies its hash: the stream fails when the bytes do not match the digest. */
  readonly open: (blob: Descriptor) => Readable;
  /** Hashes every blob that was not read completely. @throws ActionError LAYOUT_CORRUPT */
  readonly verify: () => Promise<void>;
  /** Path of a blob or manifest in the layout. */
  readonly path: (digest: Digest) => string;
}

export interface PlatformImage {
  /** `linux/arm64`, `linux/arm/v7`. */
  readonly name: string;
  readonly platform: PlatformFields;
  readonly manifest: ManifestBytes;
  /** Digest of the image config, which scanners report as ImageID. */
  readonly configDigest: Digest;
  /** `rootfs.diff_ids` of the config: digests of the uncompressed layers. */
  readonly diffIds: readonly string[];
  /** Digests of the layers in the manifest, in the same order as `diffIds`. */
  readonly layers: readonly Digest[];
  /** Build history from the config, truncated for display. */
  readonly history: readonly { readonly createdBy: string; readonly isEmpty: boolean }[];
  /** Labels of the config. */
  readonly labels: Readonly<Record<string, string>>;
  /** Size of all layers as transferred, in bytes. */
  readonly compressedSize: number;
  readonly statements: readonly Statement[];
}

/** A manifest that carries statements about another manifest of the same index. */
export interface AttestationManifest {
  readonly digest: Digest;
  /** `vnd.docker.reference.digest` of its descriptor in the index. */
  readonly reference?: string;
  /** Digest of `subject`, which BuildKit 0.32 and later write. */
  readonly subject?: Digest;
  readonly statements: readonly Statement[];
}

/** A parsed in-toto statement that BuildKit or another builder attached to a platform. */
export interface Statement {
  /** Digest of its attestation manifest. */
  readonly manifest: Digest;
  readonly blob: Descriptor;
  readonly kind: 'sbom' | 'provenance' | 'other';
  readonly predicateType: string;
  readonly subjects: readonly { readonly name: string; readonly sha256?: string; readonly sha512?: string }[];
  /** Number of packages of an SPDX SBOM. */
  readonly packages?: number;
  /** `runDetails.builder.id` (SLSA v1) or `builder.id` (v0.2) of a provenance. */
  readonly builderId?: string;
  /** Source URL in the provenance, as its builder spells it. */
  readonly repository?: string;
  /** Full commit id in the provenance, in lower case. */
  readonly commit?: string;
}
