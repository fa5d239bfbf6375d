import { isDigest } from '../domain/digest.ts';
import { type Fields, fieldsOf } from '../domain/fields.ts';
import { ActionError } from '../errors/action-error.ts';
import { type ApiAnswer, type ApiRequest, unexpected } from '../http/api.ts';
import type { ListedImage, Management, ManagementPlace } from './vendor.ts';

const HOST = 'artifactregistry.googleapis.com';
const UPLOAD = 'artifactregistry.repositories.uploadArtifacts';
const USERS = ['oauth2accesstoken', '_token', '_dcgcloud_token'];
/** Operations take seconds; five minutes are far beyond. */
const POLLS = 150;
const POLL_EVERY = 2000;
const PAGES = 10_000;

interface Name {
  /** `projects/p/locations/l` */
  readonly parent: string;
  readonly repository: string;
  /** With slashes: `team/app`. */
  readonly image: string;
}

/**
 * Where Google keeps an image. gcr.io hosts are repositories that are named like the host.
 * https://docs.cloud.google.com/artifact-registry/docs/transition/gcr-repositories
 * @throws ActionError NAME_INVALID when parts of the name are missing
 */
export function nameOf(host: string, path: string): Name {
  const parts = path.split('/');
  const domain = parts[0]?.includes('.') === true ? `${parts.shift()}:` : '';
  const project = `${domain}${parts.shift() ?? ''}`;
  const isGcr = host.endsWith('gcr.io');
  const repository = isGcr ? host : (parts.shift() ?? '');
  const image = parts.join('/');
  if (project === '' || repository === '' || image === '') {
    const form = isGcr ? 'project/image' : 'project/repository/image';
    throw new ActionError('NAME_INVALID', `${host}/${path} lacks a part: expected ${host}/${form}.`, {
      facts: { registry: host, repository: path },
    });
  }
  const gcr = { 'eu.gcr.io': 'europe', 'asia.gcr.io': 'asia' }[host] ?? 'us';
  const location = isGcr ? gcr : host.replace(/-docker\.pkg\.dev$/, '');
  return { parent: `projects/${encodeURIComponent(project)}/locations/${location}`, repository, image };
}

/** https://docs.cloud.google.com/artifact-registry/docs/reference/rest */
export function artifactRegistryManagement(place: ManagementPlace): Management {
  const { host, api, clock } = place;
  const facts = { registry: host, repository: place.repository };
  const { parent, repository, image } = nameOf(host, place.repository);
  const home = `${parent}/repositories/${encodeURIComponent(repository)}`;
  const versions = `${home}/packages/${encodeURIComponent(image)}`;

  const ask = async (
    path: string,
    request: Pick<ApiRequest, 'method' | 'expect' | 'operation' | 'what' | 'json'>,
  ): Promise<ApiAnswer> => {
    const found = await place.credentials();
    if (found?.kind !== 'password' || !USERS.includes(found.username)) {
      const who = found?.kind === 'password' && found.username.startsWith('_json_key') ? 'a service account key' : 'it';
      throw new ActionError(
        'UNAUTHORIZED',
        `${HOST} needs an access token of Google, which ${who} is not: use workload-identity-provider, or the user oauth2accesstoken with an access token.`,
        { facts },
      );
    }
    api.secret(found.password);
    const url = new URL(`https://${HOST}/v1/${path}`);
    return api.request({ ...request, url, headers: { authorization: `Bearer ${found.password}` }, facts });
  };

  /** Waits for a long-running operation; its error is a google.rpc.Status. */
  const finish = async (first: unknown, what: string): Promise<void> => {
    let operation = fieldsOf(first);
    for (let poll = 0; operation.done !== true; poll += 1) {
      const { name } = operation;
      if (typeof name !== 'string' || !/^projects\/[^/]+\/locations\/[^/]+\/operations\/[\w.-]+$/.test(name)) {
        throw unexpected(HOST, what, facts);
      }
      if (poll === POLLS) {
        throw new ActionError('REGISTRY_UNAVAILABLE', `${HOST} did not finish ${what} within 5 minutes.`, { facts });
      }
      await clock.sleep(POLL_EVERY);
      operation = fieldsOf((await ask(name, { method: 'GET', expect: [200], operation: 'read', what })).json);
    }
    if (operation.error === undefined) return;
    const { code, message } = fieldsOf(operation.error);
    const words = String(message).replace(/\s+/g, ' ').slice(0, 500);
    throw new ActionError(code === 7 ? 'DENIED' : 'REGISTRY_REFUSED', `${HOST} failed ${what}: ${words}`, { facts });
  };

  const imagesOf = (json: unknown): readonly ListedImage[] => {
    const { dockerImages = [] } = fieldsOf(json);
    if (!Array.isArray(dockerImages)) throw unexpected(HOST, 'the list of images', facts);
    const project = decodeURIComponent(parent.split('/')[1] ?? '').replace(':', '/');
    const location = parent.split('/')[3] ?? '';
    // Images of gcr.io names are listed by either of their names.
    const prefixes = [`${host}/${place.repository}@`, `${location}-docker.pkg.dev/${project}/${repository}/${image}@`];
    return dockerImages.flatMap((item: unknown) => {
      const fields = fieldsOf(item);
      const { uri } = fields;
      if (typeof uri !== 'string') throw unexpected(HOST, 'the list of images', facts);
      const prefix = prefixes.find((each) => uri.startsWith(each));
      if (prefix === undefined) return [];
      const digest = uri.slice(prefix.length);
      if (!isDigest(digest)) throw unexpected(HOST, 'the list of images', facts);
      return [{ digest, ...detailsOf(fields) }];
    });
  };

  return {
    exists: async () => {
      const what = `the look for the repository ${repository}`;
      return (await ask(home, { method: 'GET', expect: [200, 404], operation: 'read', what })).status === 200;
    },
    create: async ({ immutableTags, scanOnPush, kmsKey }) => {
      const what = `creating the repository ${repository}`;
      const json = {
        format: 'DOCKER',
        mode: 'STANDARD_REPOSITORY',
        ...(immutableTags === undefined ? {} : { dockerConfig: { immutableTags } }),
        ...(scanOnPush === undefined
          ? {}
          : { vulnerabilityScanningConfig: { enablementConfig: scanOnPush ? 'INHERITED' : 'DISABLED' } }),
        ...(kmsKey === undefined ? {} : { kmsKeyName: kmsKey }),
      };
      const path = `${parent}/repositories?repositoryId=${encodeURIComponent(repository)}`;
      const answer = await ask(path, { method: 'POST', json, expect: [200, 409], operation: 'write', what });
      if (answer.status === 409) return 'exists';
      await finish(answer.json, what);
      return 'created';
    },
    async *list() {
      let page = '';
      for (let count = 0; count < PAGES; count += 1) {
        const path = `${home}/dockerImages?pageSize=1000${page === '' ? '' : `&pageToken=${encodeURIComponent(page)}`}`;
        const what = 'the list of images';
        const { json } = await ask(path, { method: 'GET', expect: [200], operation: 'read', what });
        if (json === undefined) throw unexpected(HOST, what, facts);
        yield* imagesOf(json);
        const { nextPageToken } = fieldsOf(json);
        if (typeof nextPageToken !== 'string' || nextPageToken === '') return;
        if (nextPageToken === page) break;
        page = nextPageToken;
      }
      throw unexpected(HOST, 'the list of images (its pages do not end)', facts);
    },
    deleteTag: async (tag) => {
      const path = `${versions}/tags/${encodeURIComponent(tag)}`;
      const what = `deleting the tag ${tag}`;
      const { status } = await ask(path, { method: 'DELETE', expect: [200, 404], operation: 'delete', what });
      return status === 200 ? 'deleted' : 'absent';
    },
    deleteDigest: async (digest) => {
      const path = `${versions}/versions/${encodeURIComponent(digest)}?force=true`;
      const what = `deleting ${digest}`;
      const answer = await ask(path, { method: 'DELETE', expect: [200, 404], operation: 'delete', what });
      if (answer.status === 404) return 'absent';
      await finish(answer.json, what);
      return 'deleted';
    },
    preflight: async () => {
      const answer = await ask(`${home}:testIamPermissions`, {
        method: 'POST',
        json: { permissions: [UPLOAD] },
        expect: [200, 403, 404],
        operation: 'read',
        what: 'the look for the right to push',
      });
      if (answer.status !== 200) return [];
      const { permissions = [] } = fieldsOf(answer.json);
      if (Array.isArray(permissions) && permissions.includes(UPLOAD)) return [];
      throw new ActionError(
        'DENIED',
        `${host}/${place.repository} needs the permission ${UPLOAD}, which this identity lacks: roles/artifactregistry.writer holds it.`,
        { facts },
      );
    },
  };
}

/** Sizes are texts in Google's JSON, because they are 64-bit numbers. */
function detailsOf({ tags, mediaType, imageSizeBytes, uploadTime }: Fields): Omit<ListedImage, 'digest'> {
  const pushedAt = new Date(typeof uploadTime === 'string' ? uploadTime : Number.NaN);
  return {
    tags: Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'string') : [],
    ...(typeof mediaType === 'string' && mediaType !== '' ? { mediaType } : {}),
    ...(typeof imageSizeBytes === 'string' && /^\d{1,15}$/.test(imageSizeBytes)
      ? { size: Number(imageSizeBytes) }
      : {}),
    ...(Number.isNaN(pushedAt.getTime()) ? {} : { pushedAt }),
  };
}
