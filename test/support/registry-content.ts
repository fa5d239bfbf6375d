import { createHash, randomUUID } from 'node:crypto';
import { fieldsOf } from '../../src/domain/fields.ts';
import { MANIFEST_TYPES } from '../../src/domain/manifest.ts';
import { errorReply, jsonReply, type Received, type Reply, sha256 } from './registry-exchange.ts';
import { type ImmutableTags, immutableReply } from './registry-immutable.ts';

export interface StoredManifest {
  readonly mediaType: string;
  readonly bytes: Buffer;
  readonly digest: string;
}

interface StoredRepository {
  readonly blobs: Map<string, Buffer>;
  readonly manifests: Map<string, StoredManifest>;
  readonly tags: Map<string, string>;
}

interface Upload {
  readonly repository: string;
  state: string;
  bytes: Buffer;
}

export interface ContentOptions {
  /** `config types`: the list shows the config's type instead of the manifest's, and no annotations, as go-containerregistry's. */
  readonly referrers?: boolean | 'config types';
  readonly immutable?: ImmutableTags;
  /** What DELETE on a manifest takes; default: digests only, as registry:2 does. */
  readonly deletes?: 'digests' | 'digests and tags' | 'nothing';
  /** Whether the deletion of a digest fails after the manifest is gone and before its tags are: registry:2 does when it meets a tag that is being written. */
  readonly losesTags?: (digest: string) => boolean;
  /** The most tags, and the most referrers, on one page. */
  readonly pageSize?: number;
}

const NAME = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
const DIGEST = /^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/;
const MANIFEST_LIMIT = 4 * 1024 * 1024;

/** Splits `/v2/<name>/<kind>/<rest>`. */
export function parsePath(path: string) {
  const [, name, kind, rest] = /^\/v2\/(.+?)\/(manifests|blobs\/uploads|blobs|tags|referrers)\/(.*)$/.exec(path) ?? [];
  return name === undefined || kind === undefined ? undefined : { name, kind, rest: rest ?? '' };
}

/** What the registry holds, and its API, without connections and credentials. */
export function createContent(options: ContentOptions, origin: () => string) {
  const repositories = new Map<string, StoredRepository>();
  const uploads = new Map<string, Upload>();
  const repository = (name: string): StoredRepository => {
    const found = repositories.get(name) ?? { blobs: new Map(), manifests: new Map(), tags: new Map() };
    repositories.set(name, found);
    return found;
  };
  const find = (name: string, reference: string): StoredManifest | undefined => {
    const held = repositories.get(name);
    return held?.manifests.get(held.tags.get(reference) ?? reference);
  };
  const putManifest = (name: string, reference: string, mediaType: string, bytes: Buffer): StoredManifest => {
    const stored = {
      mediaType,
      bytes,
      digest: reference.startsWith('sha512:') ? digestAs(reference, bytes) : sha256(bytes),
    };
    repository(name).manifests.set(stored.digest, stored);
    if (!DIGEST.test(reference)) repository(name).tags.set(reference, stored.digest);
    return stored;
  };

  const answer = (request: Received): Reply => {
    const { method, url } = request;
    if (url.pathname === '/v2/' || url.pathname === '/v2') return jsonReply({});
    const path = parsePath(decodeURI(url.pathname));
    if (request.url.pathname === '/v2/_catalog' && method === 'GET') return giveCatalog(request);
    if (path === undefined) return { status: 404, body: '404 page not found' };
    const { name, kind, rest } = path;
    if (!NAME.test(name)) return errorReply(400, 'NAME_INVALID', 'invalid repository name', { name });
    if (kind === 'manifests') {
      if (method === 'PUT') return takeManifest(name, rest, request);
      if (method === 'GET' || method === 'HEAD') return giveManifest(name, rest, request);
      if (method === 'DELETE') return dropManifest(name, rest);
    }
    if (kind === 'blobs/uploads')
      return method === 'POST' && rest === '' ? begin(name, request) : proceed(name, rest, request);
    if (kind === 'blobs' && (method === 'GET' || method === 'HEAD')) return giveBlob(name, rest, request);
    if (kind === 'tags' && rest === 'list' && method === 'GET') return giveTags(name, request);
    if (kind === 'referrers' && options.referrers && method === 'GET') return giveReferrers(name, rest, request);
    return kind === 'referrers'
      ? { status: 404, body: '404 page not found' }
      : errorReply(405, 'UNSUPPORTED', 'The operation is unsupported.');
  };

  const takeManifest = (name: string, reference: string, { headers, body }: Received): Reply => {
    if (body.length > MANIFEST_LIMIT) return errorReply(413, 'SIZE_INVALID', 'manifest too large');
    if (!TAG.test(reference) && !DIGEST.test(reference))
      return errorReply(400, 'TAG_INVALID', 'manifest tag did not match URI');
    const mediaType = (headers['content-type'] ?? '').split(';')[0] ?? '';
    const invalid = (why: string) => errorReply(400, 'MANIFEST_INVALID', 'manifest invalid', why);
    if (!MANIFEST_TYPES.includes(mediaType)) return invalid(`unsupported media type ${mediaType}`);
    const manifest = parseObject(body);
    if (manifest === undefined) return invalid('not a JSON object');
    if (manifest.mediaType !== undefined && manifest.mediaType !== mediaType) return invalid('media types differ');
    if (DIGEST.test(reference) && digestAs(reference, body) !== reference) {
      return errorReply(400, 'DIGEST_INVALID', 'provided digest did not match uploaded content');
    }
    const held = repository(name);
    const missing = [
      ...[manifest.config, ...list(manifest.layers)].filter((each) => !held.blobs.has(digestField(each))),
      // An index may list what is no manifest: registries hold it among the blobs.
      ...list(manifest.manifests).filter(
        (each) => !held.manifests.has(digestField(each)) && !held.blobs.has(digestField(each)),
      ),
    ].filter((each) => digestField(each) !== '' && !hasUrls(each));
    if (missing.length > 0)
      return errorReply(400, 'MANIFEST_BLOB_UNKNOWN', 'blob unknown to registry', missing.map(digestField));
    const before = held.tags.get(reference);
    const refusal = options.immutable && immutableReply(options.immutable, name, reference, before, sha256(body));
    if (refusal !== undefined) return refusal;
    const { digest } = putManifest(name, reference, mediaType, body);
    const subject = digestField(manifest.subject);
    return {
      status: 201,
      headers: {
        location: `${origin()}/v2/${name}/manifests/${digest}`,
        'docker-content-digest': digest,
        ...(options.referrers && subject !== '' ? { 'oci-subject': subject } : {}),
      },
    };
  };

  const dropManifest = (name: string, reference: string): Reply => {
    const { deletes = 'digests' } = options;
    if (deletes === 'nothing') return errorReply(405, 'UNSUPPORTED', 'The operation is unsupported.');
    const isTag = !DIGEST.test(reference);
    if (isTag && deletes === 'digests')
      return errorReply(400, 'DIGEST_INVALID', 'provided digest did not match uploaded content');
    const held = repositories.get(name);
    const gone = isTag ? held?.tags.delete(reference) : held?.manifests.delete(reference);
    if (held === undefined || gone !== true) return errorReply(404, 'MANIFEST_UNKNOWN', 'manifest unknown');
    if (!isTag && options.losesTags?.(reference) === true)
      return errorReply(500, 'UNKNOWN', 'unknown error', 'invalid checksum digest format');
    for (const [tag, digest] of held.tags) if (digest === reference) held.tags.delete(tag);
    return { status: 202 };
  };

  const giveManifest = (name: string, reference: string, { headers }: Received): Reply => {
    const found = find(name, reference);
    if (found === undefined) {
      const lost = repositories.get(name)?.tags.get(reference);
      const detail = lost === undefined ? { Tag: reference } : { Name: name, Revision: lost };
      return errorReply(404, 'MANIFEST_UNKNOWN', 'manifest unknown', detail);
    }
    const accept = headers.accept ?? '';
    if (!accept.includes(found.mediaType) && !accept.includes('*/*')) {
      return errorReply(404, 'MANIFEST_UNKNOWN', `${found.mediaType} found, but the accept header does not support it`);
    }
    return {
      status: 200,
      headers: { 'content-type': found.mediaType, 'docker-content-digest': found.digest, etag: `"${found.digest}"` },
      body: found.bytes,
    };
  };

  const giveBlob = (name: string, digest: string, { headers }: Received): Reply => {
    if (!DIGEST.test(digest)) return errorReply(400, 'DIGEST_INVALID', 'invalid digest');
    const bytes = repositories.get(name)?.blobs.get(digest);
    if (bytes === undefined) return errorReply(404, 'BLOB_UNKNOWN', 'blob unknown to registry', { digest });
    const common = {
      'content-type': 'application/octet-stream',
      'docker-content-digest': digest,
      'accept-ranges': 'bytes',
    };
    const [, from] = /^bytes=(\d+)-$/.exec(headers.range ?? '') ?? [];
    if (from === undefined) return { status: 200, headers: common, body: bytes };
    if (Number(from) >= bytes.length) return { status: 416, headers: { 'content-range': `bytes */${bytes.length}` } };
    const range = `bytes ${from}-${bytes.length - 1}/${bytes.length}`;
    return { status: 206, headers: { ...common, 'content-range': range }, body: bytes.subarray(Number(from)) };
  };

  const giveTags = (name: string, { url }: Received): Reply => {
    const held = repositories.get(name);
    if (held === undefined) return errorReply(404, 'NAME_UNKNOWN', 'repository name not known to registry', { name });
    const last = url.searchParams.get('last') ?? '';
    const all = [...held.tags.keys()].sort().filter((tag) => tag > last);
    const size = Math.min(Number(url.searchParams.get('n') ?? 100), options.pageSize ?? 1000);
    const page = all.slice(0, size);
    const link = `</v2/${name}/tags/list?last=${encodeURIComponent(page.at(-1) ?? '')}&n=${size}>; rel="next"`;
    return jsonReply({ name, tags: page }, all.length > page.length ? { link } : {});
  };

  const giveCatalog = ({ url }: Received): Reply => {
    const size = Number(url.searchParams.get('n') ?? options.pageSize ?? 100);
    // As distribution 3 with its `maxentries`.
    if (size > (options.pageSize ?? 1000)) {
      return errorReply(400, 'PAGINATION_NUMBER_INVALID', 'invalid number of results requested', { n: size });
    }
    const last = url.searchParams.get('last') ?? '';
    const all = [...repositories.keys()].sort().filter((name) => name > last);
    const page = all.slice(0, size);
    const link = `</v2/_catalog?last=${encodeURIComponent(page.at(-1) ?? '')}&n=${size}>; rel="next"`;
    return jsonReply({ repositories: page }, all.length > page.length ? { link } : {});
  };

  const giveReferrers = (name: string, digest: string, { url }: Received): Reply => {
    const manifests = [...(repositories.get(name)?.manifests.values() ?? [])].flatMap((each) => {
      const manifest = parseObject(each.bytes);
      if (digestField(manifest?.subject) !== digest) return [];
      const common = { mediaType: each.mediaType, digest: each.digest, size: each.bytes.length };
      const { artifactType, annotations, config } = manifest ?? {};
      if (options.referrers === 'config types') return [{ ...common, artifactType: fieldsOf(config).mediaType }];
      return [{ ...common, artifactType, annotations }];
    });
    const mediaType = 'application/vnd.oci.image.index.v1+json';
    const first = Number(url.searchParams.get('first') ?? 0);
    const next = first + (options.pageSize ?? 1000);
    const link = manifests.length > next ? { link: `</v2/${name}/referrers/${digest}?first=${next}>; rel="next"` } : {};
    return jsonReply(
      { schemaVersion: 2, mediaType, manifests: manifests.slice(first, next) },
      { 'content-type': mediaType, ...link },
    );
  };

  const begin = (name: string, { url }: Received): Reply => {
    const mount = url.searchParams.get('mount') ?? '';
    const bytes = repositories.get(url.searchParams.get('from') ?? '')?.blobs.get(mount);
    if (bytes !== undefined) {
      repository(name).blobs.set(mount, bytes);
      return {
        status: 201,
        headers: { location: `${origin()}/v2/${name}/blobs/${mount}`, 'docker-content-digest': mount },
      };
    }
    const id = randomUUID();
    const upload = { repository: name, state: randomUUID(), bytes: Buffer.alloc(0) };
    uploads.set(id, upload);
    return progress(id, upload, 202);
  };

  const progress = (id: string, upload: Upload, status: number): Reply => ({
    status,
    headers: {
      location: `${origin()}/v2/${upload.repository}/blobs/uploads/${id}?_state=${upload.state}`,
      range: `0-${Math.max(0, upload.bytes.length - 1)}`,
      'docker-upload-uuid': id,
    },
  });

  const proceed = (name: string, id: string, { method, url, headers, body }: Received): Reply => {
    const upload = uploads.get(id);
    if (upload === undefined || upload.repository !== name) {
      return errorReply(404, 'BLOB_UPLOAD_UNKNOWN', 'blob upload unknown to registry');
    }
    if (method === 'GET') return progress(id, upload, 204);
    if (method === 'DELETE') {
      uploads.delete(id);
      return { status: 204 };
    }
    if (url.searchParams.get('_state') !== upload.state)
      return errorReply(400, 'BLOB_UPLOAD_INVALID', 'blob upload invalid');
    const [, from] = /^(\d+)-\d+$/.exec(headers['content-range'] ?? '') ?? [];
    if (from !== undefined && Number(from) !== upload.bytes.length) return { ...progress(id, upload, 416) };
    upload.bytes = Buffer.concat([upload.bytes, body]);
    upload.state = randomUUID();
    if (method === 'PATCH') return progress(id, upload, 202);
    if (method !== 'PUT') return errorReply(405, 'UNSUPPORTED', 'The operation is unsupported.');
    const digest = url.searchParams.get('digest') ?? '';
    uploads.delete(id);
    if (!DIGEST.test(digest) || digestAs(digest, upload.bytes) !== digest) {
      return errorReply(400, 'DIGEST_INVALID', 'provided digest did not match uploaded content', { digest });
    }
    repository(name).blobs.set(digest, upload.bytes);
    return {
      status: 201,
      headers: { location: `${origin()}/v2/${name}/blobs/${digest}`, 'docker-content-digest': digest },
    };
  };

  return { answer, find, repository, repositories, putManifest, openUploads: () => uploads.size };
}

function digestAs(like: string, bytes: Uint8Array): string {
  const algorithm = like.startsWith('sha512:') ? 'sha512' : 'sha256';
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
}

function parseObject(bytes: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function digestField(value: unknown): string {
  return typeof value === 'object' && value !== null && 'digest' in value ? String(value.digest) : '';
}

function hasUrls(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'urls' in value;
}
