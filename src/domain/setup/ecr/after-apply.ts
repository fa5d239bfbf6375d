import type { DesiredRegistry, DesiredRepository } from '../desired-state.ts';
import type { EcrLive, EcrLiveRepository } from './live.ts';
import { planEcr } from './plan.ts';
import { accountState, cacheStates, documentStates, templateStates } from './registry-state.ts';
import { type EcrRequests, requestsOf } from './requests.ts';
import type { EcrRepositoryState, EcrState } from './state.ts';

/** Applies the plan to what was read. Pure. */
export function ecrState(desired: DesiredRegistry, live: EcrLive): EcrState {
  const { settings, steps } = planEcr(desired, live);
  const requests = requestsOf(steps.map(({ request }) => request));
  const { account, region, partition } = live;
  const refused = new Set(settings.filter(({ action }) => action === 'needs-recreation').map(({ subject }) => subject));
  const caches = cacheStates(desired, live, requests).filter(
    ({ value }) =>
      !settings.some(({ name, action }) => name === `cache ${value.prefix}` && action === 'needs-recreation'),
  );
  return {
    kind: 'ecr',
    account,
    region,
    partition,
    repositories: desired.repositories.flatMap((repository) =>
      refused.has(repository.name) ? [] : repositoryState(repository, live, requests),
    ),
    ...documentStates(desired, live, requests),
    caches,
    templates: templateStates(desired, live, requests),
    ...accountState(desired, live),
    live,
    settings,
  };
}

function repositoryState(
  { name, line }: DesiredRepository,
  live: EcrLive,
  requests: EcrRequests,
): readonly EcrRepositoryState[] {
  const own = <T extends { readonly repositoryName?: string | undefined }>(inputs: readonly T[]) =>
    inputs.findLast(({ repositoryName }) => repositoryName === name);
  const present = live.repositories.get(name);
  const creation = own(requests.CreateRepository);
  if (present === undefined && creation === undefined) return [];
  const mutability = own(requests.PutImageTagMutability) ?? creation;
  const scanning = (own(requests.PutImageScanningConfiguration) ?? creation)?.imageScanningConfiguration;
  const policy = own(requests.SetRepositoryPolicy);
  const lifecycle = own(requests.PutLifecyclePolicy);
  const before = {
    policy: present?.policy?.ok === true ? present.policy.value : null,
    lifecycle: present?.lifecycle?.ok === true ? present.lifecycle.value : null,
  };
  const key = creation?.encryptionConfiguration?.kmsKey;
  return [
    {
      name,
      line,
      exists: present !== undefined,
      mutability: mutability?.imageTagMutability ?? present?.mutability ?? 'MUTABLE',
      exclusions:
        mutability?.imageTagMutability === undefined
          ? (present?.exclusions ?? [])
          : (mutability.imageTagMutabilityExclusionFilters ?? []).flatMap(({ filter }) => filter ?? []),
      scanOnPush: scanning?.scanOnPush ?? present?.scanOnPush ?? false,
      encryption: present?.encryption ?? { type: key === undefined ? 'AES256' : 'KMS', key },
      tags: present?.tags?.ok === false ? undefined : tagsAfter(present, creation, requests),
      policy: {
        value: policy === undefined ? before.policy : policy.policyText,
        exists: before.policy !== null,
      },
      lifecycle: {
        value:
          own(requests.DeleteLifecyclePolicy) === undefined
            ? (lifecycle?.lifecyclePolicyText ?? before.lifecycle)
            : null,
        exists: before.lifecycle !== null,
      },
    },
  ];
}

function tagsAfter(
  present: EcrLiveRepository | undefined,
  creation: EcrRequests['CreateRepository'][number] | undefined,
  requests: EcrRequests,
): Readonly<Record<string, string>> {
  const before = present?.tags?.ok === true ? present.tags.value : {};
  const set = [
    ...(creation?.tags ?? []),
    ...requests.TagResource.filter(({ resourceArn }) => resourceArn === present?.arn).flatMap(({ tags }) => tags ?? []),
  ];
  const removed = new Set(
    requests.UntagResource.filter(({ resourceArn }) => resourceArn === present?.arn).flatMap(
      ({ tagKeys }) => tagKeys ?? [],
    ),
  );
  const after = Object.entries({
    ...before,
    ...Object.fromEntries(set.map(({ Key = '', Value = '' }) => [Key, Value])),
  });
  // Tags that begin so are written by AWS itself.
  return Object.fromEntries(after.filter(([key]) => !removed.has(key) && !key.startsWith('aws:')).sort());
}
