import { type Fields, fieldsOf, isFields } from '../../../domain/fields.ts';
import { ActionError } from '../../../errors/action-error.ts';
import { type ApiAnswer, unexpected } from '../../../http/api.ts';
import { parseErrorBody } from '../../../http/error-body.ts';
import { registryError } from '../../../http/registry-error.ts';
import type { SetupContext } from '../../setup-port.ts';
import { entraToken, expiryOf, hasAzureIdentity } from '../identity.ts';

const HOST = 'management.azure.com';
const VERSION = '2025-11-01';
/** Tasks have versions of their own. */
const TASKS_VERSION = '2019-06-01-preview';
const ROLES_VERSION = '2022-04-01';

/** Most things are done within a second, replicas take minutes: the time between looks grows. */
const FIRST_POLL_MS = 250;
const POLL_EVERY_MS = 5000;
const MAX_POLLS = 240;
const pause = (poll: number) => Math.min(POLL_EVERY_MS, FIRST_POLL_MS * 2 ** poll);
/** How long another operation on the registry may take. */
const MAX_CONFLICTS = 40;
const EARLY_MS = 60_000;
const UNKNOWN_MS = 5 * 60_000;

/** One write to Azure's management API. */
export interface ArmWrite {
  readonly method: 'PUT' | 'PATCH' | 'POST' | 'DELETE';
  /** Below the registry: ``, `/tokens/prod`. */
  readonly path: string;
  readonly json?: Fields;
  readonly what: string;
}

export interface Arm {
  /** The resource below the registry; undefined when there is none. */
  readonly get: (path: string, what: string) => Promise<Fields | undefined>;
  readonly list: (path: string, what: string) => Promise<readonly Fields[]>;
  /** Writes, and waits until Azure has done it. @returns the resource, or what a POST answered */
  readonly write: (request: ArmWrite) => Promise<Fields>;
}

/**
 * Azure's management API for one registry. https://learn.microsoft.com/rest/api/containerregistry/
 * @param resource `/subscriptions/…/registries/name`
 */
export function openArm(context: SetupContext, resource: string): Arm {
  const { api, clock, host } = context;
  const facts = { registry: host };
  let held: { readonly token: string; readonly until: number } | undefined;

  const bearer = async (what: string): Promise<string> => {
    if (held !== undefined && held.until - EARLY_MS > clock.now().getTime()) return held.token;
    if (!hasAzureIdentity(context)) {
      throw new ActionError(
        'UNAUTHORIZED',
        `${HOST} needs an Entra token for ${what}: a password of the registry does not open Azure's management.`,
        {
          facts,
          remedy: [
            'Set `azure-client-id` and `azure-tenant-id`, and `permissions: id-token: write` at the job.',
            'Give the application the role Contributor (to write) or Reader (to plan) on the registry.',
          ],
        },
      );
    }
    const token = await entraToken(context, `https://${HOST}/.default`);
    held = { token, until: expiryOf(token)?.getTime() ?? clock.now().getTime() + UNKNOWN_MS };
    return token;
  };

  const versionOf = (path: string) =>
    /\/roleAssignments\b/.test(path) ? ROLES_VERSION : /^\/tasks\b/.test(path) ? TASKS_VERSION : VERSION;
  const urlOf = (path: string) => {
    const url = new URL(`https://${HOST}${resource}${path}`);
    url.searchParams.set('api-version', versionOf(path));
    return url;
  };
  const send = async (
    method: 'GET' | ArmWrite['method'],
    url: URL,
    {
      what,
      json,
      expect,
    }: { readonly what: string; readonly json?: Fields | undefined; readonly expect: readonly number[] },
  ): Promise<ApiAnswer> =>
    api.request({
      method,
      url,
      headers: { authorization: `Bearer ${await bearer(what)}` },
      ...(json === undefined ? {} : { json }),
      expect,
      operation: method === 'GET' ? 'read' : method === 'DELETE' ? 'delete' : 'write',
      what,
      facts,
    });

  const get = async (path: string, what: string): Promise<Fields | undefined> => {
    const { status, json } = await send('GET', urlOf(path), { what, expect: [200, 404] });
    if (status === 404) return undefined;
    if (!isFields(json)) throw unexpected(HOST, what, facts);
    return json;
  };

  const list = async (path: string, what: string): Promise<readonly Fields[]> => {
    const rows: Fields[] = [];
    let url = urlOf(path);
    for (let page = 0; page < 100; page += 1) {
      const { value, nextLink } = fieldsOf((await send('GET', url, { what, expect: [200] })).json);
      if (!Array.isArray(value)) throw unexpected(HOST, what, facts);
      rows.push(...value.filter(isFields));
      if (typeof nextLink !== 'string' || nextLink === '') return rows;
      url = ours(nextLink, what);
    }
    throw unexpected(HOST, what, facts);
  };

  /** The bearer goes nowhere else. */
  const ours = (link: string, what: string): URL => {
    if (!URL.canParse(link) || new URL(link).host !== HOST) throw unexpected(HOST, what, facts);
    return new URL(link);
  };

  const write = async ({ method, path, json, what }: ArmWrite): Promise<Fields> => {
    for (let attempt = 1; ; attempt += 1) {
      const expect = [200, 201, 202, 204, 409, ...(method === 'DELETE' ? [404] : [])];
      const answer = await send(method, urlOf(path), { what, json, expect });
      if (answer.status !== 409) return finish(method, path, answer, what);
      const said = parseErrorBody(answer.text);
      // An assignment that exists is what was wanted, whoever made it.
      if (said.code === 'ROLEASSIGNMENTEXISTS') return {};
      // Azure does one thing at a time at a registry.
      if (
        attempt < MAX_CONFLICTS &&
        /progress|conflict|another operation|retry/i.test(`${said.code} ${said.message}`)
      ) {
        await clock.sleep(POLL_EVERY_MS);
        continue;
      }
      throw registryError(
        { host: HOST, operation: 'write', status: 409, ...said },
        `${HOST} answered 409 to ${what}`,
        facts,
      );
    }
  };

  const finish = async (method: ArmWrite['method'], path: string, first: ApiAnswer, what: string): Promise<Fields> => {
    if (method === 'POST') return finishPost(first, what);
    if (method === 'DELETE') return {};
    let resourceFields = fieldsOf(first.json);
    for (let poll = 0; poll < MAX_POLLS; poll += 1) {
      const { provisioningState = 'Succeeded' } = fieldsOf(resourceFields.properties);
      const isKnown = first.status !== 202 || poll > 0;
      if (isKnown && provisioningState === 'Succeeded') return resourceFields;
      if (provisioningState === 'Failed' || provisioningState === 'Canceled') {
        const { message } = fieldsOf(fieldsOf(resourceFields.properties).status);
        throw new ActionError(
          'REGISTRY_REFUSED',
          `Azure gave up on ${what} (${String(provisioningState)}${typeof message === 'string' ? `: ${message}` : ''}).`,
          { facts },
        );
      }
      await clock.sleep(pause(poll));
      resourceFields = (await get(path, what)) ?? {};
    }
    throw new ActionError('REGISTRY_UNAVAILABLE', `Azure did not finish ${what} within 20 minutes.`, { facts });
  };

  const finishPost = async (first: ApiAnswer, what: string): Promise<Fields> => {
    let answer = first;
    for (let poll = 0; answer.status === 202 && poll < MAX_POLLS; poll += 1) {
      const { location } = answer.headers.location === undefined ? first.headers : answer.headers;
      if (typeof location !== 'string') return {};
      await clock.sleep(pause(poll));
      answer = await send('GET', ours(location, what), { what, expect: [200, 202] });
    }
    return fieldsOf(answer.json);
  };

  return { get, list, write };
}
