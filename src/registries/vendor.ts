import type { Credentials } from '../credentials/credential.ts';
import type { Digest } from '../domain/digest.ts';
import type { Descriptor } from '../domain/manifest.ts';
import type { ScanResult, ScanSource } from '../domain/report/scan.ts';
import type { RegistryUsage } from '../domain/report/usage.ts';
import type { Lock } from '../domain/retention/inventory.ts';
import type { ActionError } from '../errors/action-error.ts';
import type { ErrorCode } from '../errors/catalogue.ts';
import type { Remedy } from '../errors/remedy.ts';
import type { Api } from '../http/api.ts';
import type { Transport } from '../http/transport.ts';
import type { Keyless } from '../inputs/keyless.ts';
import type { VendorId } from '../inputs/vendors.ts';
import type { Clock, Log } from '../runtime/runtime.ts';

/** The columns of the README's vendor matrix. */
export const CAPABILITIES = {
  keyless: 'Keyless login',
  'create-repository': 'Create a repository',
  'list-images': 'List images',
  'push-time': 'Push time',
  'pull-time': 'Pull time',
  size: 'Size',
  'delete-tag': 'Delete a tag',
  'delete-digest': 'Delete a digest',
  'immutable-tags': 'Immutable tags',
} as const satisfies Record<string, string>;

export type Capability = keyof typeof CAPABILITIES;

/**
 * Whether a vendor supports something: `yes`; in part, with the restriction; or no, with an alternative. Both texts are
 * sentences for users, shown in errors and in the README.
 */
export type Support = 'yes' | { readonly partly: string } | { readonly lacks: string };

/** An image of a repository, as listed by the vendor. */
export interface ListedImage {
  readonly digest: Digest;
  /** Empty for an untagged one. */
  readonly tags: readonly string[];
  readonly mediaType?: string;
  /** Compressed size in bytes, as counted by the vendor. */
  readonly size?: number;
  readonly pushedAt?: Date;
  readonly pulledAt?: Date;
  /** When the registry last changed its entry. */
  readonly updatedAt?: Date;
  readonly artifactType?: string;
  readonly configMediaType?: string;
  /** All manifests of an index; absent when the list does not include them. */
  readonly children?: readonly Digest[];
  /** The subject of a referrer; absent when the list does not say, whether or not it is a referrer. */
  readonly subject?: Digest;
  readonly lock?: Lock;
  /** Its name in the API, where that is not the digest. */
  readonly handle?: string;
  /** Details of individual tags, for those of `tags` that have any. */
  readonly tagFacts?: readonly TagFacts[];
}

/** What a vendor stores about a tag. */
export interface TagFacts {
  readonly name: string;
  /** When the tag was last written. */
  readonly updatedAt?: Date;
  readonly pulledAt?: Date;
  readonly lock?: Lock;
}

/** Settings of a new repository. Omitted ones use the vendor's default. */
export interface NewRepository {
  readonly immutableTags?: boolean;
  readonly scanOnPush?: boolean;
  /** Name or ARN of the customer's key for encryption at rest. */
  readonly kmsKey?: string;
  readonly public?: boolean;
}

/** Limits and counts that a registry reports. */
interface UsageSource {
  /** What they are about, such as a project: of repositories with the same subject at a host, one is asked for. */
  readonly subject: string;
  readonly read: () => Promise<RegistryUsage>;
}

/** Management operations of one repository. Unsupported ones are absent; `capabilities` says why. */
export interface Management {
  /** Whether the repository exists for pushes. */
  readonly exists?: () => Promise<boolean>;
  /** Creates it; `exists` when it was already present or created concurrently. */
  readonly create?: (settings: NewRepository) => Promise<'created' | 'exists'>;
  /** All images, page by page. Never uses manifest GETs if the vendor has a list, because a GET counts as a pull. */
  readonly list?: () => AsyncIterable<ListedImage>;
  /**
   * Removes the tag and keeps the image if the vendor can.
   * @param digest what the tag must point to, for vendors that can check it in the same request; absent for others
   */
  readonly deleteTag?: (tag: string, digest?: Digest) => Promise<'deleted' | 'absent'>;
  readonly deleteDigest?: (digest: Digest) => Promise<'deleted' | 'absent'>;
  /**
   * Deletes up to {@link DELETE_BATCH_LIMIT} images with one request; a refusal concerns one image and is its result.
   */
  readonly deleteDigests?: (
    digests: readonly Digest[],
  ) => Promise<ReadonlyMap<Digest, 'deleted' | 'absent' | ActionError>>;
  /**
   * The current tags of an image, for the final check before deletion; undefined when the image does not exist. Not a
   * pull. Absent if the API cannot be queried for one image.
   */
  readonly currentTags?: (digest: Digest) => Promise<readonly string[] | undefined>;
  /**
   * Checks the API before a push for problems that the registry only reports on write: quota, missing link, missing
   * right. Throws problems that would stop the push; returns doubts as sentences.
   */
  readonly preflight?: () => Promise<readonly string[]>;
  /**
   * Which of these existing tags the registry would refuse to move: its settings decide, and the registry API reports
   * it only on write. Empty when the settings cannot be read.
   */
  readonly frozen?: (tags: readonly string[]) => Promise<readonly string[]>;
  /** The registry's own scanner; absent where there is none with an API. */
  readonly scans?: VendorScans;
  /** Limits, and the registry's own count of bytes; absent where no API reports them. Never a pull. */
  readonly usage?: UsageSource;
  /** Retention rules that the registry itself deletes by. Absent where it has none, or none that its API sets. */
  readonly retention?: RetentionRules;
}

/** The results of a registry's own scanner. Reading them starts no scan. */
interface VendorScans {
  readonly source: ScanSource;
  /**
   * The result for one manifest, all pages of it. An index has none of its own at most vendors: ask for its platforms.
   * @throws ActionError, DENIED when the credentials may not read results
   */
  readonly result: (digest: Digest) => Promise<ScanResult>;
}

/** The retention rules that are valid for a repository, as JSON; what they mean is in `src/domain/retention/native`. */
export interface RetentionRules {
  /** What one set of rules is for: `harbor.example.com/team`, the repository itself. */
  readonly scope: string;
  /** The repository's name in the scope. */
  readonly name: string;
  /** Null when there are none. */
  readonly read: () => Promise<unknown>;
  /** Names of all repositories in the scope, where one set of rules is for all of them. */
  readonly names?: () => Promise<readonly string[]>;
  /** What the registry would delete by a document. Changes nothing. */
  readonly preview?: (document: unknown) => Promise<RetentionPreview>;
  /**
   * Replaces the rules; null removes them. Where the registry previews only what it has, they are put in place without
   * effect first.
   * @param live what {@link read} returned
   * @param check throws when the registry would delete too much; then the rules are as they were
   */
  readonly install: (document: unknown, live: unknown, check: (preview: RetentionPreview) => void) => Promise<void>;
}

/** What a registry says that it would delete. */
export type RetentionPreview =
  | { readonly kind: 'images'; readonly digests: ReadonlySet<string>; readonly tags: ReadonlySet<string> }
  /** Numbers of images, by the repository's name in the scope. */
  | { readonly kind: 'counts'; readonly deleted: ReadonlyMap<string, number> };

/** The distribution API of one repository, as far as vendors need it: implemented by the client in src/oci. */
export interface ImageStore {
  readonly head: (reference: string) => Promise<Descriptor | undefined>;
  readonly listTags: () => Promise<readonly string[]>;
  /** False when the manifest does not exist. */
  readonly deleteManifest: (reference: string) => Promise<boolean>;
}

/**
 * Maximum images in one request to {@link Management.deleteDigests}: the limit of ECR, the only vendor with batches.
 */
export const DELETE_BATCH_LIMIT = 100;

/** What a vendor needs to obtain credentials. */
export interface LoginContext {
  /** As in image names: `ghcr.io`, `123456789012.dkr.ecr.eu-west-1.amazonaws.com`. */
  readonly host: string;
  readonly keyless: Keyless;
  readonly api: Api;
  /** For SDKs that build their own requests. */
  readonly transport: Transport;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly log: Log;
  /**
   * A fresh token for this job from GitHub's OIDC provider.
   * @throws ActionError ID_TOKEN_UNAVAILABLE when the job lacks `id-token: write`
   */
  readonly idToken: (audience: string) => Promise<string>;
}

interface GitHubAccess {
  readonly token: string;
  readonly actor: string;
  /** `https://api.github.com` */
  readonly apiUrl: string;
  /** `org/repo` of the job. */
  readonly repository: string;
}

/** What a vendor needs to manage one repository. */
export interface ManagementContext extends LoginContext {
  /** Without the host: `org/app`. */
  readonly repository: string;
  /** Origin of the registry: `https://ghcr.io/`. */
  readonly origin: URL;
  /** Base URL of the management API, if the user sets one (`registry-api`). */
  readonly apiUrl?: URL;
  /** The job's own token for GitHub's API, and the API's URL. */
  readonly github?: GitHubAccess;
  /** The registry's credentials, never expired. */
  readonly credentials: () => Promise<Credentials | undefined>;
  readonly store: ImageStore;
}

/** Vendor-specific remedies by error code: they replace those of the catalogue. */
export type VendorRemedies = { readonly [Code in ErrorCode]?: Remedy };

/** How an inventory fills the gaps in the vendor's list. */
interface ManifestReading {
  /**
   * `free`: manifests can be read at will. `counted`: each read counts as a pull or download. `avoided`: reads are also
   * rate-limited (Docker Hub), so only the list is used.
   */
  readonly manifests: 'free' | 'counted' | 'avoided';
  /** Whether the list includes the subject of every referrer. */
  readonly listsSubjects?: true;
}

/** One kind of registry, with everything specific to it. */
export interface Vendor {
  readonly id: VendorId;
  readonly title: string;
  /** Hosts of this vendor, anchored at both ends; none for vendors that customers host themselves. */
  readonly hosts: readonly RegExp[];
  readonly capabilities: Readonly<Record<Capability, Support>>;
  readonly remedies: VendorRemedies;
  /**
   * Credentials without a stored secret; undefined when no `keyless` input applies to this vendor. Called again when
   * they expire.
   */
  readonly login?: (context: LoginContext) => Promise<Credentials | undefined>;
  /** Credentials configured on the runner for this vendor besides docker's own, used last. */
  readonly ambient?: (context: LoginContext) => Promise<Credentials | undefined>;
  readonly manage: (context: ManagementContext) => Management;
  /** Whether to start and cancel an upload before the build, because neither the token nor an API shows push rights. */
  readonly probesPush?: true;
  /** Absent: `free`, and subjects are in the manifests. */
  readonly reading?: ManifestReading;
  /** Whether a digest can only be deleted after all its tags. */
  readonly deletesUntaggedOnly?: true;
  /** How space is freed after a deletion, as a sentence; absent where the vendor does so automatically. */
  readonly afterDeletion?: string;
  /** Whether its registry reports missing repositories as denied access, so that the API has to be queried instead. */
  readonly hidesMissing?: true;
}
