import { sortedByKey } from '../../../compare-text.ts';
import { type Reading, sorted } from '../../compare.ts';
import type { EcrLiveRepository } from '../../ecr/live.ts';
import type { Mutability } from '../../ecr/mutability.ts';
import type { Json } from '../../json.ts';
import type { Properties } from './resource.ts';

type Tags = Readonly<Record<string, string>>;

/**
 * A repository with all that it has: CloudFormation removes a policy, a lifecycle policy and tags that a template lacks, already when it
 * imports. https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/2493
 * What was not read counts as none, so {@link obstacleTo} comes first.
 */
export function repositoryProperties(name: string, repository: EcrLiveRepository): Properties {
  const policy = settingOf(repository.policy);
  const lifecycle = settingOf(repository.lifecycle);
  return {
    RepositoryName: name,
    ...mutabilityProperties(repository),
    ImageScanningConfiguration: { ScanOnPush: repository.scanOnPush },
    ...encryptionProperties(repository.encryption),
    ...(policy === undefined ? {} : { RepositoryPolicyText: policyProperty(policy) }),
    ...(lifecycle === undefined ? {} : { LifecyclePolicy: { LifecyclePolicyText: lifecycle } }),
    ...tagsProperty('Tags', settingOf(repository.tags) ?? {}),
  };
}

type Readings = Readonly<Record<string, Reading<unknown> | undefined>>;

/** Why a repository is in no template, a sentence; undefined: it can be. */
export function obstacleTo({
  tags,
  ...others
}: { readonly tags: Reading<Tags> | undefined } & Readings): string | undefined {
  for (const [name, reading] of Object.entries({ tags, ...others })) {
    if (reading?.ok === true) continue;
    const why = reading === undefined ? `Its ${name} was not read.` : reading.reason;
    return `${why} CloudFormation would remove what its template lacks.`;
  }
  const empty = Object.entries(tags?.ok === true ? tags.value : {}).find(([, value]) => value === '');
  return empty === undefined
    ? undefined
    : `Its tag \`${empty[0]}\` has no value, which a template cannot have, and CloudFormation would remove it.`;
}

function settingOf<T>(reading: { readonly ok: true; readonly value: T | null } | { readonly ok: false } | undefined) {
  return reading?.ok === true && reading.value !== null ? reading.value : undefined;
}

/** The names differ from those of the API: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-ecr-repository-imagetagmutabilityexclusionfilter.html */
export function mutabilityProperties({ mutability, exclusions }: Mutability): Properties {
  return {
    ImageTagMutability: mutability,
    ...(exclusions.length === 0 || !mutability.endsWith('_WITH_EXCLUSION')
      ? {}
      : {
          ImageTagMutabilityExclusionFilters: sorted(exclusions).map((filter) => ({
            ImageTagMutabilityExclusionFilterType: 'WILDCARD',
            ImageTagMutabilityExclusionFilterValue: filter,
          })),
        }),
  };
}

/**
 * AES256 is what a repository has without a word. Written for a repository that exists, it would replace it, and its images with it:
 * https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/2502
 */
export function encryptionProperties({ type, key }: EcrLiveRepository['encryption']): Properties {
  if (type === 'AES256') return {};
  return { EncryptionConfiguration: { EncryptionType: type, ...(key === undefined ? {} : { KmsKey: key }) } };
}

/** Tags with `aws:` are those of AWS, and a template that names one is refused. */
export function tagsProperty(property: 'Tags' | 'ResourceTags', tags: Tags): Properties {
  const own = Object.entries(tags).filter(([key]) => !key.toLowerCase().startsWith('aws:'));
  if (own.length === 0) return {};
  return {
    [property]: sortedByKey(own).map(([Key, Value]) => ({ Key, Value })),
  };
}

/** A policy as an object, for people to read; one that is not JSON stays a text. */
export function policyProperty(text: string): Json {
  try {
    const value: Json = JSON.parse(text);
    return value;
  } catch {
    return text;
  }
}
