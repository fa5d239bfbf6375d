import { fieldsOf } from '../../domain/fields.ts';
import type { RegistryUsage } from '../../domain/report/usage.ts';
import { unexpected } from '../../http/api.ts';
import type { ManagementContext } from '../vendor.ts';
import { entraToken } from './identity.ts';

const ARM = 'https://management.azure.com';
const GRAPH = `${ARM}/providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01`;
const VERSION = '2025-11-01';

/**
 * The storage of the registry and its limit, which Azure's management API has. The registry's resource is found by its name, which is
 * unique. https://learn.microsoft.com/rest/api/containerregistry/registries/list-usages
 */
export async function registryUsage(context: ManagementContext): Promise<RegistryUsage> {
  const { api, host } = context;
  const name = host.split('.', 1)[0] ?? host;
  const token = await entraToken(context, `${ARM}/.default`);
  api.secret(token);
  const common = {
    headers: { authorization: `Bearer ${token}` },
    expect: [200],
    operation: 'read',
    what: `the usage of ${host}`,
    facts: { registry: host },
  } as const;
  const query = `resources | where type =~ 'microsoft.containerregistry/registries' | where name =~ '${name}' | project id`;
  const found = await api.request({
    ...common,
    method: 'POST',
    url: new URL(GRAPH),
    json: { query, options: { resultFormat: 'objectArray', $top: 1 } },
  });
  const { data } = fieldsOf(found.json);
  const id = Array.isArray(data) ? fieldsOf(data[0]).id : undefined;
  // No row: the application may not see the registry.
  if (typeof id !== 'string' || !/^\/subscriptions\/[\w/.()-]+$/i.test(id)) return {};
  const answer = await api.request({
    ...common,
    method: 'GET',
    url: new URL(`${ARM}${id}/listUsages?api-version=${VERSION}`),
  });
  const { value } = fieldsOf(answer.json);
  if (!Array.isArray(value)) throw unexpected(ARM, common.what);
  const size = value.map(fieldsOf).find((each) => each.name === 'Size' && each.unit === 'Bytes');
  const { currentValue, limit } = size ?? {};
  if (typeof currentValue !== 'number') return {};
  return {
    quota: {
      name: `registry ${name}`,
      usedBytes: currentValue,
      ...(typeof limit === 'number' && limit > 0 ? { limitBytes: limit } : {}),
    },
  };
}
