import { exchangeRefused } from '../../credentials/id-token.ts';
import { ActionError } from '../../errors/action-error.ts';
import { networkError } from '../../http/registry-error.ts';
import type { LoginContext } from '../vendor.ts';
import { clientOptions, readSdkError } from './sdk.ts';
import type { AwsCredentials, Identity } from './sdk-credentials.ts';

/** Credentials are replaced this long before they end. In milliseconds. */
const SPARE = 5 * 60_000;

/** What tells that credentials of AWS lie around: without one of these nobody is asked, instance metadata least of all. */
const HINTS = [
  'AWS_ACCESS_KEY_ID',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
  'AWS_PROFILE',
] as const;

/** The role of `role-to-assume`, taken on with the token of the job; undefined when none is named. */
export function roleIdentity(place: LoginContext, region: string): Identity | undefined {
  const role = place.keyless['role-to-assume'];
  if (role === undefined) return undefined;
  let held: Promise<AwsCredentials> | undefined;
  return {
    from: `the role ${role}`,
    credentials: async () => {
      const before = await held?.catch(() => undefined);
      const ends = before?.expiration?.getTime() ?? 0;
      if (before === undefined || ends - SPARE <= place.clock.now().getTime()) held = assume(place, role, region);
      return held ?? assume(place, role, region);
    },
  };
}

/** The default chain of the SDK, where the environment says that there is something to find. */
export function ambientIdentity({ env }: LoginContext): Identity | undefined {
  if (!HINTS.some((name) => env[name])) return undefined;
  let provider: Identity['credentials'] | undefined;
  return {
    from: 'the AWS credentials of the environment',
    credentials: async (caller) => {
      provider ??= (await import('./sdk-clients.ts')).defaultProvider({ maxRetries: 1 });
      return provider(caller);
    },
  };
}

/** https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html */
async function assume(place: LoginContext, role: string, region: string): Promise<AwsCredentials> {
  const { keyless, api } = place;
  const china = region.startsWith('cn-') ? '.cn' : '';
  const token = await place.idToken(keyless['oidc-audience'] ?? `sts.amazonaws.com${china}`);
  const { STS } = await import('./sdk-clients.ts');
  // The request is not signed: the token is what speaks for the job.
  const nobody = async () => ({ accessKeyId: '', secretAccessKey: '' });
  const client = new STS(clientOptions(place, 'STS', region, nobody));
  try {
    const answer = await client.assumeRoleWithWebIdentity({
      RoleArn: role,
      RoleSessionName: keyless['role-session-name'] ?? 'GitHubActions',
      WebIdentityToken: token,
    });
    const {
      AccessKeyId: accessKeyId,
      SecretAccessKey: secretAccessKey,
      SessionToken,
      Expiration,
    } = answer.Credentials ?? {};
    if (!accessKeyId || !secretAccessKey || !SessionToken) {
      throw new ActionError('ANSWER_INVALID', `AWS STS granted ${role} without credentials.`);
    }
    for (const each of [secretAccessKey, SessionToken]) api.secret(each);
    return { accessKeyId, secretAccessKey, sessionToken: SessionToken, ...(Expiration && { expiration: Expiration }) };
  } catch (error) {
    throw refusal(error, place, role, token);
  } finally {
    client.destroy();
  }
}

function refusal(error: unknown, { host }: LoginContext, role: string, token: string): unknown {
  if (error instanceof ActionError) return error;
  const { name, status, words } = readSdkError(error);
  const facts = { registry: host };
  if (status === undefined) return networkError(error, `taking on the role ${role}`, facts);
  if (status >= 500 || /^(?:Throttl|IDPCommunication)/.test(name)) {
    return new ActionError('REGISTRY_UNAVAILABLE', `AWS STS answered ${status} (${name}): ${words}`, { facts });
  }
  return exchangeRefused({
    service: `sts (${role})`,
    host,
    status,
    text: JSON.stringify({ code: name, message: words }),
    token,
    advice: 'STS reports a wrong subject and a wrong audience in the same words; check both in the trust policy.',
  });
}
