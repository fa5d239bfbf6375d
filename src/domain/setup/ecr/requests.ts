import type { EcrRequest } from './request.ts';

/** The inputs of requests, by operation, in their order. Without those that leave nothing to see, such as a copy of images. */
export type EcrRequests = ReturnType<typeof requestsOf>;

export function requestsOf(all: readonly EcrRequest[]) {
  return {
    CreateRepository: all.flatMap((each) => (each.operation === 'CreateRepository' ? [each.input] : [])),
    PutImageTagMutability: all.flatMap((each) => (each.operation === 'PutImageTagMutability' ? [each.input] : [])),
    PutImageScanningConfiguration: all.flatMap((each) =>
      each.operation === 'PutImageScanningConfiguration' ? [each.input] : [],
    ),
    TagResource: all.flatMap((each) => (each.operation === 'TagResource' ? [each.input] : [])),
    UntagResource: all.flatMap((each) => (each.operation === 'UntagResource' ? [each.input] : [])),
    SetRepositoryPolicy: all.flatMap((each) => (each.operation === 'SetRepositoryPolicy' ? [each.input] : [])),
    PutLifecyclePolicy: all.flatMap((each) => (each.operation === 'PutLifecyclePolicy' ? [each.input] : [])),
    DeleteLifecyclePolicy: all.flatMap((each) => (each.operation === 'DeleteLifecyclePolicy' ? [each.input] : [])),
    PutRegistryScanningConfiguration: all.flatMap((each) =>
      each.operation === 'PutRegistryScanningConfiguration' ? [each.input] : [],
    ),
    PutReplicationConfiguration: all.flatMap((each) =>
      each.operation === 'PutReplicationConfiguration' ? [each.input] : [],
    ),
    PutRegistryPolicy: all.flatMap((each) => (each.operation === 'PutRegistryPolicy' ? [each.input] : [])),
    CreatePullThroughCacheRule: all.flatMap((each) =>
      each.operation === 'CreatePullThroughCacheRule' ? [each.input] : [],
    ),
    UpdatePullThroughCacheRule: all.flatMap((each) =>
      each.operation === 'UpdatePullThroughCacheRule' ? [each.input] : [],
    ),
    CreateRepositoryCreationTemplate: all.flatMap((each) =>
      each.operation === 'CreateRepositoryCreationTemplate' ? [each.input] : [],
    ),
    UpdateRepositoryCreationTemplate: all.flatMap((each) =>
      each.operation === 'UpdateRepositoryCreationTemplate' ? [each.input] : [],
    ),
    PutSigningConfiguration: all.flatMap((each) => (each.operation === 'PutSigningConfiguration' ? [each.input] : [])),
  };
}
