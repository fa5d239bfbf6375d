import { type Fields, fieldsOf, isFields } from '../../../domain/fields.ts';
import type { DesiredRegistry } from '../../../domain/setup/desired-state.ts';
import { unexpected } from '../../../http/api.ts';
import { type Reading, reading } from '../../setup/change.ts';
import type { GoogleApi } from '../google-api.ts';
import { HOST } from '../inventory.ts';

/** A repository as it is. */
export interface LiveGoogleRepository {
  readonly fields: Fields;
  readonly policy: Reading<Fields>;
}

/** `projects/p/locations/l` of a registry such as `europe-docker.pkg.dev/acme-prod`. */
export function parentOf({ host, namespace }: Pick<DesiredRegistry, 'host' | 'namespace'>): string {
  // A project of a domain is written with a slash in names of images: `example.com/project`.
  const project = namespace.replace(/^([^/]*\.[^/]*)\//, '$1:');
  return `projects/${encodeURIComponent(project)}/locations/${host.replace(/-docker\.pkg\.dev$/, '')}`;
}

const MAX_PAGES = 100;

/** The Docker repositories of a project at a location. */
export async function listRepositories(ask: GoogleApi['ask'], parent: string): Promise<readonly Fields[]> {
  const rows: Fields[] = [];
  let token = '';
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const what = `the repositories of ${parent}`;
    const query = `pageSize=500${token === '' ? '' : `&pageToken=${encodeURIComponent(token)}`}`;
    const { json } = await ask(`${parent}/repositories?${query}`, {
      method: 'GET',
      expect: [200],
      operation: 'read',
      what,
    });
    const { repositories = [], nextPageToken } = fieldsOf(json);
    if (!Array.isArray(repositories)) throw unexpected(HOST, what);
    rows.push(...repositories.filter(isFields).filter(({ format }) => format === 'DOCKER'));
    if (typeof nextPageToken !== 'string' || nextPageToken === '') return rows;
    token = nextPageToken;
  }
  throw unexpected(HOST, `the repositories of ${parent}`);
}

export const pathOf = (parent: string, name: string) => `${parent}/repositories/${encodeURIComponent(name)}`;

/** The last part of a repository's full name. */
export function shortName(name: unknown): string {
  return decodeURIComponent(String(name).split('/').at(-1) ?? '');
}

/** @returns undefined when there is no such repository */
export async function readRepository(
  ask: GoogleApi['ask'],
  parent: string,
  name: string,
): Promise<LiveGoogleRepository | undefined> {
  const path = pathOf(parent, name);
  const what = `the settings of ${name}`;
  const { status, json } = await ask(path, { method: 'GET', expect: [200, 404], operation: 'read', what });
  if (status === 404) return undefined;
  const fields = fieldsOf(json);
  if (shortName(fields.name) !== name) throw unexpected(HOST, what);
  return { fields, policy: await reading(() => readPolicy(ask, parent, name)) };
}

export async function readPolicy(ask: GoogleApi['ask'], parent: string, name: string): Promise<Fields> {
  const what = `who may use ${name}`;
  const path = `${pathOf(parent, name)}:getIamPolicy?options.requestedPolicyVersion=3`;
  return fieldsOf((await ask(path, { method: 'GET', expect: [200], operation: 'read', what })).json);
}
