import { type Fields, fieldsOf } from '../../../domain/fields.ts';
import type { DesiredRegistry } from '../../../domain/setup/desired-state.ts';
import type { Json } from '../../../domain/setup/json.ts';
import { type Change, CREATION, denied } from '../../setup/change.ts';
import type { ArmWrite } from './arm.ts';
import { liveField, ownOf, POLICIES, SWITCHES } from './own-fields.ts';
import { type LiveAcr, propertiesOf, region } from './read.ts';
import type { AcrRequest } from './step.ts';
import type { WantedAcr } from './wanted.ts';

export type AcrChange = Change<AcrRequest>;

/** The registry itself: one request for everything that differs. */
export function planRegistry(desired: DesiredRegistry, wanted: WantedAcr, live: LiveAcr): readonly AcrChange[] {
  const { registry } = live;
  const own = ownOf(desired);
  const sku = own.get('sku');
  const location = own.get('location');
  if (registry === undefined) {
    if (sku === undefined || location === undefined) {
      return [
        {
          action: 'unsupported',
          name: CREATION,
          line: desired.line,
          reason: `There is no registry ${desired.host} in ${desired.in?.value ?? ''}. To create it, write \`azure: {sku: Premium, location: westeurope}\`; otherwise check \`at\` and \`in\`.`,
        },
      ];
    }
    const rows = fieldRows(desired, wanted, {});
    const properties = Object.assign({}, ...rows.map(({ properties: each }) => each));
    const zone = own.get('zoneRedundancy');
    const request: ArmWrite = {
      method: 'PUT',
      path: '',
      what: `creating the registry ${desired.host}`,
      json: {
        location: region(location.value),
        sku: { name: sku.value },
        ...tagsBody(wanted, {}),
        properties: {
          // Azure leaves the admin user off, and a file that says nothing about it must not get another default.
          adminUserEnabled: false,
          ...properties,
          ...(zone === undefined ? {} : { zoneRedundancy: zone.value }),
          ...policiesBody(rows, {}),
        },
      },
    };
    const words = `${String(sku.value)} in ${region(location.value)}`;
    const creation: AcrChange = { action: 'create', name: CREATION, should: words, line: desired.line, request };
    return [creation, ...rows.map(({ change }) => change)];
  }
  const fixed = fixedDifferences(desired, registry);
  if (fixed.length > 0) return fixed;
  const rows = fieldRows(desired, wanted, registry);
  const due = rows.filter(
    ({ change: { action } }) => action === 'create' || action === 'change' || action === 'remove',
  );
  const [first, ...others] = due;
  if (first === undefined) return rows.map(({ change }) => change);
  const properties = Object.assign({}, ...due.map(({ properties: each }) => each));
  const hasTags = due.some(({ change }) => change.name.startsWith('labels.'));
  const request: ArmWrite = {
    method: 'PATCH',
    path: '',
    what: `the settings of ${desired.host}`,
    json: {
      ...(due.some(({ change }) => change.name === 'azure.sku') ? { sku: { name: sku?.value } } : {}),
      ...(hasTags ? tagsBody(wanted, registry) : {}),
      properties: { ...properties, ...policiesBody(due, fieldsOf(propertiesOf(registry).policies)) },
    },
  };
  const covers = others.map(({ change: { name } }) => name);
  return rows.map(({ change }) => (change === first.change ? { ...change, request, covers } : change));
}

interface Row {
  readonly change: Change<never>;
  readonly properties: Fields;
  readonly policies: Fields;
}

function fieldRows(desired: DesiredRegistry, wanted: WantedAcr, registry: Fields): readonly Row[] {
  const rows: Row[] = [];
  const add = (name: string, line: number, is: Json, should: Json, properties: Fields = {}, policies: Fields = {}) => {
    const action = is === should ? 'equal' : should === null ? 'remove' : is === null ? 'create' : 'change';
    rows.push({ change: { action, name, is, should, line }, properties, policies });
  };
  const own = ownOf(desired);
  const isPremium = (own.get('sku')?.value ?? liveField(registry, 'sku')) === 'Premium';
  const sku = own.get('sku');
  if (sku !== undefined) {
    const loss = lossOf(registry, String(sku.value));
    if (loss === undefined) add('azure.sku', sku.line, liveField(registry, 'sku'), sku.value);
    else
      rows.push({
        properties: {},
        policies: {},
        change: {
          action: 'unsupported',
          name: 'azure.sku',
          is: 'Premium',
          should: sku.value,
          line: sku.line,
          reason: loss,
        },
      });
  }
  for (const [field, { value, line }] of own) {
    const is = liveField(registry, field);
    if (SWITCHES.includes(field)) add(`azure.${field}`, line, is, value, { [field]: value });
    if (POLICIES.includes(field)) add(`azure.${field}`, line, is, value, {}, { [field]: { status: value } });
  }
  const { visibility, untaggedDays, tags } = wanted;
  if (visibility !== undefined) {
    const is = propertiesOf(registry).anonymousPullEnabled === true ? 'public' : 'private';
    const anonymousPullEnabled = visibility.value === 'public';
    add('visibility', visibility.line, is, visibility.value, { anonymousPullEnabled });
  }
  if (untaggedDays !== undefined) {
    const { days, status } = fieldsOf(fieldsOf(propertiesOf(registry).policies).retentionPolicy);
    const is = status === 'enabled' && typeof days === 'number' ? `${days} days` : null;
    const { value, line } = untaggedDays;
    const should = value === null ? null : `${value} days`;
    const retentionPolicy = value === null ? { status: 'disabled' } : { days: value, status: 'enabled' };
    const reason =
      'Only Premium removes untagged manifests itself. Run it with `command: cleanup`, or write `azure: {sku: Premium}`.';
    if (value === null || isPremium) add('retention.untagged', line, is, should, {}, { retentionPolicy });
    else
      rows.push({
        properties: {},
        policies: {},
        change: { action: 'unsupported', name: 'retention.untagged', should, line, reason },
      });
  }
  const live = fieldsOf(registry.tags);
  for (const [key, { value, line }] of tags)
    add(`labels.${key}`, line, live[key] === undefined ? null : String(live[key]), value);
  return rows;
}

function policiesBody(rows: readonly Row[], live: Fields): { readonly policies?: Fields } {
  const policies = Object.assign({}, ...rows.map(({ policies: each }) => each));
  // Policies that are not named are not reset: they go along as they are.
  return Object.keys(policies).length === 0 ? {} : { policies: { ...live, ...policies } };
}

function tagsBody({ tags }: WantedAcr, registry: Fields): { readonly tags?: Fields } {
  if (tags.size === 0) return {};
  const merged: Record<string, unknown> = { ...fieldsOf(registry.tags) };
  for (const [key, { value }] of tags) {
    if (value === null) delete merged[key];
    else merged[key] = value;
  }
  return { tags: merged };
}

/** What a smaller SKU cannot have, and so has to go first. */
function lossOf(registry: Fields, sku: string): string | undefined {
  const { sku: live } = registry;
  if (sku === 'Premium' || fieldsOf(live).name !== 'Premium') return undefined;
  const properties = propertiesOf(registry);
  const has = [
    ...(fieldsOf(properties.networkRuleSet).defaultAction === 'Deny' ? ['network rules'] : []),
    ...(Array.isArray(properties.privateEndpointConnections) && properties.privateEndpointConnections.length > 0
      ? ['private endpoints']
      : []),
    ...(fieldsOf(fieldsOf(properties.policies).retentionPolicy).status === 'enabled'
      ? ['the retention of untagged manifests']
      : []),
    ...(fieldsOf(properties.encryption).status === 'enabled' ? ['a key of its own'] : []),
    ...(properties.dataEndpointEnabled === true ? ['data endpoints'] : []),
  ];
  return has.length === 0 ? undefined : `${sku} has no ${has.join(', ')}: remove that from the registry first.`;
}

/** What Azure decides at creation and never again. */
function fixedDifferences(desired: DesiredRegistry, registry: Fields): readonly AcrChange[] {
  return [...ownOf(desired)].flatMap(([field, { value, line }]): readonly AcrChange[] => {
    if (field !== 'location' && field !== 'zoneRedundancy') return [];
    const is = liveField(registry, field);
    const isSame = field === 'location' ? region(is) === region(value) : is === value;
    const reason = `Azure decides this when the registry is created. Create another registry and copy the images with \`command: mirror\`.`;
    return isSame ? [] : [{ action: 'needs-recreation', name: `azure.${field}`, is, should: value, line, reason }];
  });
}

/** What marks replicas that setup made. */
const OWNER_TAG = 'registry-action-setup';

export function planReplications(desired: DesiredRegistry, live: LiveAcr): readonly AcrChange[] {
  const { replicate, owner } = desired;
  if (replicate === undefined || live.registry === undefined) return [];
  if (!live.replications.ok) return [denied('replicate', live.replications.error, replicate.line)];
  const rows = live.replications.value;
  const home = region(live.registry.location);
  const isOurs = (row: Fields) => fieldsOf(row.tags)[OWNER_TAG] === owner;
  const entries = replicate.value ?? [];
  const targets = entries.flatMap(({ to, line }) => to.map((each) => ({ to: region(each), line })));
  const sku = ownOf(desired).get('sku')?.value ?? liveField(live.registry, 'sku');
  const changes = targets.map(({ to, line }): AcrChange => {
    const name = `replicate ${to}`;
    if (to === home) return { action: 'equal', name, is: to, line, reason: 'It is where the registry itself is.' };
    if (rows.some((row) => region(row.location) === to)) return { action: 'equal', name, is: to, should: to, line };
    if (sku !== 'Premium') {
      const reason = `Replicas need Premium, and the registry is ${String(sku)}: write \`azure: {sku: Premium}\`.`;
      return { action: 'unsupported', name, should: to, line, reason };
    }
    const json = { location: to, tags: { [OWNER_TAG]: owner }, properties: { regionEndpointEnabled: true } };
    const request: ArmWrite = { method: 'PUT', path: `/replications/${to}`, json, what: `the replica in ${to}` };
    return { action: 'create', name, is: null, should: to, line, request };
  });
  const partial = entries.flatMap(({ only, line }): readonly AcrChange[] =>
    only.length === 0
      ? []
      : [
          {
            action: 'unsupported',
            name: 'replicate.only',
            should: only,
            line,
            reason:
              'A replica contains all repositories of the registry. Remove `only`, or move the repositories to another registry.',
          },
        ],
  );
  const others = rows.filter(
    (row) => region(row.location) !== home && !targets.some(({ to }) => to === region(row.location)),
  );
  return [
    ...changes,
    ...partial,
    ...others.map((row): AcrChange => {
      const is = region(row.location);
      const name = `replicate ${is}`;
      if (replicate.value !== null || !isOurs(row)) return { action: 'kept-foreign', name, is };
      const request: ArmWrite = {
        method: 'DELETE',
        path: `/replications/${String(row.name)}`,
        what: `the replica in ${is}`,
      };
      return { action: 'remove', name, is, should: null, line: replicate.line, request };
    }),
  ];
}
