import { type Fields, fieldsOf } from '../../../src/domain/fields.ts';
import type { CloudReply, CloudRequest, Service } from '../cloud.ts';
import type { Contract } from '../contract.ts';

export interface AzureSetupOptions {
  /** `/subscriptions/…/registries/acme` */
  readonly resource: string;
  /** The registry as it is; undefined: none. */
  readonly registry?: Fields;
  /** Whether the identity of a credential set may read the key vault. */
  readonly vaultRole?: boolean;
  /** Conflicts that writes meet before the first is taken. */
  readonly busy?: number;
  /** Answers instead of Azure. */
  readonly before?: (request: CloudRequest) => CloudReply | undefined;
}

const error = (status: number, code: string, message: string): CloudReply => ({
  status,
  body: { error: { code, message } },
});
const COLLECTIONS = [
  'replications',
  'credentialSets',
  'cacheRules',
  'scopeMaps',
  'tokens',
  'webhooks',
  'tasks',
  'providers',
];
const VERSIONS: Readonly<Record<string, string>> = { tasks: '2019-06-01-preview', providers: '2022-04-01' };

/** Azure's management API for one registry, with writes that take a while. */
export function azureSetupDouble(options: AzureSetupOptions) {
  const { resource } = options;
  const state = {
    registry: options.registry,
    children: new Map<string, Fields>(),
    /** Reads of a resource before it is done. */
    pending: new Map<string, number>(),
    passwords: [] as string[],
    busy: options.busy ?? 0,
  };
  const isPremium = () => fieldsOf(state.registry?.sku).name === 'Premium';

  const shown = (path: string, fields: Fields): Fields => {
    const waits = state.pending.get(path) ?? 0;
    if (waits > 0) state.pending.set(path, waits - 1);
    const { serviceUri: _, customHeaders: __, ...properties } = fieldsOf(fields.properties);
    return {
      ...fields,
      id: `${resource}${path}`,
      properties: { ...properties, provisioningState: waits > 0 ? 'Updating' : 'Succeeded' },
    };
  };

  const registryWrite = (method: string, body: Fields): CloudReply => {
    const sku = fieldsOf(body.sku).name ?? fieldsOf(state.registry?.sku).name;
    const properties = fieldsOf(body.properties);
    const retention = fieldsOf(fieldsOf(properties.policies).retentionPolicy);
    if (retention.status === 'enabled' && sku !== 'Premium') {
      return error(400, 'SkuNotSupported', 'The retention policy is not supported for this SKU.');
    }
    if (method === 'PUT') {
      if (body.location === undefined || sku === undefined) return error(400, 'InvalidRequest', 'location and sku');
      state.registry = { name: resource.split('/').at(-1), ...body };
    } else {
      if (state.registry === undefined) return error(404, 'ResourceNotFound', 'registry');
      if ('location' in body) return error(400, 'InvalidRequest', 'location cannot be changed');
      const before = fieldsOf(state.registry.properties);
      const policies = { ...fieldsOf(before.policies), ...fieldsOf(properties.policies) };
      const merged = { ...before, ...properties, policies };
      state.registry = { ...state.registry, ...body, properties: merged };
    }
    state.pending.set('', 1);
    return { status: method === 'PUT' ? 201 : 202, ...(method === 'PUT' ? { body: shown('', state.registry) } : {}) };
  };

  /** What is wrong with a child, as Azure decides it. */
  const problemOf = (kind: string, name: string, body: Fields, found: Fields | undefined): CloudReply | undefined => {
    const { sourceRepository, credentialSetResourceId, scopeMapId, actions, serviceUri } = fieldsOf(body.properties);
    const bad = (message: string) => error(400, 'InvalidRequest', message);
    if (kind === 'replications') {
      if (!isPremium()) return error(400, 'SkuNotSupported', 'Replication is not supported for this SKU.');
      if (body.location === state.registry?.location) return bad('A replica in the home region.');
    }
    if (kind === 'cacheRules' && found === undefined) {
      const isHub = /^docker\.io\//.test(String(sourceRepository));
      if (isHub && credentialSetResourceId === undefined) {
        return error(
          400,
          'EnforceDockerAuthentication',
          'Cannot create cache rule pointing to Docker Hub without credentials.',
        );
      }
      const set = String(credentialSetResourceId ?? '').slice(resource.length);
      if (credentialSetResourceId !== undefined && !state.children.has(set)) return bad(`no credential set ${set}`);
    }
    if (kind === 'cacheRules' && found !== undefined && sourceRepository !== undefined)
      return bad('sourceRepository is read-only.');
    if (kind === 'credentialSets' && found === undefined && fieldsOf(body.identity).type === undefined)
      return bad('identity');
    if (
      kind === 'scopeMaps' &&
      (!Array.isArray(actions) ||
        actions.some((each) => !/^repositories\/.+\/(?:content|metadata)\/(?:read|write|delete)$/.test(String(each))))
    ) {
      return bad('actions');
    }
    if (
      kind === 'tokens' &&
      scopeMapId !== undefined &&
      !state.children.has(String(scopeMapId).slice(resource.length))
    ) {
      return bad(`no scope map ${String(scopeMapId)}`);
    }
    if (kind === 'webhooks' && serviceUri === undefined) return bad('serviceUri');
    if (!/^[A-Za-z0-9-]{5,50}$/.test(name) && kind !== 'providers') return bad(`name ${name}`);
    return undefined;
  };

  const childWrite = (method: string, path: string, body: Fields): CloudReply => {
    const [, kind = '', ...rest] = path.split('/');
    const name = rest.at(-1) ?? '';
    const found = state.children.get(path);
    if (method === 'DELETE') {
      const isThere = state.children.delete(path);
      return { status: isThere ? 202 : 204 };
    }
    if (state.registry === undefined) return error(404, 'ResourceNotFound', 'registry');
    if (method === 'PATCH' && found === undefined) return error(404, 'ResourceNotFound', path);
    if (kind === 'providers' && found !== undefined)
      return error(409, 'RoleAssignmentExists', 'The role assignment already exists.');
    const problem = problemOf(kind, name, body, found);
    if (problem !== undefined) return problem;
    const isHealthy = options.vaultRole !== false;
    const { authCredentials } = fieldsOf(body.properties);
    const health = isHealthy
      ? { status: 'Healthy' }
      : { status: 'Unhealthy', errorMessage: 'The identity has no permission to read the secret.' };
    const stored: Fields = {
      ...found,
      ...body,
      name,
      ...(kind === 'credentialSets'
        ? { identity: { type: 'SystemAssigned', principalId: '11111111-2222-4333-8444-555555555555' } }
        : {}),
      properties: {
        ...fieldsOf(found?.properties),
        ...fieldsOf(body.properties),
        ...(Array.isArray(authCredentials)
          ? { authCredentials: authCredentials.map((each) => ({ ...fieldsOf(each), credentialHealth: health })) }
          : {}),
      },
    };
    state.children.set(path, stored);
    if (kind === 'replications') state.pending.set(path, 1);
    return { status: found === undefined ? 201 : 200, body: shown(path, stored) };
  };

  const generate = (body: Fields): CloudReply => {
    const path = String(body.tokenId).slice(resource.length);
    const token = state.children.get(path);
    if (token === undefined) return error(404, 'ResourceNotFound', path);
    const value = `acr-password-${state.passwords.length + 1}`;
    state.passwords.push(value);
    const credentials = { passwords: [{ name: body.name, creationTime: '2026-11-28T00:00:00Z' }] };
    state.children.set(path, { ...token, properties: { ...fieldsOf(token.properties), credentials } });
    return {
      status: 202,
      headers: { location: `https://management.azure.com${resource}/results/${state.passwords.length}` },
    };
  };

  const service: Service = (request) => {
    const before = options.before?.(request);
    if (before !== undefined) return before;
    const { method, url, headers, body: text } = request;
    if (!/^Bearer \S+$/.test(headers.authorization ?? '')) return error(401, 'AuthenticationFailed', 'no token');
    const path = decodeURIComponent(url.pathname).slice(resource.length);
    if (!decodeURIComponent(url.pathname).startsWith(resource)) return error(404, 'ResourceNotFound', url.pathname);
    const [, kind = ''] = path.split('/');
    const [, id] = /^\/results\/(\d+)$/.exec(path) ?? [];
    if (id !== undefined) {
      const value = state.passwords[Number(id) - 1];
      const token = [...state.children.keys()].findLast((each) => each.startsWith('/tokens/'));
      return {
        status: 200,
        body: { username: token?.slice('/tokens/'.length), passwords: [{ name: 'password1', value }] },
      };
    }
    if (url.searchParams.get('api-version') !== (VERSIONS[kind] ?? '2025-11-01'))
      return error(400, 'NoRegisteredProviderFound', 'api-version');
    const body = text === '' ? {} : fieldsOf(JSON.parse(text));
    if (method !== 'GET' && state.busy > 0) {
      state.busy -= 1;
      return error(409, 'RegistryOperationInProgress', 'Another operation is in progress. Please retry.');
    }
    if (path === '') {
      if (method !== 'GET') return registryWrite(method, body);
      return state.registry === undefined
        ? error(404, 'ResourceNotFound', 'The registry was not found.')
        : { status: 200, body: shown('', state.registry) };
    }
    if (path === '/generateCredentials') return generate(body);
    if (!COLLECTIONS.includes(kind)) return error(404, 'ResourceNotFound', path);
    if (method !== 'GET') return childWrite(method, path, body);
    const isList = path === `/${kind}` || path === '/providers/Microsoft.Authorization/roleAssignments';
    if (isList) {
      const rows = [...state.children]
        .filter(([each]) => each.startsWith(`${path}/`))
        .map(([each, fields]) => shown(each, fields));
      // In no order that means anything.
      return { status: 200, body: { value: rows.toReversed() } };
    }
    const found = state.children.get(path);
    return found === undefined ? error(404, 'ResourceNotFound', path) : { status: 200, body: shown(path, found) };
  };
  return { hosts: { 'management.azure.com': service }, state };
}

/** Parts that are newer than the description: they are checked by the double alone. */
const NEWER = /\/(?:cacheRules|credentialSets|providers|results)\b/;

/**
 * The description of Azure's API is of an older version: requests are looked at as if they were of that one, without the switches
 * that came later.
 */
export function azureContract(contract: Contract, resource: string): Contract {
  return {
    check: (request) => {
      if (NEWER.test(request.url.pathname.slice(resource.length))) return [];
      const url = new URL(request.url);
      if (url.searchParams.get('api-version') === '2025-11-01') url.searchParams.set('api-version', '2022-12-01');
      if (request.body === '') return contract.check({ ...request, url });
      const body = fieldsOf(JSON.parse(request.body));
      const { anonymousPullEnabled: _, step, ...others } = fieldsOf(body.properties);
      // A step is one of several kinds, told by its type: the check knows what they have in common.
      const { encodedTaskContent: content, ...common } = fieldsOf(step);
      if (step !== undefined && typeof content !== 'string') return ['a step of a task without content'];
      const properties = { ...others, ...(step === undefined ? {} : { step: common }) };
      const older = body.properties === undefined ? body : { ...body, properties };
      return contract.check({ ...request, url, body: JSON.stringify(older) });
    },
  };
}
