import type { EcrLiveRepository } from '../../ecr/live.ts';
import { cacheResources, templateResources } from './ecr-prefixes.ts';
import { registryResources } from './ecr-registry.ts';
import { obstacleTo, repositoryProperties } from './ecr-repository.ts';
import type { EcrSource } from './ecr-source.ts';
import type { Resource, Resources } from './resource.ts';

const AFTERWARDS = 'Change that, and export again; until then apply it with `command: setup`.';

/** Resources of a registry of Amazon ECR: registry, prefixes, repositories. */
export function ecrResources(source: EcrSource): Resources {
  const parts = [registryResources(source), templateResources(source), cacheResources(source), repositories(source)];
  return {
    resources: parts.flatMap(({ resources }) => resources),
    leftOut: parts.flatMap(({ leftOut }) => leftOut),
  };
}

const obstacle = ({ policy, lifecycle, tags }: EcrLiveRepository) => obstacleTo({ policy, lifecycle, tags });

function repositories({ desired, live, planned }: EcrSource): Resources {
  const parts = desired.repositories.map(({ name, line }): Resources => {
    const after = planned.repositories.get(name);
    if (after === undefined) return { resources: [], leftOut: [] };
    const before = live.repositories.get(name);
    const reason = obstacle(after) ?? (before === undefined ? undefined : obstacle(before));
    if (reason !== undefined) return { resources: [], leftOut: [{ what: name, reason, instead: AFTERWARDS }] };
    const resource: Resource = {
      type: 'AWS::ECR::Repository',
      name,
      about: `${name} on ${desired.key}`,
      line,
      properties: repositoryProperties(name, after),
      present: before === undefined ? undefined : repositoryProperties(name, before),
      identifier: { RepositoryName: name },
    };
    return { resources: [resource], leftOut: [] };
  });
  return {
    resources: parts.flatMap(({ resources }) => resources),
    leftOut: parts.flatMap(({ leftOut }) => leftOut),
  };
}
