import { fieldsOf } from '../../../src/domain/fields.ts';
import type { CloudReply, CloudRequest, Service } from '../cloud.ts';
import { errorReply, type Reply } from '../registry-exchange.ts';
import type { Need } from '../registry-tokens.ts';
import { harborRetentions } from './harbor-retention.ts';
import { jwt } from './oidc.ts';

export interface HarborArtifact {
  readonly digest: string;
  readonly tags: string[];
  readonly pull_time?: string;
  readonly children?: readonly string[];
  readonly immutable?: boolean;
  /** What refers to it: no rows of the list, deleted with it. */
  readonly accessories?: readonly { readonly digest: string; readonly type: string }[];
  readonly mediaType?: string;
  readonly pushed?: string;
}

interface HarborProject {
  readonly metadata?: unknown;
  readonly hard?: number;
  readonly used?: number;
  readonly proxy?: boolean;
  readonly rules?: unknown[];
  readonly repositories?: Readonly<Record<string, HarborArtifact[]>>;
}

/** What a robot account may do in every project; `api`: what Harbor's API asks for beyond the login. */
export type HarborRight = 'pull' | 'push' | 'api';

export interface HarborOptions {
  readonly host: string;
  readonly users: Readonly<Record<string, string>>;
  /** By user; default: all. */
  readonly rights?: Readonly<Record<string, readonly HarborRight[]>>;
  readonly projects?: Readonly<Record<string, HarborProject>>;
  /** Whether pages say where the next one is, besides how many there are. */
  readonly links?: boolean;
  readonly before?: (request: CloudRequest) => CloudReply | undefined;
  /** Whether the rules about its repository retain an artifact; default: all do. */
  readonly retains?: (artifact: HarborArtifact, rules: readonly unknown[], repository: string) => boolean;
}

const PAGE = 2;
const FIRST_ID = 66;
const error = (status: number, code: string, message: string): CloudReply => ({
  status,
  body: { errors: [{ code, message }] },
});

/**
 * Harbor's API v2.0 as its description knows it, its token service, and what its proxy decides in front of the registry. The
 * answers are compared with those of a real Harbor 2.16 in `test/unit/support/harbor-answers.test.ts`.
 */
export function harborDouble(options: HarborOptions) {
  const projects = new Map(Object.entries(options.projects ?? {}));
  const issued = new Map<string, ReadonlyMap<string, readonly string[]>>();
  const retentions = harborRetentions(
    () => [...projects.keys()],
    (project) => projects.get(project)?.repositories ?? {},
    options.retains ?? (() => true),
  );
  const state = { projects, tokens: 0, retentions: retentions.stored };
  const mayDo = (user: string, right: HarborRight) => options.rights?.[user]?.includes(right) ?? true;

  /** Grants what the user may do at this moment: nothing in a project that does not exist. */
  const token = (url: URL, authorization: string | undefined): CloudReply => {
    const user = userOf(authorization, options.users);
    if (user === undefined) return error(401, 'UNAUTHORIZED', 'unauthorized');
    const access = url.searchParams.getAll('scope').map((scope) => {
      const [, name = '', asked = ''] = /^repository:(.+):([a-z,]+)$/.exec(scope) ?? [];
      const exists = projects.has(name.split('/')[0] ?? '');
      const actions = asked.split(',').filter((each) => exists && mayDo(user, each === 'pull' ? 'pull' : 'push'));
      return { type: 'repository', name, actions };
    });
    state.tokens += 1;
    const value = jwt({ iss: 'harbor-token-issuer', access, jti: String(state.tokens) });
    issued.set(value, new Map(access.map(({ name, actions }) => [name, actions])));
    return {
      status: 200,
      body: { token: value, access_token: '', expires_in: 1800, issued_at: '2026-11-28T00:00:00Z' },
    };
  };

  /** What Harbor's proxy says before a request reaches the registry: the same 401 for no right and for no project. */
  const decides = (authorization: string, needs: readonly Need[]): Reply | undefined => {
    const granted = issued.get(authorization.replace(/^Bearer /, ''));
    const lacking = needs.find(({ repository, action }) => granted?.get(repository)?.includes(action) !== true);
    if (granted !== undefined && lacking === undefined) return undefined;
    const scope = lacking === undefined ? '' : `,scope="repository:${lacking.repository}:${lacking.action}"`;
    const why =
      lacking === undefined
        ? 'unauthorized'
        : `unauthorized to access repository: ${lacking.repository}, action: ${lacking.action}: unauthorized to access repository: ${lacking.repository}, action: ${lacking.action}`;
    return errorReply(401, 'UNAUTHORIZED', why, undefined, {
      'www-authenticate': `Bearer realm="https://${options.host}/service/token",service="harbor-registry"${scope}`,
    });
  };

  const service: Service = (request) => {
    const { method, url, headers, body } = request;
    const before = options.before?.(request);
    if (before !== undefined) return before;
    if (url.pathname === '/service/token') return token(url, headers.authorization);
    if (headers.cookie !== undefined) return error(403, 'FORBIDDEN', 'CSRF token not found in request');
    const user = userOf(headers.authorization, options.users);
    if (user === undefined) return error(401, 'UNAUTHORIZED', 'unauthorized');
    const isLook = method === 'HEAD' && url.pathname === '/api/v2.0/projects';
    if (!isLook && !mayDo(user, 'api')) return error(403, 'FORBIDDEN', 'forbidden');
    const retention = retentions.answer(request);
    if (retention !== undefined) return retention;
    const [root, version, kind, name = '', ...rest] = url.pathname.slice(1).split('/');
    if (root !== 'api' || version !== 'v2.0' || kind !== 'projects') return error(404, 'NOT_FOUND', 'path');
    if (name === '' && method === 'HEAD') {
      return { status: projects.has(url.searchParams.get('project_name') ?? '') ? 200 : 404 };
    }
    if (name === '' && method === 'POST') {
      const { project_name, metadata } = fieldsOf(JSON.parse(body));
      if (typeof project_name !== 'string') return error(400, 'BAD_REQUEST', 'project_name');
      if (Object.values(fieldsOf(metadata)).some((each) => typeof each !== 'string')) {
        return error(422, 'UNPROCESSABLE', 'metadata holds texts');
      }
      if (projects.has(project_name)) return error(409, 'CONFLICT', 'The project already exists');
      projects.set(project_name, { metadata, rules: [], repositories: {} });
      return { status: 201 };
    }
    const project = projects.get(decodeURIComponent(name));
    if (project === undefined || headers['x-is-resource-name'] !== 'true') return error(404, 'NOT_FOUND', 'project');
    if (rest[0] === 'summary') {
      const quota = { hard: { storage: project.hard ?? -1 }, used: { storage: project.used ?? 0 } };
      const registry = project.proxy === true ? { registry: { id: 1, type: 'docker-hub' } } : {};
      return { status: 200, body: { repo_count: 1, quota, ...registry } };
    }
    if (rest[0] === 'immutabletagrules' && method === 'POST') {
      project.rules?.push(JSON.parse(body));
      return { status: 201 };
    }
    const [, repository = '', , reference = '', , tag] = rest;
    const artifacts = project.repositories?.[decodeURIComponent(decodeURIComponent(repository))];
    if (artifacts === undefined || !repository.includes('%252F'))
      return error(404, 'NOT_FOUND', 'repository not found');
    if (method === 'GET' && reference !== '') {
      const wanted = decodeURIComponent(reference);
      const held = artifacts.find(({ digest, tags }) => digest === wanted || tags.includes(wanted));
      if (held === undefined) return error(404, 'NOT_FOUND', 'artifact not found');
      return { status: 200, body: rowOf(held, url) };
    }
    if (method === 'GET') {
      // Without this a child of an index is no row, unless it has a tag.
      const all = url.searchParams.get('q') === 'base=*';
      const rows = artifacts.filter((each) => all || each.tags.length > 0 || !isReferenced(artifacts, each.digest));
      const page = Number(url.searchParams.get('page'));
      const next = new URL(url);
      next.searchParams.set('page', String(page + 1));
      const link = options.links === true && page * PAGE < rows.length;
      return {
        status: 200,
        headers: {
          'x-total-count': String(rows.length),
          ...(link ? { link: `<${next.pathname}${next.search}> ; rel="next"` } : {}),
        },
        body: rows.slice((page - 1) * PAGE, page * PAGE).map((each) => rowOf(each, url)),
      };
    }
    const wanted = decodeURIComponent(reference);
    const at = artifacts.findIndex(({ digest, tags }) => digest === wanted || tags.includes(wanted));
    const found = artifacts[at];
    if (found === undefined) return error(404, 'NOT_FOUND', 'artifact not found');
    if (tag !== undefined && !found.tags.includes(tag)) {
      return error(404, 'NOT_FOUND', `tag ${tag} attached to artifact ${at + FIRST_ID} not found`);
    }
    // One immutable tag protects the digest.
    if (found.immutable === true) {
      const [first = ''] = found.tags;
      return error(412, 'PRECONDITION', `the tag ${tag ?? first} configured as immutable, cannot be deleted`);
    }
    if (tag === undefined && isReferenced(artifacts, found.digest))
      return error(412, 'VIOLATE_FOREIGN_KEY_CONSTRAINT', `the deleting artifact ${wanted} is referenced by others`);
    if (tag === undefined) drop(artifacts, found);
    else found.tags.splice(found.tags.indexOf(tag), 1);
    return { status: 200 };
  };
  return { hosts: { [options.host]: service }, state, auth: { decides } };
}

function isReferenced(artifacts: readonly HarborArtifact[], digest: string): boolean {
  return artifacts.some(({ children = [] }) => children.includes(digest));
}

/** With the artifact go its accessories, and its children that have no tag and that no other index lists. */
function drop(artifacts: HarborArtifact[], found: HarborArtifact): void {
  artifacts.splice(artifacts.indexOf(found), 1);
  for (const digest of found.children ?? []) {
    const child = artifacts.find((each) => each.digest === digest && each.tags.length === 0);
    if (child !== undefined && !isReferenced(artifacts, digest)) drop(artifacts, child);
  }
}

function rowOf(artifact: HarborArtifact, url: URL) {
  const { digest, tags, children, accessories = [], pushed = '2026-01-02T03:04:05.678Z' } = artifact;
  const asked = (name: string) => url.searchParams.get(name) === 'true';
  const immutable = asked('with_immutable_status') && artifact.immutable === true;
  const shown = tags.map((name) => ({ name, immutable, push_time: pushed, pull_time: '0001-01-01T00:00:00.000Z' }));
  return {
    digest,
    size: 7,
    push_time: pushed,
    pull_time: artifact.pull_time ?? '0001-01-01T00:00:00.000Z',
    manifest_media_type: artifact.mediaType ?? 'application/vnd.oci.image.index.v1+json',
    tags: asked('with_tag') && tags.length > 0 ? shown : null,
    references: children?.map((child_digest) => ({ child_digest })) ?? null,
    accessories: asked('with_accessory')
      ? accessories.map((each) => ({ ...each, size: 3, creation_time: pushed }))
      : null,
  };
}

/** Who a Basic header is; undefined for nobody. */
function userOf(authorization: string | undefined, users: HarborOptions['users']): string | undefined {
  const [user = '', password] = Buffer.from((authorization ?? '').slice(6), 'base64')
    .toString()
    .split(':');
  return password !== undefined && users[user] === password ? user : undefined;
}
