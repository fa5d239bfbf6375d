import { type Digest, isDigest, splitDigest } from '../../domain/digest.ts';
import { type Fields, isFields } from '../../domain/fields.ts';
import { type Descriptor, MANIFEST_TYPES, type ManifestBytes } from '../../domain/manifest.ts';
import { ActionError } from '../../errors/action-error.ts';
import { discard } from '../../http/response-body.ts';
import { digestOf } from '../image/digest-of.ts';
import type { RepositoryContext } from './context.ts';

const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;
const ACCEPT_HEADER = MANIFEST_TYPES.join(', ');

/** The registry's response to the PUT of a manifest. */
export interface Taken {
  /** Whether it returned the digest of the stored manifest. */
  readonly confirmed: boolean;
  /** The subject, when the registry lists the manifest as its referrer. */
  readonly subject?: Digest;
}

/** The manifest under a tag or digest, verified against the digest; undefined when it does not exist. */
export async function readManifest(context: RepositoryContext, reference: string): Promise<ManifestBytes | undefined> {
  const response = await request(context, 'GET', reference, [200, 404]);
  if (response.status === 404) return undefined;
  const { body: bytes } = response;
  const where = `${context.host}/${nameOf(context, reference)}`;
  const digest = digestOf(bytes, isDigest(reference) ? splitDigest(reference).algorithm : 'sha256');
  const confirmed = response.headers['docker-content-digest'];
  for (const expected of [isDigest(reference) ? reference : undefined, isDigest(confirmed) ? confirmed : undefined]) {
    if (expected !== undefined && expected !== digestOf(bytes, splitDigest(expected).algorithm)) {
      throw new ActionError('DIGEST_MISMATCH', `${where} should be ${expected}, and what came is ${digest}.`, {
        facts: factsOf(context, reference),
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
}

/** The descriptor of a manifest, without reading its bytes. */
export async function headManifest(context: RepositoryContext, reference: string): Promise<Descriptor | undefined> {
  // A HEAD response has no body to explain an error: some registries do not support it (405), Artifactory returns 403
  // for a missing manifest, Harbor 412 for one that a policy blocks. The GET that follows gets the reason.
  const response = await request(context, 'HEAD', reference, [200, 400, 403, 404, 405, 412]);
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
  return (await readManifest(context, reference))?.descriptor;
}

/** Writes a manifest, byte for byte. @throws ActionError TOO_LARGE, DIGEST_MISMATCH and the registry's refusals */
export async function writeManifest(
  context: RepositoryContext,
  reference: string,
  { descriptor, bytes }: ManifestBytes,
): Promise<Taken> {
  if (bytes.length > MAX_MANIFEST_BYTES) {
    throw new ActionError(
      'TOO_LARGE',
      `The manifest ${descriptor.digest} has ${bytes.length} bytes; registries take 4 MiB.`,
      { facts: factsOf(context, reference) },
    );
  }
  const response = await context.session.request({
    method: 'PUT',
    url: urlOf(context, reference),
    headers: { 'content-type': descriptor.mediaType },
    body: { size: bytes.length, open: () => bytes },
    operation: 'write',
    scopes: context.scopes.push,
    expect: [200, 201, 202],
    what: `PUT manifest ${nameOf(context, reference)}`,
    facts: factsOf(context, reference),
  });
  await discard(response);
  const confirmed = response.headers['docker-content-digest'];
  if (isDigest(confirmed) && confirmed !== digestOf(bytes, splitDigest(confirmed).algorithm)) {
    throw new ActionError(
      'DIGEST_MISMATCH',
      `${context.host} took ${nameOf(context, reference)} for ${confirmed}; it is ${descriptor.digest}.`,
      { facts: factsOf(context, reference) },
    );
  }
  // https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-manifests-with-subject
  const subject = response.headers['oci-subject'];
  return { confirmed: isDigest(confirmed), ...(isDigest(subject) ? { subject } : {}) };
}

/**
 * What a tag points to although that manifest does not exist, as version 2 and 3 of the registry report it in the error:
 * `"detail": {"Name": "org/app", "Revision": "sha256:…"}`. Undefined for a tag that does not exist, for one with a
 * manifest, and where the registry reports nothing.
 */
export async function readLostTarget(context: RepositoryContext, tag: string): Promise<Digest | undefined> {
  const response = await request(context, 'GET', tag, [200, 404]);
  if (response.status !== 404) return undefined;
  const entry = parseEntries(response.body.toString('utf8'))[0];
  const detail = entry?.code === 'MANIFEST_UNKNOWN' && isFields(entry.detail) ? entry.detail : {};
  const revision = detail.Revision ?? detail.revision;
  return isDigest(revision) ? revision : undefined;
}

function parseEntries(body: string): readonly Fields[] {
  try {
    const parsed: unknown = JSON.parse(body);
    return isFields(parsed) && Array.isArray(parsed.errors) ? parsed.errors.filter(isFields) : [];
  } catch {
    return [];
  }
}

/** Deletes a manifest or a tag; false when it does not exist. */
export async function deleteManifest(context: RepositoryContext, reference: string): Promise<boolean> {
  const response = await context.session.request({
    method: 'DELETE',
    url: urlOf(context, reference),
    operation: 'delete',
    scopes: context.scopes.delete,
    expect: [200, 202, 204, 404],
    what: `DELETE manifest ${nameOf(context, reference)}`,
    facts: factsOf(context, reference),
  });
  await discard(response);
  return response.status !== 404;
}

function urlOf({ name, origin }: RepositoryContext, reference: string): URL {
  return new URL(`/v2/${name}/manifests/${reference}`, origin);
}

/** `org/app:main`, `org/app@sha256:…` */
function nameOf({ name }: RepositoryContext, reference: string): string {
  return `${name}${isDigest(reference) ? '@' : ':'}${reference}`;
}

function factsOf({ host, name }: RepositoryContext, reference: string) {
  return { registry: host, repository: name, reference };
}

function request(context: RepositoryContext, method: 'GET' | 'HEAD', reference: string, expect: readonly number[]) {
  return context.session.read(
    {
      method,
      url: urlOf(context, reference),
      headers: { accept: ACCEPT_HEADER },
      operation: 'read',
      scopes: context.scopes.pull,
      expect,
      what: `${method} manifest ${nameOf(context, reference)}`,
      facts: factsOf(context, reference),
    },
    MAX_MANIFEST_BYTES,
  );
}

function bareType(header: string): string {
  return header.split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

/**
 * The media type that the manifest declares; the header must agree with it, parameters aside.
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
