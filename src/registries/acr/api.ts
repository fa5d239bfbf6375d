import { fieldsOf } from '../../domain/fields.ts';
import { ActionError } from '../../errors/action-error.ts';
import { type ApiAnswer, type ApiRequest, unexpected } from '../../http/api.ts';
import { parseErrorBody } from '../../http/error-body.ts';
import { registryError } from '../../http/registry-error.ts';
import type { ManagementContext } from '../vendor.ts';
import { expiryOf } from './identity.ts';

type AcrRequest = Omit<ApiRequest, 'headers' | 'facts'>;

export interface Acr {
  /** Relative to the origin, each part encoded. */
  readonly at: (path: string) => URL;
  /** The repository name as part of a path. */
  readonly name: string;
  readonly ask: (request: AcrRequest) => Promise<ApiAnswer>;
  /** Deletes one item; a locked one raises TAG_IMMUTABLE. */
  readonly remove: (path: string, reference: string) => Promise<'deleted' | 'absent'>;
}

/** Margin before a token's expiry at which it is replaced, and its assumed lifetime if it does not state one. */
const EARLY_MS = 60_000;
const UNKNOWN_MS = 180_000;
/**
 * The rights to request: no more than needed, because the registry may refuse a token over the rest. Registries with
 * attribute-based access reject wildcards, so every token is for one repository.
 */
const SCOPE_ACTIONS = { read: 'metadata_read', delete: 'pull,delete,metadata_read,metadata_write' } as const;
type Actions = keyof typeof SCOPE_ACTIONS;

/** ACR's data plane API for one repository. https://learn.microsoft.com/rest/api/containerregistry/ */
export function openAcr(context: ManagementContext): Acr {
  const { api, host, repository, origin, clock } = context;
  const facts = { registry: host, repository };
  const name = repository.split('/').map(encodeURIComponent).join('/');
  const at = (path: string) => new URL(path, origin);
  const tokens = new Map<Actions, { readonly token: string; readonly until: number }>();

  const bearer = async (actions: Actions): Promise<string> => {
    const held = tokens.get(actions);
    if (held !== undefined && held.until - EARLY_MS > clock.now().getTime()) return held.token;
    const scope = `repository:${repository}:${SCOPE_ACTIONS[actions]}`;
    const found = await context.credentials();
    const what = `the request for a token for ${scope}`;
    const common = { expect: [200], operation: 'token', what, facts } as const;
    const url = at('/oauth2/token');
    let answer: ApiAnswer;
    if (found?.kind === 'identity-token') {
      api.secret(found.token);
      const form = { grant_type: 'refresh_token', service: host, scope, refresh_token: found.token };
      answer = await api.request({ ...common, method: 'POST', url, form });
    } else {
      url.searchParams.set('service', host);
      url.searchParams.set('scope', scope);
      const basic = found && Buffer.from(`${found.username}:${found.password}`).toString('base64');
      if (found !== undefined) api.secret(found.password);
      if (basic !== undefined) api.secret(basic);
      const headers: Record<string, string> = basic === undefined ? {} : { authorization: `Basic ${basic}` };
      answer = await api.request({ ...common, method: 'GET', url, headers });
    }
    const { access_token: token } = fieldsOf(answer.json);
    if (typeof token !== 'string' || token === '') throw unexpected(host, what, facts);
    api.secret(token);
    tokens.set(actions, { token, until: expiryOf(token)?.getTime() ?? clock.now().getTime() + UNKNOWN_MS });
    return token;
  };

  const ask = async (request: AcrRequest): Promise<ApiAnswer> =>
    api.request({
      ...request,
      headers: { authorization: `Bearer ${await bearer(request.operation === 'delete' ? 'delete' : 'read')}` },
      facts,
    });

  const remove = async (path: string, reference: string): Promise<'deleted' | 'absent'> => {
    const what = `the deletion of ${reference} in ${repository}`;
    const url = at(path);
    const { status, text } = await ask({
      method: 'DELETE',
      url,
      expect: [200, 202, 403, 404, 405],
      operation: 'delete',
      what,
    });
    if (status === 404) return 'absent';
    if (status < 300) return 'deleted';
    const said = parseErrorBody(text);
    const about = { ...facts, reference, status };
    if (said.code?.toUpperCase() === 'REGISTRY_DISALLOWED_OPERATION') {
      throw new ActionError(
        'TAG_IMMUTABLE',
        `${host} answered ${status} to ${what}: it is locked (${said.message ?? said.code}). \`az acr repository update --name ${host.split('.', 1)[0]} --image ${repository}${reference.includes(':') ? '@' : ':'}${reference} --delete-enabled true --write-enabled true\` unlocks it.`,
        { facts: about },
      );
    }
    throw registryError({ host, operation: 'delete', status, ...said }, `${host} answered ${status} to ${what}`, about);
  };

  return { at, name, ask, remove };
}
