import type { Reading } from '../../compare.ts';
import type { DesiredRegistry } from '../../desired-state.ts';
import { entriesOf } from '../../ecr/account.ts';
import type { EcrLive, RegistryScanning, ReplicationRule, SigningRule } from '../../ecr/live.ts';
import { policyProperty } from './ecr-repository.ts';
import type { EcrSource } from './ecr-source.ts';
import type { MissingPart, Properties, Resource, Resources } from './resource.ts';

/** A document that a registry has once, with what others wrote in it. */
interface RegistryDocument {
  readonly type: string;
  readonly name: string;
  readonly title: string;
  /** Line of the file that asks for it; undefined: none does. */
  readonly line: number | undefined;
  readonly properties: (state: EcrLive) => Properties | undefined;
  /** Whether the registry has what every registry begins with: for CloudFormation that is nothing to import. */
  readonly isUntouched?: (state: EcrLive) => boolean;
  readonly obstacle?: (state: EcrLive) => string | undefined;
}

const APPLY_INSTEAD = 'Apply it with `command: setup`.';

/** Documents of the registry as a whole: there is one of each for an account and region, so a stack that has one owns it. */
export function registryResources(source: EcrSource): Resources {
  const { desired, live, planned } = source;
  const resources: Resource[] = [];
  const leftOut: MissingPart[] = [...accountSettings(desired), ...backfills(desired)];
  for (const { type, name, title, line, properties, isUntouched, obstacle } of documents(source)) {
    if (line === undefined) continue;
    const after = properties(planned);
    const present = isUntouched?.(live) === true ? undefined : properties(live);
    const reason = obstacle?.(planned) ?? obstacle?.(live);
    if (reason !== undefined) leftOut.push({ what: title, reason, instead: APPLY_INSTEAD });
    else if (after !== undefined) {
      const identifier = { RegistryId: live.account };
      resources.push({ type, name, about: `${title} of ${desired.key}`, line, properties: after, present, identifier });
    } else if (present !== undefined) {
      const kept = 'It is to be removed, and a stack keeps what its template no longer has.';
      leftOut.push({ what: title, reason: kept, instead: APPLY_INSTEAD });
    }
  }
  for (const arn of pullTimeExclusions(desired)) resources.push(exclusion(arn, source));
  return { resources, leftOut };
}

function documents({ desired, planned }: EcrSource): readonly RegistryDocument[] {
  return [
    {
      type: 'AWS::ECR::RegistryScanningConfiguration',
      name: ':scanning',
      title: 'scanning',
      line: scanningLine(desired, planned),
      properties: ({ scanning }) => read(scanning, scanningProperties),
      isUntouched: ({ scanning }) =>
        scanning?.ok === true && scanning.value.scanType === 'BASIC' && scanning.value.rules.length === 0,
      obstacle: ({ scanning }) => (scanning?.ok === true ? scanningObstacle(scanning.value) : undefined),
    },
    {
      type: 'AWS::ECR::RegistryPolicy',
      name: 'registry:policy',
      title: 'registry policy',
      line: (desired.receive ?? desired.cache ?? desired.own.get('aws')?.get('policyStatements'))?.line,
      properties: ({ registryPolicy }) =>
        read(registryPolicy, (text) => (text === null ? undefined : { PolicyText: policyProperty(text) })),
    },
    {
      type: 'AWS::ECR::SigningConfiguration',
      name: ':signing',
      title: 'signing',
      line: desired.signing?.line,
      properties: ({ signing }) =>
        read(signing, (rules) => (rules.length === 0 ? undefined : { Rules: rules.map(signingRule) })),
    },
    {
      type: 'AWS::ECR::ReplicationConfiguration',
      name: ':replication',
      title: 'replication',
      line: desired.replicate?.line,
      properties: ({ replication }) =>
        read(replication, (rules) =>
          rules.length === 0 ? undefined : { ReplicationConfiguration: { Rules: rules.map(replicationRule) } },
        ),
      obstacle: ({ replication }) =>
        replication?.ok === true && replication.value.some(({ deletes }) => deletes === true)
          ? 'A rule copies deletions, which the resource types of CloudFormation do not have: a stack would turn that off.'
          : undefined,
    },
  ];
}

function read<T>(reading: Reading<T> | undefined, properties: (value: T) => Properties | undefined) {
  return reading?.ok === true ? properties(reading.value) : undefined;
}

/** Scanning is the registry's where the file sets its type, or where a filter is the name of one of our repositories. */
function scanningLine({ scanning, repositories }: DesiredRegistry, planned: EcrLive): number | undefined {
  if (scanning !== undefined) return scanning.line;
  const filters = planned.scanning?.ok === true ? planned.scanning.value.rules.flatMap((rule) => rule.filters) : [];
  return repositories.find(({ name, settings }) => settings.scan !== undefined && filters.includes(name))?.settings.scan
    ?.line;
}

function scanningProperties({ scanType, rules }: RegistryScanning): Properties {
  return {
    ScanType: scanType,
    Rules: rules
      .filter(({ filters }) => filters.length > 0)
      .map(({ scanFrequency, filters }) => ({
        ScanFrequency: scanFrequency,
        RepositoryFilters: [...new Set(filters)].map((Filter) => ({ Filter, FilterType: 'WILDCARD' })),
      })),
  };
}

/** https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ScanningRepositoryFilter.html */
const SCANNING_FILTER = /^[a-z0-9*]+(?:[._\-/][a-z0-9*]+)*$/;

function scanningObstacle({ rules }: RegistryScanning): string | undefined {
  if (rules.some(({ scanFrequency }) => scanFrequency === 'MANUAL'))
    return 'The registry has a rule `MANUAL`, which CloudFormation does not support and would remove.';
  const wrong = rules.flatMap(({ filters }) => filters).find((filter) => !SCANNING_FILTER.test(filter));
  return wrong === undefined
    ? undefined
    : `CloudFormation does not take \`${wrong}\` as the filter of a scanning rule.`;
}

function replicationRule({ destinations, filters }: ReplicationRule) {
  return {
    Destinations: destinations.map(({ region, registryId }) => ({ Region: region, RegistryId: registryId })),
    ...(filters.length === 0
      ? {}
      : { RepositoryFilters: filters.map((Filter) => ({ Filter, FilterType: 'PREFIX_MATCH' })) }),
  };
}

function signingRule({ profile, filters }: SigningRule) {
  return {
    SigningProfileArn: profile,
    ...(filters.length === 0
      ? {}
      : { RepositoryFilters: filters.map((Filter) => ({ Filter, FilterType: 'WILDCARD_MATCH' })) }),
  };
}

function pullTimeExclusions({ own }: DesiredRegistry): readonly string[] {
  return [own.get('aws')?.get('pullTimeUpdateExclusions')?.value ?? []].flat().map(String);
}

function exclusion(arn: string, { desired, live }: EcrSource): Resource {
  const properties = { PrincipalArn: arn };
  const isPresent = live.pullTimeExclusions?.ok === true && live.pullTimeExclusions.value.includes(arn);
  return {
    type: 'AWS::ECR::PullTimeUpdateExclusion',
    name: `pull-time:${arn.slice(arn.indexOf('/') + 1)}`,
    about: `pull times without ${arn} on ${desired.key}`,
    line: desired.own.get('aws')?.get('pullTimeUpdateExclusions')?.line ?? desired.line,
    properties,
    present: isPresent ? properties : undefined,
    identifier: properties,
  };
}

function accountSettings({ own }: DesiredRegistry): readonly MissingPart[] {
  return entriesOf(own.get('aws')?.get('accountSettings')?.value ?? null).map(([name, value]) => ({
    what: `account setting ${name}`,
    reason: 'CloudFormation has no resource type for settings of the account.',
    instead: `Apply it with \`command: setup\`, or run \`aws ecr put-account-setting --name ${name} --value ${value}\` once.`,
  }));
}

function backfills({ replicate }: DesiredRegistry): readonly MissingPart[] {
  const copies = replicate?.value?.filter(({ copiesExisting }) => copiesExisting) ?? [];
  return copies.map(({ to }) => ({
    what: `replicate.existing ${to.join(', ')}`,
    reason: 'CloudFormation sets the rules of replication and does not copy what was pushed before.',
    instead: 'Run `command: setup` once after the stack is created.',
  }));
}
