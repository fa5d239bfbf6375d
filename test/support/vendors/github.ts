import type { CloudReply, CloudRequest, Service } from '../cloud.ts';

export interface PackageVersion {
  readonly id: number;
  readonly digest: string;
  readonly tags: readonly string[];
  readonly created: string;
  /** Of a public package: with more than 5000 of them the version stays. */
  readonly downloads?: number;
}

export interface GitHubPackage {
  readonly kind: 'orgs' | 'users';
  /** `org/repo` that it is linked to. */
  readonly repository?: string;
  readonly versions: readonly PackageVersion[];
  /** Whether the token has the role Admin; otherwise deletions are refused, openly or as if there were nothing. */
  readonly refuse?: 403 | 404;
}

export interface GitHubOptions {
  readonly token: string;
  /** By `owner/name`; the name may hold slashes. */
  readonly packages?: Readonly<Record<string, GitHubPackage>>;
  /** Versions on a page, whatever is asked for. */
  readonly page?: number;
  /** `api.github.com` */
  readonly host?: string;
  /** Answers instead of the service, for faults; undefined lets the request through. */
  readonly before?: (request: CloudRequest) => CloudReply | undefined;
}

const DOCS = { documentation_url: 'https://docs.github.com/rest/packages/packages' };
const NOT_FOUND = { status: 404, body: { message: 'Package not found.', ...DOCS, status: '404' } };
const POPULAR =
  'Publicly visible package versions with more than 5000 downloads cannot be deleted. Contact GitHub support for further assistance.';
const LAST = 'You cannot delete the last tagged version of a package. You must delete the package instead.';

/** The package API of GitHub's REST API. */
export function gitHubDouble(options: GitHubOptions) {
  const packages = new Map(
    Object.entries(options.packages ?? {}).map(([name, each]) => [name, { ...each, versions: [...each.versions] }]),
  );
  const { token, page: limit = 2, host = 'api.github.com' } = options;

  const service: Service = (request) => {
    const { method, url, headers } = request;
    const fault = options.before?.(request);
    if (fault !== undefined) return fault;
    if (headers.authorization !== `Bearer ${token}`)
      return { status: 401, body: { message: 'Bad credentials', ...DOCS } };
    if (headers['x-github-api-version'] !== '2022-11-28' || headers['user-agent'] === undefined) return { status: 400 };
    const parts = url.pathname.split('/').slice(1).map(decodeURIComponent);
    const [kind, owner, packagesWord, type, name, versionsWord, id, ...rest] = parts;
    if (packagesWord !== 'packages' || type !== 'container' || rest.length > 0) return NOT_FOUND;
    const found = packages.get(`${owner}/${name}`);
    if (found === undefined || found.kind !== kind) return NOT_FOUND;
    if (versionsWord === undefined && method === 'GET') {
      const repository = found.repository === undefined ? {} : { repository: { full_name: found.repository } };
      const record = { name, package_type: 'container', version_count: found.versions.length, visibility: 'private' };
      return { status: 200, body: { ...record, ...repository } };
    }
    if (versionsWord !== 'versions') return NOT_FOUND;
    if (id === undefined) return method === 'GET' ? paged(found.versions, url, limit) : { status: 405 };
    const at = found.versions.findIndex((version) => String(version.id) === id);
    const version = found.versions[at];
    if (version === undefined) return NOT_FOUND;
    if (method === 'GET') return { status: 200, body: shown(version) };
    if (method !== 'DELETE') return { status: 405 };
    if (found.refuse === 403)
      return { status: 403, body: { message: 'Must have admin rights to Repository.', ...DOCS } };
    if (found.refuse === 404) return NOT_FOUND;
    if (version.tags.length > 0 && found.versions.filter(({ tags }) => tags.length > 0).length === 1) {
      return { status: 400, body: { message: LAST, ...DOCS, status: '400' } };
    }
    if ((version.downloads ?? 0) > 5000) return { status: 400, body: { message: POPULAR, ...DOCS, status: '400' } };
    found.versions.splice(at, 1);
    return { status: 204 };
  };
  return { hosts: { [host]: service }, state: { packages } };
}

function shown({ id, digest, tags, created }: PackageVersion) {
  return {
    id,
    name: digest,
    created_at: created,
    updated_at: created,
    metadata: { package_type: 'container', container: { tags } },
  };
}

function paged(all: readonly PackageVersion[], url: URL, limit: number): CloudReply {
  const page = Number(url.searchParams.get('page') ?? '1');
  const size = Math.min(Number(url.searchParams.get('per_page') ?? '30'), limit, 100);
  const body = all.slice((page - 1) * size, page * size).map(shown);
  // A trap: the address of the next page is another host's.
  const next = `<https://evil.example${url.pathname}?page=${page + 1}>; rel="next"`;
  return { status: 200, headers: page * size < all.length ? { link: next } : {}, body };
}
