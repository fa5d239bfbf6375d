import { byText } from '../../../domain/compare-text.ts';
import type { Fields } from '../../../domain/fields.ts';
import type { DesiredRegistry } from '../../../domain/setup/desired-state.ts';
import type { AcrPart, AcrState } from '../../../domain/setup/export/acr-state.ts';
import { type RegistryPlan, settingId } from '../../../domain/setup/setting.ts';
import type { Reading } from '../../setup/change.ts';
import { type LiveAcr, propertiesOf, region } from './read.ts';
import type { AcrRequest } from './step.ts';

type Plan = RegistryPlan<AcrRequest>;
type PlanAcr = (desired: DesiredRegistry, live: LiveAcr) => Plan;

const KINDS: readonly AcrPart['kind'][] = [
  'credentialSets',
  'cacheRules',
  'scopeMaps',
  'tokens',
  'webhooks',
  'tasks',
  'roleAssignments',
];
const NONE = { ok: true, value: [] } as const;

/**
 * Applies the plan to what was read. Pure.
 * @param id `/subscriptions/…/registries/name`
 */
export function acrState(desired: DesiredRegistry, live: LiveAcr, id: string, plan: PlanAcr): AcrState {
  const now = plan(desired, live);
  // What the file asks for as a whole: what a registry would get that has nothing yet.
  const whole = plan(desired, { ...unreadAcr(), registry: live.registry });
  const own = now.steps.find(({ request }) => request.path === '' && request.method !== 'DELETE')?.request.json;
  const before = live.registry ?? {};
  const registry: Fields = {
    ...before,
    ...own,
    properties: { ...propertiesOf(before), ...propertiesOf(own) },
  };
  const isFixed = now.settings.some(({ subject, action }) => subject === '' && action === 'needs-recreation');
  const isThere = live.registry !== undefined || own !== undefined;
  return {
    kind: 'acr',
    id: spelled(id),
    exists: live.registry !== undefined,
    registry,
    replicas: desired.replicate === undefined || !live.replications.ok ? undefined : replicasOf(live, now, registry),
    parts: isFixed || !isThere ? [] : partsOf(desired, live, now, whole),
    settings: now.settings,
  };
}

/** Terraform compares ids with their case. */
function spelled(id: string): string {
  return id
    .replace(/^\/subscriptions\//i, '/subscriptions/')
    .replace(/\/resourcegroups\//i, '/resourceGroups/')
    .replace(/\/+$/, '');
}

function replicasOf(live: LiveAcr, { steps }: Plan, registry: Fields): NonNullable<AcrState['replicas']> {
  const gone = new Set(
    steps.flatMap(({ request: { method, path } }) => (method === 'DELETE' ? [path.split('/').at(-1)] : [])),
  );
  const home = region(registry.location);
  const before = rowsOf(live.replications).filter(
    (row) => region(row.location) !== home && !gone.has(String(row.name)),
  );
  const made = steps.flatMap(({ request: { method, path, json } }) =>
    method === 'PUT' && path.startsWith('/replications/') && json !== undefined ? [json] : [],
  );
  return [...before, ...made]
    .map((row) => ({ location: region(row.location), properties: propertiesOf(row) }))
    .toSorted(byText(({ location }) => location));
}

const rowsOf = (read: Reading<readonly Fields[]>) => (read.ok ? read.value : []);

function partsOf(desired: DesiredRegistry, live: LiveAcr, now: Plan, whole: Plan): readonly AcrPart[] {
  const lines = new Map(whole.settings.map((setting) => [settingId(setting), setting.line]));
  return whole.steps.flatMap(({ request, settings }): readonly AcrPart[] => {
    const [name = '', kind] = request.path.split('/').toReversed();
    const known = KINDS.find((each) => each === kind);
    if (known === undefined || request.method !== 'PUT') return [];
    const row = rowOf(known, name, request.json, live);
    const asked = now.steps.find(
      (each) =>
        each.request.path === request.path ||
        (row !== undefined && each.request.path === `/${known}/${String(row.name)}`),
    )?.request.json;
    const isUnread = row === undefined && asked === undefined;
    // Refused, or it could not be read.
    if (isUnread) return [];
    const before = { ...propertiesOf(request.json), ...propertiesOf(row) };
    // An address that the registry does not show is the one of the file.
    const properties = { ...before, ...propertiesOf(asked) };
    return [
      {
        kind: known,
        name: String(row?.name ?? name),
        id: row === undefined ? undefined : String(row.id ?? ''),
        location: region(request.json?.location ?? live.registry?.location ?? ''),
        properties,
        hasSecret: request.header !== undefined,
        line: lines.get(settings[0] ?? '') ?? desired.line,
      },
    ];
  });
}

/** The resource that exists already, which may have been made by hand under another name. */
function rowOf(kind: AcrPart['kind'], name: string, wanted: Fields | undefined, live: LiveAcr): Fields | undefined {
  const { targetRepository, principalId, roleDefinitionId } = propertiesOf(wanted);
  const byName = (rows: readonly Fields[]) => rows.find((row) => String(row.name).toLowerCase() === name.toLowerCase());
  switch (kind) {
    case 'cacheRules':
      return rowsOf(live.cacheRules).find((row) => propertiesOf(row).targetRepository === targetRepository);
    case 'roleAssignments':
      return rowsOf(live.roles).find((row) => {
        const held = propertiesOf(row);
        return (
          String(held.principalId).toLowerCase() === String(principalId).toLowerCase() &&
          String(held.roleDefinitionId).split('/').at(-1) === String(roleDefinitionId).split('/').at(-1)
        );
      });
    case 'tasks':
      return live.task.ok ? live.task.value : undefined;
    case 'credentialSets':
      return byName(rowsOf(live.credentialSets));
    case 'scopeMaps':
      return byName(rowsOf(live.scopeMaps));
    case 'tokens':
      return byName(rowsOf(live.tokens));
    case 'webhooks':
      return byName(rowsOf(live.webhooks));
  }
}

/** A registry of which nothing was read, as if there were none. */
export function unreadAcr(): LiveAcr {
  return {
    registry: undefined,
    replications: NONE,
    credentialSets: NONE,
    cacheRules: NONE,
    scopeMaps: NONE,
    tokens: NONE,
    webhooks: NONE,
    roles: NONE,
    task: { ok: true, value: undefined },
  };
}
