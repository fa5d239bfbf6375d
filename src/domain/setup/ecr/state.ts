import type { Setting } from '../setting.ts';
import type { CacheRule, CreationTemplate, EcrLive, RegistryScanning, ReplicationRule, SigningRule } from './live.ts';
import type { Mutability } from './mutability.ts';

/** What a registry of Amazon ECR has once the file is applied, with what others set and setup keeps. */
export interface EcrState extends EcrDocuments {
  readonly kind: 'ecr';
  readonly account: string;
  readonly region: string;
  /** `aws`, `aws-cn`, … */
  readonly partition: string;
  /** Repositories of the file, in its order, without those that setup leaves alone. */
  readonly repositories: readonly EcrRepositoryState[];
  /** Caches and templates of the file; those of others are not among them. */
  readonly caches: readonly InState<CacheRule>[];
  readonly templates: readonly InState<CreationTemplate>[];
  readonly accountSettings: readonly InState<{ readonly name: string; readonly value: string }>[];
  /** ARNs of roles and users. */
  readonly pullTimeExclusions: readonly InState<string>[];
  /** As it was read, before anything is applied. */
  readonly live: EcrLive;
  /** Every setting of the plan. What is unsupported, denied or refused is not in the state. */
  readonly settings: readonly Setting[];
}

/** Documents of the registry as a whole. Absent: the file says nothing about it, or it could not be read. */
export interface EcrDocuments {
  readonly scanning?: InState<RegistryScanning>;
  readonly replication?: InState<readonly ReplicationRule[]>;
  /** The text; null: none. */
  readonly registryPolicy?: InState<string | null>;
  readonly signing?: InState<readonly SigningRule[]>;
}

/** A value, whether the registry has one already, and where the file asks for it. */
export interface InState<T> {
  readonly value: T;
  readonly exists: boolean;
  readonly line: number;
}

export interface EcrRepositoryState extends Mutability {
  readonly name: string;
  readonly line: number;
  readonly exists: boolean;
  readonly scanOnPush: boolean;
  /** `AES256` without a key, or a key by ARN, id or alias. */
  readonly encryption: { readonly type: string; readonly key: string | undefined };
  /** Undefined: those of a repository that exists could not be read. */
  readonly tags: Readonly<Record<string, string>> | undefined;
  /** The text, statements of others included; its value is null where there is to be none. */
  readonly policy: Omit<InState<string | null>, 'line'>;
  readonly lifecycle: Omit<InState<string | null>, 'line'>;
}
