import type { Credentials } from '../../credentials/credential.ts';
import { exchangeRefused, readJwt } from '../../credentials/id-token.ts';
import { fieldsOf } from '../../domain/fields.ts';
import { ActionError } from '../../errors/action-error.ts';
import { type ApiAnswer, unexpected } from '../../http/api.ts';
import { parseErrorBody } from '../../http/error-body.ts';
import type { LoginContext } from '../vendor.ts';

const LOGIN_HOST = 'login.microsoftonline.com';
const AUDIENCE = 'api://AzureADTokenExchange';
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
/** Entra tokens are sent only to registries of Azure's public cloud. */
const REGISTRY_HOST = /^[a-z0-9-]+\.azurecr\.io$/;

/**
 * Exchanges this job's OIDC token for an Entra token, and that for a refresh token of the registry, valid for about
 * three hours. https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md
 * @returns undefined when no Azure identity is configured, or the host is not a registry in Azure's public cloud
 * @throws ActionError INPUT_INVALID, ID_TOKEN_UNAVAILABLE, ID_TOKEN_AUDIENCE, ID_TOKEN_SUBJECT, ID_TOKEN_EXPIRED,
 * KEYLESS_REFUSED
 */
export async function azureIdentity(context: LoginContext): Promise<Credentials | undefined> {
  const { host, api } = context;
  if (!hasAzureIdentity(context)) return undefined;
  const { client, tenant } = idsOf(context);
  const access = await entraToken(context, 'https://containerregistry.azure.net/.default');
  const registry = await api.request({
    method: 'POST',
    url: new URL(`https://${host}/oauth2/exchange`),
    form: { grant_type: 'access_token', service: host, tenant, access_token: access },
    expect: [200, 400, 401, 403],
    operation: 'keyless',
    what: 'the exchange of the Entra token',
  });
  if (registry.status !== 200) throw refusedByRegistry(registry, access, host, client);
  const { refresh_token: token } = fieldsOf(registry.json);
  if (typeof token !== 'string' || token === '') throw unexpected(host, 'the exchange of the Entra token');
  api.secret(token);
  const until = expiryOf(token);
  return {
    kind: 'identity-token',
    token,
    from: `the Entra application ${client}`,
    ...(until === undefined ? {} : { until }),
  };
}

/** Whether an Azure identity is configured, for a registry in Azure's public cloud. */
export function hasAzureIdentity(context: LoginContext): boolean {
  const { client, tenant } = idsOf(context);
  return REGISTRY_HOST.test(context.host) && (client !== '' || tenant !== '');
}

const idsOf = ({ keyless }: LoginContext) => ({
  client: keyless['azure-client-id']?.trim() ?? '',
  tenant: keyless['azure-tenant-id']?.trim() ?? '',
});

/** Exchanges this job's OIDC token for an Entra token. */
export async function entraToken(context: LoginContext, scope: string): Promise<string> {
  const { host, keyless, api } = context;
  const { client, tenant } = idsOf(context);
  demandUuid('azure-client-id', client);
  demandUuid('azure-tenant-id', tenant);
  const assertion = await context.idToken(keyless['oidc-audience'] ?? AUDIENCE);
  api.secret(assertion);
  const entra = await api.request({
    method: 'POST',
    url: new URL(`https://${LOGIN_HOST}/${encodeURIComponent(tenant)}/oauth2/v2.0/token`),
    form: {
      grant_type: 'client_credentials',
      client_id: client,
      scope,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
    },
    expect: [200, 400, 401, 403],
    operation: 'keyless',
    what: 'the exchange of the OIDC token',
    facts: { registry: host },
  });
  if (entra.status !== 200) throw refusedByEntra(entra, assertion, host);
  const { access_token: access } = fieldsOf(entra.json);
  if (typeof access !== 'string' || access === '') throw unexpected(LOGIN_HOST, 'the exchange of the OIDC token');
  api.secret(access);
  return access;
}

/** The expiry of a JWT; undefined when it has none or is not a JWT. Not verified: the server does that. */
export function expiryOf(token: string): Date | undefined {
  const exp = readJwt(token)?.exp;
  const date = typeof exp === 'number' ? new Date(exp * 1000) : undefined;
  return date === undefined || Number.isNaN(date.getTime()) ? undefined : date;
}

function demandUuid(input: string, value: string): void {
  if (UUID.test(value)) return;
  const why = value === '' ? 'is missing: the two Azure ids go together.' : 'is not a UUID.';
  throw new ActionError('INPUT_INVALID', `\`${input}\` ${why}`, { facts: { input } });
}

function wordsOf({ text }: ApiAnswer, secret: string): string {
  const { code = '', message = '' } = parseErrorBody(text.replaceAll(secret, '***'));
  return [code, message].filter((each) => each !== '').join(': ');
}

/** The refusal as a catalogue error, with the claims that the federated credential is compared with. */
function refusedByEntra(answer: ApiAnswer, assertion: string, host: string): ActionError {
  return exchangeRefused({
    service: LOGIN_HOST,
    host,
    status: answer.status,
    text: answer.text,
    token: assertion,
    advice: 'The federated credential of the application must match it exactly, upper and lower case included.',
  });
}

function refusedByRegistry(answer: ApiAnswer, access: string, host: string, client: string): ActionError {
  return new ActionError(
    'KEYLESS_REFUSED',
    `${host} answered ${answer.status} to the exchange of the Entra token: ${wordsOf(answer, access) || 'nothing'}. The application ${client} needs a role at this registry (AcrPush, or Container Registry Repository Writer where roles are per repository), and the registry's network rules must allow the runner.`,
    { facts: { registry: host, status: answer.status } },
  );
}
