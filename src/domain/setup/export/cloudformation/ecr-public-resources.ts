import { sorted } from '../../compare.ts';
import type { DesiredRegistry } from '../../desired-state.ts';
import type { EcrPublicLive, EcrPublicRepository } from '../../ecr-public/plan.ts';
import type { Json } from '../../json.ts';
import { obstacleTo, policyProperty, tagsProperty } from './ecr-repository.ts';
import { repositoryResources } from './repositories.ts';
import type { Properties, Resources } from './resource.ts';

/** The names of the API, and those of CloudFormation. */
const CATALOG = {
  description: 'RepositoryDescription',
  aboutText: 'AboutText',
  usageText: 'UsageText',
  architectures: 'Architectures',
  operatingSystems: 'OperatingSystems',
} as const;

export interface EcrPublicSource {
  readonly desired: DesiredRegistry;
  readonly live: EcrPublicLive;
  readonly planned: EcrPublicLive;
}

/** Repositories of Amazon ECR Public. */
export function ecrPublicResources({ desired, live, planned }: EcrPublicSource): Resources {
  return repositoryResources({
    type: 'AWS::ECR::PublicRepository',
    desired,
    live: live.repositories,
    planned: planned.repositories,
    obstacle: ({ policy, catalog, tags }) => obstacleTo({ policy, catalog, tags }),
    properties: propertiesOf,
  });
}

function propertiesOf(name: string, { policy, catalog, tags }: EcrPublicRepository): Properties {
  const fields = catalog?.ok === true ? catalog.value : {};
  const data = Object.entries(CATALOG).flatMap(([field, property]): readonly (readonly [string, Json])[] => {
    const value = fields[field];
    if (value === undefined || value === null || value === '') return [];
    if (!Array.isArray(value)) return [[property, value]];
    return value.length === 0 ? [] : [[property, [...sorted(value.map(String))]]];
  });
  return {
    RepositoryName: name,
    ...(data.length === 0 ? {} : { RepositoryCatalogData: Object.fromEntries(data) }),
    ...(policy?.ok === true && policy.value !== null ? { RepositoryPolicyText: policyProperty(policy.value) } : {}),
    ...tagsProperty('Tags', tags?.ok === true ? tags.value : {}),
  };
}
