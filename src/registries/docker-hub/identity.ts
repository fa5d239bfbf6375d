import type { Credentials } from '../../credentials/credential.ts';
import { exchangeRefused } from '../../credentials/id-token.ts';
import { fieldsOf } from '../../domain/fields.ts';
import { ActionError } from '../../errors/action-error.ts';
import { type ApiAnswer, unexpected } from '../../http/api.ts';
import type { LoginContext } from '../vendor.ts';

const HOST = 'identity.docker.com';
const AUDIENCE = `https://${HOST}`;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Token lifetime in seconds; an hour is enough for a push, and every version of the service allows it. */
const TOKEN_LIFETIME_SECONDS = { least: 300, usual: 3600, most: 21_600 } as const;

/** Source of this login's credentials: they are valid for the registry, and perhaps not for Docker's other APIs. */
export const FROM_IDENTITY = "Docker's OIDC connection";

/**
 * Exchanges this job's OIDC token for a Docker token, through a connection of the organization. Also reads
 * docker/login-action's variables (DOCKERHUB_OIDC_CONNECTIONID, DOCKERHUB_OIDC_EXPIREIN).
 * https://github.com/docker/login-action#docker-hub
 * @returns undefined when no connection is configured
 * @throws ActionError INPUT_INVALID, ID_TOKEN_UNAVAILABLE, ID_TOKEN_AUDIENCE, ID_TOKEN_EXPIRED, ID_TOKEN_SUBJECT,
 * KEYLESS_REFUSED
 */
export async function dockerIdentity(context: LoginContext): Promise<Credentials | undefined> {
  // The password is sent to Docker only, even if `registry-type` declares another host to be Docker Hub.
  if (context.host !== 'docker.io') return undefined;
  const { keyless, env, api, clock } = context;
  const given = keyless['dockerhub-connection-id'];
  const connection = (given ?? env.DOCKERHUB_OIDC_CONNECTIONID ?? '').trim();
  if (connection === '') return undefined;
  const organization = keyless['dockerhub-organization']?.trim() ?? '';
  // The variable alone may be meant for another step of the job.
  if (given === undefined && organization === '') return undefined;
  if (!UUID.test(connection)) throw invalid('dockerhub-connection-id', 'is not a UUID, as Docker Home shows it.');
  if (organization === '') {
    throw invalid('dockerhub-organization', 'is missing: the organization of the connection is the user name.');
  }
  const seconds = lifetime(env.DOCKERHUB_OIDC_EXPIREIN);
  const token = await context.idToken(keyless['oidc-audience'] ?? AUDIENCE);
  api.secret(token);
  const answer = await api.request({
    method: 'POST',
    url: new URL(`${AUDIENCE}/oauth/token`),
    form: {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
      subject_token: token,
      connection_id: connection,
      expires_in: String(seconds),
    },
    expect: [200, 400, 401, 403, 404, 422],
    operation: 'keyless',
    what: 'the exchange of the OIDC token',
  });
  if (answer.status !== 200) throw refused(answer, token);
  const { access_token: password, expires_in: granted } = fieldsOf(answer.json);
  if (typeof password !== 'string' || password === '') throw unexpected(HOST, 'the exchange of the OIDC token');
  api.secret(password);
  const lives = typeof granted === 'number' && granted > 0 ? Math.min(granted, seconds) : seconds;
  return {
    kind: 'password',
    username: organization,
    password,
    from: FROM_IDENTITY,
    until: new Date(clock.now().getTime() + lives * 1000),
  };
}

function lifetime(text: string | undefined): number {
  const asked = text?.trim() ?? '';
  if (asked === '') return TOKEN_LIFETIME_SECONDS.usual;
  const seconds = /^\d{1,5}$/.test(asked) ? Number(asked) : Number.NaN;
  if (seconds >= TOKEN_LIFETIME_SECONDS.least && seconds <= TOKEN_LIFETIME_SECONDS.most) return seconds;
  throw new ActionError(
    'INPUT_INVALID',
    `DOCKERHUB_OIDC_EXPIREIN is not a number of seconds from ${TOKEN_LIFETIME_SECONDS.least} to ${TOKEN_LIFETIME_SECONDS.most}.`,
  );
}

function invalid(input: string, why: string): ActionError {
  return new ActionError('INPUT_INVALID', `\`${input}\` ${why}`, { facts: { input } });
}

/** The refusal as a catalogue error, with the claims that the connection's rulesets are compared with. */
function refused({ status, text }: ApiAnswer, token: string): ActionError {
  return exchangeRefused({
    service: HOST,
    host: 'docker.io',
    status,
    text,
    token,
    advice: "The connection's ruleset in Docker Home shows why.",
  });
}
