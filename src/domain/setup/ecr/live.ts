import type { Reading } from '../compare.ts';
import type { Mutability } from './mutability.ts';

/** What Amazon ECR has, as far as the file has something to say about it. */
export interface EcrLive {
  readonly account: string;
  readonly region: string;
  /** `aws`, `aws-cn`, … */
  readonly partition: string;
  /** Why the list of repositories could not be read; then only those that the file names are known. */
  readonly unlistable?: string;
  /** Those of the file that exist, by name. */
  readonly repositories: ReadonlyMap<string, EcrLiveRepository>;
  /** Repositories of the file of which nothing could be read, with the reason. */
  readonly unreadable: ReadonlyMap<string, string>;
  readonly scanning?: Reading<RegistryScanning>;
  readonly replication?: Reading<readonly ReplicationRule[]>;
  /** Where existing images were copied to, or are being copied. */
  readonly backfills?: Reading<readonly ReplicationTarget[]>;
  /** The text; null: none. */
  readonly registryPolicy?: Reading<string | null>;
  readonly caches?: Reading<readonly CacheRule[]>;
  readonly templates?: Reading<readonly CreationTemplate[]>;
  readonly signing?: Reading<readonly SigningRule[]>;
  readonly accountSettings?: ReadonlyMap<string, Reading<string | null>>;
  readonly pullTimeExclusions?: Reading<readonly string[]>;
  /** ARNs of keys that the file names by alias. */
  readonly keys: ReadonlyMap<string, Reading<string>>;
}

export interface EcrLiveRepository extends Mutability {
  readonly arn: string;
  readonly scanOnPush: boolean;
  /** The key; undefined for the encryption that ECR does itself. */
  readonly encryption: { readonly type: string; readonly key: string | undefined };
  readonly tags?: Reading<Readonly<Record<string, string>>>;
  readonly policy?: Reading<string | null>;
  readonly lifecycle?: Reading<string | null>;
}

export interface RegistryScanning {
  readonly scanType: string;
  readonly rules: readonly { readonly scanFrequency: string; readonly filters: readonly string[] }[];
}

export interface ReplicationTarget {
  readonly region: string;
  readonly registryId: string;
}

export interface ReplicationRule {
  readonly destinations: readonly ReplicationTarget[];
  /** Prefixes; empty: all repositories. */
  readonly filters: readonly string[];
  readonly deletes: boolean | undefined;
}

export interface CacheRule {
  readonly prefix: string;
  readonly url: string;
  readonly upstream: string | undefined;
  readonly upstreamPrefix: string | undefined;
  readonly credential: string | undefined;
  readonly role: string | undefined;
}

export interface CreationTemplate extends Mutability {
  readonly prefix: string;
  readonly appliedFor: readonly string[];
  readonly description: string | undefined;
  readonly encryption: { readonly type: string; readonly key: string | undefined };
  readonly tags: Readonly<Record<string, string>>;
  readonly repositoryPolicy: string | undefined;
  readonly lifecyclePolicy: string | undefined;
  readonly role: string | undefined;
}

export interface SigningRule {
  readonly profile: string;
  readonly filters: readonly string[];
}

/** `aws-cn` of `cn-north-1`. */
export function partitionOf(region: string): string {
  return region.startsWith('cn-') ? 'aws-cn' : region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
}
