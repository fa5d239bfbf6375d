import { type Digest, isDigest } from '../../domain/digest.ts';
import { fieldsOf } from '../../domain/fields.ts';
import type { Lock } from '../../domain/retention/inventory.ts';
import { unexpected } from '../../http/api.ts';
import { type ListedTag, timeOf, withTags } from '../listed-tags.ts';
import { nextPage } from '../pagination.ts';
import type { ListedImage, ManagementContext } from '../vendor.ts';
import type { Acr } from './api.ts';

/**
 * All manifests, including untagged ones and children, followed by all tags: their locks and times are in a list of
 * their own. Referrers are rows as well, without their subject. https://learn.microsoft.com/rest/api/containerregistry/
 */
export async function* listImages(registry: Acr, context: ManagementContext): AsyncGenerator<ListedImage> {
  const { repository, host } = context;
  const images: ListedImage[] = [];
  const manifests = `a page of the images of ${repository}`;
  for await (const row of rows(registry, context, '_manifests', manifests))
    images.push(readImage(row, host, manifests));
  const tags: ListedTag[] = [];
  const ofTags = `a page of the tags of ${repository}`;
  for await (const row of rows(registry, context, '_tags', ofTags)) tags.push(readTag(row, host, ofTags));
  yield* withTags(images, tags);
}

/** The tags of one image; undefined when it does not exist. */
export async function currentTags(
  { ask, at, name }: Acr,
  { host, repository }: ManagementContext,
  digest: Digest,
): Promise<readonly string[] | undefined> {
  const what = `the attributes of ${repository}@${digest}`;
  const url = at(`/acr/v1/${name}/_manifests/${digest}`);
  const { status, json } = await ask({ method: 'GET', url, expect: [200, 404], operation: 'read', what });
  return status === 404 ? undefined : readImage(fieldsOf(json).manifest, host, what).tags;
}

async function* rows(
  { ask, at, name }: Acr,
  { host }: ManagementContext,
  list: '_manifests' | '_tags',
  what: string,
): AsyncGenerator<unknown> {
  const seen = new Set<string>();
  let url: URL | undefined = at(`/acr/v1/${name}/${list}?n=100`);
  while (url !== undefined) {
    if (seen.has(url.href)) throw unexpected(host, what);
    seen.add(url.href);
    const answer = await ask({ method: 'GET', url, expect: [200], operation: 'read', what });
    const { [list.slice(1)]: found } = fieldsOf(answer.json);
    // The last page of a list may be null.
    if (!Array.isArray(found) && found !== null) throw unexpected(host, what);
    yield* found ?? [];
    url = nextPage(answer, url, what);
  }
}

function readImage(value: unknown, host: string, what: string): ListedImage {
  const { digest, tags, mediaType, configMediaType, imageSize, createdTime, lastUpdateTime, ...rest } = fieldsOf(value);
  if (!isDigest(digest) || !(tags === undefined || tags === null || Array.isArray(tags))) throw unexpected(host, what);
  const pushedAt = timeOf(createdTime);
  const updatedAt = timeOf(lastUpdateTime);
  const lock = lockOf(rest.changeableAttributes);
  return {
    digest,
    tags: (tags ?? []).map((tag: unknown) => {
      if (typeof tag !== 'string') throw unexpected(host, what);
      return tag;
    }),
    ...(typeof mediaType === 'string' ? { mediaType } : {}),
    ...(typeof configMediaType === 'string' && configMediaType !== '' ? { configMediaType } : {}),
    ...(typeof imageSize === 'number' ? { size: imageSize } : {}),
    ...(pushedAt === undefined ? {} : { pushedAt }),
    ...(updatedAt === undefined ? {} : { updatedAt }),
    ...(lock === undefined ? {} : { lock }),
  };
}

function readTag(value: unknown, host: string, what: string): ListedTag {
  const { name, digest, lastUpdateTime, changeableAttributes } = fieldsOf(value);
  if (typeof name !== 'string' || !isDigest(digest)) throw unexpected(host, what);
  const updatedAt = timeOf(lastUpdateTime);
  const lock = lockOf(changeableAttributes);
  return {
    name,
    digest,
    ...(updatedAt === undefined ? {} : { updatedAt }),
    ...(lock === undefined ? {} : { lock }),
  };
}

/**
 * Tags and manifests are locked independently, and either lock prevents a deletion.
 * https://learn.microsoft.com/azure/container-registry/container-registry-image-lock
 */
function lockOf(changeableAttributes: unknown): Lock | undefined {
  const attributes = fieldsOf(changeableAttributes);
  const off = (['deleteEnabled', 'writeEnabled'] as const).find((name) => attributes[name] === false);
  return off === undefined ? undefined : { kind: 'locked', reason: `${off} is false` };
}
