import type { Readable } from 'node:stream';
import type { Digest } from '../../domain/digest.ts';
import type { Descriptor, ManifestBytes, PlatformFields } from '../../domain/manifest.ts';

/**
 * One image that lies on this machine as an OCI layout: every manifest parsed, every blob present with the size that its
 * descriptor says. Blobs are hashed while they are scanned, and again while they are sent, so that scanned, pushed and
 * reported are exactly these bytes (P2).
 */
export interface LocalImage {
  /** Folder with `oci-layout`, `index.json` and `blobs/`. */
  readonly directory: string;
  /** What the tags will point at: an index, or the manifest of the only platform. Its digest is *the* digest. */
  readonly root: ManifestBytes;
  /** All manifests in an order in which a registry accepts them: subjects before what speaks of them, `root` last. */
  readonly manifests: readonly ManifestBytes[];
  /** All blobs of all manifests, each once. */
  readonly blobs: readonly Descriptor[];
  /** The runnable images, in the order of the index; attestation manifests are not among them. */
  readonly platforms: readonly PlatformImage[];
  /** The attestation manifests, in the order of the index. */
  readonly attestations: readonly AttestationManifest[];
  /** What the user should know before the image is published, one sentence each. */
  readonly warnings?: readonly string[];
  /** Opens a blob, hashed on its way: the stream fails when the bytes are not those of its digest. */
  readonly open: (blob: Descriptor) => Readable;
  /** Hashes every blob that nobody has read to its end. @throws ActionError LAYOUT_CORRUPT */
  readonly verify: () => Promise<void>;
  /** Path of a blob or manifest in the layout. */
  readonly path: (digest: Digest) => string;
}

export interface PlatformImage {
  /** `linux/arm64`, `linux/arm/v7`. */
  readonly name: string;
  readonly platform: PlatformFields;
  readonly manifest: ManifestBytes;
  /** Digest of the image config, which a scanner reports as ImageID. */
  readonly configDigest: Digest;
  /** `rootfs.diff_ids` of the config: digests of the uncompressed layers. */
  readonly diffIds: readonly string[];
  /** Digests of the layers in the manifest, in the order of `diffIds`. */
  readonly layers: readonly Digest[];
  /** What the config tells of how it was made, the texts cut to what can be shown. */
  readonly history: readonly { readonly createdBy: string; readonly isEmpty: boolean }[];
  /** Labels of the config. */
  readonly labels: Readonly<Record<string, string>>;
  /** Bytes of all layers as they travel. */
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

/** An in-toto statement that BuildKit or another builder put beside a platform, parsed. */
export interface Statement {
  /** Digest of the attestation manifest that holds it. */
  readonly manifest: Digest;
  readonly blob: Descriptor;
  readonly kind: 'sbom' | 'provenance' | 'other';
  readonly predicateType: string;
  readonly subjects: readonly { readonly name: string; readonly sha256?: string; readonly sha512?: string }[];
  /** Number of packages of an SPDX SBOM. */
  readonly packages?: number;
  /** `runDetails.builder.id` (SLSA v1) or `builder.id` (v0.2) of a provenance. */
  readonly builderId?: string;
  /** Address of the source that a provenance names, in the spelling of its builder. */
  readonly repository?: string;
  /** Full id of the commit that a provenance names, in lower case. */
  readonly commit?: string;
}
