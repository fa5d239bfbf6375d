import { byText } from '../../../domain/compare-text.ts';
import { type Fields, fieldsOf, isFields } from '../../../domain/fields.ts';
import type { DesiredRegistry } from '../../../domain/setup/desired-state.ts';
import type {
  HarborMemberState,
  HarborProjectState,
  HarborReplicationState,
  HarborRobotState,
  HarborState,
  HarborWebhookState,
} from '../../../domain/setup/export/harbor-state.ts';
import type { RegistryPlan } from '../../../domain/setup/setting.ts';
import type { Reading } from '../../setup/change.ts';
import type { DesiredProject } from './desired.ts';
import type { HarborLive, LiveProject } from './read.ts';
import { includesRole, ROLE_OF } from './robots.ts';
import { asGlob, isOwn, ruleKey } from './rules.ts';
import type { HarborRequest } from './step.ts';
import { wantedOf } from './wanted.ts';

/** Applies the plan to what was read. Pure. */
export function harborState(
  desired: DesiredRegistry,
  live: HarborLive,
  { settings, steps }: RegistryPlan<HarborRequest>,
): HarborState {
  const wanted = wantedOf(desired);
  const endpoints = rowsOf(live.registry.endpoints);
  const isRefused = (subject: string) =>
    settings.some((each) => each.subject === subject && each.action === 'needs-recreation');
  const all = [...wanted.caches, ...wanted.projects.map(({ project }) => project)];
  return {
    kind: 'harbor',
    url: `https://${desired.host}`,
    endpoints: wanted.endpoints.map(({ name, type, url, credential }) => ({
      name,
      type,
      url,
      hasCredential: credential !== undefined,
      id: idOf(endpoints.find((row) => row.name === name)),
    })),
    projects: all.flatMap((project) => {
      const read = live.projects.get(project.name);
      if (read?.ok === false || isRefused(project.name)) return [];
      if (read?.value === undefined && !project.creates) return [];
      const requests = steps.flatMap(({ subject, request }) => (subject === project.name ? [request] : []));
      return [projectState(project, read?.value, requests, live.registry.authMode)];
    }),
    replications: wanted.replications.map(({ name, to, only, deletes, line }): HarborReplicationState => {
      const found = rowsOf(live.registry.replications).find((row) => row.name === name);
      return {
        name,
        endpoint: to.name,
        filter: asGlob(only),
        deletes: deletes ?? found?.replicate_deletion === true,
        description: typeof found?.description === 'string' ? found.description : 'Made by registry-action setup.',
        id: idOf(found),
        line,
      };
    }),
    settings,
  };
}

const rowsOf = (read: Reading<readonly Fields[]>) => (read.ok ? read.value : []);
const idOf = (row: Fields | undefined) => (typeof row?.id === 'number' ? row.id : undefined);

function projectState(
  wanted: DesiredProject,
  live: LiveProject | undefined,
  requests: readonly HarborRequest[],
  authMode: Reading<string>,
): HarborProjectState {
  const { name, line, metadata, storageLimit, proxyOf } = wanted;
  const quota = live?.quota.ok === true ? live.quota.value?.storage : undefined;
  return {
    name,
    line,
    id: live?.id,
    metadata: { public: 'false', ...live?.metadata, ...metadata },
    storage: storageLimit ?? quota,
    proxyOf: proxyOf?.name,
    immutable: immutableOf(wanted, live, requests),
    retention: retentionOf(wanted, live, requests),
    members: wanted.members.map((member): HarborMemberState => {
      const row = rowsOf(live?.members ?? NONE).find(
        (each) =>
          each.entity_type === (member.kind === 'user' ? 'u' : 'g') &&
          String(each.entity_name).toLowerCase() === member.name.toLowerCase(),
      );
      const role = ROLE_OF[member.access];
      const held = Number(row?.role_id);
      return {
        kind: member.kind,
        name: row === undefined ? member.name : String(row.entity_name),
        role: row !== undefined && wanted.exactAccess !== true && includesRole(held, role) ? held : role,
        groupType: GROUP_TYPES[authMode.ok ? authMode.value : ''] ?? 'oidc',
        id: idOf(row),
        line: member.line,
      };
    }),
    robots: robotsOf(wanted, live, requests),
    webhooks: wanted.webhooks.map(
      ({ name: hook, address, events, secret, line: at }): HarborWebhookState => ({
        name: hook,
        address,
        events,
        hasHeader: secret !== undefined,
        id: idOf(rowsOf(live?.webhooks ?? NONE).find((row) => row.name === hook)),
        line: at,
      }),
    ),
  };
}

const NONE = { ok: true, value: [] } as const;
const GROUP_TYPES: Readonly<Record<string, HarborMemberState['groupType']>> = {
  ldap_auth: 'ldap',
  http_auth: 'internal',
  oidc_auth: 'oidc',
};

function immutableOf(
  { repositories, immutable }: DesiredProject,
  live: LiveProject | undefined,
  requests: readonly HarborRequest[],
): HarborProjectState['immutable'] {
  if (immutable === undefined || immutable === 'none') return undefined;
  const written = requests.find(({ path, method }) => path.includes('/immutabletagrules') && method !== 'DELETE');
  if (written?.json !== undefined) return { id: idOf(written.json), rule: written.json };
  const own = rowsOf(live?.immutable ?? NONE).filter((rule) => isOwn(rule, repositories) && rule.disabled !== true);
  const [found] = own.toSorted(byText(ruleKey));
  return found === undefined ? undefined : { id: idOf(found), rule: found };
}

function retentionOf(
  { retention }: DesiredProject,
  live: LiveProject | undefined,
  requests: readonly HarborRequest[],
): HarborProjectState['retention'] {
  if (retention === undefined || retention === 'none') return undefined;
  const before = live?.retention.ok === true ? live.retention.value : undefined;
  const after = requests.find(({ path }) => path.startsWith('/retentions'))?.json ?? before;
  if (after === undefined) return undefined;
  const { cron } = fieldsOf(fieldsOf(after.trigger).settings);
  const rules = Array.isArray(after.rules) ? after.rules.filter(isFields) : [];
  const id = live?.metadata.retention_id;
  return {
    id: before === undefined ? undefined : id,
    cron: typeof cron === 'string' ? cron : '',
    rules: rules.filter(({ disabled }) => disabled !== true),
  };
}

function robotsOf(
  { name: project, robots }: DesiredProject,
  live: LiveProject | undefined,
  requests: readonly HarborRequest[],
): readonly HarborRobotState[] {
  return robots.flatMap(({ name, line }): readonly HarborRobotState[] => {
    const row = rowsOf(live?.robots ?? NONE).find((each) => String(each.name).endsWith(`${project}+${name}`));
    const written = requests.find(
      ({ path, robot }) =>
        robot === `${project}+${name}` || (row !== undefined && path === `/robots/${Number(row.id)}`),
    )?.json;
    const after = written ?? row;
    if (after === undefined) return [];
    return [
      {
        name,
        days: Number(after.duration ?? -1),
        description: typeof after.description === 'string' ? after.description : '',
        permissions: Array.isArray(after.permissions) ? after.permissions.filter(isFields) : [],
        id: idOf(row),
        line,
      },
    ];
  });
}

/** A Harbor of which nothing was read, as if it were empty. */
export function unreadHarbor(): HarborLive {
  return {
    // Most have single sign-on, and a Harbor without it has no groups at all.
    registry: { endpoints: NONE, replications: NONE, authMode: { ok: true, value: 'oidc_auth' } },
    projects: new Map(),
    started: new Set(),
  };
}
