import { type Fields, fieldsOf } from '../../../src/domain/fields.ts';
import type { CloudReply, CloudRequest, Service } from '../cloud.ts';
import type { Contract } from '../contract.ts';

export interface ArtifactorySetupOptions {
  readonly host: string;
  readonly user: string;
  readonly password: string;
  /** Answers instead of Artifactory. */
  readonly before?: (request: CloudRequest) => CloudReply | undefined;
}

const fail = (status: number, message: string): CloudReply => ({ status, body: { errors: [{ status, message }] } });
const KINDS = ['local', 'remote', 'virtual', 'federated'];
const RIGHTS = ['read', 'write', 'annotate', 'delete', 'manage', 'managedXrayMeta', 'distribute'];

/** Artifactory's repositories and permissions. An update merges; a permission is replaced. */
export function artifactorySetupDouble(options: ArtifactorySetupOptions) {
  const { host } = options;
  const state = { repositories: new Map<string, Fields>(), permissions: new Map<string, Fields>() };

  const repositories = (method: string, key: string, body: Fields): CloudReply => {
    if (key === '') {
      const rows = [...state.repositories].map(([each, { rclass, packageType }]) => ({
        key: each,
        type: String(rclass).toUpperCase(),
        packageType: packageType === 'docker' ? 'Docker' : 'Maven',
        url: `https://${host}/artifactory/${each}`,
      }));
      return { status: 200, body: rows };
    }
    const found = state.repositories.get(key);
    if (method === 'GET') {
      if (found === undefined) return fail(400, 'Bad Request');
      const { password: _, ...shown } = found;
      return { status: 200, body: { includesPattern: '**/*', excludesPattern: '', maxUniqueTags: 0, ...shown } };
    }
    const members = Array.isArray(body.repositories) ? body.repositories.map(String) : [];
    if (members.some((each) => !state.repositories.has(each)))
      return fail(400, `Repository ${members.join()} doesn't exist`);
    if (method === 'PUT') {
      if (found !== undefined)
        return fail(400, `error updating repository: Case insensitive repository key already exists`);
      if (!KINDS.includes(String(body.rclass)) || body.packageType === undefined) return fail(400, 'rclass');
      if (body.rclass === 'remote' && typeof body.url !== 'string') return fail(400, 'url');
      state.repositories.set(key, { xrayIndex: false, ...body });
      return { status: 200, body: `Successfully created repository '${key}'` };
    }
    if (found === undefined) return fail(404, 'no repository');
    if (body.rclass !== undefined && body.rclass !== found.rclass) return fail(400, 'rclass cannot change');
    state.repositories.set(key, { ...found, ...body });
    return { status: 200, body: `Repository ${key} update successfully.` };
  };

  const permissions = (method: string, name: string, body: Fields): CloudReply => {
    const found = state.permissions.get(name);
    if (method === 'GET')
      return found === undefined ? fail(404, `Permission ${name} not found`) : { status: 200, body: found };
    const repo = fieldsOf(body.repo);
    const { users, groups } = fieldsOf(repo.actions);
    const given = [users, groups].flatMap((each) => Object.values(fieldsOf(each)).flat().map(String));
    if (given.some((right) => !RIGHTS.includes(right))) return fail(400, 'actions');
    const on = Array.isArray(repo.repositories) ? repo.repositories.map(String) : [];
    if (on.some((each) => !state.repositories.has(each))) return fail(400, `Repository ${on.join()} does not exist`);
    if (method === 'POST' && found !== undefined) return fail(409, `Permission ${name} already exists`);
    if (method === 'PUT' && found === undefined) return fail(404, `Permission ${name} not found`);
    state.permissions.set(name, body);
    return { status: method === 'POST' ? 201 : 200 };
  };

  const service: Service = (request) => {
    const before = options.before?.(request);
    if (before !== undefined) return before;
    const { method, url, headers, body: text } = request;
    const basic = Buffer.from(`${options.user}:${options.password}`).toString('base64');
    if (headers.authorization !== `Basic ${basic}`) return fail(401, 'Bad credentials');
    const body = text === '' ? {} : fieldsOf(JSON.parse(text));
    const path = decodeURIComponent(url.pathname);
    const [, key] = /^\/artifactory\/api\/repositories\/?(.*)$/.exec(path) ?? [];
    if (key !== undefined) return repositories(method, key, body);
    const [, name] = /^\/artifactory\/api\/v2\/security\/permissions\/(.+)$/.exec(path) ?? [];
    return name === undefined ? fail(404, path) : permissions(method, name, body);
  };
  return { hosts: { [host]: service }, state };
}

/** The description has no user name and password of remote repositories; they are left out before it is asked. */
export function artifactoryContract(contract: Contract): Contract {
  return {
    check: (request) => {
      if (request.body === '' || !/\/api\/repositories\//.test(request.url.pathname)) return contract.check(request);
      const { username: _, password: __, ...body } = fieldsOf(JSON.parse(request.body));
      return contract.check({ ...request, body: JSON.stringify(body) });
    },
  };
}
