import type { Credentials } from '../../credentials/credential.ts';
import { exchangeRefused } from '../../credentials/id-token.ts';
import { fieldsOf } from '../../domain/fields.ts';
import { ActionError } from '../../errors/action-error.ts';
import { type ApiAnswer, unexpected } from '../../http/api.ts';
import { parseErrorBody } from '../../http/error-body.ts';
import type { LoginContext } from '../vendor.ts';

const STS_HOST = 'sts.googleapis.com';
const IAM_HOST = 'iamcredentials.googleapis.com';
const SCOPE = 'https://www.googleapis.com/auth/cloud-platform';
const PROVIDER = /^projects\/\d+\/locations\/global\/workloadIdentityPools\/[a-z0-9-]+\/providers\/[a-z0-9-]+$/;
const EXPECTED_STATUSES = [200, 400, 401, 403, 404];
/** Google's access tokens are valid for at most twelve hours. */
const MAX_LIFETIME_SECONDS = 12 * 3600;
/** Google's tokens are sent only to Google's registries. */
const REGISTRY_HOST = /^(?:[a-z0-9-]+-docker\.pkg\.dev|(?:(?:us|eu|asia)\.)?gcr\.io)$/;

/**
 * Exchanges this job's OIDC token for a Google access token, directly or as a service account.
 * https://docs.cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token
 * @returns undefined when no provider is configured, or the host is not a Google registry
 * @throws ActionError INPUT_INVALID, ID_TOKEN_UNAVAILABLE, ID_TOKEN_AUDIENCE, ID_TOKEN_SUBJECT, ID_TOKEN_EXPIRED,
 * KEYLESS_REFUSED
 */
export async function googleIdentity(context: LoginContext): Promise<Credentials | undefined> {
  const { keyless, api, host, clock } = context;
  const provider = keyless['workload-identity-provider']?.trim() ?? '';
  if (provider === '' || !REGISTRY_HOST.test(host)) return undefined;
  if (!PROVIDER.test(provider)) {
    throw new ActionError(
      'INPUT_INVALID',
      `workload-identity-provider is ${JSON.stringify(provider.slice(0, 200))}; expected projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER, with the number of the project.`,
      { facts: { input: 'workload-identity-provider' } },
    );
  }
  const subjectToken = await context.idToken(keyless['oidc-audience'] ?? `https://iam.googleapis.com/${provider}`);
  api.secret(subjectToken);
  const exchanged = await api.request({
    method: 'POST',
    url: new URL(`https://${STS_HOST}/v1/token`),
    json: {
      audience: `//iam.googleapis.com/${provider}`,
      grantType: 'urn:ietf:params:oauth:grant-type:token-exchange',
      requestedTokenType: 'urn:ietf:params:oauth:token-type:access_token',
      scope: SCOPE,
      subjectTokenType: 'urn:ietf:params:oauth:token-type:jwt',
      subjectToken,
    },
    expect: EXPECTED_STATUSES,
    operation: 'keyless',
    what: 'the exchange of the OIDC token',
    facts: { registry: host },
  });
  if (exchanged.status !== 200) throw refusedExchange(exchanged, subjectToken, host);
  const { access_token: federated, expires_in: seconds } = fieldsOf(exchanged.json);
  if (typeof federated !== 'string' || federated === '') {
    throw unexpected(STS_HOST, 'the exchange of the OIDC token', { registry: host });
  }
  api.secret(federated);
  const account = keyless['service-account']?.trim() ?? '';
  if (account !== '') return impersonate(context, federated, account);
  if (typeof seconds !== 'number' || !Number.isInteger(seconds) || seconds <= 0 || seconds > MAX_LIFETIME_SECONDS) {
    throw unexpected(STS_HOST, 'the exchange of the OIDC token', { registry: host });
  }
  const until = new Date(clock.now().getTime() + seconds * 1000);
  return { kind: 'password', username: 'oauth2accesstoken', password: federated, until, from: provider };
}

/** 3300 seconds: the maximum is an hour, and clocks differ. */
async function impersonate({ api, host }: LoginContext, federated: string, account: string): Promise<Credentials> {
  const answer = await api.request({
    method: 'POST',
    url: new URL(
      `https://${IAM_HOST}/v1/projects/-/serviceAccounts/${encodeURIComponent(account)}:generateAccessToken`,
    ),
    headers: { authorization: `Bearer ${federated}` },
    json: { scope: [SCOPE], lifetime: '3300s' },
    expect: EXPECTED_STATUSES,
    operation: 'keyless',
    what: `the request for a token of ${account}`,
    facts: { registry: host },
  });
  if (answer.status !== 200) {
    const { message = '' } = parseErrorBody(answer.text.replaceAll(federated, '***'));
    const spoken = message === '' ? '' : `: ${message.replace(/\.$/, '')}`;
    throw new ActionError(
      'KEYLESS_REFUSED',
      `${IAM_HOST} answered ${answer.status} to the request for a token of ${account}${spoken}. The pool's principal needs roles/iam.workloadIdentityUser on that service account.`,
      { facts: { registry: host, status: answer.status } },
    );
  }
  const { accessToken: password, expireTime } = fieldsOf(answer.json);
  const until = new Date(typeof expireTime === 'string' ? expireTime : Number.NaN);
  if (typeof password !== 'string' || password === '' || Number.isNaN(until.getTime())) {
    throw unexpected(IAM_HOST, `the token of ${account}`, { registry: host });
  }
  api.secret(password);
  return { kind: 'password', username: 'oauth2accesstoken', password, until, from: `the service account ${account}` };
}

function refusedExchange({ status, text }: ApiAnswer, token: string, host: string): ActionError {
  const advice =
    'Compare it with the provider that workload-identity-provider names: whether it exists and is enabled, its audience, and its attribute condition.';
  return exchangeRefused({ service: STS_HOST, host, status, text, token, advice });
}
