import { fieldsOf } from '../../domain/fields.ts';
import type { RegistryUsage } from '../../domain/report/usage.ts';
import { readRateLimit } from '../../http/rate-limit.ts';
import type { ManagementContext } from '../vendor.ts';

/** A repository of Docker for exactly this question. */
const PREVIEW = 'ratelimitpreview/test';

/**
 * What is left of Docker Hub's pulls for these credentials, or for this address without any. HEAD does not count as a pull.
 * https://docs.docker.com/docker-hub/usage/pulls/#view-hourly-pull-rate-and-limit
 */
export async function pullLimit({ api, credentials }: ManagementContext): Promise<RegistryUsage['rateLimits']> {
  const found = await credentials();
  const basic =
    found?.kind === 'password' ? Buffer.from(`${found.username}:${found.password}`).toString('base64') : undefined;
  if (basic !== undefined) api.secret(basic);
  const scope = new URLSearchParams({ service: 'registry.docker.io', scope: `repository:${PREVIEW}:pull` });
  const login = await api.request({
    method: 'GET',
    url: new URL(`https://auth.docker.io/token?${scope}`),
    ...(basic === undefined ? {} : { headers: { authorization: `Basic ${basic}` } }),
    expect: [200],
    operation: 'token',
    what: 'the request for a token to read the pull limit',
  });
  const { token } = fieldsOf(login.json);
  if (typeof token !== 'string' || token === '') return [];
  api.secret(token);
  const { headers } = await api.request({
    method: 'HEAD',
    url: new URL(`https://registry-1.docker.io/v2/${PREVIEW}/manifests/latest`),
    headers: { authorization: `Bearer ${token}` },
    expect: [200, 429],
    operation: 'read',
    what: 'the request for the pull limit',
  });
  const limit = readRateLimit(headers);
  return limit === undefined ? [] : [{ kind: 'pulls', ...limit }];
}
