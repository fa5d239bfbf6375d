import type { CloudReply, CloudRequest, Service } from '../cloud.ts';
import { claimsOf, jwt } from './oidc.ts';

export interface ArtifactoryFolder {
  readonly repo: string;
  /** `image/tag` or `image/sha256:…` */
  readonly path: string;
  readonly name?: 'manifest.json' | 'list.manifest.json';
  /** Hex, without `sha256:`. */
  readonly sha256: string;
  readonly created?: string;
  readonly downloaded?: string;
}

export interface ArtifactoryOptions {
  readonly host?: string;
  /** Whole `Authorization` headers that open the API. */
  readonly authorized?: readonly string[];
  readonly repositories?: readonly string[];
  readonly folders?: readonly ArtifactoryFolder[];
  /** Rows of one answer, whatever is asked for. */
  readonly page?: number;
  readonly provider?: { readonly name: string; readonly audience: string; readonly subject: string };
  /** Of the access token; and the user beside it. */
  readonly subject?: string;
  readonly username?: string;
  readonly now?: () => Date;
  /** Answers instead of the service, for faults; undefined lets the request through. */
  readonly before?: (request: CloudRequest) => CloudReply | undefined;
}

const failed = (status: number, message: string): CloudReply => ({ status, body: { errors: [{ status, message }] } });

/** The JFrog platform: token exchange of Access, and the REST API of Artifactory. */
export function artifactoryDouble(options: ArtifactoryOptions = {}) {
  const { host = 'acme.jfrog.io', page = 2, subject = 'jfac@01/users/ci-bot' } = options;
  const state = {
    repositories: new Map((options.repositories ?? ['docker-local']).map((key) => [key, {} as unknown])),
    folders: [...(options.folders ?? [])],
    authorized: new Set(options.authorized),
  };

  const exchange = ({ body }: CloudRequest): CloudReply => {
    const asked = JSON.parse(body);
    const { provider } = options;
    if (
      asked.grant_type !== 'urn:ietf:params:oauth:grant-type:token-exchange' ||
      asked.subject_token_type !== 'urn:ietf:params:oauth:token-type:id_token'
    ) {
      return failed(400, 'Unsupported grant type');
    }
    if (provider === undefined || asked.provider_name !== provider.name) {
      return failed(404, `Provider ${asked.provider_name} was not found`);
    }
    const claims = claimsOf(String(asked.subject_token));
    if (claims.aud !== provider.audience) return failed(400, 'Token audience does not match the provider');
    if (!(Number(claims.exp) * 1000 >= (options.now ?? (() => new Date()))().getTime()))
      return failed(401, 'Token has expired');
    if (claims.sub !== provider.subject) return failed(403, 'No matching identity mapping was found for the claims');
    const token = jwt({ sub: subject, scp: 'applied-permissions/user' });
    state.authorized.add(`Bearer ${token}`);
    const user = options.username === undefined ? {} : { username: options.username };
    return { status: 200, body: { access_token: token, expires_in: 3600, token_type: 'Bearer', ...user } };
  };

  const search = ({ body, headers }: CloudRequest): CloudReply => {
    if (headers['content-type'] !== 'text/plain') return failed(400, 'Failed to parse query');
    const [, criteria = '', from = '', limit = ''] =
      /^items\.find\((\{.*?\})\)\.include\("repo","path","name","created","sha256","stat\.downloaded"\)\.sort\(\{"\$asc":\["path","name"\]\}\)\.offset\((\d+)\)\.limit\((\d+)\)$/.exec(
        body,
      ) ?? [];
    if (criteria === '') return failed(400, `Failed to parse query: ${body}`);
    const { repo, path, sha256, $or } = JSON.parse(criteria);
    const isThere = path.$match.endsWith('*')
      ? (each: string) => each.startsWith(path.$match.slice(0, -1))
      : (each: string) => each === path.$match;
    const names = $or.map(({ name }: { name: string }) => name);
    const rows = state.folders
      .map((folder) => ({ name: 'manifest.json', ...folder }))
      .filter((each) => each.repo === repo && isThere(each.path) && names.includes(each.name))
      .filter((each) => sha256 === undefined || each.sha256 === sha256)
      .sort((one, other) => (one.path < other.path ? -1 : 1))
      .slice(Number(from), Number(from) + Math.min(Number(limit), page))
      .map(({ downloaded, ...row }) => ({ ...row, stats: [downloaded === undefined ? {} : { downloaded }] }));
    return { status: 200, body: { results: rows, range: { start_pos: Number(from), total: rows.length } } };
  };

  const service: Service = (request) => {
    const fault = options.before?.(request);
    if (fault !== undefined) return fault;
    const { method, url, headers, body } = request;
    const at = `${method} ${url.pathname}`;
    if (at === 'POST /access/api/v1/oidc/token') return exchange(request);
    if (!state.authorized.has(headers.authorization ?? '')) return failed(401, 'Bad credentials');
    if (at === 'POST /artifactory/api/search/aql') return search(request);
    const [, key = ''] = /^\/artifactory\/api\/repositories\/([^/]+)$/.exec(url.pathname) ?? [];
    if (key !== '') {
      const there = state.repositories.has(key);
      if (method === 'GET') {
        return there
          ? { status: 200, body: { key, rclass: 'local', packageType: 'docker' } }
          : failed(400, 'Bad Request');
      }
      if (method !== 'PUT') return failed(405, 'Method Not Allowed');
      if (there) return failed(400, `Case insensitive repository key already exists: ${key}`);
      const asked = JSON.parse(body);
      if (asked.key !== key || asked.rclass !== 'local' || asked.packageType !== 'docker') {
        return failed(400, 'Invalid repository configuration');
      }
      state.repositories.set(key, asked);
      return { status: 200, body: `Successfully created repository '${key}'` };
    }
    if (method !== 'DELETE') return failed(405, 'Method Not Allowed');
    const [, repo, ...rest] = url.pathname.slice(1).split('/').map(decodeURIComponent);
    const path = rest.join('/');
    // As the real one: whatever lies below the path is deleted with it.
    const gone = state.folders.filter((each) => each.repo === repo && `${each.path}/`.startsWith(`${path}/`));
    if (gone.length === 0) return failed(404, `Could not locate artifact '${repo}:${path}' (Nothing to delete).`);
    state.folders = state.folders.filter((each) => !gone.includes(each));
    return { status: 204 };
  };
  return { hosts: { [host]: service } satisfies Record<string, Service>, state };
}
