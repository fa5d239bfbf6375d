import { fieldsOf } from '../../../domain/fields.ts';
import { CREATION, denied, type Reading } from '../../setup/change.ts';
import type { DesiredProject } from './desired.ts';
import { planAccess } from './plan-access.ts';
import { planImmutability, planRetention } from './plan-rules.ts';
import { type LiveProject, projectPath } from './read.ts';
import type { HarborChange } from './step.ts';

/** What to call a switch of a project in the plan; others keep their own name. */
const SETTINGS: Readonly<Record<string, string>> = { public: 'visibility', auto_scan: 'scan' };

/**
 * What to change at one project, in the order in which it is safe: the project, its switches, its rules, then who may use it.
 * @param live undefined when there is no such project
 * @param authMode how people log in at this Harbor, which decides what a group is
 * @param endpoints ids of endpoints by name, as far as they exist
 */
export function planProject(
  wanted: DesiredProject,
  live: LiveProject | undefined,
  { authMode, endpoints }: { readonly authMode: Reading<string>; readonly endpoints: ReadonlyMap<string, number> },
): readonly HarborChange[] {
  const { name } = wanted;
  if (live === undefined && !wanted.creates) return [];
  const fixed = planFixed(wanted, live, endpoints);
  if (fixed !== undefined) return [fixed];
  return [
    ...(live === undefined ? [creation(wanted)] : [...planSwitches(wanted, live), ...planQuota(wanted, live.quota)]),
    ...planImmutability(wanted, live?.immutable ?? { ok: true, value: [] }),
    ...planRetention(wanted, live === undefined ? { ok: true, value: undefined } : live.retention),
    ...planAccess(wanted, {
      members: live?.members ?? { ok: true, value: [] },
      robots: live?.robots ?? { ok: true, value: [] },
      authMode,
    }),
    ...planWebhooks(wanted, live?.webhooks ?? { ok: true, value: [] }, name),
  ];
}

/** What Harbor decides at creation and never again. */
function planFixed(
  { name, proxyOf }: DesiredProject,
  live: LiveProject | undefined,
  endpoints: ReadonlyMap<string, number>,
): HarborChange | undefined {
  if (live === undefined || proxyOf === undefined) return undefined;
  if (live.registryId !== undefined && live.registryId === endpoints.get(proxyOf.name)) return undefined;
  return {
    name: 'cache',
    action: 'needs-recreation',
    is: live.registryId === undefined ? 'a project of its own images' : `a cache of endpoint ${live.registryId}`,
    should: `a cache of ${proxyOf.name}`,
    reason: `Harbor decides at creation whether a project is a cache, and of what. Write another prefix, or delete the project ${name} in Harbor.`,
  };
}

function creation({ name, metadata, storageLimit, proxyOf }: DesiredProject): HarborChange {
  return {
    name: CREATION,
    action: 'create',
    should: [name, ...Object.entries(metadata).map(([key, value]) => `${key} ${value}`)].join(', '),
    request: {
      method: 'POST',
      path: '/projects',
      json: {
        project_name: name,
        // Harbor makes projects private unless told otherwise, and wants the switch as a text.
        metadata: { public: 'false', ...metadata },
        ...(storageLimit === undefined ? {} : { storage_limit: storageLimit }),
      },
      ...(proxyOf === undefined ? {} : { endpoint: { name: proxyOf.name, field: 'registry_id' as const } }),
      what: `creating the project ${name}`,
    },
  };
}

function planSwitches({ name, metadata }: DesiredProject, live: LiveProject): readonly HarborChange[] {
  const rows = Object.entries(metadata).map(([key, should]) => {
    const is = live.metadata[key] ?? (key === 'severity' ? '' : 'false');
    return { key, setting: SETTINGS[key] ?? key, is, should, isSame: is.toLowerCase() === should.toLowerCase() };
  });
  const due = rows.filter(({ isSame }) => !isSame);
  const { retention_id: _, ...others } = live.metadata;
  // One request for all of them: a PUT with less than what is there would be a change of the rest.
  const request = {
    method: 'PUT',
    path: projectPath(name),
    json: { metadata: { ...others, ...metadata } },
    what: `the settings of the project ${name}`,
  } as const;
  return rows.map(({ setting, key, is, should, isSame }): HarborChange => {
    const shown = { name: setting, is: shownSwitch(key, is), should: shownSwitch(key, should) };
    if (isSame) return { ...shown, action: 'equal' };
    const covers = due.slice(1).map((each) => each.setting);
    return { ...shown, action: 'change', ...(key === due[0]?.key ? { request, covers } : {}) };
  });
}

function shownSwitch(key: string, value: string): string {
  if (key === 'public') return value === 'true' ? 'public' : 'private';
  if (key === 'auto_scan') return value === 'true' ? 'on push' : 'off';
  return value === '' ? 'none' : value;
}

function planQuota({ name, storageLimit }: DesiredProject, quota: LiveProject['quota']): readonly HarborChange[] {
  if (storageLimit === undefined) return [];
  if (!quota.ok) return [denied('quota', quota.error)];
  const { value } = quota;
  if (value === undefined) {
    return [
      {
        name: 'quota',
        action: 'unsupported',
        should: shownBytes(storageLimit),
        reason: 'Quotas per project are switched off in this Harbor: Administration → Configuration → System Settings.',
      },
    ];
  }
  const shown = { name: 'quota', is: shownBytes(value.storage), should: shownBytes(storageLimit) };
  if (value.storage === storageLimit) return [{ ...shown, action: 'equal' }];
  const json = { hard: { storage: storageLimit } };
  return [
    {
      ...shown,
      action: 'change',
      request: { method: 'PUT', path: `/quotas/${value.id}`, json, what: `the quota of ${name}` },
    },
  ];
}

function shownBytes(bytes: number): string {
  return bytes < 0 ? 'no limit' : `${bytes} bytes`;
}

function planWebhooks(
  { webhooks }: DesiredProject,
  live: LiveProject['webhooks'],
  project: string,
): readonly HarborChange[] {
  if (webhooks.length === 0) return [];
  if (!live.ok) return [denied('webhooks', live.error)];
  return webhooks.map(({ name, address, events, secret, line }): HarborChange => {
    const found = live.value.find((row) => row.name === name);
    const [target] = Array.isArray(found?.targets) ? found.targets.map(fieldsOf) : [];
    const liveEvents = Array.isArray(found?.event_types) ? found.event_types.map(String) : [];
    const words = (at: unknown, all: readonly string[]) => `${name} → ${String(at)}: ${all.toSorted().join(', ')}`;
    const should = words(address, events);
    const json = {
      name,
      enabled: true,
      event_types: events,
      targets: [{ ...target, type: target?.type ?? 'http', address }],
    };
    const header = secret === undefined ? {} : { header: secret };
    const shown = { name: `webhooks.${name}`, line };
    const path = projectPath(project, '/webhook/policies');
    const what = `the webhook ${name} of ${project}`;
    if (found === undefined) {
      return { ...shown, action: 'create', should, request: { method: 'POST', path, json, what, ...header } };
    }
    const is = words(target?.address, liveEvents);
    const isSame = is === should && found.enabled !== false;
    if (isSame) return { ...shown, action: 'equal', is, should };
    return {
      ...shown,
      action: 'change',
      is: found.enabled === false ? `${is} (switched off)` : is,
      should,
      request: { method: 'PUT', path: `${path}/${Number(found.id)}`, json: { ...found, ...json }, what, ...header },
    };
  });
}
