import type {
  CreatePullThroughCacheRuleRequest,
  CreateRepositoryCreationTemplateRequest,
  CreateRepositoryRequest,
  PutAccountSettingRequest,
  PutImageScanningConfigurationRequest,
  PutImageTagMutabilityRequest,
  PutLifecyclePolicyRequest,
  PutRegistryScanningConfigurationRequest,
  PutSigningConfigurationRequest,
  RegisterPullTimeUpdateExclusionRequest,
  StartReplicationBackfillRequest,
  TagResourceRequest,
  UntagResourceRequest,
  UpdatePullThroughCacheRuleRequest,
  UpdateRepositoryCreationTemplateRequest,
} from '@aws-sdk/client-ecr';

/** A policy of a repository or of the registry as a whole; null: to be deleted. */
interface PolicyRequest {
  readonly policyText: string | null;
}

/** A rule of replication, with `deleteReplication`, which the SDK does not know yet. */
export interface ReplicationRuleInput {
  readonly destinations: readonly { readonly region: string; readonly registryId: string }[];
  readonly repositoryFilters?: readonly { readonly filter: string; readonly filterType: 'PREFIX_MATCH' }[];
  readonly deleteReplication?: { readonly enabled: boolean };
}

/** The writes of setup to Amazon ECR, with their inputs as the API names them. */
export type EcrRequest =
  | { readonly operation: 'CreateRepository'; readonly input: CreateRepositoryRequest }
  | { readonly operation: 'PutImageTagMutability'; readonly input: PutImageTagMutabilityRequest }
  | { readonly operation: 'PutImageScanningConfiguration'; readonly input: PutImageScanningConfigurationRequest }
  | { readonly operation: 'TagResource'; readonly input: TagResourceRequest }
  | { readonly operation: 'UntagResource'; readonly input: UntagResourceRequest }
  | {
      readonly operation: 'SetRepositoryPolicy';
      readonly input: PolicyRequest & { readonly repositoryName: string };
      /** The policy that this one was made from: another one means that somebody else wrote in between. */
      readonly before: string | null;
    }
  | {
      readonly operation: 'PutLifecyclePolicy';
      readonly input: PutLifecyclePolicyRequest;
      readonly before: string | null;
      /** Regular expressions of tags: a preview that expires an image with one of them stops the write. */
      readonly spared: readonly string[];
    }
  | { readonly operation: 'DeleteLifecyclePolicy'; readonly input: { readonly repositoryName: string } }
  | {
      readonly operation: 'PutRegistryScanningConfiguration';
      readonly input: PutRegistryScanningConfigurationRequest;
      readonly before: string;
    }
  | {
      readonly operation: 'PutReplicationConfiguration';
      readonly input: { readonly replicationConfiguration: { readonly rules: readonly ReplicationRuleInput[] } };
      readonly before: string;
    }
  | { readonly operation: 'StartReplicationBackfill'; readonly input: StartReplicationBackfillRequest }
  | { readonly operation: 'PutRegistryPolicy'; readonly input: PolicyRequest; readonly before: string | null }
  | { readonly operation: 'CreatePullThroughCacheRule'; readonly input: CreatePullThroughCacheRuleRequest }
  | { readonly operation: 'UpdatePullThroughCacheRule'; readonly input: UpdatePullThroughCacheRuleRequest }
  | { readonly operation: 'CreateRepositoryCreationTemplate'; readonly input: CreateRepositoryCreationTemplateRequest }
  | { readonly operation: 'UpdateRepositoryCreationTemplate'; readonly input: UpdateRepositoryCreationTemplateRequest }
  | {
      readonly operation: 'PutSigningConfiguration';
      readonly input: PutSigningConfigurationRequest;
      readonly before: string;
    }
  | { readonly operation: 'PutAccountSetting'; readonly input: PutAccountSettingRequest }
  | { readonly operation: 'RegisterPullTimeUpdateExclusion'; readonly input: RegisterPullTimeUpdateExclusionRequest };
