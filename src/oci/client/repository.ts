import type { Readable } from 'node:stream';
import { type Digest, isDigest, splitDigest } from '../../domain/digest.ts';
import { type Descriptor, MANIFEST_TYPES, type ManifestBytes } from '../../domain/manifest.ts';
import { apiHost } from '../../domain/reference.ts';
import { ActionError } from '../../errors/action-error.ts';
import type { Pieces } from '../../http/body.ts';
import { createTransport, discard, type Timeouts } from '../../http/transport.ts';
import type { Clock, Log } from '../../runtime/runtime.ts';
import { digestOf } from '../image/digest-of.ts';
import { type CredentialSource, createAuthenticator } from './auth.ts';
import type { OpenBlob, RepositoryContext, RepositoryMemory } from './context.ts';
import { downloadBlob, readBlob } from './download.ts';
import { type KnownOfReferrers, listReferrers, type Referrers } from './referrers.ts';
import { originOf } from './scheme-detection.ts';
import { createSession } from './session.ts';
import { listTags } from './tags.ts';
import { checkPush, mountBlob, uploadBlob } from './upload.ts';

/** What a registry said of a manifest that it took. */
export interface Taken {
  readonly confirmed: boolean;
  readonly subject?: Digest;
}

/** One repository of a registry: what everything that moves images is built on. */
export interface Repository {
  /** As in image names: `docker.io`, `ghcr.io`, `registry.example.com:5000`. */
  readonly host: string;
  readonly name: string;
  /** The manifest under a tag or digest, without its bytes; undefined when there is none. */
  readonly head: (reference: string) => Promise<Descriptor | undefined>;
  /** The same with its bytes, checked against the digest. */
  readonly get: (reference: string) => Promise<ManifestBytes | undefined>;
  /**
   * Writes a manifest, byte for byte, under a tag or its digest.
   * @returns `confirmed`: whether the registry named the digest of what it took; `subject` of the manifest, when the registry
   * lists it as a referrer of that
   * @throws ActionError DIGEST_MISMATCH when the registry confirms another digest
   */
  readonly put: (reference: string, manifest: ManifestBytes) => Promise<Taken>;
  readonly hasBlob: (blob: Descriptor) => Promise<boolean>;
  /** Uploads a blob, once for all that ask for it at the same time. `open` is called once for each try. */
  readonly putBlob: (blob: Descriptor, open: OpenBlob) => Promise<void>;
  /** Takes a blob over from another repository of the same registry; false when the registry would rather have the bytes. */
  readonly mountBlob: (blob: Descriptor, from: string) => Promise<boolean>;
  /** The bytes of a blob; the stream fails with DIGEST_MISMATCH when they are not what the descriptor says. */
  readonly getBlob: (blob: Descriptor) => Promise<Readable>;
  /** The same for an upload, through its buffers: the lean way for what is large. */
  readonly readBlob: (blob: Descriptor) => Pieces;
  readonly listTags: () => Promise<readonly string[]>;
  /**
   * What refers to a manifest that is there, by the registry's API and its fallback.
   * The fallback is not read where that can be told to be needless.
   */
  readonly referrers: (digest: Digest, known?: KnownOfReferrers) => Promise<Referrers>;
  /**
   * Deletes a manifest by digest, or a tag where the registry can; false when there is none.
   * @throws ActionError UNSUPPORTED when the registry does not delete
   */
  readonly deleteManifest: (reference: string) => Promise<boolean>;
  /**
   * Whether a push would be let in, as far as that can be told without one: by the rights in the token where it is a JWT,
   * else, with `probe`, by an upload that is begun and cancelled. No byte is sent.
   * @throws ActionError DENIED, UNAUTHORIZED, SCOPE_TOO_NARROW, REPOSITORY_UNKNOWN, QUOTA_EXCEEDED, …
   */
  readonly checkPush: (how: { readonly probe: boolean }) => Promise<void>;
  /** Drops the tokens for this repository: they were issued before it existed, and may grant nothing on it. */
  readonly renewAccess: () => void;
  /** Waits until it is worth another look. @throws the reason of a cancellation, at once */
  readonly pause: (milliseconds: number) => Promise<void>;
}

export interface RegistryClient {
  /** Where the registry answers: `https://ghcr.io`. */
  readonly origin: string;
  /** @param access `push` for what will be written to: then one token serves the reads before and the writes */
  readonly repository: (name: string, access?: 'pull' | 'push') => Repository;
  /**
   * Proves that the registry takes the credentials, as `docker login` does: a request to /v2/ with what it asks for.
   * @returns false when it asked for nothing, so that nothing is proven
   * @throws ActionError UNAUTHORIZED, DENIED, REGISTRY_UNREACHABLE, …
   */
  readonly checkLogin: () => Promise<boolean>;
  /** Requests sent to the registry so far. */
  readonly requests: () => number;
}

export interface RegistryClientOptions {
  /** As in image names. */
  readonly host: string;
  readonly credentials: CredentialSource;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly mask: (secret: string) => void;
  readonly insecureHosts?: readonly string[];
  readonly ca?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly timeouts?: Partial<Timeouts>;
  /** Tries of each request. */
  readonly attempts?: number;
}

const MANIFEST_LIMIT = 4 * 1024 * 1024;
const ACCEPT = MANIFEST_TYPES.join(', ');

/** The client of one registry: https://github.com/opencontainers/distribution-spec/blob/main/spec.md */
export async function createRegistryClient(options: RegistryClientOptions): Promise<RegistryClient> {
  const { host, clock, signal, log, insecureHosts = [], ca, env = {}, timeouts } = options;
  const api = apiHost(host);
  const transport = createTransport({
    signal,
    insecureHosts,
    ...(ca === undefined ? {} : { ca }),
    env,
    userAgent: 'registry-action/1',
    ...(timeouts === undefined ? {} : { timeouts }),
  });
  const auth = createAuthenticator({ host, credentials: options.credentials, transport, clock, mask: options.mask });
  const origin = await originOf(api, insecureHosts);
  const { attempts } = options;
  const session = createSession({
    host,
    origin,
    transport,
    auth,
    clock,
    signal,
    log,
    ...(attempts === undefined ? {} : { attempts }),
  });
  const uploads: RepositoryContext['uploads'] = new Map();
  const memories = new Map<string, RepositoryMemory>();
  return {
    origin,
    repository: (name, access = 'pull') => {
      if (access === 'push') auth.expectWrites(name);
      const memory = memories.get(name) ?? {};
      memories.set(name, memory);
      const scopes = {
        pull: [{ repository: name, actions: ['pull'] }],
        push: [{ repository: name, actions: ['pull', 'push'] }],
        // Apart from a push: a token service may grant a publisher no right to delete, and then refuse all of it.
        delete: [{ repository: name, actions: ['pull', 'delete'] }],
      } as const;
      return createRepository({ session, host, name, origin, scopes, uploads, memory });
    },
    checkLogin: async () => {
      const response = await session.request({
        method: 'GET',
        url: new URL('/v2/', origin),
        operation: 'read',
        scopes: [],
        expect: [200],
        what: 'GET /v2/',
        facts: { registry: host },
      });
      await discard(response);
      return (await auth.header([])) !== undefined;
    },
    requests: session.requests,
  };
}

function createRepository(place: RepositoryContext): Repository {
  const { session, host, name, scopes } = place;
  const url = (reference: string) => new URL(`/v2/${name}/manifests/${reference}`, place.origin);
  const facts = (reference: string) => ({ registry: host, repository: name, reference });
  const read = (method: 'GET' | 'HEAD', reference: string, expect: readonly number[]) =>
    session.read(
      {
        method,
        url: url(reference),
        headers: { accept: ACCEPT },
        operation: 'read',
        scopes: scopes.pull,
        expect,
        what: `${method} manifest ${name}:${reference}`,
        facts: facts(reference),
      },
      MANIFEST_LIMIT,
    );

  const get: Repository['get'] = async (reference) => {
    const response = await read('GET', reference, [200, 404]);
    if (response.status === 404) return undefined;
    const { body: bytes } = response;
    const where = `${host}/${name}:${reference}`;
    const digest = digestOf(bytes, isDigest(reference) ? splitDigest(reference).algorithm : 'sha256');
    const confirmed = response.headers['docker-content-digest'];
    for (const expected of [isDigest(reference) ? reference : undefined, isDigest(confirmed) ? confirmed : undefined]) {
      if (expected !== undefined && expected !== digestOf(bytes, splitDigest(expected).algorithm)) {
        throw new ActionError('DIGEST_MISMATCH', `${where} should be ${expected}, and what came is ${digest}.`, {
          facts: facts(reference),
        });
      }
    }
    return {
      descriptor: {
        mediaType: mediaTypeOf(bytes, response.headers['content-type'], where),
        digest,
        size: bytes.length,
      },
      bytes,
    };
  };

  const hasBlob: Repository['hasBlob'] = async (blob) => {
    const response = await session.request({
      method: 'HEAD',
      url: new URL(`/v2/${name}/blobs/${blob.digest}`, place.origin),
      operation: 'read',
      scopes: scopes.pull,
      // Whether it may be written is for the upload to find out.
      expect: [200, 400, 403, 404, 405],
      what: `HEAD blob ${name}@${blob.digest}`,
      facts: facts(blob.digest),
    });
    await discard(response);
    const { 'content-length': length } = response.headers;
    // A size that differs is another blob, whatever the registry calls it: it is sent again, and checked there.
    return response.status === 200 && (length === undefined || Number(length) === blob.size);
  };

  return {
    host,
    name,
    get,

    head: async (reference) => {
      // What is wrong with a HEAD cannot be said: some registries know none (405), Artifactory answers 403 for what is not
      // there, Harbor 412 for what its policy keeps back. Then a GET has to do, which says why.
      const response = await read('HEAD', reference, [200, 400, 403, 404, 405, 412]);
      if (response.status === 404) return undefined;
      const { 'docker-content-digest': digest, 'content-length': length, 'content-type': type = '' } = response.headers;
      const size = Number(length);
      if (
        response.status === 200 &&
        isDigest(digest) &&
        (!isDigest(reference) || digest === reference) &&
        Number.isSafeInteger(size)
      ) {
        return { mediaType: bareType(type), digest, size };
      }
      return (await get(reference))?.descriptor;
    },

    put: async (reference, { descriptor, bytes }) => {
      if (bytes.length > MANIFEST_LIMIT) {
        throw new ActionError(
          'TOO_LARGE',
          `The manifest ${descriptor.digest} has ${bytes.length} bytes; registries take 4 MiB.`,
          { facts: facts(reference) },
        );
      }
      const response = await session.request({
        method: 'PUT',
        url: url(reference),
        headers: { 'content-type': descriptor.mediaType },
        body: { size: bytes.length, open: () => bytes },
        operation: 'write',
        scopes: scopes.push,
        expect: [200, 201, 202],
        what: `PUT manifest ${name}:${reference}`,
        facts: facts(reference),
      });
      await discard(response);
      const confirmed = response.headers['docker-content-digest'];
      if (isDigest(confirmed) && confirmed !== digestOf(bytes, splitDigest(confirmed).algorithm)) {
        throw new ActionError(
          'DIGEST_MISMATCH',
          `${host} took ${name}:${reference} for ${confirmed}; it is ${descriptor.digest}.`,
          { facts: facts(reference) },
        );
      }
      // https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-manifests-with-subject
      const subject = response.headers['oci-subject'];
      return { confirmed: isDigest(confirmed), ...(isDigest(subject) ? { subject } : {}) };
    },

    hasBlob,
    putBlob: (blob, open) => uploadBlob(place, blob, open, hasBlob),
    mountBlob: (blob, from) => mountBlob(place, blob, from),
    getBlob: (blob) => downloadBlob(place, blob),
    readBlob: (blob) => readBlob(place, blob),
    listTags: () => listTags(place),
    referrers: (digest, known) => listReferrers(place, digest, get, known),
    checkPush: (how) => checkPush(place, how),
    renewAccess: () => session.renew(name),
    pause: session.pause,

    deleteManifest: async (reference) => {
      const response = await session.request({
        method: 'DELETE',
        url: url(reference),
        operation: 'delete',
        scopes: scopes.delete,
        expect: [200, 202, 204, 404],
        what: `DELETE manifest ${name}:${reference}`,
        facts: facts(reference),
      });
      await discard(response);
      return response.status !== 404;
    },
  };
}

function bareType(header: string): string {
  return header.split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

/**
 * The media type: what the manifest says of itself, with which the header must agree (parameters aside).
 * https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests
 */
function mediaTypeOf(bytes: Uint8Array, header: string | undefined, where: string): string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    const page = bareType(header ?? '') === 'text/html' ? 'a web page, such as a login page' : 'not JSON';
    throw new ActionError('ANSWER_INVALID', `${where} is no manifest: the answer is ${page}.`);
  }
  const own = typeof parsed === 'object' && parsed !== null && 'mediaType' in parsed ? parsed.mediaType : undefined;
  const served = bareType(header ?? '');
  if (typeof own === 'string' && own !== '') {
    if (MANIFEST_TYPES.includes(served) && served !== own) {
      throw new ActionError(
        'ANSWER_INVALID',
        `${where} was served as ${served} and calls itself ${own.slice(0, 100)}.`,
      );
    }
    return own;
  }
  return served;
}
