import { type Digest, isDigest } from '../../domain/digest.ts';
import { fieldsOf } from '../../domain/fields.ts';
import type { RegistryUsage } from '../../domain/report/usage.ts';
import { ActionError } from '../../errors/action-error.ts';
import { unexpected } from '../../http/api.ts';
import { ignoreFailure } from '../ignore-failure.ts';
import { timeOf } from '../listed-tags.ts';
import type { ListedImage, Management, ManagementContext, Vendor } from '../vendor.ts';
import { openPackage } from './api.ts';
import { ghcrRemedies } from './remedies.ts';

const PAGE_SIZE = 100;

/** GitHub Container Registry, managed through GitHub's package API: https://docs.github.com/rest/packages/packages */
export const ghcr: Vendor = {
  id: 'ghcr',
  title: 'GitHub Container Registry',
  hosts: [/^ghcr\.io$/],
  // Its tokens do not show their rights.
  probesPush: true,
  remedies: ghcrRemedies,
  // A read counts as a download, and GitHub refuses to delete public images with more than 5000 of them.
  reading: { manifests: 'counted' },
  capabilities: {
    keyless: {
      partly: "The job's own `GITHUB_TOKEN` with `permissions: packages: write` is enough: nothing to set up.",
    },
    'create-repository': { lacks: 'The first push creates the package.' },
    'list-images': 'yes',
    'push-time': 'yes',
    'pull-time': { lacks: 'GitHub does not record pulls; use the push time.' },
    size: { lacks: "GitHub's list has no sizes; the manifests of the images have them." },
    'delete-tag': { lacks: 'Delete the image by its digest, or push another image to the tag.' },
    'delete-digest': {
      partly: 'Needs the role Admin of this repository in the package, and the last tagged image stays.',
    },
    'immutable-tags': { lacks: 'Tags can always be moved; refer to images by digest.' },
  },
  manage,
};

/** Deletions that GitHub refuses to everyone, by message, with alternatives. */
const UNDELETABLE: readonly (readonly [RegExp, string])[] = [
  [
    /last tagged version/i,
    'It is the last tagged image, and GitHub deletes that with the whole package only: keep it, or open Package settings → Delete this package.',
  ],
  [/more than 5,?000 downloads/i, 'Public images with more than 5000 downloads are deleted by GitHub Support only.'],
];

interface Version {
  readonly id: number;
  readonly image: ListedImage;
}

function manage(context: ManagementContext): Management {
  const { repository, host, github } = context;
  const facts = { registry: host, repository };
  const { find, ask } = openPackage(context);
  /** A job's token has a thousand requests an hour, so listed versions are not requested again. */
  const ids = new Map<Digest, number>();

  async function* versions(): AsyncGenerator<Version> {
    for (let page = 1; ; page++) {
      const { json, headers } = await ask({
        method: 'GET',
        rest: `/versions?per_page=${PAGE_SIZE}&page=${page}`,
        expect: [200],
        what: `page ${page} of the versions of ${repository}`,
      });
      if (!Array.isArray(json)) throw unexpected('GitHub', 'the list of versions', facts);
      for (const item of json) {
        const version = readVersion(item, facts);
        ids.set(version.image.digest, version.id);
        yield version;
      }
      const { link } = headers;
      // Only shows whether there is a next page: the token is never sent to a URL from a response.
      if (json.length === 0 || typeof link !== 'string' || !/;\s*rel="?next"?/.test(link)) return;
    }
  }

  async function* list(): AsyncGenerator<ListedImage> {
    // Reads all pages before the first image is returned: deletions in between would shift the next page.
    const all: ListedImage[] = [];
    for await (const { image } of versions()) all.push(image);
    yield* all;
  }

  const idOf = async (digest: Digest): Promise<number | undefined> => {
    const known = ids.get(digest);
    if (known !== undefined) return known;
    for await (const { id, image } of versions()) if (image.digest === digest) return id;
    return undefined;
  };

  const describe = async (id: number): Promise<ListedImage | undefined> => {
    const what = `the question for version ${id} of ${repository}`;
    const { status, json } = await ask({ method: 'GET', rest: `/versions/${id}`, expect: [200, 404], what });
    return status === 404 ? undefined : readVersion(json, facts).image;
  };

  const currentTags = async (digest: Digest): Promise<readonly string[] | undefined> => {
    const id = await idOf(digest);
    const found = id === undefined ? undefined : await describe(id);
    return found?.digest === digest ? found.tags : undefined;
  };

  const deleteDigest = async (digest: Digest): Promise<'deleted' | 'absent'> => {
    const id = await idOf(digest);
    if (id === undefined) return 'absent';
    try {
      const what = `deleting ${repository}@${digest}`;
      const { status } = await ask({ method: 'DELETE', rest: `/versions/${id}`, expect: [204, 404], what });
      if (status === 404 && (await describe(id)) !== undefined) {
        throw new ActionError('DENIED', `GitHub answered 404 to ${what}, which exists.`, { facts });
      }
      ids.delete(digest);
      return status === 404 ? 'absent' : 'deleted';
    } catch (error) {
      throw explained(error);
    }
  };

  const preflight = async (): Promise<readonly string[]> => {
    if (github === undefined) return [];
    const found = await find().catch(ignoreFailure);
    if (found === undefined) return [];
    const linked = fieldsOf(fieldsOf(found).repository).full_name;
    if (typeof linked === 'string' && linked.toLowerCase() === github.repository.toLowerCase()) return [];
    const to = typeof linked === 'string' ? `linked to ${linked}` : 'not linked to a repository';
    return [
      `The package ${host}/${repository} is ${to}, so the token of ${github.repository} may not be allowed to push: open Package settings → Manage Actions access → Add repository → ${github.repository} with the role Write, and build the image with the label org.opencontainers.image.source=https://github.com/${github.repository}.`,
    ];
  };

  /** The requests that the job's token has left: a cleanup of many versions needs a lot of them. */
  const usage = async (): Promise<RegistryUsage> => {
    if (github === undefined) return {};
    const { json } = await context.api.request({
      method: 'GET',
      url: new URL(`${github.apiUrl}/rate_limit`),
      headers: { authorization: `Bearer ${github.token}` },
      expect: [200],
      operation: 'read',
      what: 'the rate limit',
      facts,
    });
    const { limit, remaining, reset } = fieldsOf(fieldsOf(fieldsOf(json).resources).core);
    if (typeof limit !== 'number' || typeof remaining !== 'number') return {};
    const resetAt = typeof reset === 'number' ? { resetAt: new Date(reset * 1000).toISOString() } : {};
    return { rateLimits: [{ kind: 'requests to GitHub', limit, remaining, windowSeconds: 3600, ...resetAt }] };
  };

  return {
    exists: async () => (await find()) !== undefined,
    list,
    currentTags,
    deleteDigest,
    preflight,
    usage: { subject: 'token', read: usage },
  };
}

function readVersion(value: unknown, facts: { readonly registry: string; readonly repository: string }): Version {
  const { id, name, created_at, updated_at, metadata } = fieldsOf(value);
  const { tags } = fieldsOf(fieldsOf(metadata).container);
  // Without its tags an image would look unused.
  if (typeof id !== 'number' || !Number.isSafeInteger(id) || !isDigest(name) || !isNames(tags)) {
    throw unexpected('GitHub', 'a version of the package', facts);
  }
  const pushedAt = timeOf(created_at);
  const updatedAt = timeOf(updated_at);
  const times = {
    ...(pushedAt === undefined ? {} : { pushedAt }),
    ...(updatedAt === undefined ? {} : { updatedAt }),
  };
  return { id, image: { digest: name, tags, handle: String(id), ...times } };
}

function isNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}

/** A refused deletion with its remedy. */
function explained(error: unknown): unknown {
  if (!(error instanceof ActionError)) return error;
  const { message, facts, code } = error;
  const instead = UNDELETABLE.find(([words]) => words.test(message))?.[1];
  if (instead !== undefined) {
    return new ActionError('CAPABILITY_MISSING', `${message} ${instead}`, { facts, cause: error });
  }
  if (code !== 'DENIED') return error;
  return new ActionError(
    code,
    `${message} To delete, this repository needs the role Admin: Package settings → Manage Actions access.`,
    { facts, cause: error },
  );
}
