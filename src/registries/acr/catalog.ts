import { fieldsOf } from '../../domain/fields.ts';
import { unexpected } from '../../http/api.ts';
import { nextPage } from '../pagination.ts';
import type { SetupContext } from '../setup-port.ts';

const SCOPE = 'registry:catalog:*';
const MAX_PAGES = 1000;

/**
 * The repositories of a registry. A registry that gives roles by repository lists only to those with the role Container Registry
 * Repository Catalog Lister.
 */
export async function listRepositories(context: SetupContext): Promise<readonly string[]> {
  const { api, host, origin, credentials } = context;
  const what = 'the repositories of the registry';
  const found = await credentials();
  const common = { expect: [200], operation: 'token', what: `the request for a token for ${SCOPE}` } as const;
  const url = new URL('/oauth2/token', origin);
  const asked =
    found?.kind === 'identity-token'
      ? api.request({
          ...common,
          method: 'POST',
          url,
          form: { grant_type: 'refresh_token', service: host, scope: SCOPE, refresh_token: found.token },
        })
      : api.request({
          ...common,
          method: 'GET',
          url: new URL(`/oauth2/token?${new URLSearchParams({ service: host, scope: SCOPE })}`, origin),
          headers:
            found === undefined
              ? {}
              : { authorization: `Basic ${Buffer.from(`${found.username}:${found.password}`).toString('base64')}` },
        });
  const { access_token: token } = fieldsOf((await asked).json);
  if (typeof token !== 'string' || token === '') throw unexpected(host, what);
  api.secret(token);
  const names: string[] = [];
  let page: URL | undefined = new URL('/acr/v1/_catalog?n=1000', origin);
  for (let count = 0; page !== undefined && count < MAX_PAGES; count += 1) {
    const answer = await api.request({
      method: 'GET',
      url: page,
      headers: { authorization: `Bearer ${token}` },
      expect: [200],
      operation: 'read',
      what,
    });
    const { repositories } = fieldsOf(answer.json);
    // An empty registry answers null.
    if (repositories !== null && !Array.isArray(repositories)) throw unexpected(host, what);
    names.push(...(repositories ?? []).map(String));
    page = nextPage(answer, page, what);
  }
  return names;
}
