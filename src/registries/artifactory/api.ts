import type { Credentials } from '../../credentials/credential.ts';
import { readClaims } from '../../credentials/id-token.ts';
import { type Digest, isDigest, splitDigest } from '../../domain/digest.ts';
import { fieldsOf } from '../../domain/fields.ts';
import { ActionError, type ErrorFacts } from '../../errors/action-error.ts';
import { type ApiAnswer, type ApiRequest, unexpected } from '../../http/api.ts';
import type { ManagementContext } from '../vendor.ts';
import { FROM_PROVIDER } from './identity.ts';

/** Requested rows per AQL response; the server may send fewer. */
const PAGE_SIZE = 1000;

/** A folder with a manifest of an image: a tag, or `sha256:…` for an untagged manifest. */
export interface ImageFolder {
  readonly name: string;
  readonly digest: Digest;
  /**
   * Whether another image is stored below it (`app/tool/1.0` below the tag `tool` of `app`) and would be deleted with
   * it.
   */
  readonly shared: boolean;
  readonly created?: Date;
  readonly downloaded?: Date;
}

type ArtifactoryRequest = Omit<ApiRequest, 'url' | 'headers' | 'facts'> & {
  /** From `/artifactory/` on, each part encoded. */
  readonly path: string;
};

export interface Artifactory {
  /** The Artifactory repository, and the image in it. */
  readonly key: string;
  readonly image: string;
  readonly ask: (request: ArtifactoryRequest) => Promise<ApiAnswer>;
  /** Folders of the image, read completely before the first is returned. */
  readonly folders: (only?: Only) => Promise<readonly ImageFolder[]>;
}

/** Limits a search. A list of thousands of tags is not read again for every deletion, which moves its pages besides. */
type Only = { readonly digest: Digest } | { readonly name: string };

/** URL of the platform, without Artifactory's own path. */
export function artifactoryUrl({ apiUrl, origin }: Pick<ManagementContext, 'apiUrl' | 'origin'>): string {
  return new URL('/', apiUrl ?? origin).href;
}

/** Artifactory's REST API, for requests that are not about one image. */
export function openArtifactoryApi(
  context: Pick<ManagementContext, 'api' | 'host' | 'origin' | 'apiUrl' | 'credentials'>,
  facts: ErrorFacts = { registry: context.host },
): Artifactory['ask'] {
  const { api } = context;
  const base = artifactoryUrl(context);

  const headers = async (): Promise<Readonly<Record<string, string>>> => {
    const found = await context.credentials();
    if (found === undefined) return {};
    const secret = found.kind === 'password' ? found.password : found.token;
    api.secret(secret);
    if (found.kind === 'identity-token' || isToken(found)) return { authorization: `Bearer ${secret}` };
    const basic = Buffer.from(`${found.username}:${secret}`).toString('base64');
    api.secret(basic);
    return { authorization: `Basic ${basic}` };
  };

  return async ({ path, ...request }: ArtifactoryRequest): Promise<ApiAnswer> =>
    api.request({ ...request, url: new URL(path, base), headers: await headers(), facts });
}

/**
 * Artifactory's REST API for one image, whose name begins with the repository key (`host/<key>/<image>`).
 * @throws ActionError NAME_INVALID when no image follows the key
 */
export function openArtifactory(context: ManagementContext): Artifactory {
  const { host, repository } = context;
  const facts = { registry: host, repository };
  const base = new URL('/', context.apiUrl ?? context.origin);
  const [key = '', ...rest] = repository.split('/');
  const image = rest.join('/');
  // An empty part or a `..` would make the path of a deletion cover more than the image.
  if (rest.length === 0 || [key, ...rest].some((part) => !/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(part))) {
    throw new ActionError(
      'NAME_INVALID',
      `${host}/${repository} does not name a repository of Artifactory and an image in it: expected ${host}/<repository key>/<image>.`,
      { facts },
    );
  }

  const ask = openArtifactoryApi(context, facts);

  /**
   * AQL is sent as plain text, neither JSON nor a form:
   * https://jfrog.com/help/r/jfrog-rest-apis/artifactory-query-language-aql
   */
  const query = async (aql: string, what: string): Promise<unknown> => {
    const path = '/artifactory/api/search/aql';
    const { json } = await ask({ method: 'POST', path, text: aql, expect: [200], operation: 'read', what });
    if (json === undefined) throw unexpected(base.host, what, facts);
    return json;
  };

  const search = async (below: string, more: object = {}): Promise<readonly Omit<ImageFolder, 'shared'>[]> => {
    const criteria = JSON.stringify({
      repo: key,
      path: { $match: below },
      $or: [{ name: 'manifest.json' }, { name: 'list.manifest.json' }],
      ...more,
    });
    const find = `items.find(${criteria}).include("repo","path","name","created","sha256","stat.downloaded").sort({"$asc":["path","name"]})`;
    const found: Omit<ImageFolder, 'shared'>[] = [];
    for (let offset = 0; ; ) {
      const what = `the search for the images of ${repository}`;
      const { results } = fieldsOf(await query(`${find}.offset(${offset}).limit(${PAGE_SIZE})`, what));
      if (!Array.isArray(results)) throw unexpected(host, what, facts);
      // Only an empty page is the last one: a server may enforce a smaller page size.
      if (results.length === 0) return found;
      offset += results.length;
      for (const row of results) found.push(readFolder(row, { key, image, host, facts }));
    }
  };

  const folders = async (only?: Only): Promise<readonly ImageFolder[]> => {
    const hex = only !== undefined && 'digest' in only ? { sha256: splitDigest(only.digest).hex } : {};
    const found = await search(`${image}/${only !== undefined && 'name' in only ? only.name : '*'}`, hex);
    const own = found.filter(({ name }) => !name.includes('/'));
    const nested = new Set(found.flatMap(({ name }) => (name.includes('/') ? [name.split('/', 1)[0]] : [])));
    const isShared = async (name: string) =>
      nested.has(name) || (only !== undefined && (await search(`${image}/${name}/*`)).length > 0);
    const shown: ImageFolder[] = [];
    for (const folder of own) shown.push({ ...folder, shared: await isShared(folder.name) });
    return shown;
  };

  return { key, image, ask, folders };
}

/** Access tokens of the platform are JWTs; API keys, reference tokens and passwords are not, and are sent as Basic. */
function isToken({ from, password }: Extract<Credentials, { readonly kind: 'password' }>): boolean {
  return from === FROM_PROVIDER || (password.split('.').length === 3 && readClaims(password) !== undefined);
}

interface Sought {
  readonly key: string;
  readonly image: string;
  readonly host: string;
  readonly facts: { readonly registry: string; readonly repository: string };
}

/** The name contains slashes for a row of another image with a longer name (`app/tool` besides `app`). */
function readFolder(value: unknown, { key, image, host, facts }: Sought): Omit<ImageFolder, 'shared'> {
  const { repo, path, sha256, created, stats } = fieldsOf(value);
  if (typeof path !== 'string' || repo !== key || !path.startsWith(`${image}/`))
    throw unexpected(host, 'a row of the search', facts);
  const name = path.slice(image.length + 1);
  const digest = `sha256:${String(sha256)}`;
  if (!isDigest(digest)) throw unexpected(host, 'a row of the search', facts);
  const [first] = Array.isArray(stats) ? stats : [];
  const pushed = time(created);
  const pulled = time(fieldsOf(first).downloaded);
  return {
    name,
    digest,
    ...(pushed === undefined ? {} : { created: pushed }),
    ...(pulled === undefined ? {} : { downloaded: pulled }),
  };
}

function time(value: unknown): Date | undefined {
  const date = typeof value === 'string' ? new Date(value) : undefined;
  return date === undefined || Number.isNaN(date.getTime()) ? undefined : date;
}
