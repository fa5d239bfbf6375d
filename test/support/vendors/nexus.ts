import { fieldsOf } from '../../../src/domain/fields.ts';
import type { CloudReply, CloudRequest, Service } from '../cloud.ts';

export interface NexusTag {
  readonly id: string;
  readonly repository: string;
  readonly name: string;
  readonly version: string;
  /** Hex, without `sha256:`. */
  readonly sha256: string;
  readonly blobCreated?: string;
  readonly lastDownloaded?: string;
  readonly contentType?: string;
}

export interface NexusOptions {
  readonly host?: string;
  /** `/nexus` where it is not at the root. */
  readonly context?: string;
  readonly user: string;
  readonly password: string;
  readonly repositories?: readonly string[];
  readonly components?: readonly NexusTag[];
  readonly page?: number;
  /** Answers instead of the service, for faults; undefined lets the request through. */
  readonly before?: (request: CloudRequest) => CloudReply | undefined;
}

/** The REST API of Nexus Repository 3. */
export function nexusDouble(options: NexusOptions) {
  const { host = 'nexus.example.com', context = '', user, password, page = 2 } = options;
  const state = {
    repositories: new Map((options.repositories ?? ['docker']).map((name) => [name, {} as unknown])),
    components: [...(options.components ?? [])],
  };
  const basic = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

  const search = (url: URL): CloudReply => {
    const query = (name: string) => url.searchParams.get(name);
    if (query('format') !== 'docker') return { status: 400 };
    // As the real one, the search is generous: names are compared without case, and by their beginning.
    const name = (query('docker.imageName') ?? '').toLowerCase();
    const tag = query('docker.imageTag')?.toLowerCase();
    const sha256 = query('sha256');
    const rows = state.components.filter(
      (each) =>
        each.repository === query('repository') &&
        each.name.toLowerCase().startsWith(name) &&
        (tag === undefined || each.version.toLowerCase() === tag) &&
        (sha256 === null || each.sha256 === sha256),
    );
    const from = Number(query('continuationToken') ?? '0');
    const items = rows.slice(from, from + page).map((each) => ({
      id: each.id,
      repository: each.repository,
      format: 'docker',
      group: null,
      name: each.name,
      version: each.version,
      assets: [
        {
          path: `v2/${each.name}/manifests/${each.version}`,
          fileSize: 1234,
          checksum: { sha1: '00', sha256: each.sha256 },
          blobCreated: each.blobCreated ?? null,
          lastDownloaded: each.lastDownloaded ?? null,
          ...(each.contentType === undefined ? {} : { contentType: each.contentType }),
        },
      ],
    }));
    const more = from + page < rows.length ? String(from + page) : null;
    return { status: 200, body: { items, continuationToken: more } };
  };

  const create = (body: string): CloudReply => {
    const { name, online, storage, docker } = JSON.parse(body);
    const complete =
      online === true &&
      typeof storage?.blobStoreName === 'string' &&
      typeof storage.strictContentTypeValidation === 'boolean' &&
      /^(ALLOW|ALLOW_ONCE|DENY)$/.test(storage.writePolicy) &&
      typeof docker?.v1Enabled === 'boolean' &&
      typeof docker.forceBasicAuth === 'boolean';
    if (!complete) return { status: 400, body: [{ id: 'PARAMETER storage', message: 'may not be null' }] };
    if (state.repositories.has(name)) {
      const message = 'Name is already used, must be unique (ignoring case)';
      return { status: 400, body: [{ id: 'PARAMETER name', message }] };
    }
    state.repositories.set(name, JSON.parse(body));
    return { status: 201 };
  };

  const service: Service = (request) => {
    const fault = options.before?.(request);
    if (fault !== undefined) return fault;
    const { method, url, headers, body } = request;
    if (headers.authorization !== basic) return { status: 401 };
    if (headers.cookie !== undefined) return { status: 403, body: 'Anti cross-site request forgery token mismatch' };
    const root = `${context}/service/rest/v1`;
    const rest = url.pathname.startsWith(root) ? url.pathname.slice(root.length) : '';
    if (method === 'GET' && rest === '/search') return search(url);
    if (method === 'POST' && rest === '/repositories/docker/hosted') return create(body);
    const [, name = ''] = /^\/repositories\/docker\/hosted\/([^/]+)$/.exec(rest) ?? [];
    if (method === 'GET' && name !== '') {
      if (!state.repositories.has(name)) return { status: 404 };
      return { status: 200, body: { ...fieldsOf(state.repositories.get(name)), name, format: 'docker' } };
    }
    const [, id = ''] = /^\/components\/([^/]+)$/.exec(rest) ?? [];
    if (method !== 'DELETE' || id === '') return { status: 404 };
    const at = state.components.findIndex((each) => each.id === decodeURIComponent(id));
    if (at < 0) return { status: 404 };
    state.components.splice(at, 1);
    return { status: 204 };
  };
  return { hosts: { [host]: service } satisfies Record<string, Service>, state };
}
