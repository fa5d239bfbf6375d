import type { Descriptor } from '../../domain/manifest.ts';
import { ActionError } from '../../errors/action-error.ts';
import { discard, type HttpResponse } from '../../http/transport.ts';
import type { Scope } from './auth.ts';
import type { OpenBlob, RepositoryContext } from './context.ts';
import { explainRefusal } from './refusal.ts';
import { pathOf, resolveLocation } from './session.ts';

/**
 * Uploads a blob with one POST and one PUT of known length, the one form that works at every registry: ECR drops the chunks
 * after the first (aws/containers-roadmap#2831), GHCR refuses chunks of more than 4 MiB.
 * A failed upload starts over with a new session. The bytes are hashed while they are sent; whether they have arrived whole
 * the registry checks against the digest, which is part of the request.
 * Images that are pushed at the same time share blobs, the empty config above all: whoever comes second waits for the first.
 */
export function uploadBlob(
  place: RepositoryContext,
  blob: Descriptor,
  open: OpenBlob,
  isThere: (blob: Descriptor) => Promise<boolean>,
): Promise<void> {
  const key = `${place.name}@${blob.digest}`;
  const begun = place.uploads.get(key);
  if (begun !== undefined) return begun;
  const upload = send(place, blob, open, isThere);
  const done = () => void place.uploads.delete(key);
  place.uploads.set(key, upload);
  upload.then(done, done);
  return upload;
}

async function send(
  place: RepositoryContext,
  blob: Descriptor,
  open: OpenBlob,
  isThere: (blob: Descriptor) => Promise<boolean>,
): Promise<void> {
  const { session, host, name, scopes } = place;
  const facts = { registry: host, repository: name, reference: blob.digest };
  let again = false;
  /** Sessions that hold a part of the bytes, which the registry would keep for days. */
  const broken: HttpResponse[] = [];
  const attempt = async (): Promise<void> => {
    // The connection may have broken after the registry had everything.
    if (again && (await isThere(blob))) return void broken.pop();
    again = true;
    const started = await begin(place, blob, {});
    broken.push(started);
    const response = await session.request({
      method: 'PUT',
      ...closing(started, blob, place),
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
    await Promise.all(broken.map((each) => cancel(place, each)));
  }
}

/** Answers that ask to come back later. */
const BUSY: readonly unknown[] = [429, 503];

/**
 * Asks the registry to take a blob over from another of its repositories. Whatever it answers but 201, the bytes have to be
 * sent: refusals of a mount have all kinds of statuses (401, 403, 404, 400, 500), and none of them is worth failing for.
 * A registry that is busy is asked again: to send all the bytes would not help it.
 * https://github.com/opencontainers/distribution-spec/blob/main/spec.md#mounting-a-blob-from-another-repository
 */
export function mountBlob(place: RepositoryContext, blob: Descriptor, from: string): Promise<boolean> {
  const pull = { repository: from, actions: ['pull'] as const };
  return place.session.retrying(async () => {
    try {
      const response = await begin(place, blob, { mount: blob.digest, from }, [...place.scopes.push, pull]);
      if (response.status === 201) return true;
      await cancel(place, response);
      return false;
    } catch (error) {
      const status = error instanceof ActionError ? error.facts.status : undefined;
      if (status === undefined || BUSY.includes(status)) throw error;
      return false;
    }
  });
}

/** Looks at the rights in the token, and where it does not tell begins an upload and cancels it. */
export async function checkPush(place: RepositoryContext, { probe }: { readonly probe: boolean }): Promise<void> {
  const { session, host, name, scopes } = place;
  const actions = await session.tokenRights(scopes.push, name);
  if (actions === undefined) {
    if (probe) await cancel(place, await session.retrying(() => begin(place, undefined, {})));
  } else if (!actions.includes('push')) {
    const has = actions.length === 0 ? 'nothing' : actions.join(', ');
    const message = `${host} grants these credentials ${has} on ${name}, not push.`;
    const facts = { registry: host, repository: name, operation: 'push' } as const;
    const anonymous = await session.isAnonymous();
    throw explainRefusal(new ActionError('SCOPE_TOO_NARROW', message, { facts }), { anonymous, accepted: false });
  }
}

async function begin(
  place: RepositoryContext,
  blob: Descriptor | undefined,
  query: Readonly<Record<string, string>>,
  scopes: readonly Scope[] = place.scopes.push,
): Promise<HttpResponse> {
  const { session, host, name } = place;
  const what = blob === undefined ? `to ${name}` : `of ${name}@${blob.digest}`;
  const url = new URL(`/v2/${name}/blobs/uploads/`, place.origin);
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

/** The address that closes an upload: what the registry gave, byte for byte, with the digest added. */
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

/** A session that is not needed is cancelled, also after the run was; registries that do not know how forget it by themselves. */
async function cancel(place: RepositoryContext, started: HttpResponse): Promise<void> {
  const { location } = started.headers;
  const url = location === undefined ? undefined : resolveLocation(location, started.url);
  if (url === undefined || url.origin !== place.origin) return;
  const path = pathOf(location ?? '', url);
  const what = `DELETE upload in ${place.name}`;
  const facts = { registry: place.host, repository: place.name };
  await place.session
    .request({
      method: 'DELETE',
      url,
      path,
      operation: 'write',
      scopes: place.scopes.push,
      expect: [200, 202, 204, 404],
      what,
      facts,
      retry: false,
      last: true,
    })
    .then(discard, () => undefined);
}
