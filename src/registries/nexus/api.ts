import { type Digest, isDigest, splitDigest } from '../../domain/digest.ts';
import { fieldsOf } from '../../domain/fields.ts';
import { MANIFEST_TYPES } from '../../domain/manifest.ts';
import { ActionError, type ErrorFacts } from '../../errors/action-error.ts';
import { type ApiAnswer, type ApiRequest, unexpected } from '../../http/api.ts';
import { timeOf } from '../listed-tags.ts';
import type { ManagementContext } from '../vendor.ts';

/** A tag of an image, or a manifest that was pushed by its digest. */
export interface NexusComponent {
  readonly id: string;
  /** The component's name in Nexus: the tag, or the digest of an untagged manifest. */
  readonly version: string;
  readonly tag?: string;
  readonly digest: Digest;
  readonly mediaType?: string;
  readonly pushedAt?: Date;
  readonly pulledAt?: Date;
}

type NexusRequest = Omit<ApiRequest, 'url' | 'headers' | 'facts'> & {
  /** Relative to `/service/rest`, each part encoded. */
  readonly path: string;
};

export interface Nexus {
  /** The Nexus repository, and the image in it. */
  readonly name: string;
  readonly image: string;
  /**
   * Whether image names contain the Nexus repository (`host/name/image`), instead of it having its own host or port.
   */
  readonly routed: boolean;
  readonly ask: (request: NexusRequest) => Promise<ApiAnswer>;
  /** All components of the image, or those of one tag or digest. */
  readonly components: (only?: Only) => AsyncGenerator<NexusComponent>;
}

/** Limits a search. A list of thousands of tags is not read again for every deletion, which moves its pages besides. */
export type Only = { readonly tag: string } | { readonly digest: Digest };

type NexusContext = Pick<ManagementContext, 'api' | 'host' | 'origin' | 'apiUrl' | 'credentials'>;

/**
 * Nexus's REST API, for requests that are not about one image.
 * @param base URL of Nexus itself; by default that of the registry
 */
export function openNexusApi(
  context: NexusContext,
  base: string = nexusUrl(context),
  facts: ErrorFacts = { registry: context.host },
): Nexus['ask'] {
  const { api, host } = context;
  return async ({ path, ...request }: NexusRequest): Promise<ApiAnswer> => {
    const found = await context.credentials();
    if (found?.kind === 'identity-token') {
      throw new ActionError('UNAUTHORIZED', `Nexus at ${host} wants a user name and a password, not a token.`, {
        facts,
      });
    }
    // Basic and no cookies: with a session cookie Nexus requires its anti-CSRF token.
    const basic =
      found === undefined ? undefined : Buffer.from(`${found.username}:${found.password}`).toString('base64');
    if (found !== undefined) api.secret(found.password);
    if (basic !== undefined) api.secret(basic);
    return api.request({
      ...request,
      url: new URL(`${base}/service/rest${path}`),
      headers: basic === undefined ? {} : { authorization: `Basic ${basic}` },
      facts,
    });
  };
}

/**
 * Nexus's REST API for one image. A repository with its own host or port is given by `registry-api`
 * (`https://nexus.example.com/repository/<name>`); otherwise it is the first part of the image name.
 * @throws ActionError NAME_INVALID when repository or image are missing
 */
export function openNexus(context: ManagementContext): Nexus {
  const { host, repository, apiUrl, origin } = context;
  const facts = { registry: host, repository };
  const { base, named } = split(apiUrl ?? origin);
  const [first = '', ...rest] = repository.split('/');
  const name = named ?? first;
  const image = named === undefined ? rest.join('/') : repository;
  if (name === '' || image === '') {
    throw new ActionError(
      'NAME_INVALID',
      `${host}/${repository} does not name a repository of Nexus and an image in it: expected ${host}/<repository>/<image>, or \`registry-api\` with the URL of the repository (https://nexus.example.com/repository/<name>).`,
      { facts },
    );
  }

  const ask = openNexusApi(context, base, facts);

  async function* components(only?: Only): AsyncGenerator<NexusComponent> {
    const seen = new Set<string>();
    const found: NexusComponent[] = [];
    const query = new URLSearchParams({ repository: name, format: 'docker', 'docker.imageName': image });
    if (only !== undefined && 'tag' in only) query.set('docker.imageTag', only.tag);
    if (only !== undefined && 'digest' in only) query.set('sha256', splitDigest(only.digest).hex);
    for (let more = true; more; ) {
      const what = `a page of the images of ${image}`;
      const { json } = await ask({
        method: 'GET',
        path: `/v1/search?${query}`,
        expect: [200],
        operation: 'read',
        what,
      });
      const { items, continuationToken } = fieldsOf(json);
      if (!Array.isArray(items)) throw unexpected(host, what, facts);
      // The search supports wildcards and ignores case: make sure that only this image is deleted.
      for (const item of items) {
        const { name: of, repository: within } = fieldsOf(item);
        if (of === image && within === name) found.push(readComponent(item, host, facts));
      }
      more = typeof continuationToken === 'string' && continuationToken !== '';
      if (typeof continuationToken !== 'string') continue;
      if (seen.has(continuationToken)) throw unexpected(host, what, facts);
      seen.add(continuationToken);
      query.set('continuationToken', continuationToken);
    }
    yield* found;
  }

  return { name, image, routed: named === undefined, ask, components };
}

/** URL of Nexus itself, without a slash at the end. */
export function nexusUrl({ apiUrl, origin }: Pick<NexusContext, 'apiUrl' | 'origin'>): string {
  return split(apiUrl ?? origin).base;
}

function split(url: URL): { readonly base: string; readonly named?: string } {
  const path = url.pathname.replace(/\/+$/, '');
  const [, context, named] = /^(.*)\/repository\/([^/]+)$/.exec(path) ?? [];
  if (context === undefined || named === undefined) return { base: `${url.origin}${path}` };
  return { base: `${url.origin}${context}`, named: decodeURIComponent(named) };
}

function readComponent(value: unknown, host: string, facts: { readonly registry: string }): NexusComponent {
  const { id, version, assets } = fieldsOf(value);
  const all = Array.isArray(assets) ? assets.map(fieldsOf) : [];
  const manifest = all.find(({ path }) => typeof path === 'string' && path.includes('/manifests/'));
  const { checksum, blobCreated, lastDownloaded, contentType } = manifest ?? {};
  const digest = `sha256:${String(fieldsOf(checksum).sha256)}`;
  if (typeof id !== 'string' || id === '' || typeof version !== 'string' || !isDigest(digest)) {
    throw unexpected(host, 'a component', facts);
  }
  const pushedAt = timeOf(blobCreated);
  const pulledAt = timeOf(lastDownloaded);
  return {
    id,
    version,
    digest,
    ...(version.startsWith('sha256:') ? {} : { tag: version }),
    ...(MANIFEST_TYPES.includes(String(contentType)) ? { mediaType: String(contentType) } : {}),
    ...(pushedAt === undefined ? {} : { pushedAt }),
    ...(pulledAt === undefined ? {} : { pulledAt }),
  };
}
