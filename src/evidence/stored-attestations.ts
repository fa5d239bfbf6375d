import type { Digest } from '../domain/digest.ts';
import { fieldsOf, isFields } from '../domain/fields.ts';
import type { FoundStatements, RejectedStatement, SignedStatement } from '../domain/trust/verification.ts';
import { ActionError } from '../errors/action-error.ts';
import { type Api, type ApiAnswer, unexpected } from '../http/api.ts';
import { nextPage } from '../oci/client/tags.ts';
import { digestOf } from '../oci/image/digest-of.ts';
import type { SigstoreService } from '../sigstore/service.ts';
import type { BundleChecker } from '../sigstore/verify-bundle.ts';
import { readBundleStatement } from './bundle-statement.ts';
import type { AttestationStore } from './github-attestations.ts';
import { uncompressed } from './snappy.ts';

/** What reaches GitHub's API, and the storage that it refers to, which receives no credentials. */
export interface StoreAccess {
  readonly api: Api;
  readonly storage: SigstoreService;
}

const API_VERSION = '2022-11-28';
const PAGE_SIZE = 100;
/** GitHub accepts predicates of 16 MB. */
const MAX_BUNDLE_BYTES = 32 * 1024 * 1024;
const MAX_ATTESTATIONS = 200;

/**
 * Reads and checks what GitHub's attestations API has about a digest. The signature decides, not where it was stored.
 * https://docs.github.com/rest/repos/attestations#list-attestations
 * @throws ActionError ATTESTATIONS_UNREADABLE: a failed lookup never means "unsigned"
 */
export async function readStoredAttestations(
  access: StoreAccess,
  store: AttestationStore,
  digest: Digest,
  check: BundleChecker,
): Promise<FoundStatements> {
  const signed: SignedStatement[] = [];
  const rejected: RejectedStatement[] = [];
  for (const bytes of await storedBundles(access, store, digest)) {
    const common = { format: 'GitHub attestation', manifest: digestOf(bytes) } as const;
    const result = readBundleStatement(check, bytes);
    if (result.ok) signed.push({ ...common, ...result.value });
    else rejected.push({ ...common, reason: result.problems.join('; ') });
  }
  return { signed, rejected };
}

async function storedBundles(
  { api, storage }: StoreAccess,
  store: AttestationStore,
  digest: Digest,
): Promise<readonly Buffer[]> {
  const { apiUrl, owner, name, token } = store;
  api.secret(token);
  const where = `${owner}/${name}`;
  const first = new URL(
    `${apiUrl}/repos/${encodeURIComponent(owner)}/${encodeURIComponent(name)}/attestations/${digest}`,
  );
  first.searchParams.set('per_page', String(PAGE_SIZE));
  const bundles: Buffer[] = [];
  for (let page: URL | undefined = first; page !== undefined && bundles.length < MAX_ATTESTATIONS; ) {
    const url: URL = page;
    const answer = await readable(store, () => list(api, url, where, token));
    // A public repository answers anybody, whatever it thinks of the token: that of another organization, or without single sign-on.
    const isRefused = answer.status === 401 || answer.status === 403;
    const anonymous = isRefused ? await readable(store, () => list(api, url, where)) : answer;
    const { status, headers, json } = anonymous.status === 200 ? anonymous : answer;
    // None, or none that this token may know of: the signature is missing either way.
    if (status === 404) return bundles;
    if (status !== 200) throw refused(store, status, json);
    const { attestations } = fieldsOf(json);
    if (!Array.isArray(attestations)) {
      throw unreadable(store, unexpected(url.host, 'the list of attestations').message, {});
    }
    for (const attestation of attestations.slice(0, MAX_ATTESTATIONS - bundles.length)) {
      bundles.push(await readable(store, () => bundleOf(storage, attestation)));
    }
    page = attestations.length === 0 ? undefined : nextPage(String(headers.link ?? ''), url, first.origin, where);
  }
  return bundles;
}

function list(api: Api, url: URL, where: string, token?: string): Promise<ApiAnswer> {
  return api.request({
    method: 'GET',
    url,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      accept: 'application/vnd.github+json',
      'x-github-api-version': API_VERSION,
    },
    expect: [200, 401, 403, 404],
    operation: 'read',
    what: `reading the attestations of ${where}`,
  });
}

/** GitHub leaves the bundle out and names an address with its compressed bytes; older answers contain it. */
async function bundleOf(storage: SigstoreService, attestation: unknown): Promise<Buffer> {
  const { bundle, bundle_url: address } = fieldsOf(attestation);
  if (isFields(bundle)) return Buffer.from(JSON.stringify(bundle));
  const url = typeof address === 'string' ? URL.parse(address) : null;
  if (url?.protocol !== 'https:') throw new ActionError('ANSWER_INVALID', 'an attestation has no bundle.');
  const { body } = await storage.get(url.href, 'the request for an attestation', MAX_BUNDLE_BYTES);
  return uncompressed(body, MAX_BUNDLE_BYTES);
}

async function readable<T>(store: AttestationStore, task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    if (!(error instanceof ActionError) || error.code === 'CANCELLED') throw error;
    throw unreadable(store, error.message, { cause: error });
  }
}

function refused(store: AttestationStore, status: number, json: unknown): ActionError {
  const { message } = fieldsOf(json);
  const said = typeof message === 'string' && message !== '' ? ` (${message.slice(0, 300).replace(/\.$/, '')})` : '';
  return unreadable(
    store,
    status === 401 ? `the token is not valid${said}.` : `the job may not read attestations${said}.`,
    {
      status,
      remedy:
        status === 401
          ? ['Use `${{ github.token }}` as `github-token`.']
          : ['Add `attestations: read` to the `permissions:` of the job.'],
    },
  );
}

function unreadable(
  { apiUrl, owner, name }: AttestationStore,
  reason: string,
  {
    status,
    remedy,
    cause,
  }: { readonly status?: number; readonly remedy?: readonly string[]; readonly cause?: unknown },
): ActionError {
  return new ActionError(
    'ATTESTATIONS_UNREADABLE',
    `The attestations of ${owner}/${name} at ${new URL(apiUrl).host} could not be read: ${reason}`,
    {
      ...(status === undefined ? {} : { facts: { status } }),
      ...(remedy === undefined ? {} : { remedy }),
      ...(cause === undefined ? {} : { cause }),
    },
  );
}
