import type { Digest } from '../../domain/digest.ts';
import { ActionError } from '../../errors/action-error.ts';
import type { ListedImage, Management, ManagementContext, Vendor } from '../vendor.ts';
import { distributionRemedies } from './remedies.ts';

/** Any registry that only supports the distribution API: https://github.com/opencontainers/distribution-spec */
export const distribution: Vendor = {
  id: 'distribution',
  title: 'Distribution',
  hosts: [],
  // Basic credentials and opaque tokens do not show their rights: Gitea and zot refuse only the first write, and Gitea
  // reports a missing owner there.
  probesPush: true,
  remedies: distributionRemedies,
  // https://github.com/distribution/distribution/issues/3178
  afterDeletion:
    'The registry frees the space with `registry garbage-collect`. With `--delete-untagged`, use version 3 or later: version 2 also removes the platforms of tagged indexes.',
  capabilities: {
    keyless: { lacks: 'Give `username` and `password`.' },
    'create-repository': { lacks: 'The first push creates the repository.' },
    'list-images': { partly: 'Only tagged images, because the API lists tags.' },
    'push-time': { lacks: 'The API has no times: choose images by their tags.' },
    'pull-time': { lacks: 'The API has no times: choose images by their tags.' },
    size: { lacks: 'The list has no sizes; the manifests of the images have them.' },
    'delete-tag': {
      partly: 'Version 3 of the registry and later; before that delete the image by its digest, with all its tags.',
    },
    'delete-digest': {
      partly: 'Needs `storage.delete.enabled: true` (`REGISTRY_STORAGE_DELETE_ENABLED=true`) in the registry.',
    },
    'immutable-tags': { lacks: 'Tags can always be moved; refer to images by digest.' },
  },
  manage,
};

function manage({ host, repository, store }: ManagementContext): Management {
  const where = `${host}/${repository}`;

  async function* list(): AsyncGenerator<ListedImage> {
    const tags = new Map<Digest, { readonly mediaType: string; readonly tags: string[] }>();
    for (const tag of await store.listTags()) {
      const found = await store.head(tag);
      // Deleted since the list was read.
      if (found === undefined) continue;
      const image = tags.get(found.digest);
      if (image === undefined) tags.set(found.digest, { mediaType: found.mediaType, tags: [tag] });
      else image.tags.push(tag);
    }
    for (const [digest, image] of tags) yield { digest, ...image };
  }

  const deleteTag = async (tag: string): Promise<'deleted' | 'absent'> => {
    try {
      return (await store.deleteManifest(tag)) ? 'deleted' : 'absent';
    } catch (error) {
      if (!refusesTags(error)) throw error;
      throw new ActionError(
        'CAPABILITY_MISSING',
        `${where} takes no deletion of a tag (${tag}): registries before version 3 delete by digest only, and with the image all its tags. Delete the digest, push another image to the tag, or update the registry.`,
        { facts: { registry: host, repository }, cause: error },
      );
    }
  };

  const deleteDigest = async (digest: Digest): Promise<'deleted' | 'absent'> => {
    try {
      return (await store.deleteManifest(digest)) ? 'deleted' : 'absent';
    } catch (error) {
      if (!(error instanceof ActionError) || error.code !== 'UNSUPPORTED') throw error;
      throw new ActionError(
        'UNSUPPORTED',
        `${where} does not delete ${digest}: deletions are switched off there. Set \`storage.delete.enabled: true\` (\`REGISTRY_STORAGE_DELETE_ENABLED=true\`) in the registry; a pull-through cache cannot delete at all.`,
        { facts: { registry: host, repository }, cause: error },
      );
    }
  };

  return { list, deleteTag, deleteDigest };
}

/**
 * Version 2 answers 400 DIGEST_INVALID for a tag, others 405: https://github.com/distribution/distribution/issues/1566
 */
function refusesTags(error: unknown): boolean {
  if (!(error instanceof ActionError)) return false;
  return error.code === 'UNSUPPORTED' || error.facts.status === 400;
}
