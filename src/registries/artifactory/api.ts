import type { Credentials } from '../../credentials/credential.ts';
import { readClaims } from '../../credentials/id-token.ts';
import { type Digest, isDigest } from '../../domain/digest.ts';
import { fieldsOf } from '../../domain/fields.ts';
import { ActionError } from '../../errors/action-error.ts';
import { type ApiAnswer, type ApiRequest, unexpected } from '../../http/api.ts';
import type { ManagementContext } from '../vendor.ts';
import { FROM_PROVIDER } from './identity.ts';

/** Rows of an AQL answer; the server may send fewer. */
const PAGE = 1000;

/** A folder of an image with its manifest: a tag, or `sha256:…` for what has none. */
export interface ImageFolder {
  readonly name: string;
  readonly digest: Digest;
  /** Whether another image lies below it (`app/tool/1.0` below the tag `tool` of `app`), and would go with it. */
  readonly shared: boolean;
  readonly created?: Date;
  readonly downloaded?: Date;
}

export type ArtifactoryRequest = Omit<ApiRequest, 'url' | 'headers' | 'facts'> & {
  /** From `/artifactory/` on, each part encoded. */
  readonly path: string;
};

export interface Artifactory {
  /** The repository of Artifactory, and the image in it. */
  readonly key: string;
  readonly image: string;
  readonly ask: (request: ArtifactoryRequest) => Promise<ApiAnswer>;
  /** All folders of the image, read to the end before the first is returned. */
  readonly folders: () => Promise<readonly ImageFolder[]>;
}

/**
 * Artifactory's REST API for one image, whose name begins with the repository key (`host/<key>/<image>`).
 * @throws ActionError NAME_INVALID when the name has no image behind the key
 */
export function openArtifactory(place: ManagementContext): Artifactory {
  const { api, host, repository } = place;
  const facts = { registry: host, repository };
  const base = new URL('/', place.apiUrl ?? place.origin);
  const [key = '', ...rest] = repository.split('/');
  const image = rest.join('/');
  // An empty part or a `..` would make a path of a deletion mean more than the image.
  if (rest.length === 0 || [key, ...rest].some((part) => !/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(part))) {
    throw new ActionError(
      'NAME_INVALID',
      `${host}/${repository} does not name a repository of Artifactory and an image in it: expected ${host}/<repository key>/<image>.`,
      { facts },
    );
  }

  const headers = async (): Promise<Readonly<Record<string, string>>> => {
    const found = await place.credentials();
    if (found === undefined) return {};
    const secret = found.kind === 'password' ? found.password : found.token;
    api.secret(secret);
    if (found.kind === 'identity-token' || isToken(found)) return { authorization: `Bearer ${secret}` };
    const basic = Buffer.from(`${found.username}:${secret}`).toString('base64');
    api.secret(basic);
    return { authorization: `Basic ${basic}` };
  };

  const ask = async ({ path, ...request }: ArtifactoryRequest): Promise<ApiAnswer> =>
    api.request({ ...request, url: new URL(path, base), headers: await headers(), facts });

  /** AQL travels as text, neither JSON nor a form: https://jfrog.com/help/r/jfrog-rest-apis/artifactory-query-language-aql */
  const query = async (aql: string, what: string): Promise<unknown> => {
    const path = '/artifactory/api/search/aql';
    const { json } = await ask({ method: 'POST', path, text: aql, expect: [200], operation: 'read', what });
    if (json === undefined) throw unexpected(base.host, what, facts);
    return json;
  };

  const folders = async (): Promise<readonly ImageFolder[]> => {
    const criteria = JSON.stringify({
      repo: key,
      path: { $match: `${image}/*` },
      $or: [{ name: 'manifest.json' }, { name: 'list.manifest.json' }],
    });
    const find = `items.find(${criteria}).include("repo","path","name","created","sha256","stat.downloaded").sort({"$asc":["path","name"]})`;
    const found: Omit<ImageFolder, 'shared'>[] = [];
    const nested = new Set<string>();
    for (let offset = 0; ; ) {
      const what = `the search for the images of ${repository}`;
      const { results } = fieldsOf(await query(`${find}.offset(${offset}).limit(${PAGE})`, what));
      if (!Array.isArray(results)) throw unexpected(host, what, facts);
      // Only an empty page is the last one: a server may have a limit of its own below ours.
      if (results.length === 0) return found.map((each) => ({ ...each, shared: nested.has(each.name) }));
      offset += results.length;
      for (const each of results) {
        const folder = readFolder(each, { key, image, host, facts });
        const [top = '', ...below] = folder.name.split('/');
        if (below.length === 0) found.push(folder);
        else nested.add(top);
      }
    }
  };

  return { key, image, ask, folders };
}

/** Tokens of the platform are JWTs; API keys, reference tokens and passwords are not, and go as Basic. */
function isToken({ from, password }: Extract<Credentials, { readonly kind: 'password' }>): boolean {
  return from === FROM_PROVIDER || (password.split('.').length === 3 && readClaims(password) !== undefined);
}

interface Sought {
  readonly key: string;
  readonly image: string;
  readonly host: string;
  readonly facts: { readonly registry: string; readonly repository: string };
}

/** The name has slashes for a row of another image, whose name is longer (`app/tool` besides `app`). */
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
