import { type Fields, fieldsOf } from '../domain/fields.ts';
import { ActionError } from '../errors/action-error.ts';
import { classify } from '../errors/classify.ts';
import { type Api, unexpected } from '../http/api.ts';
import { parseErrorBody } from '../http/error-body.ts';

/** The claims of GitHub's token that trust policies check, for errors: none of them is secret. */
export interface Claims {
  readonly subject: string;
  readonly audience: string;
  readonly issuer: string;
}

/**
 * Requests a token from GitHub that identifies this job; it is valid for about five minutes.
 * https://docs.github.com/actions/reference/security/oidc
 * @throws ActionError ID_TOKEN_UNAVAILABLE when the job lacks `permissions: id-token: write`
 */
export async function requestIdToken(
  env: Readonly<Record<string, string | undefined>>,
  api: Api,
  audience: string,
): Promise<string> {
  const { ACTIONS_ID_TOKEN_REQUEST_URL: address, ACTIONS_ID_TOKEN_REQUEST_TOKEN: token } = env;
  if (!address || !token || !URL.canParse(address)) {
    throw new ActionError(
      'ID_TOKEN_UNAVAILABLE',
      `GitHub offers this job no OIDC token (for the audience ${audience}): it lacks the permission \`id-token: write\`.`,
    );
  }
  api.secret(token);
  const url = new URL(address);
  url.searchParams.set('audience', audience);
  const answer = await api.request({
    method: 'GET',
    url,
    headers: { authorization: `Bearer ${token}`, 'user-agent': 'actions/oidc-client' },
    expect: [200],
    operation: 'token',
    what: `the request for an OIDC token for ${audience}`,
  });
  const { value } = fieldsOf(answer.json);
  if (typeof value !== 'string' || readClaims(value) === undefined) throw unexpected(url.host, 'the OIDC token');
  api.secret(value);
  return value;
}

/** The payload of a JWT; undefined when it is not one. Not verified: its recipient does that. */
export function readJwt(token: string): Fields | undefined {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
    return fieldsOf(parsed);
  } catch {
    return undefined;
  }
}

/** The claims of a JWT; undefined when it is not one. */
export function readClaims(token: string): Claims | undefined {
  const { sub, aud, iss } = readJwt(token) ?? {};
  const text = (value: unknown) => (typeof value === 'string' ? value.slice(0, 500) : '');
  return sub === undefined ? undefined : { subject: text(sub), audience: text(aud), issuer: text(iss) };
}

/**
 * GitHub's subject with and without the ids in repositories created or renamed since 2026-07-15 (`repo:org@1/app@2:…`):
 * trust policies use either form. https://docs.github.com/actions/reference/security/oidc
 */
function subjectForms(subject: string): readonly string[] {
  const plain = subject.replace(/^repo:([^/:@]+)@\d+\/([^/:@]+)@\d+:/, 'repo:$1/$2:');
  return plain === subject ? [subject] : [subject, plain];
}

/** The token's claims for the error of a service that refused it: a sentence with a leading space, or nothing. */
function claimsSaid(token: string): string {
  const claims = readClaims(token);
  if (claims === undefined) return '';
  const { subject, audience, issuer } = claims;
  return ` The claims of the token: subject ${subjectForms(subject).join(' or ')}, audience ${audience}, issuer ${issuer}.`;
}

/** A refused token exchange. */
export interface Refusal {
  /** Host of the token service. */
  readonly service: string;
  /** The registry that the login is for. */
  readonly host: string;
  readonly status: number;
  readonly text: string;
  /** The token it received. */
  readonly token: string;
  /** A sentence with the setting to check. */
  readonly advice: string;
}

/** The refusal as a catalogue error, with the service's own message and the token's claims. */
export function exchangeRefused({ service, host, status, text, token, advice }: Refusal): ActionError {
  const said = parseErrorBody(text.replaceAll(token, '***'));
  const words = [said.code, said.message].filter((each) => each !== undefined && each !== '').join(': ');
  const spoken = words === '' ? '' : `: ${words.replace(/\.$/, '')}`;
  return new ActionError(
    classify({ host: service, operation: 'keyless', status, ...said }),
    `${service} answered ${status} to the exchange of the OIDC token${spoken}.${claimsSaid(token)} ${advice}`,
    { facts: { registry: host, status } },
  );
}
