import { fieldsOf } from '../../domain/fields.ts';
import { unexpected } from '../../http/api.ts';
import type { SetupContext } from '../setup-port.ts';
import { openGoogleApi } from './google-api.ts';
import { HOST } from './inventory.ts';
import { listRepositories, parentOf, pathOf, shortName } from './setup/read.ts';

const MAX_PAGES = 1000;

/**
 * The images of a project: of one of its repositories where the prefix names it, otherwise of all at this location.
 * https://docs.cloud.google.com/artifact-registry/docs/reference/rest/v1/projects.locations.repositories.packages/list
 * @param prefix `project/` or `project/repository/…`
 */
export async function listPackages(context: SetupContext, prefix: string): Promise<readonly string[]> {
  const { host } = context;
  const { ask } = openGoogleApi(context, { registry: host });
  const parts = prefix.split('/').filter((part) => part !== '');
  const namespace = parts.splice(0, parts[0]?.includes('.') === true ? 2 : 1).join('/');
  const isGcr = host.endsWith('gcr.io');
  const location = isGcr ? ({ 'eu.gcr.io': 'europe', 'asia.gcr.io': 'asia' }[host] ?? 'us') : host;
  const parent = parentOf({ host: location, namespace });
  const repositories = isGcr
    ? [host]
    : parts[0] === undefined
      ? (await listRepositories(ask, parent)).map(({ name }) => shortName(name))
      : [parts[0]];
  const names: string[] = [];
  for (const repository of repositories) {
    const images = await packagesOf(repository);
    names.push(...images.map((image) => (isGcr ? `${namespace}/${image}` : `${namespace}/${repository}/${image}`)));
  }
  return names;

  async function packagesOf(repository: string): Promise<readonly string[]> {
    const what = `the list of images of ${repository}`;
    const found: string[] = [];
    let token = '';
    for (let page = 0; page < MAX_PAGES; page += 1) {
      const query = `pageSize=1000${token === '' ? '' : `&pageToken=${encodeURIComponent(token)}`}`;
      const { json } = await ask(`${pathOf(parent, repository)}/packages?${query}`, {
        ...{ method: 'GET', expect: [200], operation: 'read', what },
      });
      const { packages = [], nextPageToken } = fieldsOf(json);
      if (!Array.isArray(packages)) throw unexpected(HOST, what);
      // Slashes are encoded in the last part of a name.
      found.push(...packages.map((each: unknown) => shortName(fieldsOf(each).name)));
      if (typeof nextPageToken !== 'string' || nextPageToken === '') return found;
      token = nextPageToken;
    }
    throw unexpected(HOST, what);
  }
}
