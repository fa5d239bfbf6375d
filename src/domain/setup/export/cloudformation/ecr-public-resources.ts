import { sorted } from '../../compare.ts';
import type { DesiredRegistry } from '../../desired-state.ts';
import type { EcrPublicLive, EcrPublicRepository } from '../../ecr-public/plan.ts';
import type { Json } from '../../json.ts';
import { obstacleTo, policyProperty, tagsProperty } from './ecr-repository.ts';
import type { MissingPart, Properties, Resource, Resources } from './resource.ts';

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
  const resources: Resource[] = [];
  const leftOut: MissingPart[] = [];
  for (const { name, line } of desired.repositories) {
    const after = planned.repositories.get(name);
    if (after === undefined) continue;
    const before = live.repositories.get(name);
    const reason = obstacle(after) ?? (before === undefined ? undefined : obstacle(before));
    if (reason !== undefined) {
      const instead = 'Change that, and export again; until then apply it with `command: setup`.';
      leftOut.push({ what: name, reason, instead });
      continue;
    }
    resources.push({
      type: 'AWS::ECR::PublicRepository',
      name,
      about: `${name} on ${desired.key}`,
      line,
      properties: propertiesOf(name, after),
      present: before === undefined ? undefined : propertiesOf(name, before),
      identifier: { RepositoryName: name },
    });
  }
  return { resources, leftOut };
}

const obstacle = ({ policy, catalog, tags }: EcrPublicRepository) => obstacleTo({ policy, catalog, tags });

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
