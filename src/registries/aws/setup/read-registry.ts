import type { RepositoryCreationTemplate } from '@aws-sdk/client-ecr';
import type {
  CacheRule,
  CreationTemplate,
  RegistryScanning,
  ReplicationRule,
  SigningRule,
} from '../../../domain/setup/ecr/live.ts';
import { type AskEcr, unless } from './ask-ecr.ts';
import { describeReplication } from './raw-replication.ts';

/** The settings of a registry as a whole, each by its own request. */

export async function readScanning(ask: AskEcr): Promise<RegistryScanning> {
  const { scanningConfiguration } = await ask('read', 'reading the scanning configuration', (client) =>
    client.getRegistryScanningConfiguration({}),
  );
  return {
    scanType: scanningConfiguration?.scanType ?? 'BASIC',
    rules: (scanningConfiguration?.rules ?? []).map(({ scanFrequency = 'MANUAL', repositoryFilters = [] }) => ({
      scanFrequency,
      filters: repositoryFilters.flatMap(({ filter }) => filter ?? []),
    })),
  };
}

export async function readReplication(ask: AskEcr): Promise<readonly ReplicationRule[]> {
  return ask('read', 'reading the replication', describeReplication);
}

export async function readBackfills(ask: AskEcr, registryId: string) {
  return paged(async (nextToken) => {
    const page = await ask('read', 'reading what was replicated', (client) =>
      client.listReplicationBackfills({ registryId, ...(nextToken === undefined ? {} : { nextToken }) }),
    );
    const items = (page.backfills ?? [])
      .filter(({ status }) => status !== 'FAILED' && status !== 'STOPPED')
      .map(({ destination }) => ({ region: destination?.region ?? '', registryId: destination?.registryId ?? '' }));
    return { items, nextToken: page.nextToken };
  });
}

export async function readRegistryPolicy(ask: AskEcr): Promise<string | null> {
  const answer = await ask('read', 'reading the policy of the registry', (client) =>
    unless('RegistryPolicyNotFoundException', () => client.getRegistryPolicy({})),
  );
  return answer?.policyText ?? null;
}

export async function readCaches(ask: AskEcr, registryId: string): Promise<readonly CacheRule[]> {
  return paged(async (nextToken) => {
    const page = await ask('read', 'reading the pull-through caches', (client) =>
      client.describePullThroughCacheRules({ registryId, ...(nextToken === undefined ? {} : { nextToken }) }),
    );
    const items = (page.pullThroughCacheRules ?? []).map((rule) => ({
      prefix: rule.ecrRepositoryPrefix ?? '',
      url: rule.upstreamRegistryUrl ?? '',
      upstream: rule.upstreamRegistry,
      upstreamPrefix: rule.upstreamRepositoryPrefix,
      credential: rule.credentialArn,
      role: rule.customRoleArn,
    }));
    return { items, nextToken: page.nextToken };
  });
}

export async function readTemplates(ask: AskEcr): Promise<readonly CreationTemplate[]> {
  return paged(async (nextToken) => {
    const page = await ask('read', 'reading the creation templates', (client) =>
      client.describeRepositoryCreationTemplates({ ...(nextToken === undefined ? {} : { nextToken }) }),
    );
    return { items: (page.repositoryCreationTemplates ?? []).map(templateOf), nextToken: page.nextToken };
  });
}

function templateOf(template: RepositoryCreationTemplate): CreationTemplate {
  return {
    prefix: template.prefix ?? '',
    appliedFor: template.appliedFor ?? [],
    description: template.description,
    mutability: template.imageTagMutability ?? 'MUTABLE',
    exclusions: (template.imageTagMutabilityExclusionFilters ?? []).flatMap(({ filter }) => filter ?? []),
    encryption: {
      type: template.encryptionConfiguration?.encryptionType ?? 'AES256',
      key: template.encryptionConfiguration?.kmsKey,
    },
    tags: Object.fromEntries((template.resourceTags ?? []).map(({ Key = '', Value = '' }) => [Key, Value])),
    repositoryPolicy: template.repositoryPolicy,
    lifecyclePolicy: template.lifecyclePolicy,
    role: template.customRoleArn,
  };
}

export async function readSigning(ask: AskEcr): Promise<readonly SigningRule[]> {
  const answer = await ask('read', 'reading the signing configuration', (client) =>
    unless('SigningConfigurationNotFoundException', () => client.getSigningConfiguration({})),
  );
  return (answer?.signingConfiguration?.rules ?? []).map(({ signingProfileArn = '', repositoryFilters = [] }) => ({
    profile: signingProfileArn,
    filters: repositoryFilters.flatMap(({ filter }) => filter ?? []),
  }));
}

export async function readAccountSetting(ask: AskEcr, name: string): Promise<string | null> {
  const answer = await ask('read', `reading the account setting ${name}`, (client) =>
    client.getAccountSetting({ name }),
  );
  return answer.value ?? null;
}

export async function readPullTimeExclusions(ask: AskEcr): Promise<readonly string[]> {
  return paged(async (nextToken) => {
    const page = await ask('read', 'reading the exclusions from pull times', (client) =>
      client.listPullTimeUpdateExclusions({ ...(nextToken === undefined ? {} : { nextToken }) }),
    );
    return { items: page.pullTimeUpdateExclusions ?? [], nextToken: page.nextToken };
  });
}

const MAX_PAGES = 1000;

async function paged<T>(
  next: (
    token: string | undefined,
  ) => Promise<{ readonly items: readonly T[]; readonly nextToken: string | undefined }>,
): Promise<readonly T[]> {
  const all: T[] = [];
  let token: string | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const { items, nextToken } = await next(token);
    all.push(...items);
    if (nextToken === undefined || nextToken === token) break;
    token = nextToken;
  }
  return all;
}
