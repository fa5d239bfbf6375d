import type { Digest } from '../digest.ts';
import type { ArtifactKind } from './kind.ts';

/** Milliseconds since 1970-01-01 UTC. The domain has no clock: every "now" is given. */
export type Instant = number;

/** Everything that one repository has, as far as a retention decision needs it. Built by the registry clients, never changed. */
export interface RepositoryInventory {
  /** In full, as `ImageName.name`: `docker.io/library/alpine`. */
  readonly repository: string;
  /** When the listing began. Ages are counted up to here, so that a plan does not depend on how long the listing took. */
  readonly readAt: Instant;
  readonly traits: RegistryTraits;
  /** Every tag, the `sha256-…` tags of referrers included. A tag of a manifest that is not in `manifests` is a gap. */
  readonly tags: readonly InventoryTag[];
  /** Every manifest that is known, each once: roots, children, referrers, and those that the registry answers 404 for. */
  readonly manifests: readonly InventoryManifest[];
  /** What could not be read. One gap, and nothing is deleted from this repository. */
  readonly gaps: readonly InventoryGap[];
  /** Tags that an interrupted run left without an image: not among `tags`, and removed by the next one that is applied. */
  readonly leftovers?: readonly string[];
}

/** Something that should have been read and was not, such as a page of a list or a manifest. */
export interface InventoryGap {
  readonly what: 'tags' | 'manifests' | 'manifest' | 'referrers' | 'times' | 'locks';
  /** The digest, tag or page: `sha256:…`, `page 3`. */
  readonly subject: string;
  /** One sentence for users: `the registry answered 500`. */
  readonly reason: string;
}

export interface InventoryTag {
  readonly name: string;
  readonly digest: Digest;
  /** When the tag was last written, where the registry records it (ACR, Docker Hub, Harbor, Nexus). */
  readonly updatedAt?: Instant;
  /** Last pull through this tag, see {@link InventoryManifest.pulledAt}. */
  readonly pulledAt?: Instant | 'never';
  readonly lock?: Lock;
}

export interface InventoryManifest {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly kind: ArtifactKind;
  /**
   * `present`: listed by the registry, or read. `unverified`: named by an index, never asked for (an image manifest needs no
   * request of its own). `missing`: the registry answered 404; it counts as a node of the graph without content.
   */
  readonly presence: 'present' | 'unverified' | 'missing';
  /**
   * Manifests that an index lists, in its order, those of nested indexes not included. Descriptors of other media types (layers
   * of a BuildKit cache) belong into `blobs`. Never guessed: an index whose children are not known is a gap.
   */
  readonly children: readonly Digest[];
  /** What a referrer refers to: its `subject`, or what its `sha256-…` tag or the vendor's API says. */
  readonly subject?: Digest;
  /** Bytes of the manifest itself. */
  readonly size?: number;
  /** Config and layers; absent when the manifest was not read. */
  readonly blobs?: readonly InventoryBlob[];
  /** Bytes of config and layers as the vendor's list states them, for when `blobs` is absent. */
  readonly contentSize?: number;
  /** `linux/arm64`, for children; for reports only. */
  readonly platform?: string;
  /** When the registry received the manifest; see {@link RegistryTraits.pushed} for what it means there. */
  readonly pushedAt?: Instant;
  /** `created` of the image's config. Set by the builder: reproducible builds use 1970. */
  readonly createdAt?: Instant;
  /** When the registry last changed its entry, such as GHCR's `updated_at`. */
  readonly updatedAt?: Instant;
  /** Since when it has had no tag, where known (ACR, Docker Hub, an earlier plan, a promotion record). */
  readonly untaggedAt?: Instant;
  /** Last pull. `never` only where the registry records pulls and has none; absent means unknown. */
  readonly pulledAt?: Instant | 'never';
  readonly lock?: Lock;
  /** What the vendor's API calls it, for the executor: the version id of GHCR, the component id of Nexus. */
  readonly handle?: string;
}

export interface InventoryBlob {
  readonly digest: string;
  readonly size: number;
}

/** Why a registry refuses to delete or move something; `reason` is a sentence fragment: `deleteEnabled is false`. */
export interface Lock {
  readonly kind: 'locked' | 'immutable' | 'protected' | 'downloads';
  readonly reason: string;
}

/** What a decision has to know about the registry. The values are in `registry-traits.ts`. */
export interface RegistryTraits {
  readonly vendor: string;
  /** What `pushedAt` means: the upload, the last write (a re-tag refreshes it), or unknown. */
  readonly pushed: 'upload' | 'last-write' | 'unknown';
  /**
   * What `pulledAt` is worth. `unreliable`: recorded, but crawlers and our own reads count (Docker Hub, public repositories).
   * `none`: not recorded, and rules about pulls keep everything.
   */
  readonly pulled: 'recorded' | 'daily' | 'unreliable' | 'none';
  /** A digest without tags disappears with its last tag (ECR): an untag would delete, so it is planned as such or not at all. */
  readonly lastTagDeletesDigest: boolean;
  /** The last tagged image of a repository cannot be deleted (GHCR). */
  readonly lastTaggedIsUndeletable: boolean;
  /** A single tag can be removed from a digest that keeps others. */
  readonly canUntag: boolean;
  /** Untagged manifests without parent are listed. Where not (registry:2, GitLab, Docker Hub), only tags are cleaned up. */
  readonly listsUntagged: boolean;
  /** Deleting a subject deletes its referrers: they need no delete of their own (ECR within a day, ACR, Harbor). */
  readonly cascadesReferrers: boolean;
  /** Deleting an index deletes children that nothing else needs (Harbor, Docker Hub). */
  readonly cascadesChildren: boolean;
  /** Space comes back only after a garbage collection that an administrator runs (registry:2, Harbor, Nexus). */
  readonly needsGarbageCollection: boolean;
}
