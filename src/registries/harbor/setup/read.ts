import { type Fields, fieldsOf, isFields } from '../../../domain/fields.ts';
import { unexpected } from '../../../http/api.ts';
import { type Reading, reading } from '../../setup/change.ts';
import type { Harbor } from '../api.ts';
import type { DesiredProject } from './desired.ts';

type Ask = Harbor['ask'];

/** A project as it is. Each part is read by itself, since each needs another right. */
export interface LiveProject {
  readonly id: number;
  readonly registryId?: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly quota: Reading<{ readonly id: number; readonly storage: number } | undefined>;
  readonly immutable: Reading<readonly Fields[]>;
  readonly retention: Reading<Fields | undefined>;
  readonly members: Reading<readonly Fields[]>;
  readonly robots: Reading<readonly Fields[]>;
  readonly webhooks: Reading<readonly Fields[]>;
}

/** Parts of Harbor that are not about one project. */
interface LiveRegistry {
  readonly endpoints: Reading<readonly Fields[]>;
  readonly replications: Reading<readonly Fields[]>;
  /** `db_auth`, `ldap_auth`, `oidc_auth`, `http_auth`. */
  readonly authMode: Reading<string>;
}

/** Everything that the file says something about. */
export interface HarborLive {
  readonly registry: LiveRegistry;
  readonly projects: ReadonlyMap<string, Reading<LiveProject | undefined>>;
  /** Names of replication rules that have run. */
  readonly started: ReadonlySet<string>;
}

const PAGE_SIZE = 100;
/** Ten thousand rows. */
const MAX_PAGES = 100;

/** All rows of a list. Harbor says in `x-total-count` how many there are. */
export async function listAll(ask: Ask, host: string, path: string, what: string): Promise<readonly Fields[]> {
  const rows: Fields[] = [];
  for (let page = 1; page <= MAX_PAGES; page += 1) {
    const separator = path.includes('?') ? '&' : '?';
    const { json, headers } = await ask({
      method: 'GET',
      path: `${path}${separator}page=${page}&page_size=${PAGE_SIZE}`,
      expect: [200],
      operation: 'read',
      what,
    });
    // Go writes an empty list as null.
    if (json !== null && !Array.isArray(json)) throw unexpected(host, what);
    const found = (json ?? []).filter(isFields);
    rows.push(...found);
    const total = Number(headers['x-total-count'] ?? rows.length);
    if (found.length === 0 || rows.length >= total) return rows;
  }
  throw unexpected(host, what);
}

export const projectPath = (name: string, rest = '') => `/projects/${encodeURIComponent(name)}${rest}`;

/** The id of a project; undefined when there is none. */
export async function readProjectRow(ask: Ask, host: string, name: string): Promise<Fields | undefined> {
  const what = `the settings of the project ${name}`;
  // Harbor answers 403 to a project that does not exist for those who may not see it, so ask for its existence first.
  const look = await ask({
    method: 'HEAD',
    path: `/projects?${new URLSearchParams({ project_name: name })}`,
    expect: [200, 404],
    operation: 'read',
    what,
  });
  if (look.status === 404) return undefined;
  const { json } = await ask({ method: 'GET', path: projectPath(name), expect: [200], operation: 'read', what });
  const row = fieldsOf(json);
  if (typeof row.project_id !== 'number' || row.name !== name) throw unexpected(host, what);
  return row;
}

/** A part that the file says nothing about is not read: it may need another right. */
const UNREAD = { ok: true, value: [] } as const;

/**
 * A project with the parts that the file says something about; undefined when there is none.
 * @param isWhole read the quota in any case: an export declares it
 */
export async function readProject(
  ask: Ask,
  host: string,
  wanted: DesiredProject,
  isWhole = false,
): Promise<LiveProject | undefined> {
  const { name, members, robots, exactAccess } = wanted;
  const row = await readProjectRow(ask, host, name);
  if (row === undefined) return undefined;
  const id = Number(row.project_id);
  const metadata = Object.fromEntries(
    Object.entries(fieldsOf(row.metadata)).flatMap(([key, value]) =>
      typeof value === 'string' ? [[key, value] as const] : [],
    ),
  );
  const list = (isSought: boolean, path: string, what: string): Promise<Reading<readonly Fields[]>> =>
    isSought ? reading(() => listAll(ask, host, path, `${what} of ${name}`)) : Promise.resolve(UNREAD);
  const hasAccess = (given: readonly unknown[]) => given.length > 0 || exactAccess === true;
  const retentionId = metadata.retention_id ?? '';
  return {
    id,
    ...(typeof row.registry_id === 'number' && row.registry_id > 0 ? { registryId: row.registry_id } : {}),
    metadata,
    quota: await reading(async () => {
      if (wanted.storageLimit === undefined && !isWhole) return undefined;
      const rows = await listAll(ask, host, `/quotas?reference=project&reference_id=${id}`, `the quota of ${name}`);
      const [quota] = rows.filter(({ ref }) => Number(fieldsOf(ref).id ?? id) === id);
      if (quota === undefined) return undefined;
      return { id: Number(quota.id), storage: Number(fieldsOf(quota.hard).storage ?? -1) };
    }),
    immutable: await list(
      wanted.immutable !== undefined,
      projectPath(name, '/immutabletagrules'),
      'the immutability rules',
    ),
    retention: await reading(async () => {
      if (wanted.retention === undefined || retentionId === '' || retentionId === '0') return undefined;
      const what = `the retention policy of ${name}`;
      const path = `/retentions/${encodeURIComponent(retentionId)}`;
      return fieldsOf((await ask({ method: 'GET', path, expect: [200], operation: 'read', what })).json);
    }),
    members: await list(hasAccess(members), projectPath(name, '/members'), 'the members'),
    robots: await list(
      hasAccess(robots),
      `/robots?q=${encodeURIComponent(`Level=project,ProjectID=${id}`)}`,
      'the robot accounts',
    ),
    webhooks: await list(wanted.webhooks.length > 0, projectPath(name, '/webhook/policies'), 'the webhooks'),
  };
}

/** Reads the parts that the file says something about. */
export async function readRegistry(
  ask: Ask,
  host: string,
  sought: { readonly endpoints: boolean; readonly replications: boolean; readonly groups: boolean },
): Promise<LiveRegistry> {
  const list = (isSought: boolean, path: string, what: string): Promise<Reading<readonly Fields[]>> =>
    isSought ? reading(() => listAll(ask, host, path, what)) : Promise.resolve(UNREAD);
  return {
    endpoints: await list(sought.endpoints, '/registries', 'the registry endpoints'),
    replications: await list(sought.replications, '/replication/policies', 'the replication rules'),
    authMode: await reading(async () => {
      if (!sought.groups) return 'db_auth';
      const what = 'the way of login';
      const { json } = await ask({ method: 'GET', path: '/systeminfo', expect: [200], operation: 'read', what });
      return String(fieldsOf(json).auth_mode ?? 'db_auth');
    }),
  };
}
