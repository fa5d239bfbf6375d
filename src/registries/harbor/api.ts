import { isDigest } from '../../domain/digest.ts';
import { fieldsOf } from '../../domain/fields.ts';
import { ActionError } from '../../errors/action-error.ts';
import { type ApiAnswer, type ApiRequest, unexpected } from '../../http/api.ts';
import { nextPage } from '../pagination.ts';
import type { ListedImage, ManagementPlace } from '../vendor.ts';

export type HarborRequest = Omit<ApiRequest, 'url' | 'headers' | 'facts'> & {
  /** Behind `/api/v2.0`, each part encoded. */
  readonly path: string;
};

export interface Harbor {
  /** First part of the repository, and the rest. */
  readonly project: string;
  readonly image: string;
  /** Path of the repository's artifacts. */
  readonly artifacts: string;
  readonly ask: (request: HarborRequest) => Promise<ApiAnswer>;
  readonly images: () => AsyncGenerator<ListedImage>;
  /** Deletes what lies behind `…/artifacts`. */
  readonly remove: (path: string, reference: string) => Promise<'deleted' | 'absent'>;
}

/**
 * Harbor's API for one repository. https://goharbor.io/docs/latest/working-with-projects/
 * @throws ActionError NAME_INVALID when the repository has no project in front
 */
export function openHarbor(place: ManagementPlace): Harbor {
  const { api, host, repository, origin, apiUrl } = place;
  const facts = { registry: host, repository };
  const at = repository.indexOf('/');
  const project = repository.slice(0, Math.max(at, 0));
  const image = repository.slice(at + 1);
  if (project === '' || image === '') {
    throw new ActionError('NAME_INVALID', `${host}/${repository} lacks a project: expected ${host}/<project>/<name>.`, {
      facts,
    });
  }
  const base = `${(apiUrl ?? origin).href.replace(/\/+$/, '')}/api/v2.0`;
  // Names with slashes are encoded twice: Harbor's router decodes once before it looks for the parts of the path.
  const artifacts = `/projects/${encodeURIComponent(project)}/repositories/${encodeURIComponent(encodeURIComponent(image))}/artifacts`;

  const send = async ({ url, ...request }: Omit<HarborRequest, 'path'> & { readonly url: URL }) => {
    const found = await place.credentials();
    if (found?.kind === 'identity-token') {
      throw new ActionError('UNAUTHORIZED', `Harbor at ${host} wants a user name and a password, not a token.`, {
        facts,
      });
    }
    // Basic each time and no cookies: a request with a session's cookie would need Harbor's anti-CSRF token.
    const basic = found && Buffer.from(`${found.username}:${found.password}`).toString('base64');
    if (found !== undefined) api.secret(found.password);
    if (basic !== undefined) api.secret(basic);
    return api.request({
      ...request,
      url,
      // Without the first header, a project whose name is a number would be taken for an id.
      headers: { 'x-is-resource-name': 'true', ...(basic === undefined ? {} : { authorization: `Basic ${basic}` }) },
      facts,
    });
  };
  const ask = ({ path, ...request }: HarborRequest) => send({ ...request, url: new URL(base + path) });

  async function* images(): AsyncGenerator<ListedImage> {
    const what = `a page of the images of ${repository}`;
    const all: (ListedImage & { readonly children: readonly unknown[] })[] = [];
    let url: URL | undefined = new URL(`${base}${artifacts}?page=1&page_size=100&with_tag=true`);
    // Pages have numbers, so they would shift when somebody deletes between them: all are read first.
    const seen = new Set<string>();
    for (let page = 1; url !== undefined; page += 1) {
      if (seen.has(url.href)) throw unexpected(host, what, facts);
      seen.add(url.href);
      const answer = await send({ method: 'GET', url, expect: [200, 404], operation: 'read', what });
      if (answer.status === 404) {
        throw new ActionError('REPOSITORY_UNKNOWN', `${host} has no repository ${repository}.`, { facts });
      }
      if (!Array.isArray(answer.json)) throw unexpected(host, what, facts);
      for (const each of answer.json) all.push(readArtifact(each, host, what));
      const total = Number(answer.headers['x-total-count'] ?? Number.NaN);
      const next = nextPage(answer, url, what);
      const more = answer.json.length > 0 && all.length < total;
      if (next !== undefined && answer.json.length === 0) throw unexpected(host, what, facts);
      url = next ?? (more ? new URL(`${base}${artifacts}?page=${page + 1}&page_size=100&with_tag=true`) : undefined);
    }
    for (const { children: _, ...listed } of all) {
      const parents = all.filter(({ children }) => children.includes(listed.digest)).map(({ digest }) => digest);
      yield parents.length === 0 ? listed : { ...listed, parents };
    }
  }

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

  return { project, image, artifacts, ask, images, remove };
}

function readArtifact(value: unknown, host: string, what: string) {
  const { digest, tags, manifest_media_type: mediaType, size, push_time, pull_time, references } = fieldsOf(value);
  if (!isDigest(digest) || !(tags === undefined || tags === null || Array.isArray(tags))) throw unexpected(host, what);
  const pushedAt = time(push_time);
  const pulledAt = time(pull_time);
  return {
    digest,
    tags: (tags ?? []).map((tag: unknown) => {
      const { name } = fieldsOf(tag);
      if (typeof name !== 'string') throw unexpected(host, what);
      return name;
    }),
    children: (Array.isArray(references) ? references : []).map((each: unknown) => fieldsOf(each).child_digest),
    ...(typeof mediaType === 'string' ? { mediaType } : {}),
    ...(typeof size === 'number' ? { size } : {}),
    ...(pushedAt === undefined ? {} : { pushedAt }),
    ...(pulledAt === undefined ? {} : { pulledAt }),
  };
}

/** Harbor says the year 1 for "never". */
function time(value: unknown): Date | undefined {
  const date = new Date(typeof value === 'string' ? value : Number.NaN);
  return Number.isNaN(date.getTime()) || date.getUTCFullYear() < 1970 ? undefined : date;
}
