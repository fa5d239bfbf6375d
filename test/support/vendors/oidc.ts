import { type Fields, fieldsOf } from '../../../src/domain/fields.ts';
import type { Service } from '../cloud.ts';

export const ISSUER = 'https://token.actions.githubusercontent.com';

/** A branch of a repository, with ids. */
export const SUBJECT = 'repo:acme@1/app@2:ref:refs/heads/main';

export interface OidcOptions {
  /** Default: {@link SUBJECT}. */
  readonly subject?: string;
  /** Default: {@link ISSUER}. */
  readonly issuer?: string;
  /** Seconds that a token lives; negative: it has expired already. Default: 300. */
  readonly lives?: number;
  /** Default: the real clock. */
  readonly now?: () => Date;
}

/** A JWT that nobody signed: whom it is for decides the double that is shown it. */
export function jwt(claims: Readonly<Record<string, unknown>>): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'RS256', typ: 'JWT', kid: 'test' })}.${part(claims)}.c2lnbmF0dXJl`;
}

/** What a token says of itself; nothing when it is no JWT. */
export function claimsOf(token: string): Fields {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
    return fieldsOf(parsed);
  } catch {
    return {};
  }
}

/** Fresh tokens of a job, by audience. */
export function idTokens(options: OidcOptions = {}): (audience: string) => Promise<string> {
  const { subject = SUBJECT, issuer = ISSUER, lives = 300, now = () => new Date() } = options;
  return async (audience) => {
    const seconds = Math.floor(now().getTime() / 1000);
    return jwt({ iss: issuer, sub: subject, aud: audience, iat: seconds, nbf: seconds, exp: seconds + lives });
  };
}

/** GitHub's OIDC provider, as a job with `id-token: write` finds it. */
export function oidcDouble(options: OidcOptions = {}) {
  const { subject = SUBJECT } = options;
  const issue = idTokens(options);
  const audiences: string[] = [];
  const token = 'request-token-of-the-job';
  const service: Service = async ({ method, url, headers }) => {
    if (headers.authorization !== `Bearer ${token}`) return { status: 401, body: { message: 'unauthorized' } };
    const audience = url.searchParams.get('audience');
    if (method !== 'GET' || audience === null || url.searchParams.get('api-version') !== '2.0') return { status: 400 };
    audiences.push(audience);
    const value = await issue(audience);
    return { status: 200, body: { count: value.length, value } };
  };
  return {
    hosts: { 'run-actions-1.actions.githubusercontent.com': service } satisfies Record<string, Service>,
    env: {
      ACTIONS_ID_TOKEN_REQUEST_URL: 'https://run-actions-1.actions.githubusercontent.com/7/idtoken/1/2?api-version=2.0',
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: token,
    },
    audiences,
    subject,
  };
}
