import { type Fields, fieldsOf } from '../../../src/domain/fields.ts';
import type { CloudReply, CloudRequest, Service } from '../cloud.ts';

export interface DeploymentState {
  readonly id: number;
  readonly sha: string;
  readonly environment: string;
  readonly createdAt: string;
  /** Newest first, as GitHub lists them. */
  readonly statuses: StatusState[];
}

export interface StatusState {
  readonly state: string;
  readonly description: string;
  readonly createdAt: string;
  readonly logUrl?: string;
}

export type FileState = {
  readonly type: 'file' | 'dir' | 'submodule' | 'symlink';
  readonly bytes?: Buffer;
  readonly size?: number;
};

export interface GitHubRepositoryOptions {
  /** What the token may, as `permissions` of a workflow; `read` for both unless it is said otherwise. */
  readonly permissions?: { readonly deployments?: 'write' | 'none'; readonly contents?: 'none' };
  /** A repository that the token may not even see is answered as if there were none. */
  readonly hidden?: boolean;
  readonly deployments?: readonly DeploymentState[];
  /** Files by commit (or branch), and by path. */
  readonly commits?: Readonly<Record<string, Readonly<Record<string, FileState>>>>;
  /** Answers instead of the service, for faults; undefined lets the request through. */
  readonly before?: (request: CloudRequest) => CloudReply | undefined;
}

export const GITHUB_TOKEN = 'ghs_of_the_job';
/** The time at GitHub, which stands still: only ids tell what was made later. */
const NOW = '2026-01-02T12:00:00Z';
const NOT_FOUND = { status: 404, body: { message: 'Not Found', status: '404' } };
const FORBIDDEN = { status: 403, body: { message: 'Resource not accessible by integration', status: '403' } };

/**
 * Deployments and contents of the repository `org/app` in GitHub's REST API.
 *
 * The deployments are in GitHub's description, which requests are to be checked against (`readContract('github')`). The
 * extract of it holds no contents and no commits: their form is checked here, by
 * https://docs.github.com/rest/repos/contents#get-repository-content and https://docs.github.com/rest/commits/commits#get-a-commit
 */
export function gitHubRepositoryDouble(options: GitHubRepositoryOptions = {}) {
  const { permissions = {}, commits = {} } = options;
  const deployments = (options.deployments ?? []).map((each) => ({ ...each, statuses: [...each.statuses] }));

  const service: Service = (request) => {
    const { method, url, headers } = request;
    const fault = options.before?.(request);
    if (fault !== undefined) return fault;
    if (headers.authorization !== `token ${GITHUB_TOKEN}`) return { status: 401, body: { message: 'Bad credentials' } };
    const [repos, owner, name, what, ...rest] = url.pathname.split('/').slice(1).map(decodeURIComponent);
    if (repos !== 'repos' || `${owner}/${name}` !== 'org/app' || options.hidden === true) return NOT_FOUND;
    if (what === 'deployments') return permissions.deployments === 'none' ? FORBIDDEN : deploymentReply(request, rest);
    if (method !== 'GET') return { status: 405 };
    if (permissions.contents === 'none') return FORBIDDEN;
    const ref = url.searchParams.get('ref') ?? '';
    const path = rest.join('/');
    if (what === 'commits') return commits[path] === undefined ? NO_COMMIT : { status: 200, body: { sha: path } };
    if (what !== 'contents' || path === '') return NOT_FOUND;
    const tree = commits[ref];
    if (tree === undefined) return { status: 404, body: { message: `No commit found for the ref ${ref}` } };
    const inside = Object.keys(tree).filter((each) => each.startsWith(`${path}/`));
    if (inside.length > 0) return { status: 200, body: inside.map((each) => ({ type: 'file', path: each })) };
    const file = tree[path];
    return file === undefined ? NOT_FOUND : { status: 200, body: contentOf(path, file) };
  };

  function deploymentReply({ method, url, body }: CloudRequest, rest: readonly string[]): CloudReply {
    const [id, statuses] = rest;
    const limit = Number(url.searchParams.get('per_page') ?? '30');
    if (id === undefined) {
      const [environment, sha] = ['environment', 'sha'].map((each) => url.searchParams.get(each));
      const found = deployments
        .filter((each) => !environment || each.environment.toLowerCase() === environment.toLowerCase())
        .filter((each) => !sha || each.sha === sha);
      return { status: 200, body: found.slice(0, limit).map(shownDeployment) };
    }
    const deployment = deployments.find((each) => String(each.id) === id);
    if (deployment === undefined || statuses !== 'statuses') return NOT_FOUND;
    if (method === 'GET') return { status: 200, body: shownStatuses(deployment).slice(0, limit) };
    if (permissions.deployments !== 'write') return FORBIDDEN;
    const asked = fieldsOf(JSON.parse(body));
    const description = String(asked.description ?? '');
    if ([...description].length > 140) {
      const errors = [{ resource: 'DeploymentStatus', field: 'description', code: 'custom' }];
      return { status: 422, body: { message: 'Validation Failed', errors } };
    }
    const status = { state: String(asked.state), description, createdAt: NOW, logUrl: String(asked.log_url ?? '') };
    deployment.statuses.unshift(status);
    if (status.state === 'success' && asked.auto_inactive !== false) replace(deployment);
    return { status: 201, body: shownStatuses(deployment)[0] };
  }

  /** What `auto_inactive` does, which is GitHub's default. */
  function replace(by: DeploymentState): void {
    for (const each of deployments) {
      const isOther = each.id !== by.id && each.environment === by.environment;
      if (isOther && each.statuses[0]?.state === 'success')
        each.statuses.unshift({ state: 'inactive', description: '', createdAt: NOW });
    }
  }

  return { service, state: { deployments } };
}

const NO_COMMIT = { status: 422, body: { message: 'No commit found for SHA', status: '422' } };

function shownDeployment({ id, sha, environment, createdAt }: DeploymentState): Fields {
  return { id, sha, ref: 'main', task: 'deploy', environment, created_at: createdAt, updated_at: createdAt };
}

function shownStatuses({ id, statuses }: DeploymentState): readonly Fields[] {
  return statuses.map(({ state, description, createdAt, logUrl = '' }, index) => ({
    id: id * 1000 + statuses.length - index,
    state,
    description,
    created_at: createdAt,
    log_url: logUrl,
    target_url: logUrl,
  }));
}

function contentOf(path: string, { type, bytes = Buffer.alloc(0), size = bytes.length }: FileState): unknown {
  const record = { type, path, name: path.split('/').at(-1), sha: '0'.repeat(40), size };
  if (type === 'dir') return [{ ...record, type: 'file', path: `${path}/a` }];
  if (type === 'symlink') return { ...record, target: bytes.toString() };
  if (type === 'submodule') return { ...record, submodule_git_url: 'https://github.com/org/other.git' };
  // Above 1 MB there is no content in this form; below, it comes in lines.
  if (size > 1024 * 1024) return { ...record, encoding: 'none', content: '' };
  return { ...record, encoding: 'base64', content: bytes.toString('base64').replace(/.{60}/g, '$&\n') };
}
