import type { Digest } from '../../domain/digest.ts';
import { fieldsOf } from '../../domain/fields.ts';
import { ActionError } from '../../errors/action-error.ts';
import { unexpected } from '../../http/api.ts';
import { ignoreFailure } from '../ignore-failure.ts';
import type { Management, ManagementContext, Vendor } from '../vendor.ts';
import { type Acr, openAcr } from './api.ts';
import { defenderScan } from './defender.ts';
import { azureIdentity, hasAzureIdentity } from './identity.ts';
import { currentTags, listImages } from './inventory.ts';
import { acrRemedies } from './remedies.ts';
import { registryUsage } from './usage.ts';

export const acr: Vendor = {
  id: 'acr',
  title: 'Azure Container Registry',
  hosts: [/^[a-z0-9-]+\.azurecr\.(?:io|cn|us)$/],
  remedies: acrRemedies,
  capabilities: {
    keyless: { partly: "For registries of Azure's public cloud (azurecr.io), through an Entra application." },
    'create-repository': { lacks: 'A push creates the repository.' },
    'list-images': 'yes',
    'push-time': 'yes',
    'pull-time': { lacks: 'The list does not include it; use the push time.' },
    size: 'yes',
    'delete-tag': 'yes',
    'delete-digest': { partly: 'All tags of the image go with it.' },
    'immutable-tags': {
      partly: 'Tags that exist can be locked (`az acr repository update --write-enabled false`), future ones cannot.',
    },
  },
  login: azureIdentity,
  manage: manageAcr,
};

function manageAcr(context: ManagementContext): Management {
  const registry = openAcr(context);
  const { name } = registry;
  return {
    exists: async () => (await attributes(registry, context)) !== undefined,
    list: () => listImages(registry, context),
    currentTags: (digest) => currentTags(registry, context, digest),
    ...(hasAzureIdentity(context)
      ? {
          scans: { source: 'defender', result: (digest: Digest) => defenderScan(context, digest) },
          usage: { subject: 'registry', read: () => registryUsage(context) },
        }
      : {}),
    deleteTag: (tag) => registry.remove(`/acr/v1/${name}/_tags/${encodeURIComponent(tag)}`, tag),
    deleteDigest: (digest) => registry.remove(`/v2/${name}/manifests/${digest}`, digest),
    preflight: async () => {
      // Tokens with push rights may lack the right to read attributes (metadata/read).
      const found = await attributes(registry, context).catch(ignoreFailure);
      if (found?.writeEnabled === false) throw locked(context);
      return [];
    },
    frozen: async (tags) => {
      const locks = await Promise.all(tags.map((tag) => isLocked(registry, context, tag)));
      return tags.filter((_, at) => locks[at] === true);
    },
  };
}

/** The repository's change switches; undefined when the repository does not exist. */
async function attributes({ ask, at, name }: Acr, { host, repository }: ManagementContext) {
  const { status, json } = await ask({
    method: 'GET',
    url: at(`/acr/v1/${name}`),
    expect: [200, 404],
    operation: 'read',
    what: `the attributes of ${repository}`,
  });
  if (status === 404) return undefined;
  const { imageName, changeableAttributes } = fieldsOf(json);
  if (imageName !== repository) throw unexpected(host, `the attributes of ${repository}`);
  return fieldsOf(changeableAttributes);
}

/** Whether a tag is locked; false for a tag that is not visible. */
async function isLocked({ ask, at, name }: Acr, { repository }: ManagementContext, tag: string): Promise<boolean> {
  const answer = await ask({
    method: 'GET',
    url: at(`/acr/v1/${name}/_tags/${encodeURIComponent(tag)}`),
    expect: [200, 404],
    operation: 'read',
    what: `the attributes of ${repository}:${tag}`,
  }).catch(ignoreFailure);
  return fieldsOf(fieldsOf(fieldsOf(answer?.json).tag).changeableAttributes).writeEnabled === false;
}

function locked({ host, repository }: ManagementContext): ActionError {
  const registry = host.split('.', 1)[0] ?? host;
  return new ActionError('TAG_IMMUTABLE', `The repository ${host}/${repository} is locked against writing.`, {
    facts: { registry: host, repository, operation: 'push' },
    remedy: [
      `Unlock the repository: \`az acr repository update --name ${registry} --repository ${repository} --write-enabled true\`.`,
    ],
  });
}
