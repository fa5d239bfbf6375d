import type { Credentials } from '../../credentials/credential.ts';
import { fieldsOf } from '../../domain/fields.ts';
import { ActionError } from '../../errors/action-error.ts';
import { type ApiAnswer, type ApiRequest, unexpected } from '../../http/api.ts';
import type { ManagementContext } from '../vendor.ts';
import { FROM_IDENTITY } from './identity.ts';

export const HUB = 'hub.docker.com';
const ORIGIN = `https://${HUB}`;

/**
 * A bearer token is valid for ten minutes (https://docs.docker.com/reference/api/hub/latest/); a request may take one
 * of them.
 */
const BEARER_LIFETIME_MS = 9 * 60 * 1000;

export type HubRequest = Omit<ApiRequest, 'url' | 'headers' | 'facts'> & {
  /** From `/v2/` on, each part encoded. */
  readonly path: string;
};

/**
 * Docker Hub's management API with a bearer token that is fetched on first use and renewed before it expires.
 * @throws from requests: ActionError UNAUTHORIZED when the API rejects the registry's credentials
 */
export function openHub(
  context: Pick<ManagementContext, 'api' | 'clock' | 'host' | 'repository' | 'credentials'>,
): (request: HubRequest) => Promise<ApiAnswer> {
  const { api, clock } = context;
  const facts = { registry: context.host, repository: context.repository };
  let held: { readonly bearer: string; readonly until: number } | undefined;

  const renew = async (): Promise<string> => {
    const found = context.host === 'docker.io' ? await context.credentials() : undefined;
    if (found?.kind !== 'password') {
      throw new ActionError(
        'UNAUTHORIZED',
        `Managing ${context.repository} at ${HUB} needs a user name and password for docker.io, and none were found.`,
        { facts },
      );
    }
    api.secret(found.password);
    const answer = await api.request({
      method: 'POST',
      url: new URL('/v2/auth/token', ORIGIN),
      json: { identifier: found.username, secret: found.password },
      expect: [200, 400, 401, 403],
      operation: 'token',
      what: `the login of ${found.username}`,
      facts,
    });
    if (answer.status !== 200) throw closed(answer, found);
    const { access_token: bearer } = fieldsOf(answer.json);
    if (typeof bearer !== 'string' || bearer === '') throw unexpected(HUB, 'the login', facts);
    api.secret(bearer);
    held = { bearer, until: clock.now().getTime() + BEARER_LIFETIME_MS };
    return bearer;
  };

  const closed = ({ status, json }: ApiAnswer, found: Credentials): ActionError => {
    const { detail, message } = fieldsOf(json);
    const said = [detail, message].find((each) => typeof each === 'string');
    const why =
      found.from === FROM_IDENTITY
        ? ' The token of the login without a stored secret opens the registry only: for this give a personal access token in `password`.'
        : ' Give a personal access token with Read, Write & Delete in `password`.';
    return new ActionError(
      'UNAUTHORIZED',
      `${HUB} answered ${status} to the login with ${found.from}${typeof said === 'string' ? `: ${said.slice(0, 300).replaceAll(found.kind === 'password' ? found.password : found.token, '***')}` : ''}.${why}`,
      { facts: { ...facts, status } },
    );
  };

  return async ({ path, ...request }) => {
    const send = (bearer: string, expect: readonly number[]) =>
      api.request({
        ...request,
        expect,
        url: new URL(path, ORIGIN),
        headers: { authorization: `Bearer ${bearer}` },
        facts,
      });
    const fresh = held !== undefined && clock.now().getTime() < held.until ? held.bearer : undefined;
    if (fresh === undefined) return send(await renew(), request.expect);
    // A valid token may have been revoked: retries once with a new one, and accepts the outcome.
    const answer = await send(fresh, [...request.expect, 401]);
    return answer.status === 401 ? send(await renew(), request.expect) : answer;
  };
}
