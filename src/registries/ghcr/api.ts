import { fieldsOf } from '../../domain/fields.ts';
import { ActionError } from '../../errors/action-error.ts';
import type { ApiAnswer, ApiRequest } from '../../http/api.ts';
import type { ManagementContext } from '../vendor.ts';

interface PackageRequest {
  readonly method: ApiRequest['method'];
  /** Relative to the package: `/versions?page=1`; empty for the package itself. */
  readonly rest: string;
  readonly expect: readonly number[];
  readonly what: string;
}

export interface PackageApi {
  /** The package itself; `undefined` when GitHub shows none to this token. */
  readonly find: () => Promise<unknown>;
  /** @throws ActionError REPOSITORY_UNKNOWN when the package does not exist */
  readonly ask: (request: PackageRequest) => Promise<ApiAnswer>;
}

/**
 * GitHub's API for the container package of one repository. The owner is an organization or a user, which is determined
 * once. https://docs.github.com/rest/packages/packages
 * @throws from its functions: ActionError UNAUTHORIZED, DENIED, TOO_MANY_REQUESTS
 */
export function openPackage(context: ManagementContext): PackageApi {
  const { api, host, repository } = context;
  const facts = { registry: host, repository };
  const [owner = '', ...parts] = repository.split('/');
  const name = encodeURIComponent(parts.join('/'));
  let base: string | undefined;

  const send = async (path: string, { method, expect, what }: PackageRequest): Promise<ApiAnswer> => {
    const { token, origin } = await access(context);
    api.secret(token);
    return api.request({
      method,
      url: new URL(`${origin}${path}`),
      headers: {
        accept: 'application/vnd.github+json',
        authorization: `Bearer ${token}`,
        'x-github-api-version': '2022-11-28',
      },
      expect,
      operation: method === 'DELETE' ? 'delete' : method === 'GET' ? 'read' : 'write',
      what,
      facts,
    });
  };

  const find = async (): Promise<unknown> => {
    if (parts.length === 0 || parts.includes('')) {
      throw new ActionError('NAME_INVALID', `The repository is ${repository} where ${host} has owner/name.`, { facts });
    }
    const what = `the question for the package ${repository}`;
    for (const kind of ['orgs', 'users']) {
      const path = `/${kind}/${encodeURIComponent(owner)}/packages/container/${name}`;
      const answer = await send(path, { method: 'GET', rest: '', expect: [200, 404], what });
      if (answer.status === 404) continue;
      base = path;
      return fieldsOf(answer.json);
    }
    return undefined;
  };

  const ask = async (request: PackageRequest): Promise<ApiAnswer> => {
    if (base === undefined) await find();
    if (base === undefined) {
      throw new ActionError(
        'REPOSITORY_UNKNOWN',
        `GitHub shows this token no package ${repository}: there is none, or the token may not read it (\`packages: read\`).`,
        { facts },
      );
    }
    return send(`${base}${request.rest}`, request);
  };

  return { find, ask };
}

/**
 * The API of a registry, and a token that may be sent to it.
 * https://docs.github.com/enterprise-cloud@latest/admin/data-residency
 */
export async function access({
  host,
  github,
  credentials,
}: Pick<ManagementContext, 'host' | 'github' | 'credentials'>): Promise<{ token: string; origin: string }> {
  const [, tenant] = /^containers\.([a-z0-9-]+)\.ghe\.com$/.exec(host) ?? [];
  const name = host === 'ghcr.io' ? 'api.github.com' : tenant === undefined ? undefined : `api.${tenant}.ghe.com`;
  if (name === undefined) {
    throw new ActionError('CAPABILITY_MISSING', `It is not known where the packages of ${host} are managed.`, {
      facts: { registry: host },
    });
  }
  const origin = `https://${name}`;
  // The job's token belongs to the GitHub instance of the job, which may differ from the registry's.
  if (github !== undefined && URL.canParse(github.apiUrl) && new URL(github.apiUrl).origin === origin) {
    return { token: github.token, origin };
  }
  const found = await credentials();
  if (found?.kind === 'password') return { token: found.password, origin };
  throw new ActionError(
    'UNAUTHORIZED',
    `There is no token for ${name}: give \`username\` and \`password\` for ${host}, with packages: write.`,
    { facts: { registry: host } },
  );
}
