import type { Credentials } from '../../credentials/credential.ts';
import { isFields } from '../../domain/fields.ts';
import { ActionError, type ErrorFacts } from '../../errors/action-error.ts';
import { type ApiAnswer, type ApiRequest, unexpected } from '../../http/api.ts';
import { createRedactor } from '../../http/redact.ts';
import type { ManagementContext } from '../vendor.ts';
import { HOST } from './inventory.ts';
import type { Waiting } from './operation.ts';

/** User names whose password is an access token; the helpers gcloud and docker-credential-gcr use their own. */
const TOKEN_USERS = /^(?:oauth2accesstoken|_token|_dcgcloud_token|_dcgcr_(?:\d+_)*token)$/;

type GoogleRequest = Pick<ApiRequest, 'method' | 'expect' | 'operation' | 'what' | 'json'>;

export interface GoogleApi {
  /**
   * @param path after `/v1/`, each part encoded
   * @param service host of another API of Google
   */
  readonly ask: (path: string, request: GoogleRequest, service?: string) => Promise<ApiAnswer>;
  readonly waiting: Waiting;
}

/** Artifact Registry's API, with the access token of the registry's credentials. */
export function openGoogleApi(
  context: Pick<ManagementContext, 'api' | 'clock' | 'credentials'>,
  facts: ErrorFacts,
): GoogleApi {
  const { api, clock } = context;
  const { add, redact } = createRedactor();

  const ask = async (path: string, request: GoogleRequest, service = HOST): Promise<ApiAnswer> => {
    const found = await context.credentials();
    const token = tokenOf(found);
    if (token === undefined) {
      throw new ActionError(
        'UNAUTHORIZED',
        `${service} needs an access token of Google for ${request.what}, and there is ${whatIs(found)}: use workload-identity-provider, or the user oauth2accesstoken with an access token.`,
        { facts },
      );
    }
    api.secret(token);
    add(token);
    const url = new URL(`https://${service}/v1/${path}`);
    const answer = await api.request({ ...request, url, headers: { authorization: `Bearer ${token}` }, facts });
    if (answer.status === 200 && !isFields(answer.json)) throw unexpected(service, request.what, facts);
    return answer;
  };
  return { ask, waiting: { host: HOST, facts, clock, ask, redact } };
}

/** The access token in registry credentials; undefined for other kinds of credentials. */
export function tokenOf(found: Credentials | undefined): string | undefined {
  return found?.kind === 'password' && TOKEN_USERS.test(found.username) ? found.password : undefined;
}

function whatIs(found: Credentials | undefined): string {
  if (found === undefined) return 'no login at all';
  return found.kind === 'password' && found.username.startsWith('_json_key')
    ? 'a service account key'
    : 'a login of another kind';
}
