import { type Digest, isDigest, splitDigest } from '../../domain/digest.ts';
import { fieldsOf, isFields } from '../../domain/fields.ts';
import { type Descriptor, isIndexType, type ManifestBytes, MEDIA_TYPES } from '../../domain/manifest.ts';
import { isTag } from '../../domain/tags/grammar.ts';
import { ActionError } from '../../errors/action-error.ts';
import type { ErrorCode } from '../../errors/catalogue.ts';
import { textFields } from '../image/document.ts';
import type { ReferrersSupport, RepositoryContext } from './context.ts';
import { LIST_LIMIT, MIN_PAGE_BYTES, nextPage } from './tags.ts';

export interface Referrers {
  readonly support: ReferrersSupport;
  /** Union of API and fallback, without duplicates. */
  readonly manifests: readonly Descriptor[];
  /** Entries of the index under the fallback tag: an update has to keep them. */
  readonly fallback: readonly Descriptor[];
  /** Digest of that index, if it exists. */
  readonly fallbackDigest?: Digest;
  /** Digest of something other than an index under the fallback tag, which must not be overwritten. */
  readonly occupied?: Digest;
  /** Messages about lists that exist but could not be read. */
  readonly problems: readonly string[];
}

/** Facts that make reading the fallback unnecessary. */
export interface KnownOfReferrers {
  /** All tags of the repository; the fallback tag is not among them. */
  readonly tags?: ReadonlySet<string> | undefined;
  /** The only referrers of interest, all of which the API lists. */
  readonly wanted?: readonly Digest[];
}

const PAGE_LIMIT = 4 * 1024 * 1024;
const MAX_REFERRERS = 5000;
const REDIRECTS = [301, 302, 303, 307, 308] as const;
/** Suffixes of the tags under which cosign stored signatures and attestations before referrers existed. */
const COSIGN_SUFFIXES = ['sig', 'att', 'sbom'] as const;

/** https://github.com/opencontainers/distribution-spec/blob/main/spec.md#referrers-tag-schema */
export function fallbackTag(digest: Digest): string {
  const { algorithm, hex } = splitDigest(digest);
  return `${algorithm}-${hex.slice(0, 64)}`;
}

/** The tags that cosign uses for a digest; none if they would exceed the maximum tag length. */
export function cosignTags(digest: Digest): readonly string[] {
  return COSIGN_SUFFIXES.map((kind) => `${digest.replace(':', '-')}.${kind}`).filter(isTag);
}

/** Responses of registries without the API: a dedicated status, an HTML page, or, at GHCR, a redirect to one. */
const WITHOUT_API: readonly number[] = [400, 404, 405, 406, 501, ...REDIRECTS];

/**
 * The referrers of a manifest: those from the API and those in the index under the fallback tag, which clients write
 * when they find no API or get no confirmation from it. Quay answers 400 for a subject it does not have, so call this
 * for existing manifests only. Remembers whether the repository supports the API.
 * @throws ActionError ANSWER_INVALID when the pages do not end or an entry is not a descriptor; REDIRECT_REFUSED when a
 * page link leads to another server
 */
export async function listReferrers(
  context: RepositoryContext,
  digest: Digest,
  get: (reference: string) => Promise<ManifestBytes | undefined>,
  { tags, wanted }: KnownOfReferrers = {},
): Promise<Referrers> {
  const found = new Map<Digest, Descriptor>();
  const problems: string[] = [];
  const tag = fallbackTag(digest);
  // Both lists are always read, except where the first, or the tags, can show that the second is not needed.
  const early = tags === undefined && wanted === undefined ? readFallback(context, digest, get) : undefined;
  const [refusal] = await Promise.all([
    askApi(context, digest, found).catch((error: unknown) => {
      if (!isRefusedList(error) || found.size > 0) throw error;
      return error;
    }),
    early,
  ]);
  if (refusal !== undefined) {
    problems.push(
      `${context.host} refuses to list what refers to the images of ${context.name} (${refusal.facts.status}): only signatures, SBOMs and records that the tags sha256-… list are known.`,
    );
  }
  const support = context.memory.referrers ?? 'fallback';
  const needless = tags?.has(tag) === false || wanted?.every((each) => found.has(each)) === true;
  const fallback = early ?? (needless ? EMPTY_FALLBACK : readFallback(context, digest, get));
  const { entries, digest: fallbackDigest, occupied } = await fallback;
  for (const entry of entries) found.set(entry.digest, entry);
  return {
    support,
    manifests: [...found.values()],
    fallback: entries,
    ...(fallbackDigest === undefined ? {} : { fallbackDigest }),
    ...(occupied === undefined ? {} : { occupied }),
    problems,
  };
}

/**
 * Whether the list is unreadable although the manifest is readable: it may need a right of its own, or a proxy does not
 * route the path.
 */
const REFUSAL_CODES: readonly ErrorCode[] = ['CREDENTIALS_MISSING', 'UNAUTHORIZED', 'DENIED', 'SCOPE_TOO_NARROW'];

function isRefusedList(error: unknown): error is ActionError {
  return error instanceof ActionError && REFUSAL_CODES.includes(error.code);
}

/** Images that are read at the same time need one request, not one each, to find that there is no API. */
async function askApi(context: RepositoryContext, digest: Digest, found: Map<Digest, Descriptor>): Promise<undefined> {
  const { memory } = context;
  if (memory.referrers === undefined && memory.asking !== undefined) await memory.asking;
  const asked = readApi(context, digest, found);
  memory.asking ??= asked.catch(() => undefined);
  return asked;
}

/** Reads the API's pages into `found`, and remembers whether the API exists. */
async function readApi(
  { session, host, name, scopes, origin, memory }: RepositoryContext,
  digest: Digest,
  found: Map<Digest, Descriptor>,
): Promise<undefined> {
  if (memory.referrers === 'fallback') return;
  const facts = { registry: host, repository: name, reference: digest };
  const seen = new Set<string>();
  let read = 0;
  let next: URL | undefined = new URL(`/v2/${name}/referrers/${digest}`, origin);
  while (next !== undefined) {
    const url: URL = next;
    if (seen.has(url.href) || found.size > MAX_REFERRERS || read > LIST_LIMIT) {
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
        scopes: scopes.pull,
        expect: first ? [200, ...WITHOUT_API] : [200],
        what: `GET referrers of ${name}@${digest}`,
        facts,
        noCrossHostRedirect: true,
      },
      PAGE_LIMIT,
    );
    read += Math.max(response.body.length, MIN_PAGE_BYTES);
    const entries = response.status === 200 ? entriesOf(response.body, MEDIA_TYPES.ociIndex) : undefined;
    if (entries === undefined) {
      // A registry that supports the API keeps supporting it: this is an HTML page, perhaps from a proxy.
      if (!first || (response.status === 200 && memory.referrers === 'api')) {
        throw new ActionError('ANSWER_INVALID', `A page of what refers to ${host}/${name}@${digest} is no index.`, {
          facts,
        });
      }
      memory.referrers ??= 'fallback';
      return;
    }
    memory.referrers = 'api';
    for (const entry of entries) add(found, entry, `${host}/${name}@${digest}`);
    next = nextPage(String(response.headers.link ?? ''), url, origin, `${host}/${name}`);
  }
}

const EMPTY_FALLBACK: FallbackIndex = { entries: [] };

interface FallbackIndex {
  readonly entries: readonly Descriptor[];
  readonly digest?: Digest;
  readonly occupied?: Digest;
}

async function readFallback(
  { host, name }: RepositoryContext,
  digest: Digest,
  get: (reference: string) => Promise<ManifestBytes | undefined>,
): Promise<FallbackIndex> {
  const index = await get(fallbackTag(digest));
  if (index === undefined) return EMPTY_FALLBACK;
  const entries = entriesOf(index.bytes, index.descriptor.mediaType);
  // `cosign copy` gives this tag to the image itself, whose index lists platforms.
  const isImage = entries === undefined || index.descriptor.digest === digest || entries.some(isPlatform);
  if (isImage) return { entries: [], occupied: index.descriptor.digest };
  const found = new Map<Digest, Descriptor>();
  for (const entry of entries) add(found, entry, `${host}/${name}:${fallbackTag(digest)}`);
  return { entries: [...found.values()], digest: index.descriptor.digest };
}

function isPlatform(entry: unknown): boolean {
  const { platform } = fieldsOf(entry);
  // BuildKit attestations have the platform unknown/unknown, also in the lists that oras writes.
  return isFields(platform) && platform.os !== 'unknown';
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
    throw new ActionError('ANSWER_INVALID', `The list of what refers to ${where} contains an entry without a digest.`);
  }
  if (found.size > MAX_REFERRERS)
    throw new ActionError('ANSWER_INVALID', `More than ${MAX_REFERRERS} manifests refer to ${where}.`);
  found.set(descriptor.digest, descriptor);
}

/** A descriptor from an index or manifest; undefined when it is not one. */
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
