import { type Digest, isDigest } from '../../domain/digest.ts';
import { fieldsOf } from '../../domain/fields.ts';
import { ActionError } from '../../errors/action-error.ts';
import { unexpected } from '../../http/api.ts';
import { timeOf } from '../listed-tags.ts';
import { nextPage } from '../pagination.ts';
import type { ListedImage, ManagementContext, TagFacts } from '../vendor.ts';
import type { Harbor } from './api.ts';

const DETAILS = 'with_tag=true&with_accessory=true&with_immutable_status=true';
/**
 * Harbor lists the children of indexes only with `base=*`. Referrers are never rows of their own: they are listed as
 * accessories of their image. https://github.com/goharbor/harbor/blob/main/src/controller/artifact/controller.go
 */
const CHILDREN_TOO = 'q=base%3D*';

/** All artifacts with their children and accessories. */
export async function* listImages(
  harbor: Harbor,
  { host, repository }: ManagementContext,
): AsyncGenerator<ListedImage> {
  const what = `a page of the images of ${repository}`;
  const facts = { registry: host, repository };
  const pageAt = (page: number) =>
    harbor.at(`${harbor.artifacts}?page=${page}&page_size=100&${DETAILS}&${CHILDREN_TOO}`);
  const all = new Map<Digest, ListedImage>();
  const accessories = new Map<Digest, ListedImage>();
  // Reads all numbered pages first: deletions in between would shift them.
  const seen = new Set<string>();
  let count = 0;
  let url: URL | undefined = pageAt(1);
  for (let page = 1; url !== undefined; page += 1) {
    if (seen.has(url.href)) throw unexpected(host, what, facts);
    seen.add(url.href);
    const answer = await harbor.askAt({ method: 'GET', url, expect: [200, 404], operation: 'read', what });
    if (answer.status === 404) {
      throw new ActionError('REPOSITORY_UNKNOWN', `${host} has no repository ${repository}.`, { facts });
    }
    if (!Array.isArray(answer.json)) throw unexpected(host, what, facts);
    for (const row of answer.json) {
      const image = readArtifact(row, host, what);
      all.set(image.digest, image);
      for (const accessory of readAccessories(row, image.digest, host, what))
        accessories.set(accessory.digest, accessory);
    }
    count += answer.json.length;
    const total = Number(answer.headers['x-total-count'] ?? Number.NaN);
    const next = nextPage(answer, url, what);
    if (next !== undefined && answer.json.length === 0) throw unexpected(host, what, facts);
    // An empty page before the end means that the list has shrunk, and existing artifacts may be missing from it.
    if (next === undefined && answer.json.length === 0 && count < total) throw unexpected(host, what, facts);
    url = next ?? (answer.json.length > 0 && count < total ? pageAt(page + 1) : undefined);
  }
  yield* all.values();
  for (const [digest, accessory] of accessories) if (!all.has(digest)) yield accessory;
}

/** The tags of one artifact; undefined when it does not exist. */
export async function currentTags(
  { ask, artifacts }: Harbor,
  { host, repository }: ManagementContext,
  digest: Digest,
): Promise<readonly string[] | undefined> {
  const what = `the request for ${repository}@${digest}`;
  const path = `${artifacts}/${encodeURIComponent(digest)}?with_tag=true`;
  const { status, json } = await ask({ method: 'GET', path, expect: [200, 404], operation: 'read', what });
  return status === 404 ? undefined : readArtifact(json, host, what).tags;
}

function readArtifact(value: unknown, host: string, what: string): ListedImage {
  const { digest, tags, manifest_media_type: mediaType, size, references, ...rest } = fieldsOf(value);
  if (!isDigest(digest) || !(tags === undefined || tags === null || Array.isArray(tags))) throw unexpected(host, what);
  const facts = (tags ?? []).map((tag: unknown) => readTag(tag, host, what));
  const pushedAt = timeOf(rest.push_time);
  const pulledAt = timeOf(rest.pull_time);
  const { artifact_type: artifactType, media_type: configMediaType } = rest;
  return {
    digest,
    tags: facts.map(({ name }) => name),
    // Null unless the artifact is an index.
    ...(Array.isArray(references) ? { children: references.map((reference) => childOf(reference, host, what)) } : {}),
    ...(typeof mediaType === 'string' && mediaType !== '' ? { mediaType } : {}),
    ...(typeof artifactType === 'string' && artifactType !== '' ? { artifactType } : {}),
    ...(typeof configMediaType === 'string' && configMediaType !== '' ? { configMediaType } : {}),
    ...(typeof size === 'number' ? { size } : {}),
    ...(pushedAt === undefined ? {} : { pushedAt }),
    ...(pulledAt === undefined ? {} : { pulledAt }),
    ...(facts.length === 0 ? {} : { tagFacts: facts }),
  };
}

function childOf(value: unknown, host: string, what: string): Digest {
  const { child_digest: digest } = fieldsOf(value);
  if (!isDigest(digest)) throw unexpected(host, what);
  return digest;
}

function readTag(value: unknown, host: string, what: string): TagFacts {
  const { name, push_time, pull_time, immutable } = fieldsOf(value);
  if (typeof name !== 'string' || name === '') throw unexpected(host, what);
  const updatedAt = timeOf(push_time);
  const pulledAt = timeOf(pull_time);
  return {
    name,
    ...(updatedAt === undefined ? {} : { updatedAt }),
    ...(pulledAt === undefined ? {} : { pulledAt }),
    ...(immutable === true
      ? { lock: { kind: 'immutable', reason: 'a rule of the project makes the tag immutable' } }
      : {}),
  };
}

/** Referrers of an image: signatures, SBOMs, promotion records. */
function readAccessories(value: unknown, subject: Digest, host: string, what: string): readonly ListedImage[] {
  const { accessories } = fieldsOf(value);
  return (Array.isArray(accessories) ? accessories : []).map((accessory: unknown) => {
    const { digest, size, creation_time, type } = fieldsOf(accessory);
    if (!isDigest(digest)) throw unexpected(host, what);
    const pushedAt = timeOf(creation_time);
    return {
      digest,
      tags: [],
      subject,
      ...(typeof type === 'string' ? { artifactType: type } : {}),
      ...(typeof size === 'number' ? { size } : {}),
      ...(pushedAt === undefined ? {} : { pushedAt }),
    };
  });
}
