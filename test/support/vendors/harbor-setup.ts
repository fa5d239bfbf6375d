import { type Fields, fieldsOf } from '../../../src/domain/fields.ts';
import type { CloudReply, CloudRequest, Service } from '../cloud.ts';

export interface HarborSetupOptions {
  readonly host: string;
  /** Who may log in, with the password. */
  readonly user: string;
  readonly password: string;
  /** Names of people that Harbor knows. */
  readonly people?: readonly string[];
  readonly authMode?: string;
  /** A setting of the instance. */
  readonly robotPrefix?: string;
  /** Answers instead of Harbor. */
  readonly before?: (request: CloudRequest) => CloudReply | undefined;
}

type Row = Record<string, unknown> & { id: number };
interface Project {
  readonly id: number;
  readonly name: string;
  readonly registryId: number | undefined;
  metadata: Record<string, string>;
  readonly quota: { readonly id: number; storage: number };
  rules: Row[];
  members: Row[];
  robots: Row[];
  webhooks: Row[];
}

const error = (status: number, code: string, message: string): CloudReply => ({
  status,
  body: { errors: [{ code, message }] },
});
const bad = (message: string) => error(400, 'BAD_REQUEST', message);
const notFound = (what: string) => error(404, 'NOT_FOUND', `${what} not found`);
const conflict = (what: string) => error(409, 'CONFLICT', `${what} already exists`);

/** What robot accounts of a project may be given: src/common/rbac/const.go of Harbor. */
const RIGHTS: Readonly<Record<string, string>> = {
  repository: 'read update delete list pull push',
  artifact: 'read delete list create',
  scan: 'create read stop',
  tag: 'create delete list',
  'immutable-tag': 'create delete list update',
  'tag-retention': 'create read delete list operate update',
  metadata: 'create delete list read update',
  project: 'read delete update',
};
const ROLES: Readonly<Record<number, string>> = {
  1: 'projectAdmin',
  2: 'developer',
  3: 'guest',
  4: 'maintainer',
  5: 'limitedGuest',
};
const MAX_RULES = 15;
const DAY = 86_400;

/** The part of Harbor's API that setup uses, with the values that Harbor fills in itself. */
export function harborSetupDouble(options: HarborSetupOptions) {
  const { host, robotPrefix = 'robot$', people = [], authMode = 'oidc_auth' } = options;
  let last = 10;
  const nextId = () => (last += 1);
  const state = {
    projects: new Map<string, Project>(),
    retentions: new Map<number, Fields>(),
    registries: [] as Row[],
    policies: [] as Row[],
    executions: [] as Row[],
    secrets: [] as string[],
  };

  const created = (path: string, id: number): CloudReply => ({ status: 201, headers: { location: `${path}/${id}` } });

  const addProject = (name: string, given: Fields = {}): Project => {
    const { metadata, storage_limit: limit, registry_id: registry } = given;
    const project: Project = {
      id: nextId(),
      name,
      registryId: typeof registry === 'number' ? registry : undefined,
      metadata: { public: 'false', ...(fieldsOf(metadata) as Record<string, string>) },
      quota: { id: nextId(), storage: typeof limit === 'number' ? limit : -1 },
      rules: [],
      // Whoever creates a project is its administrator.
      members: [{ id: nextId(), entity_name: options.user, entity_type: 'u', role_id: 1, role_name: ROLES[1] }],
      robots: [],
      webhooks: [],
    };
    state.projects.set(name, project);
    return project;
  };

  const projectsApi = ({ method, url, body }: Asked, parts: readonly string[], isByName: boolean): CloudReply => {
    const [name = '', kind, id, sub] = parts;
    if (name === '') {
      if (method === 'HEAD') {
        return { status: state.projects.has(url.searchParams.get('project_name') ?? '') ? 200 : 404 };
      }
      if (method === 'GET') return paged([...state.projects.values()].map(projectRow), url);
      const { project_name: wanted, metadata, registry_id: registry } = body;
      if (typeof wanted !== 'string' || !/^[a-z0-9]+(?:[._-][a-z0-9]+)*$/.test(wanted))
        return bad('invalid project name');
      if (Object.values(fieldsOf(metadata)).some((each) => typeof each !== 'string')) return bad('metadata');
      if (state.projects.has(wanted)) return conflict(`The project named ${wanted}`);
      if (registry !== undefined && !state.registries.some((row) => row.id === registry))
        return bad(`registry ${registry}`);
      return created('/api/v2.0/projects', addProject(wanted, body).id);
    }
    const project = isByName ? state.projects.get(name) : undefined;
    if (project === undefined) return error(403, 'FORBIDDEN', 'forbidden');
    if (kind === undefined) {
      if (method === 'GET') return { status: 200, body: projectRow(project) };
      const { metadata } = body;
      const { retention_id: _, ...given } = fieldsOf(metadata) as Record<string, string>;
      if (Object.values(given).some((each) => typeof each !== 'string')) return bad('metadata');
      if (project.registryId === undefined && 'proxy_speed_kb' in given) return bad('not a proxy project');
      project.metadata = { ...project.metadata, ...given };
      return { status: 200 };
    }
    if (kind === 'immutabletagrules') return rulesApi(project, method, url, body, Number(id));
    if (kind === 'members') return membersApi(project, method, url, body, Number(id));
    if (kind === 'webhook' && id === 'policies') return webhooksApi(project, method, url, body, Number(sub));
    return notFound('path');
  };

  const rulesApi = (project: Project, method: string, url: URL, body: Fields, id: number): CloudReply => {
    if (method === 'GET') return paged(project.rules, url);
    const key = (rule: Fields) => JSON.stringify([rule.tag_selectors, rule.scope_selectors]);
    if (method === 'POST') {
      if (body.template !== 'immutable_template' || body.action !== 'immutable') return bad('template');
      const selectors = [body.tag_selectors, fieldsOf(body.scope_selectors).repository].flat().map(fieldsOf);
      if (selectors.length !== 2 || selectors.some(({ kind }) => kind !== 'doublestar')) return bad('selectors');
      if (project.rules.length >= MAX_RULES) return bad('the number of rules exceeds the limit');
      if (project.rules.some((rule) => key(rule) === key(body))) return conflict('immutable rule');
      const rule = { ...body, params: {}, priority: 0, disabled: body.disabled ?? false, id: nextId() };
      project.rules.push(rule);
      return created(url.pathname, rule.id);
    }
    const at = project.rules.findIndex((rule) => rule.id === id);
    const rule = project.rules[at];
    if (rule === undefined) return notFound('immutable rule');
    if (method === 'DELETE') {
      project.rules.splice(at, 1);
      return { status: 200 };
    }
    // One PUT either switches a rule on or off, or changes it.
    project.rules[at] =
      (rule.disabled === true) !== (body.disabled === true)
        ? { ...rule, disabled: body.disabled === true }
        : { ...rule, ...body, id };
    return { status: 200 };
  };

  const membersApi = (project: Project, method: string, url: URL, body: Fields, id: number): CloudReply => {
    if (method === 'GET') return paged(project.members, url);
    const role = Number(body.role_id);
    if (method === 'POST') {
      const { username } = fieldsOf(body.member_user);
      const { group_name: group, group_type: type, ldap_group_dn: dn } = fieldsOf(body.member_group);
      if (ROLES[role] === undefined) return bad('role');
      if (username !== undefined && !people.includes(String(username))) return notFound(`user ${String(username)}`);
      const types: Readonly<Record<string, number>> = { ldap_auth: 1, http_auth: 2, oidc_auth: 3 };
      if (username === undefined && (type === undefined || types[authMode] !== type)) return bad('group type');
      const name = String(username ?? group ?? dn);
      const entity = username === undefined ? 'g' : 'u';
      if (project.members.some((row) => row.entity_name === name && row.entity_type === entity)) return conflict(name);
      const row = { id: nextId(), entity_name: name, entity_type: entity, role_id: role, role_name: ROLES[role] };
      project.members.push(row);
      return created(url.pathname, row.id);
    }
    const at = project.members.findIndex((row) => row.id === id);
    const row = project.members[at];
    if (row === undefined) return notFound('member');
    if (method === 'DELETE') project.members.splice(at, 1);
    else project.members[at] = { ...row, role_id: role, role_name: ROLES[role] };
    return { status: 200 };
  };

  const webhooksApi = (project: Project, method: string, url: URL, body: Fields, id: number): CloudReply => {
    if (method === 'GET') return paged(project.webhooks, url);
    const targets = Array.isArray(body.targets) ? body.targets.map(fieldsOf) : [];
    if (targets.some(({ type }) => type !== 'http' && type !== 'slack')) return bad('unsupported notify type');
    if (method === 'POST') {
      if (project.webhooks.some(({ name }) => name === body.name)) return conflict('webhook');
      const row = { ...body, id: nextId(), project_id: project.id, creator: options.user };
      project.webhooks.push(row);
      return created(url.pathname, row.id);
    }
    const at = project.webhooks.findIndex((row) => row.id === id);
    const row = project.webhooks[at];
    if (row === undefined) return notFound('webhook');
    project.webhooks[at] = { ...row, ...body, id };
    return { status: 200 };
  };

  const robotProblem = (body: Fields): string | undefined => {
    const permissions = Array.isArray(body.permissions) ? body.permissions.map(fieldsOf) : [];
    if (body.level !== 'project' || permissions.length === 0) return 'bad request robot level or empty permissions';
    const days = body.duration;
    if (typeof days !== 'number' || (days !== -1 && days <= 0)) return 'invalid duration';
    for (const { kind, access } of permissions) {
      if (kind !== 'project') return 'invalid kind';
      for (const { resource, action } of Array.isArray(access) ? access.map(fieldsOf) : []) {
        if (RIGHTS[String(resource)]?.split(' ').includes(String(action)) !== true) {
          return `bad request permission: ${String(resource)}:${String(action)}`;
        }
      }
    }
    return undefined;
  };
  const withEffect = (permissions: unknown) =>
    (Array.isArray(permissions) ? permissions.map(fieldsOf) : []).map((each) => ({
      ...each,
      access: (Array.isArray(each.access) ? each.access.map(fieldsOf) : [])
        .map((right) => ({ ...right, effect: 'allow' }))
        .toReversed(),
    }));

  const robotsApi = (method: string, url: URL, body: Fields, id: number): CloudReply => {
    const all = [...state.projects.values()];
    if (method === 'GET') {
      const [, wanted] = /^Level=project,ProjectID=(\d+)$/.exec(url.searchParams.get('q') ?? '') ?? [];
      const project = all.find((each) => each.id === Number(wanted));
      return project === undefined ? bad('q') : paged(project.robots, url);
    }
    if (method === 'POST') {
      const problem = robotProblem(body);
      if (problem !== undefined) return bad(problem);
      const [permission] = Array.isArray(body.permissions) ? body.permissions.map(fieldsOf) : [];
      const project = state.projects.get(String(permission?.namespace));
      if (project === undefined) return notFound('project');
      if (!/^[a-z0-9]+(?:[._-][a-z0-9]+)*$/.test(String(body.name))) return bad('robot name');
      const name = `${robotPrefix}${project.name}+${String(body.name)}`;
      if (project.robots.some((row) => row.name === name)) return conflict(`robot ${name}`);
      const secret = `S3cret${'x'.repeat(24)}${state.secrets.length}`;
      state.secrets.push(secret);
      const expires_at = Number(body.duration) === -1 ? -1 : 1_800_000_000 + Number(body.duration) * DAY;
      const row = {
        ...body,
        id: nextId(),
        name,
        expires_at,
        editable: true,
        permissions: withEffect(body.permissions),
      };
      project.robots.push(row);
      return {
        status: 201,
        headers: { location: `/api/v2.0/robots/${row.id}` },
        body: { id: row.id, name, secret, expires_at },
      };
    }
    const project = all.find(({ robots }) => robots.some((row) => row.id === id));
    const at = project?.robots.findIndex((row) => row.id === id) ?? -1;
    const row = project?.robots[at];
    if (project === undefined || row === undefined) return notFound('robot');
    if (method === 'DELETE') {
      project.robots.splice(at, 1);
      return { status: 200 };
    }
    if (body.name !== row.name || body.level !== row.level) return bad('cannot update the level or name of robot');
    const problem = robotProblem(body);
    if (problem !== undefined) return bad(problem);
    project.robots[at] = { ...row, ...body, id, permissions: withEffect(body.permissions) };
    return { status: 200 };
  };

  const retentionsApi = (method: string, url: URL, body: Fields, id: number): CloudReply => {
    if (method === 'GET') {
      const policy = state.retentions.get(id);
      return policy === undefined ? notFound('retention') : { status: 200, body: policy };
    }
    const { level, ref } = fieldsOf(body.scope);
    const project = [...state.projects.values()].find((each) => each.id === ref);
    const rules = Array.isArray(body.rules) ? body.rules.map(fieldsOf) : [];
    if (level !== 'project' || project === undefined) return bad(`Invalid Project id ${String(ref)}`);
    if (rules.length > MAX_RULES) return bad('only 15 rules are allowed at most');
    if (fieldsOf(body.trigger).kind !== 'Schedule') return bad('trigger');
    const isWrong = ({ template, params }: Fields) =>
      template !== 'always' && typeof fieldsOf(params)[String(template)] !== 'number';
    if (rules.some(isWrong)) return bad('parameter of the template');
    const filled = rules.map((rule) => ({ priority: 0, disabled: false, ...rule, id: rule.id ?? nextId() }));
    if (method === 'POST') {
      if (project.metadata.retention_id !== undefined) return bad(`project ${project.id} already has retention policy`);
      const made = nextId();
      state.retentions.set(made, { ...body, id: made, rules: filled });
      project.metadata.retention_id = String(made);
      return created(url.pathname, made);
    }
    if (!state.retentions.has(id)) return notFound('retention');
    state.retentions.set(id, { ...body, id, rules: filled });
    return { status: 200 };
  };

  const registriesApi = (method: string, url: URL, body: Fields, id: number): CloudReply => {
    const masked = (row: Row) => ({ ...row, credential: { ...fieldsOf(row.credential), access_secret: '*****' } });
    if (method === 'GET') return paged(state.registries.map(masked), url);
    if (method === 'POST') {
      if (state.registries.some(({ name }) => name === body.name)) return conflict(`registry ${String(body.name)}`);
      const row = { ...body, id: nextId(), status: 'healthy' };
      state.registries.push(row);
      return created(url.pathname, row.id);
    }
    const at = state.registries.findIndex((row) => row.id === id);
    const row = state.registries[at];
    if (row === undefined) return notFound('registry');
    const { credential_type: type, access_key, access_secret, ...rest } = body;
    const credential = type === undefined ? {} : { credential: { type, access_key, access_secret } };
    state.registries[at] = { ...row, ...rest, ...credential, id };
    return { status: 200 };
  };

  const policiesApi = (method: string, url: URL, body: Fields, id: number): CloudReply => {
    const shown = (row: Row) => ({
      ...row,
      src_registry: { id: 0, name: 'Local', type: 'harbor' },
      dest_registry: state.registries.find((each) => each.id === fieldsOf(row.dest_registry).id),
    });
    if (method === 'GET') return paged(state.policies.map(shown), url);
    const target = fieldsOf(body.dest_registry).id;
    if (method !== 'DELETE' && !state.registries.some((row) => row.id === target))
      return bad(`registry ${String(target)}`);
    if (method === 'POST') {
      if (state.policies.some(({ name }) => name === body.name)) return conflict(`policy ${String(body.name)}`);
      const row = { speed: 0, copy_by_chunk: false, ...body, id: nextId() };
      state.policies.push(row);
      return created(url.pathname, row.id);
    }
    const at = state.policies.findIndex((row) => row.id === id);
    const row = state.policies[at];
    if (row === undefined) return notFound('policy');
    if (method === 'DELETE') {
      state.policies.splice(at, 1);
      return { status: 200 };
    }
    state.policies[at] = { ...row, ...body, id };
    return { status: 200 };
  };

  const executionsApi = (method: string, url: URL, body: Fields): CloudReply => {
    if (method === 'GET') {
      const of = Number(url.searchParams.get('policy_id'));
      return paged(
        state.executions.filter((row) => row.policy_id === of),
        url,
      );
    }
    if (!state.policies.some((row) => row.id === body.policy_id)) return notFound('policy');
    const row = { id: nextId(), policy_id: body.policy_id, status: 'InProgress' };
    state.executions.push(row);
    return created(url.pathname, row.id);
  };

  const service: Service = (request) => {
    const before = options.before?.(request);
    if (before !== undefined) return before;
    const { method, url, headers, body: text } = request;
    const login = Buffer.from(`${options.user}:${options.password}`).toString('base64');
    if (headers.cookie !== undefined) return error(403, 'FORBIDDEN', 'CSRF token not found in request');
    if (headers.authorization !== `Basic ${login}`) return error(401, 'UNAUTHORIZED', 'unauthorized');
    const body = text === '' ? {} : fieldsOf(JSON.parse(text));
    const parts = url.pathname
      .replace(/^\/api\/v2\.0\//, '')
      .split('/')
      .map(decodeURIComponent);
    const [root, second = '', third] = parts;
    const id = Number(second);
    if (root === 'systeminfo') return { status: 200, body: { auth_mode: authMode, harbor_version: 'v2.16.0' } };
    if (root === 'projects') {
      return projectsApi({ method, url, body }, parts.slice(1), headers['x-is-resource-name'] === 'true');
    }
    if (root === 'quotas' && method === 'GET') {
      const of = Number(url.searchParams.get('reference_id'));
      const rows = [...state.projects.values()].filter((each) => each.id === of).map(quotaRow);
      return paged(rows, url);
    }
    if (root === 'quotas') {
      const project = [...state.projects.values()].find(({ quota }) => quota.id === id);
      const storage = fieldsOf(body.hard).storage;
      if (project === undefined) return notFound('quota');
      if (typeof storage !== 'number' || (storage < 1 && storage !== -1)) return bad('storage');
      project.quota.storage = storage;
      return { status: 200 };
    }
    if (root === 'robots') return robotsApi(method, url, body, id);
    if (root === 'retentions') return retentionsApi(method, url, body, id);
    if (root === 'registries') return registriesApi(method, url, body, id);
    if (root === 'replication' && second === 'policies') return policiesApi(method, url, body, Number(third));
    if (root === 'replication' && second === 'executions') return executionsApi(method, url, body);
    return notFound('path');
  };
  return { hosts: { [host]: service }, state, addProject, nextId };
}

interface Asked {
  readonly method: string;
  readonly url: URL;
  readonly body: Fields;
}

function projectRow({ id, name, registryId, metadata }: Project) {
  return { project_id: id, name, metadata, ...(registryId === undefined ? {} : { registry_id: registryId }) };
}

function quotaRow({ id, name, quota }: Project) {
  return { id: quota.id, ref: { id, name }, hard: { storage: quota.storage }, used: { storage: 0 } };
}

/** A page of a list, with how many rows there are. Go writes an empty list as null in places. */
function paged(rows: readonly Fields[], url: URL): CloudReply {
  const page = Number(url.searchParams.get('page') ?? 1);
  const size = Math.min(100, Number(url.searchParams.get('page_size') ?? 10));
  const body = rows.slice((page - 1) * size, page * size);
  return {
    status: 200,
    headers: { 'x-total-count': String(rows.length) },
    body: body.length === 0 ? null : body,
  };
}
