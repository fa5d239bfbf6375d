import { type Fields, fieldsOf } from '../../../src/domain/fields.ts';
import type { CloudReply, CloudRequest, Service } from '../cloud.ts';

export interface HubSetupOptions {
  readonly user: string;
  readonly password: string;
  /** Names of teams by organization. */
  readonly teams?: Readonly<Record<string, readonly string[]>>;
  /** Answers instead of Docker Hub. */
  readonly before?: (request: CloudRequest) => CloudReply | undefined;
}

interface HubRepository {
  fields: Fields;
  readonly groups: Map<number, string>;
}

const fail = (status: number, message: string): CloudReply => ({ status, body: { message, errinfo: {} } });

/** Docker Hub's management of repositories: created public unless told otherwise, and with no immutable tags. */
export function hubSetupDouble(options: HubSetupOptions) {
  const state = { repositories: new Map<string, HubRepository>(), logins: 0 };
  const teams = Object.values(options.teams ?? {}).flat();
  const idOf = (team: string) => teams.indexOf(team) + 100;

  const addRepository = (full: string, fields: Fields = {}) => {
    const [namespace, name] = full.split('/');
    const repository: HubRepository = {
      fields: {
        name,
        namespace,
        description: '',
        is_private: false,
        immutable_tags_settings: { enabled: false, rules: [] },
        ...fields,
      },
      groups: new Map(),
    };
    state.repositories.set(full, repository);
    return repository;
  };

  const service: Service = (request) => {
    const before = options.before?.(request);
    if (before !== undefined) return before;
    const { method, url, headers, body: text } = request;
    const body = text === '' ? {} : fieldsOf(JSON.parse(text));
    if (url.pathname === '/v2/auth/token') {
      state.logins += 1;
      const isRight = body.identifier === options.user && body.secret === options.password;
      return isRight ? { status: 200, body: { access_token: `hub-${state.logins}` } } : fail(401, 'incorrect');
    }
    if (headers.authorization !== `Bearer hub-${state.logins}`) return fail(401, 'authentication required');
    const [, version, kind, namespace = '', ...rest] = url.pathname.split('/').map(decodeURIComponent);
    if (version !== 'v2') return fail(404, 'not found');
    if (kind === 'orgs' && rest[0] === 'groups') {
      const found = options.teams?.[namespace];
      if (found === undefined) return fail(404, 'organization not found');
      return paged(
        found.map((name) => ({ id: idOf(name), name, member_count: 1 })),
        url,
      );
    }
    const [first = '', ...below] = kind === 'namespaces' ? rest.slice(1) : rest;
    if (kind === 'namespaces' && first === '') {
      if (method === 'GET') {
        const all = [...state.repositories].filter(([each]) => each.startsWith(`${namespace}/`));
        return paged(
          all.map(([, { fields }]) => fields),
          url,
        );
      }
      const full = `${namespace}/${String(body.name)}`;
      if (state.repositories.has(full)) return fail(400, 'Repository with this Name and Namespace already exists.');
      addRepository(full, { is_private: body.is_private === true, description: body.description ?? '' });
      return { status: 201, body: state.repositories.get(full)?.fields };
    }
    const repository = state.repositories.get(`${namespace}/${first}`);
    if (repository === undefined) return fail(404, 'object not found');
    const [what = '', group] = below;
    if (what === '') {
      if (method === 'PATCH') repository.fields = { ...repository.fields, ...body };
      return { status: 200, body: repository.fields };
    }
    if (what === 'immutabletags') {
      const rules = Array.isArray(body.immutable_tags_rules) ? body.immutable_tags_rules.map(String) : [];
      // What is no expression is refused, and so is one that RE2 lacks.
      if (rules.some((rule) => /\(\?[=!<]/.test(rule))) return fail(400, 'invalid regex');
      const immutable_tags_settings = { enabled: body.immutable_tags === true, rules };
      repository.fields = { ...repository.fields, immutable_tags_settings };
      return { status: 200, body: repository.fields };
    }
    if (what === 'privacy') {
      repository.fields = { ...repository.fields, is_private: body.is_private === true };
      return { status: 200, body: {} };
    }
    if (what !== 'groups') return fail(404, 'not found');
    if (method === 'GET') {
      const rows = [...repository.groups].map(([group_id, permission]) => ({
        group_id,
        group_name: teams[group_id - 100],
        permission,
      }));
      return paged(rows, url);
    }
    const id = group === undefined || group === '' ? Number(body.group_id) : Number(group);
    if (teams[id - 100] === undefined) return fail(404, 'group not found');
    if (method === 'DELETE') repository.groups.delete(id);
    else repository.groups.set(id, String(body.permission));
    return { status: 200, body: {} };
  };
  return { hosts: { 'hub.docker.com': service }, state, addRepository };
}

const PAGE = 2;

function paged(rows: readonly Fields[], url: URL): CloudReply {
  const page = Number(url.searchParams.get('page') ?? 1);
  const next = page * PAGE < rows.length ? `https://hub.docker.com${url.pathname}?page=${page + 1}` : null;
  return {
    status: 200,
    body: { count: rows.length, next, previous: null, results: rows.slice((page - 1) * PAGE, page * PAGE) },
  };
}
