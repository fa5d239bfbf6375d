import { type Digest, isDigest } from '../../domain/digest.ts';
import { type Fields, fieldsOf } from '../../domain/fields.ts';
import type { Lock } from '../../domain/retention/inventory.ts';
import type { ErrorFacts } from '../../errors/action-error.ts';
import { type ApiAnswer, type ApiRequest, unexpected } from '../../http/api.ts';
import { type ListedTag, timeOf, withTags } from '../listed-tags.ts';
import type { ListedImage, ManagementContext } from '../vendor.ts';

export const HOST = 'artifactregistry.googleapis.com';

const IMMUTABLE: Lock = { kind: 'immutable', reason: 'the repository has immutable tags' };

/** One image of a repository, with its API. */
export interface Listing {
  readonly facts: ErrorFacts;
  /** `projects/p/locations/l/repositories/r` */
  readonly home: string;
  /** `…/packages/team%2Fapp` */
  readonly package: string;
  /** With slashes: `team/app`. */
  readonly image: string;
  /** Prefix of its manifest addresses, up to the digest. */
  readonly prefixes: readonly string[];
  readonly ask: (
    path: string,
    request: Pick<ApiRequest, 'method' | 'expect' | 'operation' | 'what'>,
  ) => Promise<ApiAnswer>;
}

/** Images with gcr.io names may be listed under either name. */
export function prefixesOf(
  { host, repository: path }: ManagementContext,
  parent: string,
  repository: string,
  image: string,
): readonly string[] {
  const project = decodeURIComponent(parent.split('/')[1] ?? '').replace(':', '/');
  const location = parent.split('/')[3] ?? '';
  return [`${host}/${path}@`, `${location}-docker.pkg.dev/${project}/${repository}/${image}@`];
}

/**
 * All manifests of an image, including children and referrers, followed by its tags from their own list. The image list
 * covers the whole repository: it cannot be filtered by image.
 * https://docs.cloud.google.com/artifact-registry/docs/reference/rest/v1/projects.locations.repositories.dockerImages
 */
export async function* listImages(
  listing: Listing,
  hasImmutableTags: () => Promise<boolean>,
): AsyncGenerator<ListedImage> {
  const images: ListedImage[] = [];
  for await (const row of rows(listing, `${listing.home}/dockerImages`, 'dockerImages', 'the list of images')) {
    images.push(...imageOf(row, listing));
  }
  if (images.length === 0) return;
  const lock = (await hasImmutableTags()) ? { lock: IMMUTABLE } : {};
  const tags: ListedTag[] = [];
  for await (const row of rows(listing, `${listing.package}/tags`, 'tags', 'the list of tags')) {
    tags.push({ ...tagOf(row, listing), ...lock });
  }
  yield* withTags(images, tags);
}

/** The tags of one manifest; undefined when it does not exist. */
export async function currentTags(listing: Listing, digest: Digest): Promise<readonly string[] | undefined> {
  const what = `the request for ${digest}`;
  const path = `${listing.home}/dockerImages/${encodeURIComponent(`${listing.image}@${digest}`)}`;
  const { status, json } = await listing.ask(path, { method: 'GET', expect: [200, 404], operation: 'read', what });
  if (status === 404) return undefined;
  const [found] = imageOf(json, listing);
  if (found?.digest !== digest) throw unexpected(HOST, what, listing.facts);
  return found.tags;
}

async function* rows(
  { ask, facts }: Listing,
  path: string,
  field: 'dockerImages' | 'tags',
  what: string,
): AsyncGenerator<unknown> {
  const seen = new Set<string>();
  for (let page = ''; ; ) {
    const query = `?pageSize=1000${page === '' ? '' : `&pageToken=${encodeURIComponent(page)}`}`;
    const { json } = await ask(`${path}${query}`, { method: 'GET', expect: [200], operation: 'read', what });
    const { nextPageToken = '', [field]: found = [] } = fieldsOf(json);
    if (!Array.isArray(found)) throw unexpected(HOST, what, facts);
    yield* found;
    if (nextPageToken === '') return;
    if (typeof nextPageToken !== 'string') throw unexpected(HOST, what, facts);
    if (seen.has(nextPageToken)) throw unexpected(HOST, `${what} (its pages do not end)`, facts);
    seen.add(nextPageToken);
    page = nextPageToken;
  }
}

/** Undefined for a row of another image. */
function imageOf(value: unknown, { prefixes, facts }: Listing): readonly ListedImage[] {
  const fields = fieldsOf(value);
  const { uri } = fields;
  if (typeof uri !== 'string') throw unexpected(HOST, 'the list of images', facts);
  const prefix = prefixes.find((candidate) => uri.startsWith(candidate));
  if (prefix === undefined) return [];
  const digest = uri.slice(prefix.length);
  if (!isDigest(digest)) throw unexpected(HOST, 'the list of images', facts);
  return [{ digest, ...detailsOf(fields) }];
}

/** `projects/…/packages/app/tags/v1`, with the version `projects/…/versions/sha256:…`. */
function tagOf(value: unknown, { facts }: Listing): ListedTag {
  const { name, version } = fieldsOf(value);
  const tag = String(name).split('/tags/')[1];
  const digest = String(version).split('/versions/')[1];
  if (tag === undefined || tag === '' || !isDigest(digest)) throw unexpected(HOST, 'the list of tags', facts);
  return { name: decodeURIComponent(tag), digest };
}

/** Google's JSON writes sizes as strings, because they are 64-bit numbers. */
function detailsOf(fields: Fields): Omit<ListedImage, 'digest'> {
  const { tags, mediaType, artifactType, imageSizeBytes } = fields;
  const pushedAt = timeOf(fields.uploadTime);
  const updatedAt = timeOf(fields.updateTime);
  return {
    tags: Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'string') : [],
    ...(typeof mediaType === 'string' && mediaType !== '' ? { mediaType } : {}),
    ...(typeof artifactType === 'string' && artifactType !== '' ? { artifactType } : {}),
    ...(typeof imageSizeBytes === 'string' && /^\d{1,15}$/.test(imageSizeBytes)
      ? { size: Number(imageSizeBytes) }
      : {}),
    ...(pushedAt === undefined ? {} : { pushedAt }),
    ...(updatedAt === undefined ? {} : { updatedAt }),
  };
}
