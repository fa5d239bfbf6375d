import type { Digest } from '../../domain/digest.ts';
import { type Fields, fieldsOf } from '../../domain/fields.ts';
import { ActionError } from '../../errors/action-error.ts';
import { unexpected } from '../../http/api.ts';
import { ignoreFailure } from '../ignore-failure.ts';
import { latest, tagTimes } from '../listed-tags.ts';
import type { ListedImage, Management, ManagementContext, NewRepository, Vendor } from '../vendor.ts';
import { type NexusComponent, type Only, openNexus } from './api.ts';
import { nexusRemedies } from './remedies.ts';

/**
 * Sonatype Nexus Repository 3, managed through its REST API: https://help.sonatype.com/en/rest-and-integration-api.html
 */
export const nexus: Vendor = {
  id: 'nexus',
  title: 'Sonatype Nexus',
  hosts: [],
  // Neither Basic credentials nor its tokens show their rights.
  probesPush: true,
  remedies: nexusRemedies,
  reading: { manifests: 'counted' },
  afterDeletion:
    'Nexus frees the space when two tasks have run: "Docker - Delete unused manifests and images", then "Admin - Compact blob store".',
  capabilities: {
    keyless: { lacks: 'Give `username` and `password`; a user token of Nexus works as both.' },
    'create-repository': 'yes',
    'list-images': { partly: 'By the search index of Nexus, which follows a push by some seconds.' },
    'push-time': 'yes',
    'pull-time': 'yes',
    size: { lacks: 'The list of Nexus has the sizes of manifests only; those of the layers are in the manifests.' },
    'delete-tag': { partly: 'The image stays under its other tags; the last tag takes the image with it.' },
    'delete-digest': 'yes',
    'immutable-tags': { partly: 'For a new repository: all tags but `latest`, which can always be moved.' },
  },
  manage,
};

/** Settings of a new repository that Nexus does not support, with alternatives. */
const UNSUPPORTED_SETTINGS: readonly (readonly [keyof NewRepository, string])[] = [
  ['scanOnPush', 'Scan the image in the workflow.'],
  ['kmsKey', 'Encryption is a matter of the blob store: set it up there.'],
  ['public', 'Give the anonymous user the privilege to read the repository in Nexus.'],
];

function manage(context: ManagementContext): Management {
  const { host } = context;
  const { name, image, routed, ask, components } = openNexus(context);
  const facts = { registry: host, repository: context.repository };

  const describe = async (): Promise<Fields | undefined> => {
    const path = `/v1/repositories/docker/hosted/${encodeURIComponent(name)}`;
    const what = `the question for the repository ${name}`;
    const { status, json } = await ask({ method: 'GET', path, expect: [200, 404], operation: 'read', what });
    if (status === 404) return undefined;
    const fields = fieldsOf(json);
    if (fields.name !== name) throw unexpected(host, what, facts);
    return fields;
  };
  const exists = async () => (await describe()) !== undefined;

  /** Only administrators can read the settings; without `latestPolicy` the tag `latest` is not special. */
  const frozen = async (tags: readonly string[]): Promise<readonly string[]> => {
    const { writePolicy, latestPolicy } = fieldsOf((await describe().catch(ignoreFailure))?.storage);
    const moves = (tag: string) => tag === 'latest' && latestPolicy === true;
    return String(writePolicy).toUpperCase() === 'ALLOW_ONCE' ? tags.filter((tag) => !moves(tag)) : [];
  };

  const create = async (settings: NewRepository): Promise<'created' | 'exists'> => {
    const lacking = UNSUPPORTED_SETTINGS.find(
      ([setting]) => settings[setting] !== undefined && settings[setting] !== false,
    );
    if (lacking !== undefined) {
      const [setting, instead] = lacking;
      throw new ActionError('CAPABILITY_MISSING', `Nexus makes no repository with ${setting} (${host}). ${instead}`, {
        facts,
      });
    }
    const what = `creating the repository ${name}`;
    const writePolicy = settings.immutableTags === true ? 'ALLOW_ONCE' : 'ALLOW';
    const { status, text } = await ask({
      method: 'POST',
      path: '/v1/repositories/docker/hosted',
      json: {
        name,
        online: true,
        storage: {
          blobStoreName: 'default',
          strictContentTypeValidation: true,
          writePolicy,
          ...(settings.immutableTags === true ? { latestPolicy: true } : {}),
        },
        docker: { v1Enabled: false, forceBasicAuth: true, ...(routed ? { pathEnabled: true } : {}) },
      },
      expect: [201, 400],
      operation: 'write',
      what,
    });
    if (status === 201) return 'created';
    if (/already (used|exists)/i.test(text)) return 'exists';
    const said = text.replaceAll(/\s+/g, ' ').slice(0, 300);
    throw new ActionError('REGISTRY_REFUSED', `${host} answered 400 to ${what}: ${said}`, {
      facts: { ...facts, status },
    });
  };

  async function* list(): AsyncGenerator<ListedImage> {
    const images = new Map<Digest, ListedImage>();
    // Reads all pages before the first image is returned: deletions in between would shift the next page.
    for await (const component of components()) {
      const { digest, tag, pushedAt, pulledAt, mediaType } = component;
      const known = images.get(digest);
      const pushed = latest(known?.pushedAt, pushedAt);
      const pulled = latest(known?.pulledAt, pulledAt);
      images.set(digest, {
        digest,
        tags: [...(known?.tags ?? []), ...(tag === undefined ? [] : [tag])],
        tagFacts: [...(known?.tagFacts ?? []), ...(tag === undefined ? [] : [tagTimes(tag, pushedAt, pulledAt)])],
        ...(mediaType === undefined ? {} : { mediaType }),
        ...(pushed === undefined ? {} : { pushedAt: pushed }),
        ...(pulled === undefined ? {} : { pulledAt: pulled }),
      });
    }
    yield* images.values();
  }

  /** Searches again each time: a tag that has moved since the last list belongs to another component. */
  const remove = async (chosen: (component: NexusComponent) => boolean, only: Only) => {
    const found: NexusComponent[] = [];
    for await (const component of components(only)) if (chosen(component)) found.push(component);
    let deleted = false;
    for (const { id, version } of found) {
      const path = `/v1/components/${encodeURIComponent(id)}`;
      const what = `deleting ${image}:${version}`;
      const { status } = await ask({ method: 'DELETE', path, expect: [204, 404], operation: 'delete', what });
      deleted ||= status === 204;
    }
    return deleted ? 'deleted' : 'absent';
  };

  const currentTags = async (digest: Digest): Promise<readonly string[] | undefined> => {
    const found: NexusComponent[] = [];
    for await (const component of components({ digest })) if (component.digest === digest) found.push(component);
    return found.length === 0 ? undefined : found.flatMap(({ tag }) => tag ?? []);
  };

  return {
    exists,
    create,
    frozen,
    list,
    currentTags,
    deleteTag: (tag, digest) =>
      remove((component) => component.tag === tag && (digest === undefined || component.digest === digest), {
        tag,
      }),
    deleteDigest: (digest) => remove((component) => component.digest === digest, { digest }),
  };
}
