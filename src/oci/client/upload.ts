import type { Descriptor } from '../../domain/manifest.ts';
import { ActionError } from '../../errors/action-error.ts';
import { discard, type HttpResponse } from '../../http/response-body.ts';
import type { Scope } from './auth.ts';
import type { OpenBlob, RepositoryContext } from './context.ts';
import { explainRefusal } from './refusal.ts';
import { pathOf, resolveLocation } from './session.ts';

/**
 * Uploads a blob with one POST and one PUT of known length, the only form that works with every registry: ECR drops
 * chunks after the first (aws/containers-roadmap#2831), GHCR rejects chunks of more than 4 MiB. A failed upload
 * restarts with a new session. The bytes are hashed while they are sent, and the registry checks them against the
 * digest in the request. Images that are pushed concurrently share blobs, the empty config above all: the second upload
 * waits for the first.
 */
export function uploadBlob(
  context: RepositoryContext,
  blob: Descriptor,
  open: OpenBlob,
  isThere: (blob: Descriptor) => Promise<boolean>,
): Promise<void> {
  const key = `${context.name}@${blob.digest}`;
  const begun = context.uploads.get(key);
  if (begun !== undefined) return begun;
  const upload = send(context, blob, open, isThere);
  const done = () => void context.uploads.delete(key);
  context.uploads.set(key, upload);
  upload.then(done, done);
  return upload;
}

async function send(
  context: RepositoryContext,
  blob: Descriptor,
  open: OpenBlob,
  isThere: (blob: Descriptor) => Promise<boolean>,
): Promise<void> {
  const { session, host, name, scopes } = context;
  const facts = { registry: host, repository: name, reference: blob.digest };
  let again = false;
  /** Upload sessions with partial content, which the registry would keep for days. */
  const broken: HttpResponse[] = [];
  const attempt = async (): Promise<void> => {
    // The connection may have broken after the registry received everything.
    if (again && (await isThere(blob))) return void broken.pop();
    again = true;
    const started = await begin(context, blob, {});
    broken.push(started);
    const response = await session.request({
      method: 'PUT',
      ...closing(started, blob, context),
      headers: { 'content-type': 'application/octet-stream' },
      body: { size: blob.size, open },
      operation: 'write',
      scopes: scopes.push,
      expect: [200, 201, 202, 204, 404],
      what: `PUT blob ${name}@${blob.digest}`,
      facts,
      retry: false,
    });
    broken.pop();
    await discard(response);
    if (response.status === 404) {
      const what = `${host} has forgotten the upload of ${name}@${blob.digest} before it was done.`;
      throw new ActionError('UPLOAD_REJECTED', what, { facts: { ...facts, status: 404 } });
    }
    const confirmed = response.headers['docker-content-digest'];
    if (
      typeof confirmed === 'string' &&
      confirmed.startsWith('sha256:') &&
      blob.digest.startsWith('sha256:') &&
      confirmed !== blob.digest
    ) {
      throw new ActionError(
        'DIGEST_MISMATCH',
        `${host} took the blob ${name}@${blob.digest} for ${confirmed.slice(0, 80)}.`,
        { facts },
      );
    }
  };
  try {
    await session.retrying(attempt);
  } finally {
    await Promise.all(broken.map((started) => cancel(context, started)));
  }
}

/** Responses that ask to retry later. */
const BUSY_STATUSES: readonly unknown[] = [429, 503];

/**
 * Asks the registry to mount a blob from another of its repositories. Unless it answers 201, the bytes have to be sent:
 * refused mounts get all kinds of statuses (401, 403, 404, 400, 500), and none of them is a reason to fail. A busy
 * registry is asked again, since uploading all the bytes would only add load.
 * https://github.com/opencontainers/distribution-spec/blob/main/spec.md#mounting-a-blob-from-another-repository
 */
export function mountBlob(context: RepositoryContext, blob: Descriptor, from: string): Promise<boolean> {
  const pull = { repository: from, actions: ['pull'] as const };
  return context.session.retrying(async () => {
    try {
      const response = await begin(context, blob, { mount: blob.digest, from }, [...context.scopes.push, pull]);
      if (response.status === 201) return true;
      await cancel(context, response);
      return false;
    } catch (error) {
      const status = error instanceof ActionError ? error.facts.status : undefined;
      if (status === undefined || BUSY_STATUSES.includes(status)) throw error;
      return false;
    }
  });
}

/** Checks the rights in the token; if it does not list them, starts an upload and cancels it. */
export async function checkPush(context: RepositoryContext, { probe }: { readonly probe: boolean }): Promise<void> {
  const { session, host, name, scopes } = context;
  const actions = await session.tokenRights(scopes.push, name);
  if (actions === undefined) {
    if (probe) await cancel(context, await session.retrying(() => begin(context, undefined, {})));
  } else if (!actions.includes('push')) {
    const has = actions.length === 0 ? 'nothing' : actions.join(', ');
    const message = `${host} grants these credentials ${has} on ${name}, not push.`;
    const facts = { registry: host, repository: name, operation: 'push' } as const;
    const anonymous = await session.isAnonymous();
    throw explainRefusal(new ActionError('SCOPE_TOO_NARROW', message, { facts }), { anonymous, accepted: false });
  }
}

async function begin(
  context: RepositoryContext,
  blob: Descriptor | undefined,
  query: Readonly<Record<string, string>>,
  scopes: readonly Scope[] = context.scopes.push,
): Promise<HttpResponse> {
  const { session, host, name } = context;
  const what = blob === undefined ? `to ${name}` : `of ${name}@${blob.digest}`;
  const url = new URL(`/v2/${name}/blobs/uploads/`, context.origin);
  for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value);
  const response = await session.request({
    method: 'POST',
    url,
    operation: 'write',
    scopes,
    expect: 'mount' in query ? [201, 202] : [202],
    what: `POST upload ${what}`,
    facts: { registry: host, repository: name, ...(blob === undefined ? {} : { reference: blob.digest }) },
    retry: false,
  });
  await discard(response);
  return response;
}

/** The URL that completes an upload: the registry's own, byte for byte, plus the digest. */
function closing(
  started: HttpResponse,
  blob: Descriptor,
  { session, host, name }: RepositoryContext,
): { readonly url: URL; readonly path: string } {
  const facts = { registry: host, repository: name, reference: blob.digest };
  const { location } = started.headers;
  const url = location === undefined || location === '' ? undefined : resolveLocation(location, started.url);
  if (location === undefined || url === undefined) {
    throw new ActionError(
      'ANSWER_INVALID',
      `${host} began the upload of ${name}@${blob.digest} without an address to send it to.`,
      { facts },
    );
  }
  session.checkAddress(url, started.url, `upload of ${name}@${blob.digest}`, facts);
  const path = pathOf(location, url);
  const separator = !path.includes('?') ? '?' : /[?&]$/.test(path) ? '' : '&';
  return { url, path: `${path}${separator}digest=${encodeURIComponent(blob.digest)}` };
}

/**
 * Cancels an unneeded upload session, even after the run was cancelled. Registries without this endpoint expire it by
 * themselves.
 */
async function cancel(context: RepositoryContext, started: HttpResponse): Promise<void> {
  const { location } = started.headers;
  const url = location === undefined ? undefined : resolveLocation(location, started.url);
  if (url === undefined || url.origin !== context.origin) return;
  const path = pathOf(location ?? '', url);
  const what = `DELETE upload in ${context.name}`;
  const facts = { registry: context.host, repository: context.name };
  await context.session
    .request({
      method: 'DELETE',
      url,
      path,
      operation: 'write',
      scopes: context.scopes.push,
      expect: [200, 202, 204, 404],
      what,
      facts,
      retry: false,
      afterCancellation: true,
    })
    .then(discard, () => undefined);
}
