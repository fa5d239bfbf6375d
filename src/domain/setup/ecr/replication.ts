import { canonicalJson } from '../../canonical-json.ts';
import { byText } from '../../compare-text.ts';
import { compared, denied, isDue, type Part, sorted } from '../compare.ts';
import type { DesiredRegistry, Replication } from '../desired-state.ts';
import type { Json } from '../json.ts';
import { type Setting, type SetupStep, settingId } from '../setting.ts';
import type { EcrLive, ReplicationRule, ReplicationTarget } from './live.ts';
import type { EcrRequest, ReplicationRuleInput } from './request.ts';

/** `us-east-1` of the own account, or `444455556666/us-east-1`. */
export function replicationTarget(text: string, account: string): ReplicationTarget {
  const [registryId = '', region] = text.split('/');
  return region === undefined ? { region: registryId, registryId: account } : { region, registryId };
}

/** As the file writes it. */
function targetText({ region, registryId }: ReplicationTarget, account: string): string {
  return registryId === account ? region : `${registryId}/${region}`;
}

/**
 * Replication is one document of the registry. Its rules have no names, so ours are those all of whose filters lie under prefixes of
 * the file; all others stay. https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutReplicationConfiguration.html
 */
export function planReplication(desired: DesiredRegistry, live: EcrLive): Part<EcrRequest> {
  const wanted = desired.replicate;
  const reading = live.replication;
  if (wanted === undefined || reading === undefined) return { settings: [] };
  const { account } = live;
  const entries = wanted.value ?? [];
  const name = { subject: '', name: 'replicate', line: wanted.line };
  if (!reading.ok) {
    return {
      settings: [
        denied(
          name,
          rulesJson(
            entries.map((each) => ruleOf(each, account, [])),
            account,
          ),
          reading.reason,
        ),
      ],
    };
  }
  const prefixes = ownPrefixes(desired, entries);
  const isForAll = entries.some(({ only }) => only.length === 0);
  const isOurs = ({ filters }: ReplicationRule) =>
    filters.length === 0 ? isForAll : filters.every((filter) => prefixes.some((prefix) => filter.startsWith(prefix)));
  const before = reading.value.filter(isOurs);
  const foreign = reading.value.filter((rule) => !isOurs(rule));
  const rules = entries.map((each) => ruleOf(each, account, before));
  const setting = compared(name, rulesJson(before, account), rulesJson(rules, account));
  const kept = foreign.map(
    (rule): Setting => ({
      subject: '',
      name: `replicate ${rule.filters.join(', ') || 'everything'}`,
      is: rulesJson([rule], account),
      action: 'kept-foreign',
      reason: 'Kept: its prefixes are not those of this file.',
    }),
  );
  const steps: SetupStep<EcrRequest>[] = [];
  if (isDue(setting)) {
    steps.push({
      id: 'replicate',
      subject: '',
      settings: [settingId(setting)],
      request: {
        operation: 'PutReplicationConfiguration',
        input: { replicationConfiguration: { rules: [...foreign, ...rules].map(ruleInput) } },
        before: replicationText(reading.value),
      },
    });
  }
  const copies = planBackfills(
    entries,
    live,
    steps.map(({ id }) => id),
  );
  return {
    settings: [setting, ...kept, ...copies.settings],
    steps: [...steps, ...(copies.steps ?? [])],
  };
}

/** A form that is the same for the same rules, to compare. */
export function replicationText(rules: readonly ReplicationRule[]): string {
  return canonicalJson(
    sorted(
      rules.map(({ destinations, filters, deletes = false }) =>
        canonicalJson({
          destinations: sorted(destinations.map(({ region, registryId }) => `${registryId}/${region}`)),
          filters: sorted(filters),
          deletes,
        }),
      ),
    ),
  );
}

function rulesJson(rules: readonly ReplicationRule[], account: string): Json {
  if (rules.length === 0) return null;
  const texts = rules.map(({ destinations, filters, deletes = false }) => ({
    to: sorted(destinations.map((each) => targetText(each, account))),
    ...(filters.length === 0 ? {} : { only: sorted(filters) }),
    ...(deletes ? { deletes } : {}),
  }));
  return texts.toSorted(byText(canonicalJson));
}

/** @param before our rules, for what the file leaves alone */
function ruleOf(
  { to, only, deletes }: Replication,
  account: string,
  before: readonly ReplicationRule[],
): ReplicationRule {
  const filters = sorted(only);
  const same = before.find((rule) => canonicalJson(sorted(rule.filters)) === canonicalJson(filters));
  return {
    destinations: sorted(to).map((each) => replicationTarget(each, account)),
    filters,
    deletes: deletes ?? same?.deletes,
  };
}

function ruleInput({ destinations, filters, deletes }: ReplicationRule): ReplicationRuleInput {
  return {
    destinations: destinations.map(({ region, registryId }) => ({ region, registryId })),
    ...(filters.length === 0
      ? {}
      : { repositoryFilters: filters.map((filter) => ({ filter, filterType: 'PREFIX_MATCH' as const })) }),
    ...(deletes === undefined ? {} : { deleteReplication: { enabled: deletes } }),
  };
}

/** Prefixes that `only` names, and the first parts of the repositories of the file. */
function ownPrefixes({ repositories }: DesiredRegistry, entries: readonly Replication[]): readonly string[] {
  const folders = repositories.flatMap(({ name }) => (name.includes('/') ? [`${name.split('/', 1)[0]}/`] : []));
  return sorted([...entries.flatMap(({ only }) => only), ...folders]);
}

/** What was pushed before a rule is copied once for each target. AWS keeps the record of that for 90 days. */
function planBackfills(
  entries: readonly Replication[],
  { account, backfills }: EcrLive,
  after: readonly string[],
): Part<EcrRequest> {
  const targets = new Map(
    entries.flatMap(({ to, copiesExisting, line }) => (copiesExisting ? to.map((each) => [each, line] as const) : [])),
  );
  const results = [...targets].map(([text, line]): Part<EcrRequest> => {
    const target = replicationTarget(text, account);
    const name = { subject: '', name: `replicate.existing ${text}`, line };
    if (backfills === undefined || !backfills.ok)
      return { settings: [denied(name, 'copied', backfills?.reason ?? 'It is unknown what was copied.')] };
    const isDone = backfills.value.some(
      ({ region, registryId }) => region === target.region && registryId === target.registryId,
    );
    const setting = compared(name, isDone ? 'copied' : null, 'copied');
    if (isDone) return { settings: [setting] };
    return {
      settings: [setting],
      steps: [
        {
          id: `replicate.existing ${text}`,
          subject: '',
          settings: [settingId(setting)],
          request: { operation: 'StartReplicationBackfill', input: { destination: { ...target } } },
          ...(after.length === 0 ? {} : { after }),
        },
      ],
    };
  });
  return {
    settings: results.flatMap(({ settings }) => settings),
    steps: results.flatMap(({ steps = [] }) => steps),
  };
}
