import type { Credentials } from '../credentials/credential.ts';
import type { Digest } from '../domain/digest.ts';
import type { Descriptor } from '../domain/manifest.ts';
import type { Lock } from '../domain/retention/inventory.ts';
import type { ActionError } from '../errors/action-error.ts';
import type { ErrorCode } from '../errors/catalogue.ts';
import type { Remedy } from '../errors/remedy.ts';
import type { Api } from '../http/api.ts';
import type { Transport } from '../http/transport.ts';
import type { Keyless } from '../inputs/keyless.ts';
import type { VendorId } from '../inputs/vendors.ts';
import type { Clock, Log } from '../runtime/runtime.ts';

/** What vendors are compared by: the columns of the README's matrix. */
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
 * Whether a vendor has something: `yes`; in part, with the restriction; or not, with what to do instead. Both texts are
 * sentences for users, and stand in errors and in the README.
 */
export type Support = 'yes' | { readonly partly: string } | { readonly lacks: string };

/** An image of a repository, as far as the vendor knows it. */
export interface ListedImage {
  readonly digest: Digest;
  /** Empty for an untagged one. */
  readonly tags: readonly string[];
  readonly mediaType?: string;
  /** Bytes, as the vendor counts them (compressed). */
  readonly size?: number;
  readonly pushedAt?: Date;
  readonly pulledAt?: Date;
  /** When the registry last changed its entry. */
  readonly updatedAt?: Date;
  readonly artifactType?: string;
  readonly configMediaType?: string;
  /** The manifests that an index lists, all of them; absent when the list does not include them. */
  readonly children?: readonly Digest[];
  /** What a referrer refers to; absent when the list does not say, whether or not it is a referrer. */
  readonly subject?: Digest;
  readonly lock?: Lock;
  /** What the API calls it, where that is not its digest. */
  readonly handle?: string;
  /** What is recorded of single tags, for those of `tags` that there is something to say of. */
  readonly tagFacts?: readonly TagFacts[];
}

/** What a vendor records of one tag. */
export interface TagFacts {
  readonly name: string;
  /** When the tag was last written. */
  readonly updatedAt?: Date;
  readonly pulledAt?: Date;
  readonly lock?: Lock;
}

/** How a repository is to be made. What is left out is the vendor's default. */
export interface NewRepository {
  readonly immutableTags?: boolean;
  readonly scanOnPush?: boolean;
  /** Name or ARN of the customer's key, for encryption at rest. */
  readonly kmsKey?: string;
  readonly public?: boolean;
}

/** What can be done with one repository of a vendor. What the vendor lacks is not there; `capabilities` says why. */
export interface Management {
  /** Whether pushes find a repository. */
  readonly exists?: () => Promise<boolean>;
  /** Makes it; `exists` when somebody else was faster or it was there. */
  readonly create?: (settings: NewRepository) => Promise<'created' | 'exists'>;
  /** All images, page by page. Never by manifest GETs where the vendor has a list, because a GET counts as a pull. */
  readonly list?: () => AsyncIterable<ListedImage>;
  /**
   * Removes the tag and leaves the image where the vendor can.
   * @param digest what the tag has to point to, for vendors that can check it in the same request; otherwise it is absent
   */
  readonly deleteTag?: (tag: string, digest?: Digest) => Promise<'deleted' | 'absent'>;
  readonly deleteDigest?: (digest: Digest) => Promise<'deleted' | 'absent'>;
  /** Deletes several images with one request, at most {@link DELETE_BATCH_LIMIT}; a refusal concerns one image and is its result. */
  readonly deleteDigests?: (
    digests: readonly Digest[],
  ) => Promise<ReadonlyMap<Digest, 'deleted' | 'absent' | ActionError>>;
  /**
   * The tags of an image at this moment, for the last look before it is deleted; undefined when there is no such image. Not a
   * pull. Absent where the API cannot be asked for one image.
   */
  readonly currentTags?: (digest: Digest) => Promise<readonly string[] | undefined>;
  /**
   * What the vendor's API tells before a push that the registry tells only at the write: quota, missing link, missing
   * right. Problems that would stop the push are thrown; doubts are returned as sentences.
   */
  readonly preflight?: () => Promise<readonly string[]>;
  /**
   * Which of these tags, all of them there, the registry would not let move: its own settings decide, and its registry API
   * tells only at the write. Empty when the settings cannot be seen.
   */
  readonly frozen?: (tags: readonly string[]) => Promise<readonly string[]>;
}

/** The distribution API of one repository, as far as vendors need it: the client of src/oci fits. */
export interface ImageStore {
  readonly head: (reference: string) => Promise<Descriptor | undefined>;
  readonly listTags: () => Promise<readonly string[]>;
  /** False when there is no such manifest. */
  readonly deleteManifest: (reference: string) => Promise<boolean>;
}

/** Images in one request to {@link Management.deleteDigests}: ECR's limit, the only vendor with batches. */
export const DELETE_BATCH_LIMIT = 100;

/** What a vendor works with to get credentials. */
export interface LoginContext {
  /** As in image names: `ghcr.io`, `123456789012.dkr.ecr.eu-west-1.amazonaws.com`. */
  readonly host: string;
  readonly keyless: Keyless;
  readonly api: Api;
  /** For SDKs that bring their own requests. */
  readonly transport: Transport;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly log: Log;
  /**
   * A fresh token of this job from GitHub's OIDC provider.
   * @throws ActionError ID_TOKEN_UNAVAILABLE when the job lacks `id-token: write`
   */
  readonly idToken: (audience: string) => Promise<string>;
}

export interface GitHubAccess {
  readonly token: string;
  readonly actor: string;
  /** `https://api.github.com` */
  readonly apiUrl: string;
  /** `org/repo` of the job. */
  readonly repository: string;
}

/** What a vendor works with to manage one repository. */
export interface ManagementContext extends LoginContext {
  /** Without the host: `org/app`. */
  readonly repository: string;
  /** Where the registry answers: `https://ghcr.io/`. */
  readonly origin: URL;
  /** Base of the management API, when the user names one (`registry-api`). */
  readonly apiUrl?: URL;
  /** The job's own token for GitHub's API, and where that is. */
  readonly github?: GitHubAccess;
  /** Those of the registry itself, never older than they may be. */
  readonly credentials: () => Promise<Credentials | undefined>;
  readonly store: ImageStore;
}

/** Remedies in the words of one vendor, by the code of the error: they take the place of the catalogue's. */
export type VendorRemedies = { readonly [Code in ErrorCode]?: Remedy };

/** How an inventory is completed where the vendor's list leaves something out. */
export interface ManifestReading {
  /**
   * `free`: manifests can be read at will. `counted`: each read counts as a pull or download. `avoided`: it is also metered
   * (Docker Hub), so that the list has to do.
   */
  readonly manifests: 'free' | 'counted' | 'avoided';
  /** Whether the list names the subject of every referrer. */
  readonly listsSubjects?: true;
}

/** One kind of registry: only what is particular to it. */
export interface Vendor {
  readonly id: VendorId;
  readonly title: string;
  /** Hosts that are this vendor's, anchored at both ends; none where everybody has a host of their own. */
  readonly hosts: readonly RegExp[];
  readonly capabilities: Readonly<Record<Capability, Support>>;
  readonly remedies: VendorRemedies;
  /**
   * Credentials without a stored secret; undefined when nothing of `keyless` is for this vendor.
   * Called again when they run out.
   */
  readonly login?: (place: LoginContext) => Promise<Credentials | undefined>;
  /** Credentials that lie around on the runner for this vendor besides docker's own, asked last. */
  readonly ambient?: (place: LoginContext) => Promise<Credentials | undefined>;
  readonly manage: (place: ManagementContext) => Management;
  /**
   * Whether an upload is begun and cancelled before the build, because neither the token nor an API tells who may push.
   */
  readonly probesPush?: true;
  /** Absent: `free`, and subjects are in the manifests. */
  readonly reading?: ManifestReading;
  /** Whether a digest can only be deleted when it has no tags any more. */
  readonly deletesUntaggedOnly?: true;
  /** What frees the space after a deletion, as a sentence; absent where the vendor does so by itself. */
  readonly afterDeletion?: string;
  /** Whether its registry refuses requests for what does not exist as if a right were missing: then its API is asked. */
  readonly hidesMissing?: true;
}
