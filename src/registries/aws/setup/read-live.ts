import type { Repository } from '@aws-sdk/client-ecr';
import { type Reading, sorted } from '../../../domain/setup/compare.ts';
import type { DesiredRegistry, DesiredRepository } from '../../../domain/setup/desired-state.ts';
import { entriesOf } from '../../../domain/setup/ecr/account.ts';
import { type EcrLive, type EcrLiveRepository, partitionOf } from '../../../domain/setup/ecr/live.ts';
import type { EcrHost } from '../ecr-host.ts';
import { type AskEcr, readable } from './ask-ecr.ts';
import {
  readAccountSetting,
  readBackfills,
  readCaches,
  readPullTimeExclusions,
  readRegistryPolicy,
  readReplication,
  readScanning,
  readSigning,
  readTemplates,
} from './read-registry.ts';
import { describeOne, readRepository } from './read-repository.ts';

/** Requests at a time for repositories: ECR allows about 20 reads a second. */
const PARALLEL = 8;

/** How a registry is read. */
interface ReadingOfEcr {
  /** The repositories of the registry, or why they could not be listed. */
  readonly listed: Reading<ReadonlyMap<string, Repository>>;
  readonly resolveKeys: (names: readonly string[]) => Promise<ReadonlyMap<string, Reading<string>>>;
  /** All of a repository that the file names, rather than what it has something to say about. */
  readonly isWhole: boolean;
}

/** Reads what the file has something to say about, and nothing else. */
export async function readEcrLive(
  ask: AskEcr,
  { account, region }: EcrHost,
  desired: DesiredRegistry,
  { listed, resolveKeys, isWhole }: ReadingOfEcr,
): Promise<EcrLive> {
  const repositories = new Map<string, EcrLiveRepository>();
  const unreadable = new Map<string, string>();
  const readOne = async (repository: DesiredRepository) => {
    const { name } = repository;
    const found: Reading<Repository | undefined> = listed.ok
      ? { ok: true, value: listed.value.get(name) }
      : await readable('ecr:DescribeRepositories', () => describeOne(ask, account, name));
    if (!found.ok) unreadable.set(name, found.reason);
    else if (found.value !== undefined)
      repositories.set(name, await readRepository(ask, account, found.value, repository, isWhole));
  };
  for (let at = 0; at < desired.repositories.length; at += PARALLEL)
    await Promise.all(desired.repositories.slice(at, at + PARALLEL).map(readOne));

  const own = desired.own.get('aws');
  const settings = own?.get('accountSettings');
  const names = settings === undefined ? [] : entriesOf(settings.value).map(([name]) => name);
  const accountSettings = new Map<string, Reading<string | null>>();
  for (const name of names)
    accountSettings.set(name, await readable('ecr:GetAccountSetting', () => readAccountSetting(ask, name)));
  const asks = {
    scanning: desired.scanning !== undefined || desired.repositories.some((each) => each.settings.scan !== undefined),
    replication: desired.replicate !== undefined,
    backfills: desired.replicate?.value?.some(({ copiesExisting }) => copiesExisting) === true,
    registryPolicy:
      desired.receive !== undefined || desired.cache !== undefined || own?.has('policyStatements') === true,
    templates: desired.templates !== undefined || desired.cache?.value?.some(({ pull }) => pull.length > 0) === true,
  };
  return {
    account,
    region,
    partition: partitionOf(region),
    ...(listed.ok ? {} : { unlistable: listed.reason }),
    // In the order of the file, whichever answer came first.
    repositories: new Map(
      desired.repositories.flatMap(({ name }) => {
        const found = repositories.get(name);
        return found === undefined ? [] : [[name, found] as const];
      }),
    ),
    unreadable,
    keys: await resolveKeys(aliasesIn(desired, repositories)),
    accountSettings,
    ...(asks.scanning
      ? { scanning: await readable('ecr:GetRegistryScanningConfiguration', () => readScanning(ask)) }
      : {}),
    ...(asks.replication ? { replication: await readable('ecr:DescribeRegistry', () => readReplication(ask)) } : {}),
    ...(asks.backfills
      ? { backfills: await readable('ecr:ListReplicationBackfills', () => readBackfills(ask, account)) }
      : {}),
    ...(asks.registryPolicy
      ? { registryPolicy: await readable('ecr:GetRegistryPolicy', () => readRegistryPolicy(ask)) }
      : {}),
    ...(desired.cache === undefined
      ? {}
      : { caches: await readable('ecr:DescribePullThroughCacheRules', () => readCaches(ask, account)) }),
    ...(asks.templates
      ? { templates: await readable('ecr:DescribeRepositoryCreationTemplates', () => readTemplates(ask)) }
      : {}),
    ...(desired.signing === undefined
      ? {}
      : { signing: await readable('ecr:GetSigningConfiguration', () => readSigning(ask)) }),
    ...(own?.has('pullTimeUpdateExclusions') === true
      ? {
          pullTimeExclusions: await readable('ecr:ListPullTimeUpdateExclusions', () => readPullTimeExclusions(ask)),
        }
      : {}),
  };
}

/** Keys that the file names by alias for repositories that have a key: AWS returns that as an ARN. */
function aliasesIn({ repositories }: DesiredRegistry, live: ReadonlyMap<string, EcrLiveRepository>): readonly string[] {
  const names = repositories.flatMap(({ name, settings }) => {
    const key = settings.key?.value;
    const hasKey = live.get(name)?.encryption.key !== undefined;
    return hasKey && key !== undefined && key !== null && /(?:^|:)alias\//.test(key) ? [key] : [];
  });
  return sorted(names);
}
