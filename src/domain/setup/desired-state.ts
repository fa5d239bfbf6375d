import type { CleanupPolicy } from '../retention/policy.ts';
import type { Json } from './json.ts';
import type { Principal, PrincipalGroup } from './principal.ts';

/**
 * The desired-state file of `command: setup`, as it is written. Three rules hold for every key: absent means left alone and not
 * compared, `none` (here null) means removed, and a value means made so. Nothing that exists is ever deleted because it is not named.
 */
export interface DesiredState {
  readonly version: 1;
  /** Marks what belongs to this file where several teams share one setting. */
  readonly owner: string;
  readonly registries: readonly RegistryEntry[];
  readonly defaults: RepositorySettings<readonly PrincipalGroup[], RetentionFile>;
  readonly repositories: readonly RepositoryEntry[];
}

/** A value with the line of the file that it comes from. */
export interface Given<T> {
  readonly value: T;
  readonly line: number;
}

/** One entry of `repositories`: a `name` is created where it is missing, a `match` never creates. */
export interface RepositoryEntry {
  readonly kind: 'name' | 'match';
  /** A repository without its host, or a glob of such names. */
  readonly pattern: string;
  /** Keys of `registries`; undefined: all. */
  readonly on: readonly string[] | undefined;
  readonly settings: RepositorySettings<readonly PrincipalGroup[], RetentionFile>;
  readonly line: number;
}

/** A cleanup policy by its path, as the file names it. */
export interface RetentionFile {
  readonly from: string;
  /** Whether the retention of another owner may be replaced. */
  readonly replace: boolean;
}

export interface Retention extends RetentionFile {
  readonly policy: CleanupPolicy;
}

/** Which tags cannot be moved: `all`, none (`off`), all that match none of the globs (`except`), or those that match one (`only`). */
export type Immutability =
  | { readonly mode: 'all' | 'off' }
  | { readonly mode: 'except' | 'only'; readonly tags: readonly string[] };

export const SCANS = ['on-push', 'continuous', 'off'] as const;
export type Scan = (typeof SCANS)[number];

export const EVENTS = ['push', 'pull', 'delete', 'scan', 'quarantine', 'quota', 'replication'] as const;

export interface Webhook {
  readonly name: string;
  readonly url: string;
  readonly on: readonly (typeof EVENTS)[number][];
  /** Name of the variable of the environment that holds its secret. */
  readonly secret: string | undefined;
  readonly line: number;
}

/**
 * Settings of a repository. In the file, access lists groups and retention is a path; once resolved for a registry, both are values.
 */
export interface RepositorySettings<Access, Kept> {
  readonly description?: Given<string | null>;
  /** Tags, labels: merged by key; null removes one. */
  readonly labels?: ReadonlyMap<string, Given<string | null>>;
  readonly visibility?: Given<'private' | 'public'>;
  readonly immutable?: Given<Immutability>;
  readonly scan?: Given<Scan>;
  /** Encryption key, as the vendor writes it. */
  readonly key?: Given<string | null>;
  readonly retention?: Given<Kept | null>;
  readonly pull?: Given<Access | null>;
  readonly push?: Given<Access | null>;
  readonly admin?: Given<Access | null>;
  /** `exact`: who else has access loses it; otherwise the lists add. */
  readonly access?: Given<'add' | 'exact'>;
  /** Bytes. */
  readonly quota?: Given<number | null>;
  readonly webhooks?: Given<readonly Webhook[] | null>;
  /** Settings whose lack at the vendor is accepted: `immutable.except`. */
  readonly accept: readonly string[];
  /** Fields of the vendor's own API, by vendor (`aws`, `google`, …) and field. */
  readonly own: ReadonlyMap<VendorBlock, ReadonlyMap<string, Given<Json>>>;
}

/** The key of a vendor's own fields in the file. */
export const VENDOR_BLOCKS = ['aws', 'google', 'azure', 'harbor', 'hub', 'nexus', 'artifactory'] as const;
export type VendorBlock = (typeof VENDOR_BLOCKS)[number];

/** One entry of `registries`. */
export interface RegistryEntry extends RegistrySettings<readonly PrincipalGroup[], RetentionFile> {
  /** Its key in the file. */
  readonly key: string;
  readonly line: number;
}

interface RegistrySettings<Access, Kept> {
  /** As in image names, with the part of the path that the registry sets apart: `docker.io/acme`. */
  readonly at: string;
  /** The folder of resources that a new registry goes to, such as an Azure resource group. */
  readonly in?: Given<string>;
  /** Encryption key of repositories that setup creates; those that exist are not compared. */
  readonly newKey?: Given<string>;
  readonly replicate?: Given<readonly Replication[] | null>;
  /** Who may replicate into this registry. */
  readonly receive?: Given<readonly Receiving[] | null>;
  readonly cache?: Given<readonly Cache<Access>[] | null>;
  readonly templates?: Given<readonly Template<Access, Kept>[] | null>;
  readonly scanning?: Given<'basic' | 'enhanced'>;
  readonly signing?: Given<readonly Signing[] | null>;
  readonly webhooks?: Given<readonly Webhook[] | null>;
  readonly quota?: Given<number | null>;
  readonly accept: readonly string[];
  readonly own: ReadonlyMap<VendorBlock, ReadonlyMap<string, Given<Json>>>;
}

export interface Replication {
  /** As the vendor writes it: `us-east-1`, `444455556666/eu-west-1`, `northeurope`, a host. */
  readonly to: readonly string[];
  /** Prefixes of repositories; empty: all. */
  readonly only: readonly string[];
  /** Also what was pushed before. */
  readonly copiesExisting: boolean;
  /** Whether deletions travel, too. Undefined: left alone. */
  readonly deletes: boolean | undefined;
  readonly line: number;
}

interface Receiving {
  /** Accounts. */
  readonly from: readonly string[];
  readonly only: readonly string[];
  /** Whether missing repositories may be made by it. */
  readonly creates: boolean;
  readonly line: number;
}

/** A pull-through cache. */
export interface Cache<Access> {
  readonly prefix: string;
  /** Host, with a path where the upstream has one: `docker.io`, `quay.io/org`. */
  readonly from: string;
  /** Where the upstream's credentials are: a reference, never the value. */
  readonly secret: string | undefined;
  readonly user: string | undefined;
  readonly role: string | undefined;
  readonly pull: Access;
  readonly line: number;
}

export const TEMPLATE_USES = ['replication', 'cache', 'push'] as const;

/** What repositories get that the registry makes itself. */
export interface Template<Access, Kept> {
  readonly prefix: string;
  readonly for: readonly (typeof TEMPLATE_USES)[number][];
  readonly role: string | undefined;
  readonly settings: RepositorySettings<Access, Kept>;
  readonly line: number;
}

export interface Signing {
  readonly profile: string;
  /** Globs of repositories; empty: all. */
  readonly only: readonly string[];
  readonly line: number;
}

/** What one registry is to look like: entries merged, groups resolved to what this vendor understands, policies read. */
export interface DesiredRegistry extends RegistrySettings<readonly Principal[], Retention> {
  readonly key: string;
  /** `docker.io` of `docker.io/acme`. */
  readonly host: string;
  /** `acme` of `docker.io/acme`; may be empty. */
  readonly namespace: string;
  readonly owner: string;
  readonly line: number;
  /** What the file asks for, by name. */
  readonly repositories: readonly DesiredRepository[];
  /** What exists and is not asked for: it stays. */
  readonly unlisted: readonly string[];
}

export interface DesiredRepository {
  /** What the registry keeps settings for: the repository, or the project that it is in. */
  readonly name: string;
  /** The repositories of the file that are in it. */
  readonly members: readonly string[];
  /** Whether it is to be created where it is missing. */
  readonly creates: boolean;
  readonly line: number;
  readonly settings: RepositorySettings<readonly Principal[], Retention>;
}
