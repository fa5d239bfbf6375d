import type { Credentials } from '../../credentials/credential.ts';
import { exchangeRefused, readClaims } from '../../credentials/id-token.ts';
import { fieldsOf } from '../../domain/fields.ts';
import type { ActionError } from '../../errors/action-error.ts';
import { type ApiAnswer, unexpected } from '../../http/api.ts';
import type { LoginContext } from '../vendor.ts';

/** The audience from JFrog's instructions for GitHub; a provider may be configured with another one. */
const AUDIENCE = 'jfrog-github';

/** Source of this login's credentials: Artifactory's API accepts them as a bearer token. */
export const FROM_PROVIDER = "Artifactory's OIDC provider";

/**
 * Exchanges this job's OIDC token for an access token of the JFrog platform, through a provider that an administrator
 * has configured there. https://jfrog.com/help/r/jfrog-platform-administration-documentation/openid-connect-integration
 * @returns undefined when no provider is configured
 * @throws ActionError ID_TOKEN_UNAVAILABLE, ID_TOKEN_AUDIENCE, ID_TOKEN_EXPIRED, ID_TOKEN_SUBJECT, KEYLESS_REFUSED
 */
export async function artifactoryIdentity(context: LoginContext): Promise<Credentials | undefined> {
  const { host, keyless, api, clock } = context;
  const provider = keyless['oidc-provider-name']?.trim() ?? '';
  if (provider === '') return undefined;
  const token = await context.idToken(keyless['oidc-audience'] ?? AUDIENCE);
  api.secret(token);
  const answer = await api.request({
    method: 'POST',
    url: new URL('/access/api/v1/oidc/token', `https://${host}`),
    json: {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
      subject_token: token,
      provider_name: provider,
    },
    expect: [200, 400, 401, 403, 404],
    operation: 'keyless',
    what: 'the exchange of the OIDC token',
  });
  if (answer.status !== 200) throw refused(answer, token, host, provider);
  const { access_token: password, expires_in: seconds, username } = fieldsOf(answer.json);
  const what = 'the exchange of the OIDC token';
  if (typeof password !== 'string' || password === '') throw unexpected(host, what);
  api.secret(password);
  const user = typeof username === 'string' && username !== '' ? username : userOf(password);
  if (user === undefined) throw unexpected(host, what);
  return {
    kind: 'password',
    username: user,
    password,
    from: FROM_PROVIDER,
    ...(typeof seconds === 'number' && seconds > 0 ? { until: new Date(clock.now().getTime() + seconds * 1000) } : {}),
  };
}

/**
 * The user in the subject of an access token: the last part of `jfac@…/users/jane` and `jfrt@…/jane`, otherwise the
 * whole subject. https://github.com/jfrog/setup-jfrog-cli/blob/master/src/oidc-utils.ts
 */
function userOf(token: string): string | undefined {
  const subject = readClaims(token)?.subject ?? '';
  const named = subject.startsWith('jfrt@') || subject.includes('/users/');
  const user = named ? subject.slice(subject.lastIndexOf('/') + 1) : subject;
  return user === '' ? undefined : user;
}

/** The refusal as a catalogue error, with the claims that the identity mappings are compared with. */
function refused({ status, text }: ApiAnswer, token: string, host: string, provider: string): ActionError {
  return exchangeRefused({
    service: host,
    host,
    status,
    text,
    token,
    advice: `Compare it with the provider ${provider} and its identity mappings (Administration → General Management → Manage Integrations).`,
  });
}
