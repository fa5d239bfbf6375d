import { cacheResources, templateResources } from './ecr-prefixes.ts';
import { registryResources } from './ecr-registry.ts';
import { obstacleTo, repositoryProperties } from './ecr-repository.ts';
import type { EcrSource } from './ecr-source.ts';
import { repositoryResources, together } from './repositories.ts';
import type { Resources } from './resource.ts';

/** Resources of a registry of Amazon ECR: registry, prefixes, repositories. */
export function ecrResources(source: EcrSource): Resources {
  const { desired, live, planned } = source;
  const repositories = repositoryResources({
    type: 'AWS::ECR::Repository',
    desired,
    live: live.repositories,
    planned: planned.repositories,
    obstacle: ({ policy, lifecycle, tags }) => obstacleTo({ policy, lifecycle, tags }),
    properties: repositoryProperties,
  });
  return together([registryResources(source), templateResources(source), cacheResources(source), repositories]);
}
