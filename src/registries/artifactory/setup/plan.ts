import { type Fields, fieldsOf } from '../../../domain/fields.ts';
import { cacheLogin, cacheRepository, isDockerHub } from '../../../domain/setup/cache.ts';
import type { Cache, DesiredRegistry, DesiredRepository } from '../../../domain/setup/desired-state.ts';
import type { Json } from '../../../domain/setup/json.ts';
import type { Principal } from '../../../domain/setup/principal.ts';
import { type Access, type Grant, grantsOf, grantsTo } from '../../setup/access.ts';
import { actionOf, type Change, CREATION, denied, lacksLabels, lacksOf, type Reading } from '../../setup/change.ts';
import { lacksNoCache, lacksNone } from '../../setup/none.ts';
import { ownOf } from './own-fields.ts';

/** One write. A permission is one document, and so is a repository. */
export interface ArtifactoryRequest {
  readonly kind: 'create' | 'update' | 'permission';
  /** Key of the repository, or name of the permission. */
  readonly name: string;
  readonly body: Fields;
  /** Whether the permission exists. */
  readonly exists?: boolean;
  /** User and name of the variable with the password, of a remote repository. */
  readonly login?: { readonly user: string; readonly variable: string };
}

export type ArtifactoryChange = Change<ArtifactoryRequest>;

export interface LiveArtifactoryRepository {
  readonly fields: Fields | undefined;
  /** The permission that setup made for it; undefined: none. */
  readonly permission: Reading<Fields | undefined>;
}

export const permissionName = (owner: string, key: string) => `setup-${owner}-${key}`;

export function planArtifactoryRepository(
  repository: DesiredRepository,
  { fields, permission }: LiveArtifactoryRepository,
  owner: string,
): readonly ArtifactoryChange[] {
  const { name: key, creates, settings, line } = repository;
  if (fields === undefined && !creates) return [];
  const { rclass, fields: own } = ownOf(settings);
  const fixed = fixedDifference(key, fields, rclass, line);
  if (fixed !== undefined) return [fixed];
  const rows: { readonly change: Change<never>; readonly body: Fields }[] = [];
  const add = (name: string, at: number, is: Json, should: Json, body: Fields) =>
    rows.push({ change: { action: actionOf(is, should), name, is, should, line: at }, body });
  const { description, scan } = settings;
  if (description !== undefined) {
    const is = typeof fields?.description === 'string' && fields.description !== '' ? fields.description : null;
    add('description', description.line, is, description.value, { description: description.value ?? '' });
  }
  if (scan !== undefined && rclass === 'local') {
    const is = fields === undefined ? null : fields.xrayIndex === true ? 'on' : 'off';
    const should = scan.value === 'off' ? 'off' : 'on';
    add('scan', scan.line, is, should, { xrayIndex: should === 'on' });
  }
  for (const { field, value, line: at } of own) {
    add(`artifactory.${field}`, at, jsonOf(fields?.[field]), value, { [field]: value });
  }
  const due = rows.filter(({ change: { action } }) => action !== 'equal');
  const covers = due.map(({ change }) => change.name);
  const body = Object.assign({}, ...due.map((each) => each.body));
  const rest = [...planPermission(repository, permission, owner), ...lacksNone(repository), ...lacksIn(repository)];
  if (fields === undefined) {
    const base = { key, rclass, packageType: 'docker', ...(rclass === 'local' ? { dockerApiVersion: 'V2' } : {}) };
    const request = { kind: 'create', name: key, body: { ...base, ...body } } as const;
    return [
      { action: 'create', name: CREATION, should: rclass, line, covers, request },
      ...rows.map(({ change }) => change),
      ...rest,
    ];
  }
  // An update takes what differs, and leaves the rest.
  const request = { kind: 'update', name: key, body: { key, rclass, packageType: 'docker', ...body } } as const;
  const [first] = due;
  return [
    ...rows.map(
      ({ change }): ArtifactoryChange =>
        change === first?.change ? { ...change, request, covers: covers.slice(1) } : change,
    ),
    ...rest,
  ];
}

function jsonOf(value: unknown): Json {
  if (Array.isArray(value)) return value.map(String);
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null;
}

function fixedDifference(
  key: string,
  fields: Fields | undefined,
  rclass: string,
  line: number,
): ArtifactoryChange | undefined {
  if (fields === undefined) return undefined;
  const words = (kind: unknown, type: unknown) => `${String(kind)} ${String(type)}`;
  const is = words(fields.rclass, fields.packageType);
  const isDocker = fields.packageType === 'docker' || fields.packageType === 'oci';
  if (fields.rclass === rclass && isDocker) return undefined;
  const reason = `Artifactory cannot change the kind of a repository. Choose another key, or delete ${key} in Artifactory.`;
  return { action: 'needs-recreation', name: 'type', is, should: words(rclass, 'docker'), line, reason };
}

const ACTIONS: Readonly<Record<Access, readonly string[]>> = {
  pull: ['read'],
  // Without `delete` nobody can overwrite a tag.
  push: ['annotate', 'read', 'write'],
  admin: ['annotate', 'delete', 'manage', 'read', 'write'],
};

/** One permission of ours for each repository; those of others are not read. */
function planPermission(
  repository: DesiredRepository,
  live: LiveArtifactoryRepository['permission'],
  owner: string,
): readonly ArtifactoryChange[] {
  const { name: key, settings } = repository;
  return permissionChanges(key, owner, grantsTo(grantsOf(repository), 'artifactory-group'), live, {
    isExact: settings.access?.value === 'exact',
    visibility: settings.visibility,
  });
}

function permissionChanges(
  key: string,
  owner: string,
  grants: readonly Grant[],
  live: LiveArtifactoryRepository['permission'],
  {
    isExact,
    visibility,
  }: { readonly isExact: boolean; readonly visibility: DesiredRepository['settings']['visibility'] },
): readonly ArtifactoryChange[] {
  if (grants.length === 0 && !isExact && visibility === undefined) return [];
  if (!live.ok) return [denied('access', live.error, visibility?.line)];
  const name = permissionName(owner, key);
  const repo = fieldsOf(live.value?.repo);
  const { groups, users } = fieldsOf(repo.actions);
  const listed = (value: unknown) => (Array.isArray(value) ? value.map(String).toSorted() : []);
  const held = new Map(Object.entries(fieldsOf(groups)).map(([group, actions]) => [group, listed(actions)]));
  const people = new Map(Object.entries(fieldsOf(users)).map(([user, actions]) => [user, listed(actions)]));
  const changes: ArtifactoryChange[] = grants.map(({ principal: { id, line }, access }): ArtifactoryChange => {
    const is = held.get(id) ?? null;
    const should = ACTIONS[access];
    const isEnough = isExact ? is?.join() === should.join() : should.every((action) => is?.includes(action) === true);
    held.set(id, isExact ? [...should] : [...new Set([...(is ?? []), ...should])].toSorted());
    return {
      action: isEnough ? 'equal' : is === null ? 'create' : 'change',
      name: `${access} group ${id}`,
      is,
      should: [...should],
      line,
    };
  });
  for (const [group, is] of held) {
    if (grants.some(({ principal }) => principal.id === group)) continue;
    if (isExact) held.delete(group);
    changes.push(
      isExact
        ? { action: 'remove', name: `group ${group}`, is, should: null }
        : { action: 'kept-foreign', name: `group ${group}`, is },
    );
  }
  if (visibility !== undefined) {
    const is = people.has(ANONYMOUS) ? 'public' : 'private';
    if (visibility.value === 'public') people.set(ANONYMOUS, ['read']);
    else people.delete(ANONYMOUS);
    changes.push({
      action: is === visibility.value ? 'equal' : 'change',
      name: 'visibility',
      is,
      should: visibility.value,
      line: visibility.line,
    });
  }
  const first = changes.findIndex(({ action }) => action === 'create' || action === 'change' || action === 'remove');
  if (first === -1) return changes;
  const covers = changes
    .slice(first + 1)
    .flatMap(({ action, name: each }) => (action === 'equal' || action === 'kept-foreign' ? [] : [each]));
  const body = {
    name,
    repo: {
      'include-patterns': repo['include-patterns'] ?? ['**'],
      'exclude-patterns': repo['exclude-patterns'] ?? [],
      repositories: [key],
      actions: { users: Object.fromEntries(people), groups: Object.fromEntries(held) },
    },
  };
  const request = { kind: 'permission', name, body, exists: live.value !== undefined } as const;
  return changes.map((change, at) => (at === first ? { ...change, request, covers } : change));
}

const ANONYMOUS = 'anonymous';

function lacksIn({ settings }: DesiredRepository): readonly Change<never>[] {
  const { immutable } = settings;
  return [
    ...(immutable === undefined || immutable.value.mode === 'off'
      ? []
      : [
          {
            action: 'unsupported' as const,
            name: immutable.value.mode === 'all' ? 'immutable' : `immutable.${immutable.value.mode}`,
            line: immutable.line,
            reason:
              'Artifactory has no immutable tags. Who gets `push` by this file gets no right to delete, without which a tag cannot be overwritten: check that no other permission gives it.',
          },
        ]),
    ...lacksOf([
      ['key', settings.key, 'Artifactory encrypts its file store as a whole.'],
      [
        'retention',
        settings.retention,
        'Artifactory deletes by policies of its Enterprise+ edition, without the tags of a policy of this action: run it with `command: cleanup`, or set `artifactory: {maxUniqueTags: …}`.',
      ],
      [
        'quota',
        settings.quota,
        'Artifactory has one quota for its whole storage: Administration → Artifactory Settings → Maintenance.',
      ],
      ['webhooks', settings.webhooks, 'Webhooks of Artifactory are made for the platform: Administration → Webhooks.'],
    ]),
    ...lacksLabels(settings.labels, 'A repository of Artifactory has no labels; properties belong to images.'),
  ];
}

/** A pull-through cache is a remote repository. */
export function planRemote(
  cache: Cache<readonly Principal[]>,
  { fields, permission }: LiveArtifactoryRepository,
  owner: string,
): readonly ArtifactoryChange[] {
  const { from, user, pull, line } = cache;
  const key = cacheRepository(cache);
  const isHub = isDockerHub(from);
  const url = isHub ? 'https://registry-1.docker.io/' : `https://${from}/`;
  const upstreamLogin = cacheLogin(cache);
  const login = upstreamLogin === undefined ? {} : { login: upstreamLogin };
  const fixed = fixedDifference(key, fields, 'remote', line);
  if (fixed !== undefined) return [fixed];
  const grants = grantsTo(
    pull.map((principal) => ({ principal, access: 'pull' as const })),
    'artifactory-group',
  );
  const access = permissionChanges(key, owner, grants, permission, { isExact: false, visibility: undefined });
  const body = { key, rclass: 'remote', packageType: 'docker', url };
  if (fields === undefined) {
    const request = { kind: 'create', name: key, body, ...login } as const;
    return [{ action: 'create', name: CREATION, should: `a cache of ${url}`, line, request }, ...access];
  }
  const words = (at: unknown, who: unknown) =>
    `${String(at).replace(/\/*$/, '/')}${typeof who === 'string' && who !== '' ? `, user ${who}` : ''}`;
  const is = words(fields.url, fields.username);
  const should = words(url, user ?? fields.username);
  const reason = 'Artifactory does not show the password, so it is not compared.';
  if (is === should)
    return [{ action: 'equal', name: 'cache', is, should, line, ...(user === undefined ? {} : { reason }) }, ...access];
  const request = { kind: 'update', name: key, body, ...login } as const;
  return [{ action: 'change', name: 'cache', is, should, line, request }, ...access];
}

/** What Artifactory cannot do for all repositories at once. */
export function artifactoryRegistryLacks(desired: DesiredRegistry): readonly Change<never>[] {
  return [
    ...lacksNoCache(desired),
    ...lacksOf([
      [
        'replicate',
        desired.replicate,
        'Setup does not manage replications of Artifactory: set up a federated repository, or use `command: mirror`.',
      ],
      ['templates', desired.templates, 'Artifactory has no settings for repositories to come.'],
      ['receive', desired.receive, 'Give the group that pushes here `push`.'],
      ['scanning', desired.scanning, 'Xray is the scanner: write `scan: on-push` at repositories.'],
      ['signing', desired.signing, 'Artifactory does not sign images: use `signing` of this action when publishing.'],
      ['webhooks', desired.webhooks, 'Webhooks of Artifactory are made for the platform: Administration → Webhooks.'],
      [
        'quota',
        desired.quota,
        'Artifactory has one quota for its whole storage: Administration → Artifactory Settings → Maintenance.',
      ],
      ['key', desired.newKey, 'Artifactory encrypts its file store as a whole.'],
    ]),
  ];
}
