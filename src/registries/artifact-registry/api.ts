import { type Fields, fieldsOf } from '../../domain/fields.ts';
import { ActionError } from '../../errors/action-error.ts';
import { unexpected } from '../../http/api.ts';
import { parseErrorBody } from '../../http/error-body.ts';
import { registryError } from '../../http/registry-error.ts';
import { ignoreFailure } from '../ignore-failure.ts';
import type { Management, ManagementContext } from '../vendor.ts';
import { cleanupPolicies } from './cleanup-policies.ts';
import { openGoogleApi, tokenOf } from './google-api.ts';
import { currentTags, HOST, type Listing, listImages, prefixesOf } from './inventory.ts';
import { finishOperation } from './operation.ts';
import { ANALYSIS_HOST, analysisScan } from './scan.ts';

const UPLOAD_PERMISSION = 'artifactregistry.repositories.uploadArtifacts';

interface Name {
  /** `projects/p/locations/l` */
  readonly parent: string;
  readonly repository: string;
  /** With slashes: `team/app`. */
  readonly image: string;
}

/**
 * Where Google stores an image. gcr.io hosts map to repositories of the same name.
 * https://docs.cloud.google.com/artifact-registry/docs/transition/gcr-repositories
 * @throws ActionError NAME_INVALID when parts of the name are missing
 */
function nameOf(host: string, path: string): Name {
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
export function artifactRegistryManagement(context: ManagementContext): Management {
  const { host } = context;
  const facts = { registry: host, repository: context.repository };
  const { parent, repository, image } = nameOf(host, context.repository);
  const home = `${parent}/repositories/${encodeURIComponent(repository)}`;
  const versions = `${home}/packages/${encodeURIComponent(image)}`;

  const { ask, waiting } = openGoogleApi(context, facts);

  const prefixes = prefixesOf(context, parent, repository, image);
  const listing: Listing = { facts, home, package: versions, image, prefixes, ask };

  const describe = async (): Promise<Fields | undefined> => {
    const what = `the look for the repository ${repository}`;
    const { status, json } = await ask(home, { method: 'GET', expect: [200, 404], operation: 'read', what });
    if (status === 404) return undefined;
    const fields = fieldsOf(json);
    if (!String(fields.name).endsWith(`/repositories/${repository}`)) throw unexpected(HOST, what, facts);
    return fields;
  };

  /** Immutability is a setting of the whole repository. */
  const hasImmutableTags = async (): Promise<boolean> => {
    const { dockerConfig } = fieldsOf(await describe().catch(ignoreFailure));
    return fieldsOf(dockerConfig).immutableTags === true;
  };

  const scope = `${host}/${context.repository.slice(0, -(image.length + 1))}`;
  return {
    retention: cleanupPolicies({ scope, image, home, facts, ask }),
    exists: async () => (await describe()) !== undefined,
    frozen: async (tags) => ((await hasImmutableTags()) ? tags : []),
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
      if (answer.status === 409) {
        const said = parseErrorBody(answer.text, waiting.redact);
        if (said.code === 'ALREADY_EXISTS') return 'exists';
        throw registryError(
          { host: HOST, operation: 'write', status: 409, ...said },
          `${HOST} answered 409 to ${what}`,
          facts,
        );
      }
      const made = await finishOperation(waiting, answer.json, { what, operation: 'write', settled: 'ALREADY_EXISTS' });
      return made ? 'created' : 'exists';
    },
    scans: {
      source: 'artifact-analysis',
      result: (digest) => {
        const [, project = ''] = parent.split('/');
        const get = async (path: string, what: string) =>
          fieldsOf((await ask(path, { method: 'GET', expect: [200], operation: 'read', what }, ANALYSIS_HOST)).json);
        return analysisScan(get, `projects/${project}`, `${host}/${context.repository}`, digest);
      },
    },
    usage: {
      subject: scope,
      read: async () => {
        const { sizeBytes } = (await describe()) ?? {};
        const bytes = typeof sizeBytes === 'string' && /^\d{1,15}$/.test(sizeBytes) ? Number(sizeBytes) : undefined;
        return bytes === undefined
          ? {}
          : { repository: { bytes, counts: `everything in the repository ${repository}` } };
      },
    },
    list: () => listImages(listing, hasImmutableTags),
    currentTags: (digest) => currentTags(listing, digest),
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
      const gone = await finishOperation(waiting, answer.json, { what, operation: 'delete', settled: 'NOT_FOUND' });
      return gone ? 'deleted' : 'absent';
    },
    preflight: async () => {
      const found = await context.credentials();
      // The registry accepts service account keys, the API does not. In that case the test upload decides.
      if (tokenOf(found) === undefined) return [];
      const what = 'the look for the right to push';
      const answer = await ask(`${home}:testIamPermissions`, {
        method: 'POST',
        json: { permissions: [UPLOAD_PERMISSION] },
        expect: [200, 403, 404],
        operation: 'read',
        what,
      });
      if (answer.status === 403) return [];
      const { permissions = [] } = fieldsOf(answer.json);
      if (!Array.isArray(permissions)) throw unexpected(HOST, what, facts);
      if (answer.status === 200 && permissions.includes(UPLOAD_PERMISSION)) return [];
      // IAM reports no rights on a resource that does not exist.
      const look = { method: 'GET', expect: [200, 403, 404], operation: 'read', what } as const;
      const missing = answer.status === 404 || (await ask(home, look)).status === 404;
      // The first push may create a gcr.io repository.
      if (missing && repository === host)
        return [
          `There is no repository ${repository} yet; a push makes it when the identity may (roles/artifactregistry.createOnPushWriter).`,
        ];
      if (missing) {
        throw new ActionError('REPOSITORY_UNKNOWN', `There is no repository ${home} at ${HOST}.`, {
          facts: { ...facts, status: 404 },
        });
      }
      throw new ActionError(
        'DENIED',
        `${host}/${context.repository} needs the permission ${UPLOAD_PERMISSION}, which this identity lacks: roles/artifactregistry.writer includes it.`,
        { facts },
      );
    },
  };
}
