import { exchangeRefused } from '../../credentials/id-token.ts';
import { ActionError } from '../../errors/action-error.ts';
import { networkError } from '../../http/registry-error.ts';
import type { LoginContext } from '../vendor.ts';
import { clientOptions, readSdkError } from './sdk.ts';
import type { AwsCredentials, Identity } from './sdk-credentials.ts';

/** Margin before expiry at which credentials are replaced. */
const REFRESH_MARGIN_MS = 5 * 60_000;

/**
 * Variables that show AWS credentials are configured. Without one of them no provider is queried, least of all the
 * instance metadata.
 */
const CREDENTIAL_VARIABLES = [
  'AWS_ACCESS_KEY_ID',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
  'AWS_PROFILE',
] as const;

/** The role in `role-to-assume`, assumed with the job's token; undefined when not set. */
export function roleIdentity(context: LoginContext, region: string): Identity | undefined {
  const role = context.keyless['role-to-assume'];
  if (role === undefined) return undefined;
  let held: Promise<AwsCredentials> | undefined;
  return {
    from: `the role ${role}`,
    credentials: async () => {
      const before = await held?.catch(() => undefined);
      const ends = before?.expiration?.getTime() ?? 0;
      if (before === undefined || ends - REFRESH_MARGIN_MS <= context.clock.now().getTime())
        held = assume(context, role, region);
      return held ?? assume(context, role, region);
    },
  };
}

/** The SDK's default chain, if the environment indicates credentials. */
export function ambientIdentity({ env }: LoginContext): Identity | undefined {
  if (!CREDENTIAL_VARIABLES.some((name) => env[name])) return undefined;
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
async function assume(context: LoginContext, role: string, region: string): Promise<AwsCredentials> {
  const { keyless, api } = context;
  const china = region.startsWith('cn-') ? '.cn' : '';
  const token = await context.idToken(keyless['oidc-audience'] ?? `sts.amazonaws.com${china}`);
  const { STS } = await import('./sdk-clients.ts');
  // The request is not signed: the token authenticates the job.
  const anonymous = async () => ({ accessKeyId: '', secretAccessKey: '' });
  const client = new STS(clientOptions(context, 'STS', region, anonymous));
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
    for (const secret of [secretAccessKey, SessionToken]) api.secret(secret);
    return { accessKeyId, secretAccessKey, sessionToken: SessionToken, ...(Expiration && { expiration: Expiration }) };
  } catch (error) {
    throw refusal(error, context, role, token);
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
