import type { Digest } from '../../domain/digest.ts';
import { fieldsOf } from '../../domain/fields.ts';
import { ActionError } from '../../errors/action-error.ts';
import { unexpected } from '../../http/api.ts';
import { parseErrorBody } from '../../http/error-body.ts';
import { registryError } from '../../http/registry-error.ts';
import { latest, tagTimes } from '../listed-tags.ts';
import type { ListedImage, Management, ManagementContext, NewRepository, Vendor } from '../vendor.ts';
import { type ImageFolder, openArtifactory } from './api.ts';
import { artifactoryIdentity } from './identity.ts';
import { artifactoryRemedies } from './remedies.ts';
import { xrayScan } from './xray.ts';

/** JFrog Artifactory, in the cloud or self-hosted: https://jfrog.com/help/r/jfrog-rest-apis */
export const artifactory: Vendor = {
  id: 'artifactory',
  title: 'JFrog Artifactory',
  hosts: [/^[a-z0-9-]+\.jfrog\.io$/],
  // Neither Basic credentials nor its tokens show their rights.
  probesPush: true,
  remedies: artifactoryRemedies,
  reading: { manifests: 'counted' },
  afterDeletion:
    'Artifactory moves what is deleted to its trash can, unless that is switched off, and frees the space after that.',
  capabilities: {
    keyless: 'yes',
    'create-repository': { partly: 'Needs the right to administer repositories, or a project of its own.' },
    'list-images': 'yes',
    'push-time': 'yes',
    'pull-time': 'yes',
    size: { lacks: "Artifactory's search has the sizes of manifests only; those of the layers are in the manifests." },
    'delete-tag': { partly: 'The image stays under its other tags; the last tag takes the image with it.' },
    'delete-digest': 'yes',
    'immutable-tags': {
      partly: 'Grant the pushing user no Delete/Overwrite permission: then Artifactory refuses to move a tag.',
    },
  },
  login: artifactoryIdentity,
  manage,
};

const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

/** Settings of a new repository that Artifactory does not support, with alternatives. */
const UNSUPPORTED_SETTINGS: readonly (readonly [keyof NewRepository, string])[] = [
  ['immutableTags', 'Grant the pushing user no Delete/Overwrite permission instead.'],
  ['kmsKey', 'Encryption is a matter of the file store: set it up there.'],
  ['public', 'Give the anonymous user a permission to read the repository.'],
];

function manage(context: ManagementContext): Management {
  const { host, repository } = context;
  const { key, image, ask, folders } = openArtifactory(context);
  const facts = { registry: host, repository };
  const settingsPath = `/artifactory/api/repositories/${encodeURIComponent(key)}`;

  const exists = async (): Promise<boolean> => {
    const what = `the question for the repository ${key}`;
    // Artifactory returns 400 for an unknown key.
    const expect = [200, 400, 404];
    const { status, json } = await ask({ method: 'GET', path: settingsPath, expect, operation: 'read', what });
    if (status !== 200) return false;
    if (fieldsOf(json).key !== key) throw unexpected(host, what, facts);
    return true;
  };

  const create = async (settings: NewRepository): Promise<'created' | 'exists'> => {
    const lacking = UNSUPPORTED_SETTINGS.find(
      ([setting]) => settings[setting] !== undefined && settings[setting] !== false,
    );
    if (lacking !== undefined) {
      const [setting, instead] = lacking;
      throw new ActionError(
        'CAPABILITY_MISSING',
        `Artifactory makes no repository with ${setting} (${host}). ${instead}`,
        { facts },
      );
    }
    const what = `creating the repository ${key}`;
    const { status, text } = await ask({
      method: 'PUT',
      path: settingsPath,
      json: {
        key,
        rclass: 'local',
        packageType: 'docker',
        dockerApiVersion: 'V2',
        ...(settings.scanOnPush === true ? { xrayIndex: true } : {}),
      },
      expect: [200, 201, 400],
      operation: 'write',
      what,
    });
    if (status !== 400) return 'created';
    const said = parseErrorBody(text);
    if (/already exists/i.test(said.message ?? '')) return 'exists';
    throw registryError({ host, operation: 'write', status, ...said }, `${host} answered ${status} to ${what}`, facts);
  };

  async function* list(): AsyncGenerator<ListedImage> {
    const images = new Map<Digest, ListedImage>();
    for (const { name, digest, created, downloaded } of await folders()) {
      const known = images.get(digest);
      const pushedAt = latest(known?.pushedAt, created);
      const pulledAt = latest(known?.pulledAt, downloaded);
      images.set(digest, {
        digest,
        tags: [...(known?.tags ?? []), ...(TAG.test(name) ? [name] : [])],
        tagFacts: [...(known?.tagFacts ?? []), ...(TAG.test(name) ? [tagTimes(name, created, downloaded)] : [])],
        ...(pushedAt === undefined ? {} : { pushedAt }),
        ...(pulledAt === undefined ? {} : { pulledAt }),
      });
    }
    yield* images.values();
  }

  const remove = async ({ name: folder, shared }: ImageFolder): Promise<'deleted' | 'absent'> => {
    if (shared) {
      throw new ActionError(
        'CAPABILITY_MISSING',
        `${host}/${repository} has the tag ${folder}, and ${repository}/${folder} is an image as well: in Artifactory both are one folder and would be deleted together. Delete the tag by hand in Artifactory.`,
        { facts },
      );
    }
    const parts = [key, ...image.split('/'), folder].map(encodeURIComponent);
    const { status } = await ask({
      method: 'DELETE',
      path: `/artifactory/${parts.join('/')}`,
      expect: [200, 204, 404],
      operation: 'delete',
      what: `deleting ${repository}/${folder}`,
    });
    return status === 404 ? 'absent' : 'deleted';
  };

  const deleteTag = async (tag: string, digest?: Digest): Promise<'deleted' | 'absent'> => {
    // An empty name would be the folder of the whole image.
    if (!TAG.test(tag)) throw new ActionError('TAG_INVALID', `${JSON.stringify(tag)} is not a tag.`, { facts });
    // Lists first: a folder without a manifest of its own is another image (`app/tool` besides `app`).
    const found = (await folders({ name: tag })).find(
      (folder) => folder.name === tag && (digest ?? folder.digest) === folder.digest,
    );
    return found === undefined ? 'absent' : remove(found);
  };

  const currentTags = async (digest: Digest): Promise<readonly string[] | undefined> => {
    const found = await folders({ digest });
    return found.length === 0 ? undefined : found.flatMap(({ name }) => (TAG.test(name) ? [name] : []));
  };

  /** Reads a fresh list: a tag that has moved in the meantime belongs to another image. */
  const deleteDigest = async (digest: Digest): Promise<'deleted' | 'absent'> => {
    const gone: ('deleted' | 'absent')[] = [];
    for (const folder of await folders({ digest })) if (folder.digest === digest) gone.push(await remove(folder));
    return gone.includes('deleted') ? 'deleted' : 'absent';
  };

  return {
    ...{ exists, create, list, currentTags, deleteTag, deleteDigest },
    scans: { source: 'xray', result: (digest) => xrayScan(context, digest) },
  };
}
