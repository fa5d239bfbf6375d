import type { Readable } from 'node:stream';
import type { Digest } from '../../domain/digest.ts';
import type { Descriptor, ManifestBytes } from '../../domain/manifest.ts';
import type { Pieces } from '../../http/body.ts';
import { discard } from '../../http/transport.ts';
import type { OpenBlob, RepositoryContext } from './context.ts';
import { downloadBlob, readBlob } from './download.ts';
import { deleteManifest, headManifest, readManifest, type Taken, writeManifest } from './manifest-requests.ts';
import { type KnownOfReferrers, listReferrers, type Referrers } from './referrers.ts';
import { listTags } from './tags.ts';
import { checkPush, mountBlob, uploadBlob } from './upload.ts';

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

export function createRepository(context: RepositoryContext): Repository {
  const { session, host, name } = context;
  const get: Repository['get'] = (reference) => readManifest(context, reference);
  const holds: Repository['hasBlob'] = (blob) => hasBlob(context, blob);
  return {
    host,
    name,
    get,
    head: (reference) => headManifest(context, reference),
    put: (reference, manifest) => writeManifest(context, reference, manifest),
    hasBlob: holds,
    putBlob: (blob, open) => uploadBlob(context, blob, open, holds),
    mountBlob: (blob, from) => mountBlob(context, blob, from),
    getBlob: (blob) => downloadBlob(context, blob),
    readBlob: (blob) => readBlob(context, blob),
    listTags: () => listTags(context),
    referrers: (digest, known) => listReferrers(context, digest, get, known),
    checkPush: (how) => checkPush(context, how),
    renewAccess: () => session.renew(name),
    pause: session.pause,
    deleteManifest: (reference) => deleteManifest(context, reference),
  };
}

async function hasBlob({ session, host, name, origin, scopes }: RepositoryContext, blob: Descriptor): Promise<boolean> {
  const response = await session.request({
    method: 'HEAD',
    url: new URL(`/v2/${name}/blobs/${blob.digest}`, origin),
    operation: 'read',
    scopes: scopes.pull,
    // Whether it may be written is for the upload to find out.
    expect: [200, 400, 403, 404, 405],
    what: `HEAD blob ${name}@${blob.digest}`,
    facts: { registry: host, repository: name, reference: blob.digest },
  });
  await discard(response);
  const { 'content-length': length } = response.headers;
  // A size that differs is another blob, whatever the registry calls it: it is sent again, and checked there.
  return response.status === 200 && (length === undefined || Number(length) === blob.size);
}
