import { fieldsOf } from '../../fields.ts';
import type { CacheRule, CreationTemplate, EcrLive, EcrLiveRepository } from './live.ts';
import type { EcrRequest } from './request.ts';

type Input<Operation extends EcrRequest['operation']> = Extract<EcrRequest, { readonly operation: Operation }>['input'];

/** The registry as it is once these requests are done, in their order. Pure. */
export function plannedState(live: EcrLive, requests: readonly EcrRequest[]): EcrLive {
  return requests.reduce(after, live);
}

function after(live: EcrLive, request: EcrRequest): EcrLive {
  switch (request.operation) {
    case 'CreateRepository':
      return withRepository(live, request.input.repositoryName ?? '', created(live, request.input));
    case 'PutImageTagMutability': {
      const { repositoryName = '', imageTagMutability = 'MUTABLE', imageTagMutabilityExclusionFilters } = request.input;
      const exclusions = filtersOf(imageTagMutabilityExclusionFilters);
      return changed(live, repositoryName, { mutability: imageTagMutability, exclusions });
    }
    case 'PutImageScanningConfiguration': {
      const { repositoryName = '', imageScanningConfiguration } = request.input;
      return changed(live, repositoryName, { scanOnPush: imageScanningConfiguration?.scanOnPush === true });
    }
    case 'TagResource':
      return retagged(live, request.input.resourceArn, (tags) => ({ ...tags, ...pairsOf(request.input.tags) }));
    case 'UntagResource': {
      const gone = new Set(request.input.tagKeys);
      return retagged(live, request.input.resourceArn, (tags) =>
        Object.fromEntries(Object.entries(tags).filter(([key]) => !gone.has(key))),
      );
    }
    case 'SetRepositoryPolicy':
      return changed(live, request.input.repositoryName, { policy: known(request.input.policyText) });
    case 'PutLifecyclePolicy': {
      const { repositoryName = '', lifecyclePolicyText = '' } = request.input;
      return changed(live, repositoryName, { lifecycle: known(lifecyclePolicyText) });
    }
    case 'DeleteLifecyclePolicy':
      return changed(live, request.input.repositoryName, { lifecycle: known(null) });
    case 'PutRegistryScanningConfiguration': {
      const { scanType = 'BASIC', rules = [] } = request.input;
      const list = rules.map(({ scanFrequency = 'MANUAL', repositoryFilters }) => ({
        scanFrequency,
        filters: filtersOf(repositoryFilters),
      }));
      return { ...live, scanning: known({ scanType, rules: list }) };
    }
    case 'PutReplicationConfiguration': {
      const rules = request.input.replicationConfiguration.rules.map((rule) => ({
        destinations: rule.destinations,
        filters: filtersOf(rule.repositoryFilters),
        deletes: rule.deleteReplication?.enabled,
      }));
      return { ...live, replication: known(rules) };
    }
    case 'StartReplicationBackfill': {
      const { region = '', registryId = '' } = request.input.destination ?? {};
      const before = live.backfills?.ok === true ? live.backfills.value : [];
      return { ...live, backfills: known([...before, { region, registryId }]) };
    }
    case 'PutRegistryPolicy':
      return { ...live, registryPolicy: known(request.input.policyText) };
    case 'CreatePullThroughCacheRule':
    case 'UpdatePullThroughCacheRule':
      return withCache(live, request.input);
    case 'CreateRepositoryCreationTemplate':
    case 'UpdateRepositoryCreationTemplate':
      return withTemplate(live, request.input);
    case 'PutSigningConfiguration': {
      const rules = (request.input.signingConfiguration?.rules ?? []).map((rule) => ({
        profile: rule.signingProfileArn ?? '',
        filters: filtersOf(rule.repositoryFilters),
      }));
      return { ...live, signing: known(rules) };
    }
    case 'PutAccountSetting': {
      const { name = '', value = '' } = request.input;
      return { ...live, accountSettings: new Map([...(live.accountSettings ?? []), [name, known(value)]]) };
    }
    case 'RegisterPullTimeUpdateExclusion': {
      const before = live.pullTimeExclusions?.ok === true ? live.pullTimeExclusions.value : [];
      return { ...live, pullTimeExclusions: known([...before, request.input.principalArn ?? '']) };
    }
  }
}

const known = <T>(value: T) => ({ ok: true, value }) as const;

function filtersOf(filters: readonly { readonly filter?: string | undefined }[] | undefined): readonly string[] {
  return (filters ?? []).flatMap(({ filter }) => filter ?? []);
}

function pairsOf(tags: readonly { readonly Key?: string | undefined; readonly Value?: string | undefined }[] = []) {
  return Object.fromEntries(tags.map(({ Key = '', Value = '' }) => [Key, Value]));
}

function created(
  { account, region, partition }: EcrLive,
  { repositoryName, imageTagMutability, encryptionConfiguration, ...input }: Input<'CreateRepository'>,
): EcrLiveRepository {
  return {
    arn: `arn:${partition}:ecr:${region}:${account}:repository/${repositoryName}`,
    mutability: imageTagMutability ?? 'MUTABLE',
    exclusions: filtersOf(input.imageTagMutabilityExclusionFilters),
    scanOnPush: input.imageScanningConfiguration?.scanOnPush === true,
    encryption: { type: encryptionConfiguration?.encryptionType ?? 'AES256', key: encryptionConfiguration?.kmsKey },
    tags: known(pairsOf(input.tags)),
    policy: known(null),
    lifecycle: known(null),
  };
}

function withRepository(live: EcrLive, name: string, repository: EcrLiveRepository): EcrLive {
  return { ...live, repositories: new Map([...live.repositories, [name, repository]]) };
}

function changed(live: EcrLive, name = '', change: Partial<EcrLiveRepository>): EcrLive {
  const present = live.repositories.get(name);
  return present === undefined ? live : withRepository(live, name, { ...present, ...change });
}

function retagged(
  live: EcrLive,
  arn: string | undefined,
  change: (tags: Readonly<Record<string, string>>) => Readonly<Record<string, string>>,
): EcrLive {
  const [name] = [...live.repositories].find(([, repository]) => repository.arn === arn) ?? [];
  const tags = live.repositories.get(name ?? '')?.tags;
  return tags?.ok === true ? changed(live, name, { tags: known(change(tags.value)) }) : live;
}

function withCache(
  live: EcrLive,
  input: Input<'CreatePullThroughCacheRule'> | Input<'UpdatePullThroughCacheRule'>,
): EcrLive {
  const { url, upstream, upstreamPrefix } = readCreation(fieldsOf(input));
  const all = live.caches?.ok === true ? live.caches.value : [];
  const before = all.find(({ prefix }) => prefix === input.ecrRepositoryPrefix);
  const rule: CacheRule = {
    prefix: input.ecrRepositoryPrefix ?? '',
    url: url ?? before?.url ?? '',
    upstream: upstream ?? before?.upstream,
    upstreamPrefix: upstreamPrefix ?? before?.upstreamPrefix,
    credential: input.credentialArn ?? before?.credential,
    role: input.customRoleArn ?? before?.role,
  };
  return { ...live, caches: known([...all.filter((each) => each !== before), rule]) };
}

/** What only the creation of a cache sets. */
function readCreation(input: Readonly<Record<string, unknown>>) {
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
  return {
    url: text(input.upstreamRegistryUrl),
    upstream: text(input.upstreamRegistry),
    upstreamPrefix: text(input.upstreamRepositoryPrefix),
  };
}

/** An update changes only what it names. */
function withTemplate(
  live: EcrLive,
  input: Input<'CreateRepositoryCreationTemplate'> | Input<'UpdateRepositoryCreationTemplate'>,
): EcrLive {
  const all = live.templates?.ok === true ? live.templates.value : [];
  const before = all.find(({ prefix }) => prefix === input.prefix);
  const { encryptionConfiguration: encryption } = input;
  const template: CreationTemplate = {
    prefix: input.prefix ?? '',
    appliedFor: input.appliedFor ?? before?.appliedFor ?? [],
    description: input.description ?? before?.description,
    mutability: input.imageTagMutability ?? before?.mutability ?? 'MUTABLE',
    exclusions:
      input.imageTagMutability === undefined
        ? (before?.exclusions ?? [])
        : filtersOf(input.imageTagMutabilityExclusionFilters),
    encryption:
      encryption === undefined
        ? (before?.encryption ?? { type: 'AES256', key: undefined })
        : { type: encryption.encryptionType ?? 'AES256', key: encryption.kmsKey },
    tags: input.resourceTags === undefined ? (before?.tags ?? {}) : pairsOf(input.resourceTags),
    repositoryPolicy: input.repositoryPolicy ?? before?.repositoryPolicy,
    lifecyclePolicy: input.lifecyclePolicy ?? before?.lifecyclePolicy,
    role: input.customRoleArn ?? before?.role,
  };
  return { ...live, templates: known([...all.filter((each) => each !== before), template]) };
}
