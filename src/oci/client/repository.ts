import type { Readable } from 'node:stream';
import type { Digest } from '../../domain/digest.ts';
import type { Descriptor, ManifestBytes } from '../../domain/manifest.ts';
import type { Pieces } from '../../http/body.ts';
import { discard } from '../../http/response-body.ts';
import type { OpenBlob, RepositoryContext } from './context.ts';
import { downloadBlob, readBlob } from './download.ts';
import {
  deleteManifest,
  headManifest,
  readLostTarget,
  readManifest,
  type Taken,
  writeManifest,
} from './manifest-requests.ts';
import { type KnownOfReferrers, listReferrers, type Referrers } from './referrers.ts';
import { listTags } from './tags.ts';
import { checkPush, mountBlob, uploadBlob } from './upload.ts';

/** One repository of a registry: the interface for everything that moves images. */
export interface Repository {
  /** As in image names: `docker.io`, `ghcr.io`, `registry.example.com:5000`. */
  readonly host: string;
  readonly name: string;
  /** The descriptor of the manifest under a tag or digest; undefined when it does not exist. */
  readonly head: (reference: string) => Promise<Descriptor | undefined>;
  /** The manifest with its bytes, verified against the digest. */
  readonly get: (reference: string) => Promise<ManifestBytes | undefined>;
  /**
   * Writes a manifest, byte for byte, under a tag or its digest.
   * @returns `confirmed`: whether the registry returned the digest of the stored manifest; `subject` when the registry
   * lists it as a referrer of that subject
   * @throws ActionError DIGEST_MISMATCH when the registry confirms another digest
   */
  readonly put: (reference: string, manifest: ManifestBytes) => Promise<Taken>;
  readonly hasBlob: (blob: Descriptor) => Promise<boolean>;
  /** Uploads a blob; concurrent calls for the same blob share one upload. Calls `open` once per try. */
  readonly putBlob: (blob: Descriptor, open: OpenBlob) => Promise<void>;
  /** Mounts a blob from another repository of the same registry; false when the registry requires the bytes instead. */
  readonly mountBlob: (blob: Descriptor, from: string) => Promise<boolean>;
  /** The bytes of a blob; the stream fails with DIGEST_MISMATCH when they do not match the descriptor. */
  readonly getBlob: (blob: Descriptor) => Promise<Readable>;
  /** The bytes of a blob for an upload, read into reused buffers: saves memory with large blobs. */
  readonly readBlob: (blob: Descriptor) => Pieces;
  readonly listTags: () => Promise<readonly string[]>;
  /** The missing manifest that a tag points to, where the registry reports it; undefined otherwise. */
  readonly lostTarget: (tag: string) => Promise<Digest | undefined>;
  /**
   * The referrers of an existing manifest, from the registry's API and the fallback. Skips the fallback where it cannot
   * matter.
   */
  readonly referrers: (digest: Digest, known?: KnownOfReferrers) => Promise<Referrers>;
  /**
   * Deletes a manifest by digest, or a tag where the registry supports it; false when it does not exist.
   * @throws ActionError UNSUPPORTED when the registry does not support deletion
   */
  readonly deleteManifest: (reference: string) => Promise<boolean>;
  /**
   * Checks whether a push would be allowed, as far as possible without pushing: by the rights in the token if it is a
   * JWT, otherwise, with `probe`, by starting and cancelling an upload. Sends no content.
   * @throws ActionError DENIED, UNAUTHORIZED, SCOPE_TOO_NARROW, REPOSITORY_UNKNOWN, QUOTA_EXCEEDED, …
   */
  readonly checkPush: (how: { readonly probe: boolean }) => Promise<void>;
  /** Drops the tokens for this repository: they were issued before it existed and may grant nothing on it. */
  readonly renewAccess: () => void;
  /** Waits before polling again. @throws the reason of a cancellation, at once */
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
    lostTarget: (tag) => readLostTarget(context, tag),
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
    // The upload will show whether writing is allowed.
    expect: [200, 400, 403, 404, 405],
    what: `HEAD blob ${name}@${blob.digest}`,
    facts: { registry: host, repository: name, reference: blob.digest },
  });
  await discard(response);
  const { 'content-length': length } = response.headers;
  // A different size means a different blob, whatever digest the registry reports: it is uploaded again and verified
  // there.
  return response.status === 200 && (length === undefined || Number(length) === blob.size);
}
