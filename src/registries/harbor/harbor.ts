import { fieldsOf } from '../../domain/fields.ts';
import type { RegistryUsage } from '../../domain/report/usage.ts';
import { ActionError } from '../../errors/action-error.ts';
import { unexpected } from '../../http/api.ts';
import { ignoreFailure } from '../ignore-failure.ts';
import type { Management, ManagementContext, NewRepository, Vendor } from '../vendor.ts';
import { type Harbor, openHarbor } from './api.ts';
import { currentTags, listImages } from './inventory.ts';
import { harborRemedies } from './remedies.ts';
import { harborScan } from './scan.ts';
import { tagRetention } from './tag-retention.ts';

export const harbor: Vendor = {
  id: 'harbor',
  title: 'Harbor',
  hosts: [],
  hidesMissing: true,
  remedies: harborRemedies,
  reading: { manifests: 'counted', listsSubjects: true },
  afterDeletion: 'Harbor frees the space with its next garbage collection (Administration → Clean Up).',
  capabilities: {
    keyless: {
      lacks: 'It trusts one identity provider, and that is for people: store the secret of a robot account.',
    },
    'create-repository': { partly: 'The project is created; a push creates the repository in it.' },
    'list-images': 'yes',
    'push-time': 'yes',
    'pull-time': 'yes',
    size: 'yes',
    'delete-tag': 'yes',
    'delete-digest': { partly: 'All tags of the image go with it; space is freed by the next garbage collection.' },
    'immutable-tags': { partly: 'By a rule of the project, which needs the right to make such rules.' },
  },
  manage: manageHarbor,
};

function manageHarbor(context: ManagementContext): Management {
  const api = openHarbor(context);
  return {
    retention: tagRetention(api, context),
    exists: async () => {
      const { status } = await api.ask({
        method: 'HEAD',
        path: `/projects?${new URLSearchParams({ project_name: api.project })}`,
        expect: [200, 404],
        operation: 'read',
        what: `the question for the project ${api.project}`,
      });
      return status === 200;
    },
    create: (settings) => create(api, context, settings),
    list: () => listImages(api, context),
    currentTags: (digest) => currentTags(api, context, digest),
    // Returns "not found" for a tag of another artifact.
    deleteTag: (tag, digest) =>
      api.remove(`/${encodeURIComponent(digest ?? tag)}/tags/${encodeURIComponent(tag)}`, tag),
    deleteDigest: (digest) => api.remove(`/${encodeURIComponent(digest)}`, digest),
    scans: { source: 'harbor', result: (digest) => harborScan(api, context.repository, digest) },
    usage: { subject: `project ${api.project}`, read: () => usage(api) },
    preflight: () => preflight(api, context),
    frozen: async (tags) => {
      const rules = await Promise.all(tags.map((tag) => isImmutable(api, context, tag)));
      return tags.filter((_, at) => rules[at] === true);
    },
  };
}

async function create(
  { ask, project, image }: Harbor,
  { host, repository }: ManagementContext,
  settings: NewRepository,
): Promise<'created' | 'exists'> {
  if (settings.kmsKey !== undefined) {
    throw new ActionError('CAPABILITY_MISSING', `Harbor at ${host} has no encryption keys of projects: leave it out.`, {
      facts: { registry: host, repository },
    });
  }
  const text = (value: boolean | undefined, name: string) => (value === undefined ? {} : { [name]: String(value) });
  const { status } = await ask({
    method: 'POST',
    path: '/projects',
    // Harbor's API writes project switches as strings.
    json: {
      project_name: project,
      metadata: { ...text(settings.public, 'public'), ...text(settings.scanOnPush, 'auto_scan') },
    },
    expect: [201, 409],
    operation: 'write',
    what: `creating the project ${project}`,
  });
  // An existing project keeps its owners' settings.
  if (status === 409) return 'exists';
  if (settings.immutableTags === true) {
    await ask({
      method: 'POST',
      path: `/projects/${encodeURIComponent(project)}/immutabletagrules`,
      json: {
        action: 'immutable',
        template: 'immutable_template',
        scope_selectors: { repository: [{ kind: 'doublestar', decoration: 'repoMatches', pattern: image }] },
        tag_selectors: [{ kind: 'doublestar', decoration: 'matches', pattern: '**' }],
      },
      expect: [201],
      operation: 'write',
      what: `making the tags of ${repository} immutable (the project ${project} was created)`,
    });
  }
  return 'created';
}

/** Whether a project rule makes a tag immutable; false for a tag that is not visible. */
async function isImmutable(
  { ask, artifacts }: Harbor,
  { repository }: ManagementContext,
  tag: string,
): Promise<boolean> {
  const answer = await ask({
    method: 'GET',
    path: `${artifacts}/${encodeURIComponent(tag)}?with_tag=true&with_immutable_status=true`,
    expect: [200, 404],
    operation: 'read',
    what: `the rules for ${repository}:${tag}`,
  }).catch(ignoreFailure);
  const { tags } = fieldsOf(answer?.json);
  return Array.isArray(tags) && tags.map(fieldsOf).some(({ name, immutable }) => name === tag && immutable === true);
}

/** The quota of the project. A robot account may lack the right to read it. */
async function usage({ ask, project }: Harbor): Promise<RegistryUsage> {
  const { status, json } = await ask({
    method: 'GET',
    path: `/projects/${encodeURIComponent(project)}/summary`,
    expect: [200, 401, 403, 404],
    operation: 'read',
    what: `the summary of the project ${project}`,
  });
  const { quota } = fieldsOf(status === 200 ? json : undefined);
  const limit = fieldsOf(fieldsOf(quota).hard).storage;
  const usedBytes = fieldsOf(fieldsOf(quota).used).storage;
  if (typeof usedBytes !== 'number') return {};
  // -1 means unlimited.
  const limitBytes = typeof limit === 'number' && limit >= 0 ? { limitBytes: limit } : {};
  return { quota: { name: `project ${project}`, usedBytes, ...limitBytes } };
}

async function preflight(
  { ask, project }: Harbor,
  { host, repository }: ManagementContext,
): Promise<readonly string[]> {
  const what = `the summary of the project ${project}`;
  const facts = { registry: host, repository };
  const { status, json } = await ask({
    method: 'GET',
    path: `/projects/${encodeURIComponent(project)}/summary`,
    expect: [200, 401, 403, 404],
    operation: 'read',
    what,
  });
  // A robot account with push and pull, as documented, may not read the quota.
  if (status !== 200) return [];
  const { quota, registry, repo_count: count } = fieldsOf(json);
  if (typeof count !== 'number') throw unexpected(host, what, facts);
  if (registry !== undefined && registry !== null) {
    throw new ActionError('READ_ONLY', `The project ${project} of ${host} is a proxy cache, which accepts no pushes.`, {
      facts,
    });
  }
  const limit = fieldsOf(fieldsOf(quota).hard).storage;
  const used = fieldsOf(fieldsOf(quota).used).storage;
  // -1 means unlimited.
  if (typeof limit === 'number' && typeof used === 'number' && limit >= 0 && used >= limit) {
    throw new ActionError(
      'QUOTA_EXCEEDED',
      `The project ${project} of ${host} is full: ${used} bytes of ${limit} are used.`,
      { facts },
    );
  }
  return [];
}
