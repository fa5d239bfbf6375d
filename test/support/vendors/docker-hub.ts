import { fieldsOf } from '../../../src/domain/fields.ts';
import type { CloudReply, CloudRequest, Service } from '../cloud.ts';
import { claimsOf, ISSUER } from './oidc.ts';

export interface HubTag {
  readonly name: string;
  /** Left out for tags of former years. */
  readonly digest?: string;
  readonly media_type?: string;
  readonly full_size?: number;
  readonly images?: readonly { readonly digest: string }[];
  readonly tag_last_pushed?: string | null;
  readonly tag_last_pulled?: string | null;
}

export interface HubRepository {
  readonly isPrivate: boolean;
  immutable: readonly string[] | undefined;
  readonly tags: Map<string, HubTag>;
  /** Who may push to it. */
  readonly writers: readonly string[];
}

export interface HubOptions {
  readonly now: () => Date;
  /** Password or token of each account. */
  readonly users?: Readonly<Record<string, string>>;
  readonly repositories?: Readonly<
    Record<string, { readonly tags?: readonly HubTag[]; readonly writers?: readonly string[] }>
  >;
  /** Tags on a page, whatever is asked for. */
  readonly page?: number;
  readonly connection?: { readonly id: string; readonly audience: string; readonly subjects: readonly string[] };
  /** Answers instead of the service, for faults; undefined lets the request through. */
  readonly before?: (request: CloudRequest) => CloudReply | undefined;
}

const NAME = /^[a-z0-9]+(?:[._-][a-z0-9]+)*$/;

interface HubState {
  readonly repositories: Map<string, HubRepository>;
  readonly bearers: Map<string, { readonly user: string; readonly until: number }>;
  readonly issued: { readonly token: string; readonly seconds: number }[];
}

/** hub.docker.com and identity.docker.com, as their API's description and docker/login-action know them. */
export function dockerHubDouble(options: HubOptions) {
  const repositories = new Map<string, HubRepository>();
  for (const [name, { tags = [], writers = [] }] of Object.entries(options.repositories ?? {})) {
    const byName = new Map(tags.map((tag) => [tag.name, tag]));
    repositories.set(name, { isPrivate: true, immutable: undefined, tags: byName, writers });
  }
  const state: HubState = { repositories, bearers: new Map(), issued: [] };
  const guard =
    (service: Service): Service =>
    (request) =>
      options.before?.(request) ?? service(request);
  return {
    hosts: { 'hub.docker.com': guard(hub(options, state)), 'identity.docker.com': guard(identity(options, state)) },
    state,
  };
}

function identity({ connection, now }: HubOptions, state: HubState): Service {
  return ({ method, url, headers, body }) => {
    if (method !== 'POST' || url.pathname !== '/oauth/token') return { status: 404 };
    if (headers['content-type'] !== 'application/x-www-form-urlencoded') return { status: 415 };
    const form = new URLSearchParams(body);
    const seconds = Number(form.get('expires_in'));
    const types = [form.get('grant_type'), form.get('subject_token_type')].join(' ');
    const expected = 'urn:ietf:params:oauth:grant-type:token-exchange urn:ietf:params:oauth:token-type:id_token';
    if (types !== expected || !(seconds >= 300 && seconds <= 21_600)) {
      return { status: 400, body: { error: 'invalid_request' } };
    }
    const claims = claimsOf(form.get('subject_token') ?? '');
    const bad = (error_description: string) => ({ status: 400, body: { error: 'invalid_grant', error_description } });
    if (connection === undefined || form.get('connection_id') !== connection.id) return bad('unknown connection');
    if (claims.iss !== ISSUER) return bad('issuer is not supported');
    if (claims.aud !== connection.audience) return bad('token has an invalid audience');
    if (typeof claims.exp !== 'number' || claims.exp * 1000 <= now().getTime()) return bad('token is expired');
    if (!connection.subjects.includes(String(claims.sub))) return { status: 401 };
    const token = `dckr_oidc_${state.issued.length}`;
    state.issued.push({ token, seconds });
    return { status: 200, body: { access_token: token } };
  };
}

function hub(options: HubOptions, state: HubState): Service {
  const { now, users = {}, page: limit = 2 } = options;
  return ({ method, url, headers, body }) => {
    if (url.pathname === '/v2/auth/token') {
      const { identifier, secret } = fieldsOf(json(body));
      if (method !== 'POST' || headers['content-type'] !== 'application/json') return { status: 400 };
      if (typeof identifier !== 'string' || users[identifier] === undefined || users[identifier] !== secret) {
        return { status: 401, body: { detail: 'Incorrect authentication credentials', message: 'unauthorized' } };
      }
      const bearer = `bearer-${identifier}-${state.bearers.size}`;
      state.bearers.set(bearer, { user: identifier, until: now().getTime() + 600_000 });
      return { status: 200, body: { access_token: bearer } };
    }
    const session = state.bearers.get((headers.authorization ?? '').replace(/^Bearer /, ''));
    if (session === undefined || session.until <= now().getTime()) {
      return { status: 401, body: { detail: 'Invalid bearer token', message: 'unauthorized' } };
    }
    const [, , base = '', namespace = '', ...rest] = url.pathname.split('/').map(decodeURIComponent);
    const [name, ...below] = base === 'namespaces' ? rest.slice(1) : rest;
    if (base !== 'namespaces' && base !== 'repositories') return { status: 404 };
    if (name === undefined) {
      const asked = fieldsOf(json(body));
      const full = `${namespace}/${String(asked.name)}`;
      if (method !== 'POST') return { status: 405 };
      if (asked.namespace !== namespace || typeof asked.name !== 'string' || !NAME.test(asked.name)) {
        return { status: 400, body: { message: 'invalid repository name', fields: { name: ['invalid'] } } };
      }
      if (namespace !== session.user)
        return { status: 403, body: { message: 'access denied', detail: 'access denied' } };
      if (state.repositories.has(full)) {
        return { status: 400, body: { message: 'httperror 400: bad request', fields: { name: ['taken'] } } };
      }
      const made = {
        isPrivate: asked.is_private === true,
        immutable: undefined,
        tags: new Map(),
        writers: [session.user],
      };
      state.repositories.set(full, made);
      return { status: 201, body: { name: asked.name, namespace } };
    }
    const repository = state.repositories.get(`${namespace}/${name}`);
    if (repository === undefined) return { status: 404, body: { message: 'object not found', errinfo: {} } };
    const write = repository.writers.includes(session.user);
    const [what, tag] = below;
    if (what === undefined) {
      if (method === 'HEAD') return { status: 200 };
      const permissions = { read: true, write, admin: write };
      const rules = repository.immutable ?? [];
      const immutable_tags_settings = { enabled: repository.immutable !== undefined, rules };
      const shown = { namespace, name, is_private: repository.isPrivate, permissions, immutable_tags_settings };
      return { status: 200, body: shown };
    }
    if (what === 'immutabletags') {
      const { immutable_tags: on, immutable_tags_rules: rules } = fieldsOf(json(body));
      if (method !== 'PATCH' || typeof on !== 'boolean' || !Array.isArray(rules)) return { status: 400 };
      if (!write) return { status: 403, body: { message: 'access denied' } };
      repository.immutable = on ? rules.map(String) : undefined;
      return { status: 200, body: { immutable_tags_settings: { enabled: on, rules } } };
    }
    if (what !== 'tags') return { status: 404 };
    if (tag === undefined) return paged([...repository.tags.values()], url, limit);
    const found = repository.tags.get(tag);
    if (method === 'HEAD') return { status: found === undefined ? 404 : 200 };
    if (method !== 'DELETE' || base !== 'repositories') return { status: 405 };
    if (found === undefined || !write) return { status: 404, body: { message: 'tag not found' } };
    if (repository.immutable !== undefined) return { status: 403, body: { message: `tag ${tag} is immutable` } };
    repository.tags.delete(tag);
    return { status: 204 };
  };
}

function paged(all: readonly HubTag[], url: URL, limit: number): CloudReply {
  const page = Number(url.searchParams.get('page') ?? '1');
  const size = Math.min(Number(url.searchParams.get('page_size') ?? '10'), limit, 100);
  const results = all.slice((page - 1) * size, page * size);
  if (page > 1 && results.length === 0) return { status: 404, body: { message: 'page not found' } };
  const more = page * size < all.length;
  // A trap: the address of the next page is another host's.
  const next = more ? `https://evil.example${url.pathname}?page=${page + 1}` : null;
  return { status: 200, body: { count: all.length, next, previous: null, results } };
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
