import type { CreateRepositoryCreationTemplateRequest } from '@aws-sdk/client-ecr';
import { sorted } from '../compare.ts';
import type { DesiredRegistry } from '../desired-state.ts';
import { entriesOf } from './account.ts';
import type { CacheRule, CreationTemplate, EcrLive } from './live.ts';
import type { EcrRequests } from './requests.ts';
import type { EcrDocuments, EcrState, InState } from './state.ts';

/** The documents that a registry has one of each. */
export function documentStates(desired: DesiredRegistry, live: EcrLive, requests: EcrRequests): EcrDocuments {
  const { scanning, replication, registryPolicy, signing } = live;
  const lineOf = (given: { readonly line: number } | undefined) => given?.line ?? desired.line;
  const scan = requests.PutRegistryScanningConfiguration.at(-1);
  const rules = requests.PutReplicationConfiguration.at(-1)?.replicationConfiguration.rules;
  const policy = requests.PutRegistryPolicy.at(-1);
  const signed = requests.PutSigningConfiguration.at(-1)?.signingConfiguration;
  const filters = scanning?.ok === true ? scanning.value.rules.flatMap((rule) => rule.filters) : [];
  // Once the filters are there, nothing asks for them any more. Code that no longer had them would take them away.
  const isInFilters = desired.repositories.some(
    ({ name, settings }) => settings.scan !== undefined && filters.includes(name),
  );
  // Nor does anything ask for them once `off` has taken the last of ours out, and without the code those of others would go as well.
  const isSwitchedOff =
    desired.repositories.some(({ settings }) => settings.scan?.value === 'off') &&
    scanning?.ok === true &&
    (filters.length > 0 || scanning.value.scanType !== 'BASIC');
  const asksForScanning = desired.scanning !== undefined || scan !== undefined || isInFilters || isSwitchedOff;
  return {
    ...(asksForScanning && scanning?.ok === true
      ? {
          scanning: {
            exists: true,
            line: lineOf(desired.scanning ?? desired.repositories.find(({ settings }) => settings.scan)?.settings.scan),
            value:
              scan === undefined
                ? scanning.value
                : {
                    scanType: scan.scanType ?? scanning.value.scanType,
                    rules: (scan.rules ?? []).map(({ scanFrequency = 'MANUAL', repositoryFilters = [] }) => ({
                      scanFrequency,
                      filters: repositoryFilters.flatMap(({ filter }) => filter ?? []),
                    })),
                  },
          },
        }
      : {}),
    ...(desired.replicate !== undefined && replication?.ok === true
      ? {
          replication: {
            exists: replication.value.length > 0,
            line: lineOf(desired.replicate),
            value:
              rules?.map(({ destinations, repositoryFilters = [], deleteReplication }) => ({
                destinations,
                filters: repositoryFilters.map(({ filter }) => filter),
                deletes: deleteReplication?.enabled,
              })) ?? replication.value,
          },
        }
      : {}),
    ...(registryPolicy?.ok === true
      ? {
          registryPolicy: {
            exists: registryPolicy.value !== null,
            line: lineOf(desired.receive ?? desired.cache ?? desired.own.get('aws')?.get('policyStatements')),
            value: policy === undefined ? registryPolicy.value : policy.policyText,
          },
        }
      : {}),
    ...(desired.signing !== undefined && signing?.ok === true
      ? {
          signing: {
            exists: signing.value.length > 0,
            line: lineOf(desired.signing),
            value:
              signed?.rules?.map(({ signingProfileArn: profile = '', repositoryFilters = [] }) => ({
                profile,
                filters: repositoryFilters.flatMap(({ filter }) => filter ?? []),
              })) ?? signing.value,
          },
        }
      : {}),
  };
}

export function cacheStates(
  { cache }: DesiredRegistry,
  { caches }: EcrLive,
  requests: EcrRequests,
): readonly InState<CacheRule>[] {
  if (caches?.ok !== true) return [];
  return (cache?.value ?? []).flatMap(({ prefix, line }): readonly InState<CacheRule>[] => {
    const present = caches.value.find((each) => each.prefix === prefix);
    const made = requests.CreatePullThroughCacheRule.find((each) => each.ecrRepositoryPrefix === prefix);
    const updated = requests.UpdatePullThroughCacheRule.find((each) => each.ecrRepositoryPrefix === prefix);
    if (present !== undefined) {
      const value: CacheRule = {
        ...present,
        credential: updated?.credentialArn ?? present.credential,
        role: updated?.customRoleArn ?? present.role,
      };
      return [{ value, exists: true, line }];
    }
    if (made === undefined) return [];
    const value: CacheRule = {
      prefix,
      url: made.upstreamRegistryUrl ?? '',
      upstream: made.upstreamRegistry,
      upstreamPrefix: made.upstreamRepositoryPrefix,
      credential: made.credentialArn,
      role: made.customRoleArn,
    };
    return [{ value, exists: false, line }];
  });
}

/** Those of the file, and those that its caches need. */
export function templateStates(
  { templates, cache, line }: DesiredRegistry,
  live: EcrLive,
  requests: EcrRequests,
): readonly InState<CreationTemplate>[] {
  if (live.templates?.ok !== true) return [];
  const entries = [...(templates?.value ?? []), ...(cache?.value ?? []).filter(({ pull }) => pull.length > 0)];
  const present = live.templates.value;
  return sorted(entries.map(({ prefix }) => prefix)).flatMap((prefix) => {
    const before = present.find((each) => each.prefix === prefix);
    const input =
      requests.CreateRepositoryCreationTemplate.find((each) => each.prefix === prefix) ??
      requests.UpdateRepositoryCreationTemplate.find((each) => each.prefix === prefix);
    const value = input === undefined ? before : { ...before, ...templateOf(prefix, input, before) };
    const own = entries.find((each) => each.prefix === prefix);
    return value === undefined ? [] : [{ value, exists: before !== undefined, line: own?.line ?? line }];
  });
}

/** An update replaces what it names, and leaves the rest as it was. */
function templateOf(
  prefix: string,
  input: Partial<CreateRepositoryCreationTemplateRequest>,
  before: CreationTemplate | undefined,
): CreationTemplate {
  const { encryptionConfiguration: encryption, imageTagMutability: mutability } = input;
  return {
    prefix,
    appliedFor: input.appliedFor ?? before?.appliedFor ?? [],
    description: input.description ?? before?.description,
    mutability: mutability ?? before?.mutability ?? 'MUTABLE',
    exclusions:
      mutability === undefined
        ? (before?.exclusions ?? [])
        : (input.imageTagMutabilityExclusionFilters ?? []).flatMap(({ filter }) => filter ?? []),
    encryption:
      encryption === undefined
        ? (before?.encryption ?? { type: 'AES256', key: undefined })
        : { type: encryption.encryptionType ?? 'KMS', key: encryption.kmsKey },
    tags:
      input.resourceTags === undefined
        ? (before?.tags ?? {})
        : Object.fromEntries(input.resourceTags.map(({ Key = '', Value = '' }) => [Key, Value])),
    repositoryPolicy: input.repositoryPolicy ?? before?.repositoryPolicy,
    lifecyclePolicy: input.lifecyclePolicy ?? before?.lifecyclePolicy,
    role: input.customRoleArn ?? before?.role,
  };
}

/** Settings that the account has for all its registries. */
export function accountState(
  { own }: DesiredRegistry,
  live: EcrLive,
): Pick<EcrState, 'accountSettings' | 'pullTimeExclusions'> {
  const settings = own.get('aws')?.get('accountSettings');
  const exclusions = own.get('aws')?.get('pullTimeUpdateExclusions');
  const excluded = live.pullTimeExclusions;
  return {
    accountSettings:
      settings === undefined
        ? []
        : entriesOf(settings.value).flatMap(([name, value]) => {
            const reading = live.accountSettings?.get(name);
            return reading?.ok === true
              ? [{ value: { name, value }, exists: reading.value !== null, line: settings.line }]
              : [];
          }),
    pullTimeExclusions:
      exclusions === undefined || excluded?.ok !== true
        ? []
        : sorted([exclusions.value].flat().map(String)).map((value) => ({
            value,
            exists: excluded.value.includes(value),
            line: exclusions.line,
          })),
  };
}
