import { type Digest, isDigest, splitDigest } from '../domain/digest.ts';
import { fieldsOf, isFields } from '../domain/fields.ts';
import { type Descriptor, isIndexType, type ManifestBytes, MEDIA_TYPES } from '../domain/manifest.ts';
import { isTag } from '../domain/tags/grammar.ts';
import { ActionError } from '../errors/action-error.ts';
import { textFields } from './document.ts';
import type { Place } from './repository.ts';
import { LEAST_PAGE, LIST_LIMIT, nextPage } from './tag-list.ts';

/** Where a registry keeps the list of what refers to a manifest: its own API, or an index under a tag `sha256-…`. */
export type ReferrersSupport = 'api' | 'fallback';

export interface Referrers {
  readonly support: ReferrersSupport;
  readonly manifests: readonly Descriptor[];
}

const PAGE_LIMIT = 4 * 1024 * 1024;
const MOST = 5000;
const REDIRECTS = [301, 302, 303, 307, 308] as const;
/** The suffixes under which cosign kept what belongs to an image before there were referrers. */
const COSIGN = ['sig', 'att', 'sbom'] as const;

/** https://github.com/opencontainers/distribution-spec/blob/main/spec.md#referrers-tag-schema */
export function fallbackTag(digest: Digest): string {
  const { algorithm, hex } = splitDigest(digest);
  return `${algorithm}-${hex.slice(0, 64)}`;
}

/** The tags that cosign gives to what belongs to a digest: none where no tag is that long. */
export function cosignTags(digest: Digest): readonly string[] {
  return COSIGN.map((kind) => `${digest.replace(':', '-')}.${kind}`).filter(isTag);
}

/**
 * What refers to a manifest. A registry without the API answers 404, 400 or 405, a page for people, or leads to another
 * host, as GHCR does (303): nobody follows that. Then the index under the fallback tag counts. Quay answers 400 for a subject
 * that it does not hold, so ask only for what is there. Which of both it was is remembered.
 * @throws ActionError ANSWER_INVALID when the pages do not end, or an entry is no descriptor
 */
export async function listReferrers(
  place: Place,
  digest: Digest,
  get: (reference: string) => Promise<ManifestBytes | undefined>,
): Promise<Referrers> {
  const { session, host, name, scopes, origin, memory } = place;
  const facts = { registry: host, repository: name, reference: digest };
  const found = new Map<Digest, Descriptor>();
  const seen = new Set<string>();
  let read = 0;
  let next: URL | undefined =
    memory.referrers === 'fallback' ? undefined : new URL(`/v2/${name}/referrers/${digest}`, origin);
  while (next !== undefined) {
    const url: URL = next;
    if (seen.has(url.href) || url.origin !== origin || found.size > MOST || read > LIST_LIMIT) {
      throw new ActionError('ANSWER_INVALID', `The list of what refers to ${host}/${name}@${digest} does not end.`, {
        facts,
      });
    }
    const first = seen.size === 0;
    seen.add(url.href);
    const response = await session.read(
      {
        method: 'GET',
        url,
        headers: { accept: MEDIA_TYPES.ociIndex },
        operation: 'read',
        scopes,
        expect: first ? [200, 400, 404, 405, 406, ...REDIRECTS] : [200],
        what: `GET referrers of ${name}@${digest}`,
        facts,
        stayHome: true,
      },
      PAGE_LIMIT,
    );
    read += Math.max(response.body.length, LEAST_PAGE);
    const entries = response.status === 200 ? entriesOf(response.body, MEDIA_TYPES.ociIndex) : undefined;
    if (entries === undefined) {
      // What lists referrers today has not forgotten how: this is a page for people, of a proxy perhaps.
      if (!first || (response.status === 200 && memory.referrers === 'api')) {
        throw new ActionError('ANSWER_INVALID', `A page of what refers to ${host}/${name}@${digest} is no index.`, {
          facts,
        });
      }
      memory.referrers ??= 'fallback';
      break;
    }
    memory.referrers = 'api';
    for (const each of entries) add(found, each, `${host}/${name}@${digest}`);
    next = nextPage(String(response.headers.link ?? ''), response.url, `${host}/${name}`);
    if (next === undefined) return { support: 'api', manifests: [...found.values()] };
  }
  const support = memory.referrers ?? 'fallback';
  const index = await get(fallbackTag(digest));
  // `cosign copy` gives this tag to the image itself: then it lists platforms.
  if (index === undefined || index.descriptor.digest === digest) return { support, manifests: [] };
  const entries = entriesOf(index.bytes, index.descriptor.mediaType);
  if (entries === undefined) {
    throw new ActionError(
      'ANSWER_INVALID',
      `${host}/${name}:${fallbackTag(digest)} should be an index of what refers to ${digest}, and is ${index.descriptor.mediaType}.`,
      { facts },
    );
  }
  for (const each of entries) add(found, each, `${host}/${name}:${fallbackTag(digest)}`);
  return { support, manifests: [...found.values()] };
}

function entriesOf(bytes: Uint8Array, mediaType: string): readonly unknown[] | undefined {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    const index = fieldsOf(parsed);
    const own = index.mediaType ?? mediaType;
    if (typeof own !== 'string' || !isIndexType(own)) return undefined;
    if (index.manifests === null) return [];
    return Array.isArray(index.manifests) ? index.manifests : undefined;
  } catch {
    return undefined;
  }
}

function add(found: Map<Digest, Descriptor>, value: unknown, where: string): void {
  const descriptor = descriptorOf(value);
  if (descriptor === undefined) {
    throw new ActionError('ANSWER_INVALID', `The list of what refers to ${where} holds an entry without a digest.`);
  }
  if (found.size > MOST) throw new ActionError('ANSWER_INVALID', `More than ${MOST} manifests refer to ${where}.`);
  found.set(descriptor.digest, descriptor);
}

/** A descriptor as it stands in an index or manifest; undefined when it is none. */
export function descriptorOf(value: unknown): Descriptor | undefined {
  const { mediaType, digest, size, annotations, artifactType } = fieldsOf(value);
  if (typeof mediaType !== 'string' || !isDigest(digest)) return undefined;
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) return undefined;
  return {
    mediaType,
    digest,
    size,
    ...(isFields(annotations) ? { annotations: textFields(annotations) } : {}),
    ...(typeof artifactType === 'string' ? { artifactType } : {}),
  };
}
