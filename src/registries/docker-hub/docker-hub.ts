import { type Fields, fieldsOf } from '../../domain/fields.ts';
import { ActionError } from '../../errors/action-error.ts';
import { unexpected } from '../../http/api.ts';
import { ignoreFailure } from '../ignore-failure.ts';
import type { ListedImage, Management, ManagementContext, NewRepository, Vendor } from '../vendor.ts';
import { HUB, openHub } from './api.ts';
import { dockerIdentity } from './identity.ts';
import { pullLimit } from './rate-limit.ts';
import { dockerHubRemedies } from './remedies.ts';
import { byDigest, readTag, type TagOfHub } from './tags.ts';

const PAGE_SIZE = 100;

/**
 * Docker Hub. Its API: https://docs.docker.com/reference/api/hub/latest/. Deleting tags is not documented there but
 * recommended by Docker (https://github.com/docker/hub-feedback/issues/1759).
 */
export const dockerHub: Vendor = {
  id: 'docker-hub',
  title: 'Docker Hub',
  hosts: [/^docker\.io$/],
  remedies: dockerHubRemedies,
  // A read is a pull: it counts towards the hourly limit and updates the pull time that cleanup rules use.
  reading: { manifests: 'avoided' },
  deletesUntaggedOnly: true,
  capabilities: {
    keyless: { partly: 'For organizations with an OIDC connection in Docker Home; personal accounts have none.' },
    'create-repository': {
      partly: 'Needs a personal access token in `password`; the token of a keyless login may not open the API.',
    },
    'list-images': { partly: 'Only tagged images can be seen.' },
    'push-time': 'yes',
    'pull-time': 'yes',
    size: 'yes',
    'delete-tag': {
      partly: 'Needs a personal access token with Read, Write & Delete; immutable tags stay.',
    },
    'delete-digest': { partly: 'Only an image that no tag and no index names any more: delete its tags first.' },
    'immutable-tags': { partly: 'A beta of Docker Hub that only administrators of the repository can switch on.' },
  },
  login: dockerIdentity,
  manage,
};

function manage(context: ManagementContext): Management {
  const { repository, host } = context;
  const facts = { registry: host, repository };
  const ask = openHub(context);
  const path = (base: 'namespaces' | 'repositories', rest = '') => {
    const { namespace, name } = split(context);
    return `/v2/${base}/${namespace}/${base === 'namespaces' ? 'repositories/' : ''}${name}${rest}`;
  };

  const exists = async (): Promise<boolean> => {
    const what = `the question for ${repository}`;
    const answer = await ask({
      method: 'HEAD',
      path: path('namespaces'),
      expect: [200, 404],
      operation: 'read',
      what,
    });
    return answer.status === 200;
  };

  const create = async (settings: NewRepository): Promise<'created' | 'exists'> => {
    const { namespace, name } = split(context);
    if (namespace === 'library') {
      throw new ActionError(
        'NAME_INVALID',
        `${repository} is in the namespace of Docker's official images, where nothing can be created. Write namespace/name.`,
        { facts },
      );
    }
    refuseUnknown(settings, context);
    try {
      await ask({
        method: 'POST',
        path: `/v2/namespaces/${namespace}/repositories`,
        json: { name, namespace, registry: host, is_private: settings.public !== true },
        expect: [200, 201],
        operation: 'write',
        what: `creating the repository ${repository}`,
      });
    } catch (error) {
      // Hub reports a name that is taken as a bad request, with a message that has changed over time: checking for the
      // repository is reliable.
      const taken = error instanceof ActionError && (error.facts.status === 400 || error.facts.status === 409);
      if (taken && (await exists())) return 'exists';
      throw error;
    }
    if (settings.immutableTags === true) {
      await ask({
        method: 'PATCH',
        path: path('namespaces', '/immutabletags'),
        json: { immutable_tags: true, immutable_tags_rules: ['.*'] },
        expect: [200],
        operation: 'write',
        what: `making all tags of ${repository} immutable, which itself was created`,
      });
    }
    return 'created';
  };

  async function* list(): AsyncGenerator<ListedImage> {
    const tags = new Map<string, TagOfHub>();
    for (let page = 1; ; page++) {
      const answer = await ask({
        method: 'GET',
        path: path('namespaces', `/tags?page=${page}&page_size=${PAGE_SIZE}`),
        expect: [200, 404],
        operation: 'read',
        what: `page ${page} of the tags of ${repository}`,
      });
      if (answer.status === 404 && page === 1) {
        throw new ActionError('REPOSITORY_UNKNOWN', `${HUB} has no repository ${repository}.`, {
          facts: { ...facts, status: 404 },
        });
      }
      // Past the last page, because tags were deleted in the meantime.
      if (answer.status === 404) break;
      const { results, next } = fieldsOf(answer.json);
      if (!Array.isArray(results)) throw unexpected(HUB, 'the list of tags', facts);
      for (const result of results) {
        const tag = readTag(result, facts);
        tags.set(tag.name, tag);
      }
      if (typeof next !== 'string' || results.length === 0) break;
    }
    yield* byDigest([...tags.values()], context.store);
  }

  const deleteTag = async (tag: string): Promise<'deleted' | 'absent'> => {
    const answer = await ask({
      method: 'DELETE',
      path: path('repositories', `/tags/${encodeURIComponent(tag)}`),
      expect: [200, 202, 204, 404],
      operation: 'delete',
      what: `deleting the tag ${repository}:${tag}`,
    });
    if (answer.status !== 404) return 'deleted';
    // Servers also answer "not found" to hide what an account may not see.
    const there = await ask({
      method: 'HEAD',
      path: path('namespaces', `/tags/${encodeURIComponent(tag)}`),
      expect: [200, 404],
      operation: 'read',
      what: `the question for the tag ${repository}:${tag}`,
    });
    if (there.status === 404) return 'absent';
    throw new ActionError(
      'DENIED',
      `${HUB} answered 404 to deleting the tag ${repository}:${tag}, which exists: the token needs Read, Write & Delete.`,
      { facts },
    );
  };

  /** The repository as Hub shows it to this account, requested once: rights and rules are in the same response. */
  let shown: Promise<Fields> | undefined;
  const describe = (): Promise<Fields> => {
    const what = `the rights on ${repository}`;
    shown ??= ask({ method: 'GET', path: path('namespaces'), expect: [200, 404], operation: 'read', what })
      .catch(ignoreFailure)
      .then((answer) => fieldsOf(answer?.json));
    return shown;
  };

  const preflight = async (): Promise<readonly string[]> => {
    const found = await context.credentials();
    // Hub answers organization tokens as if they were anonymous: their rights are not in the response.
    if (found?.kind !== 'password' || found.password.startsWith('dckr_oat_')) return [];
    if (fieldsOf((await describe()).permissions).write !== false) return [];
    throw new ActionError('DENIED', `${found.username} may not push to ${repository}, according to ${HUB}.`, { facts });
  };

  /** Rules are RE2 regular expressions. Those for all tags are evaluated here; the registry applies the others. */
  const frozen = async (tags: readonly string[]): Promise<readonly string[]> => {
    const { enabled, rules } = fieldsOf((await describe()).immutable_tags_settings);
    const all = Array.isArray(rules) && rules.some((rule) => rule === '.*' || rule === '^.*$');
    return enabled === true && all ? tags : [];
  };

  return {
    exists,
    create,
    list,
    deleteTag,
    deleteDigest: async (digest) => ((await context.store.deleteManifest(digest)) ? 'deleted' : 'absent'),
    preflight,
    frozen,
    usage: {
      subject: context.repository,
      read: async () => {
        const { storage_size: bytes } = await describe();
        const rateLimits = await pullLimit(context).catch(ignoreFailure);
        return {
          ...(typeof bytes === 'number' ? { repository: { bytes, counts: 'tagged and untagged images' } } : {}),
          ...(rateLimits === undefined ? {} : { rateLimits }),
        };
      },
    },
  };
}

/** Namespace and name, encoded. */
function split({ repository, host }: ManagementContext): { readonly namespace: string; readonly name: string } {
  const [namespace = '', name = '', ...rest] = repository.split('/');
  if (namespace === '' || name === '' || rest.length > 0) {
    throw new ActionError('NAME_INVALID', `The repository is ${repository} where Docker Hub has namespace/name.`, {
      facts: { registry: host, repository },
    });
  }
  return { namespace: encodeURIComponent(namespace), name: encodeURIComponent(name) };
}

function refuseUnknown({ scanOnPush, kmsKey }: NewRepository, { host, repository }: ManagementContext): void {
  const asked = [
    ...(scanOnPush === true ? ['a scan at each push, which Docker Scout offers in its own settings'] : []),
    ...(kmsKey === undefined ? [] : ["a customer's key for encryption, which it does not offer"]),
  ];
  if (asked.length === 0) return;
  throw new ActionError(
    'CAPABILITY_MISSING',
    `Docker Hub cannot create ${repository} with ${asked.join(' and ')}. Leave it out.`,
    { facts: { registry: host, repository } },
  );
}
