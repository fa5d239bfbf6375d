import { type Fields, fieldsOf } from '../../../src/domain/fields.ts';
import type { CloudReply, CloudRequest, Service } from '../cloud.ts';

export interface NexusSetupOptions {
  readonly host: string;
  readonly user: string;
  readonly password: string;
  readonly anonymous?: boolean;
  /** Answers instead of Nexus. */
  readonly before?: (request: CloudRequest) => CloudReply | undefined;
}

const fail = (status: number, message: string): CloudReply => ({ status, body: [{ id: '*', message }] });
const NEEDS: Readonly<Record<string, readonly string[]>> = {
  hosted: ['name', 'online', 'storage', 'docker'],
  proxy: ['name', 'online', 'storage', 'docker', 'dockerProxy', 'proxy', 'negativeCache', 'httpClient'],
  group: ['name', 'online', 'storage', 'docker', 'group'],
};

/** Nexus's management of Docker repositories and roles. A PUT replaces all settings, and passwords are not shown. */
export function nexusSetupDouble(options: NexusSetupOptions) {
  const { host } = options;
  const state = {
    repositories: new Map<string, { readonly type: string; fields: Fields }>(),
    roles: new Map<string, Fields>(),
    passwords: new Map<string, unknown>(),
  };

  /** As it is read: ports that are not set are null, and what has no policy says so. */
  const shown = (type: string, fields: Fields): Fields => {
    const { authentication, ...client } = fieldsOf(fields.httpClient);
    const { password: _, ...login } = fieldsOf(authentication);
    return {
      ...fields,
      format: 'docker',
      type,
      url: `https://${host}/repository/${String(fields.name)}`,
      cleanup: fields.cleanup ?? null,
      docker: { httpPort: null, httpsPort: null, subdomain: null, ...fieldsOf(fields.docker) },
      ...(fields.httpClient === undefined
        ? {}
        : { httpClient: { ...client, ...(authentication === undefined ? {} : { authentication: login }) } }),
    };
  };

  const service: Service = (request) => {
    const before = options.before?.(request);
    if (before !== undefined) return before;
    const { method, url, headers, body: text } = request;
    const basic = Buffer.from(`${options.user}:${options.password}`).toString('base64');
    if (headers.authorization !== `Basic ${basic}`) return { status: 401 };
    const body = text === '' ? {} : fieldsOf(JSON.parse(text));
    const [, , , version, root, format = '', type = '', name = ''] = url.pathname.split('/').map(decodeURIComponent);
    if (version !== 'v1') return { status: 404 };
    if (root === 'security' && format === 'anonymous') {
      return {
        status: 200,
        body: { enabled: options.anonymous === true, userId: 'anonymous', realmName: 'NexusAuthorizingRealm' },
      };
    }
    if (root === 'security' && format === 'roles') return rolesApi(method, type, body);
    if (root !== 'repositories') return { status: 404 };
    if (format === '') {
      const rows = [...state.repositories].map(([each, { type: kind }]) => ({
        name: each,
        format: 'docker',
        type: kind,
        url: '',
      }));
      return { status: 200, body: [...rows, { name: 'maven-releases', format: 'maven2', type: 'hosted', url: '' }] };
    }
    const found = state.repositories.get(method === 'POST' ? String(body.name) : name);
    if (method === 'GET')
      return found?.type === type ? { status: 200, body: shown(type, found.fields) } : { status: 404 };
    const missing = NEEDS[type]?.find((field) => body[field] === undefined);
    if (missing !== undefined) return fail(400, `${missing} must not be null`);
    if (method === 'POST' && found !== undefined)
      return fail(400, `Name is already used, must be unique (ignoring case)`);
    if (method === 'PUT' && found?.type !== type) return { status: 404 };
    const members = fieldsOf(body.group).memberNames;
    const absent = (Array.isArray(members) ? members : []).find((each) => !state.repositories.has(String(each)));
    if (absent !== undefined) return fail(400, `Member repository does not exist: ${String(absent)}`);
    const { storage, docker } = body;
    if (fieldsOf(storage).blobStoreName === 'missing') return fail(400, 'Blob store missing does not exist');
    if (
      fieldsOf(docker).pathEnabled === true &&
      fieldsOf(docker).httpPort !== undefined &&
      fieldsOf(docker).httpPort !== null
    ) {
      return fail(400, 'Path based routing and ports exclude each other');
    }
    const { password } = fieldsOf(fieldsOf(body.httpClient).authentication);
    if (password !== undefined) state.passwords.set(String(body.name), password);
    state.repositories.set(String(body.name), { type, fields: body });
    return { status: method === 'POST' ? 201 : 204 };
  };

  const rolesApi = (method: string, id: string, body: Fields): CloudReply => {
    if (method === 'POST') {
      if (state.roles.has(String(body.id))) return fail(400, 'Role already exists');
      state.roles.set(String(body.id), { ...body, source: 'default' });
      return { status: 200, body };
    }
    const role = state.roles.get(id);
    if (role === undefined) return { status: 404, body: `Role '${id}' not found.` };
    if (method === 'GET') return { status: 200, body: role };
    state.roles.set(id, { ...role, ...body });
    return { status: 204 };
  };
  return { hosts: { [host]: service }, state };
}
