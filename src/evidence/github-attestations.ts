import { fieldsOf } from '../domain/fields.ts';
import { ActionError } from '../errors/action-error.ts';
import { type Api, type ApiAnswer, type ApiRequest, unexpected } from '../http/api.ts';

/** The repository whose attestations are stored. */
export interface AttestationStore {
  /** `https://api.github.com` */
  readonly apiUrl: string;
  readonly owner: string;
  readonly name: string;
  readonly token: string;
}

const API_VERSION = '2022-11-28';

/**
 * Stores a Sigstore bundle in GitHub's attestations API, where `gh attestation verify` looks for it by digest.
 * https://docs.github.com/rest/repos/attestations#create-an-attestation
 * @param bundle the JSON of the bundle
 * @returns the id of the attestation
 * @throws ActionError ATTESTATION_NOT_STORED with the permission, plan or content that GitHub refuses
 */
export async function storeAttestation(api: Api, store: AttestationStore, bundle: Uint8Array): Promise<number> {
  const { apiUrl, owner, name, token } = store;
  api.secret(token);
  const { status, json } = await asked({
    method: 'POST',
    url: new URL(`${apiUrl}/repos/${encodeURIComponent(owner)}/${encodeURIComponent(name)}/attestations`),
    headers: {
      authorization: `Bearer ${token}`,
      accept: 'application/vnd.github+json',
      'x-github-api-version': API_VERSION,
    },
    json: { bundle: JSON.parse(new TextDecoder().decode(bundle)) },
    expect: [201, 401, 403, 404, 422],
    operation: 'write',
    what: `storing an attestation in ${owner}/${name}`,
  });
  const { id, message } = fieldsOf(json);
  if (status !== 201) throw refused(store, status, typeof message === 'string' ? message : '');
  if (typeof id !== 'number') throw unexpected(new URL(apiUrl).host, 'the id of the attestation');
  return id;

  async function asked(request: ApiRequest): Promise<ApiAnswer> {
    try {
      return await api.request(request);
    } catch (error) {
      // Otherwise it would be reported as a failure of a registry.
      if (!(error instanceof ActionError) || error.code === 'CANCELLED') throw error;
      throw new ActionError('ATTESTATION_NOT_STORED', `${error.message} No tag was moved.`, { cause: error });
    }
  }
}

/** What each answer means, and what to do. GitHub answers 404 as well where a token may not know of a repository. */
const ANSWERS: Readonly<Record<number, { readonly means: string; readonly remedy: readonly string[] }>> = {
  401: { means: 'the token is not valid', remedy: ['Use `${{ github.token }}` as `github-token`.'] },
  403: {
    means: 'the job may not store attestations',
    remedy: ['Add `attestations: write` to the `permissions:` of the job.'],
  },
  404: {
    means: 'the repository or the API does not exist for this token',
    remedy: [
      'Use the `github-token` of the same repository, with `attestations: write`.',
      'GitHub Enterprise Server has no attestations API: remove `github-attestations`.',
    ],
  },
  422: {
    means: 'GitHub does not accept this bundle',
    remedy: [
      'Sign with an instance that GitHub trusts: `signing-config: public`, or `github` in a private repository.',
      'Remove `github-attestations` where a private Sigstore signs.',
    ],
  },
};
const PLAN = [
  'Private and internal repositories need GitHub Enterprise Cloud for attestations: remove `github-attestations`, or make the repository public.',
];

function refused({ owner, name, apiUrl }: AttestationStore, status: number, message: string): ActionError {
  const answer = ANSWERS[status] ?? { means: 'GitHub refuses the attestation', remedy: [] };
  const isPlan = /feature not available|upgrade to|not available for/i.test(message);
  const said = message === '' ? '' : ` (${message.slice(0, 300).replace(/\.$/, '')})`;
  return new ActionError(
    'ATTESTATION_NOT_STORED',
    `${new URL(apiUrl).host} answered ${status} to storing an attestation in ${owner}/${name}: ${isPlan ? 'the plan of the repository has no attestations' : answer.means}${said}. No tag was moved.`,
    { facts: { status }, remedy: isPlan ? PLAN : answer.remedy },
  );
}
