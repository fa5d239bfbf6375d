import { ActionError, type ErrorFacts } from '../../errors/action-error.ts';
import type { ApiAnswer, ApiRequest } from '../../http/api.ts';
import type { ManagementContext } from '../vendor.ts';

type HarborRequest = Omit<ApiRequest, 'url' | 'facts'> & {
  /** Relative to `/api/v2.0`, each part encoded. */
  readonly path: string;
};

type HarborAddress = Omit<ApiRequest, 'facts'>;

export interface Harbor {
  /** The first part of the repository name, and the rest. */
  readonly project: string;
  readonly image: string;
  /** Path of the repository's artifacts. */
  readonly artifacts: string;
  readonly ask: (request: HarborRequest) => Promise<ApiAnswer>;
  /** The same for a URL from a response. */
  readonly askAt: (request: HarborAddress) => Promise<ApiAnswer>;
  /** Relative to the base of the API. */
  readonly at: (path: string) => URL;
  /** Deletes a resource below `…/artifacts`. */
  readonly remove: (path: string, reference: string) => Promise<'deleted' | 'absent'>;
}

type HarborApi = Pick<Harbor, 'ask' | 'askAt' | 'at'>;

/**
 * Harbor's API, for requests that are not about one repository.
 * @param facts of its errors
 */
export function openHarborApi(
  context: Pick<ManagementContext, 'api' | 'host' | 'origin' | 'apiUrl' | 'credentials'>,
  facts: ErrorFacts = { registry: context.host },
): HarborApi {
  const { api, host, origin, apiUrl } = context;
  const base = `${(apiUrl ?? origin).href.replace(/\/+$/, '')}/api/v2.0`;

  const askAt = async (request: HarborAddress): Promise<ApiAnswer> => {
    const found = await context.credentials();
    if (found?.kind === 'identity-token') {
      throw new ActionError('UNAUTHORIZED', `Harbor at ${host} wants a user name and a password, not a token.`, {
        facts,
      });
    }
    // Basic on each request and no cookies: with a session cookie Harbor requires its anti-CSRF token.
    const basic = found && Buffer.from(`${found.username}:${found.password}`).toString('base64');
    if (found !== undefined) api.secret(found.password);
    if (basic !== undefined) api.secret(basic);
    return api.request({
      ...request,
      // Without the first header, a project with a numeric name would be taken for an id.
      headers: {
        'x-is-resource-name': 'true',
        ...request.headers,
        ...(basic === undefined ? {} : { authorization: `Basic ${basic}` }),
      },
      facts,
    });
  };
  const at = (path: string) => new URL(base + path);
  const ask = ({ path, ...request }: HarborRequest) => askAt({ ...request, url: at(path) });
  return { ask, askAt, at };
}

/**
 * Harbor's API for one repository. https://goharbor.io/docs/latest/working-with-projects/
 * @throws ActionError NAME_INVALID when the name does not start with a project
 */
export function openHarbor(context: ManagementContext): Harbor {
  const { host, repository } = context;
  const facts = { registry: host, repository };
  const slash = repository.indexOf('/');
  const project = repository.slice(0, Math.max(slash, 0));
  const image = repository.slice(slash + 1);
  if (project === '' || image === '') {
    throw new ActionError('NAME_INVALID', `${host}/${repository} lacks a project: expected ${host}/<project>/<name>.`, {
      facts,
    });
  }
  // Names with slashes are encoded twice: Harbor's router decodes once before it splits the path.
  const artifacts = `/projects/${encodeURIComponent(project)}/repositories/${encodeURIComponent(encodeURIComponent(image))}/artifacts`;
  const { ask, askAt, at } = openHarborApi(context, facts);

  const remove = async (path: string, reference: string): Promise<'deleted' | 'absent'> => {
    const { status } = await ask({
      method: 'DELETE',
      path: `${artifacts}${path}`,
      expect: [200, 404],
      operation: 'delete',
      what: `the deletion of ${reference} in ${repository}`,
    });
    return status === 404 ? 'absent' : 'deleted';
  };

  return { project, image, artifacts, ask, askAt, at, remove };
}
