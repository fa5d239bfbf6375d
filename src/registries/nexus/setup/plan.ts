import { type Fields, fieldsOf, isFields } from '../../../domain/fields.ts';
import { cacheLogin, cacheRepository, isDockerHub } from '../../../domain/setup/cache.ts';
import type { Cache, DesiredRegistry, DesiredRepository } from '../../../domain/setup/desired-state.ts';
import type { Json } from '../../../domain/setup/json.ts';
import type { Principal } from '../../../domain/setup/principal.ts';
import { actionOf, type Change, CREATION, lacksLabels, lacksOf } from '../../setup/change.ts';
import { lacksNoCache, lacksNone } from '../../setup/none.ts';
import { type NexusKind, ownOf } from './own-fields.ts';

/** One write. */
export type NexusRequest =
  | {
      readonly kind: 'create' | 'update';
      readonly type: NexusKind;
      readonly name: string;
      readonly body: Fields;
      /** User and name of the variable with the password, of a proxy. */
      readonly login?: { readonly user: string; readonly variable: string };
    }
  /** Privileges that a role gets; the role is read again when it is written. */
  | { readonly kind: 'role'; readonly role: string; readonly add: readonly string[] };

export type NexusChange = Change<NexusRequest>;

/** A repository as it is: its kind, and its settings. */
export interface LiveNexusRepository {
  readonly type: string;
  readonly fields: Fields;
}

/** What a repository gets that setup makes. https://help.sonatype.com/en/repository-manager-rest-api.html */
const DEFAULTS = {
  online: true,
  storage: { blobStoreName: 'default', strictContentTypeValidation: true },
  docker: { v1Enabled: false, forceBasicAuth: true },
} as const;

/** What differs in one part of the settings. */
interface Part {
  readonly change: Change<never>;
  readonly merge: (body: Fields) => Fields;
}

/**
 * What to change at one repository: one request with everything, since Nexus replaces all settings at once.
 * @param isRouted whether images are named by the repository, without a port of its own
 */
export function planNexusRepository(
  repository: DesiredRepository,
  live: LiveNexusRepository | undefined,
  isRouted: boolean,
): readonly NexusChange[] {
  const { name, creates, settings, line } = repository;
  if (live === undefined && !creates) return [];
  const own = ownOf(settings);
  const { type } = own;
  if (live !== undefined && live.type !== type) return [otherKind(name, live.type, type, line)];
  const parts: Part[] = [];
  const add = (setting: string, at: number, is: Json, should: Json, merge: Part['merge']) =>
    parts.push({ change: { action: actionOf(is, should), name: setting, is, should, line: at }, merge });
  const fields = live?.fields ?? {};
  const within = (part: string, values: Fields) => (body: Fields) => ({
    ...body,
    [part]: { ...fieldsOf(body[part]), ...values },
  });
  const { immutable, visibility } = settings;
  const lacks: Change<never>[] = [];
  if (immutable !== undefined && type === 'hosted') {
    const wanted = writePolicyOf(immutable.value);
    if (wanted === undefined) {
      lacks.push({
        action: 'unsupported',
        name: `immutable.${immutable.value.mode}`,
        should: 'tags' in immutable.value ? immutable.value.tags : null,
        line: immutable.line,
        reason:
          'Nexus makes all tags immutable, or all but `latest`: it stays as it is. Write `immutable: {except: [latest]}`.',
      });
    } else {
      const { writePolicy, latestPolicy } = fieldsOf(fields.storage);
      const is = live === undefined ? null : policyWords(String(writePolicy), latestPolicy === true);
      const should = policyWords(wanted.writePolicy, wanted.latestPolicy);
      add('immutable', immutable.line, is, should, within('storage', { ...wanted }));
    }
  }
  if (visibility !== undefined) {
    const is = live === undefined ? null : fieldsOf(fields.docker).forceBasicAuth === false ? 'public' : 'private';
    add(
      'visibility',
      visibility.line,
      is,
      visibility.value,
      within('docker', { forceBasicAuth: visibility.value === 'private' }),
    );
  }
  for (const { field, part, value, line: at } of own.fields) {
    const is = jsonOf(fieldsOf(fields[part])[field], field === 'policyNames');
    add(`nexus.${field}`, at, is, value, within(part, { [field]: value }));
  }
  const due = parts.filter(({ change: { action } }) => action !== 'equal');
  const covers = due.map(({ change }) => change.name);
  const unsupported = [...lacks, ...lacksNone(repository), ...lacksIn(repository)];
  if (live === undefined) {
    const base: Fields = {
      name,
      online: DEFAULTS.online,
      storage: { ...DEFAULTS.storage, ...(type === 'hosted' ? { writePolicy: 'ALLOW' } : {}) },
      docker: { ...DEFAULTS.docker, ...(isRouted ? { pathEnabled: true } : {}) },
    };
    const body = parts.reduce((before, { merge }) => merge(before), base);
    const request = { kind: 'create', type, name, body } as const;
    return [
      { action: 'create', name: CREATION, should: type, line, covers, request },
      ...parts.map(({ change }) => change),
      ...unsupported,
    ];
  }
  const body = due.reduce((before, { merge }) => merge(before), writable(fields));
  const request = { kind: 'update', type, name, body } as const;
  const [first] = due;
  return [
    ...parts.map(
      ({ change }): NexusChange =>
        change === first?.change ? { ...change, request, covers: covers.slice(1) } : change,
    ),
    ...unsupported,
  ];
}

/** Settings without what Nexus only shows, and without what is not set: it shows `null` there and does not take it. */
function writable({ format: _, type: __, url: ___, ...fields }: Fields): Fields {
  return withoutNulls(fields);
}

function withoutNulls(fields: Fields): Fields {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([key, value]) =>
      value === null ? [] : [[key, isFields(value) ? withoutNulls(value) : value]],
    ),
  );
}

/** The order of members decides which is asked first; that of policies says nothing. */
function jsonOf(value: unknown, isSorted: boolean): Json {
  if (Array.isArray(value)) return isSorted ? value.map(String).toSorted() : value.map(String);
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null;
}

function otherKind(name: string, is: string, should: string, line: number): NexusChange {
  const reason = `Nexus cannot change the kind of a repository. Choose another name, or delete ${name} in Nexus.`;
  return { action: 'needs-recreation', name: 'type', is, should, line, reason };
}

function writePolicyOf(
  value: NonNullable<DesiredRepository['settings']['immutable']>['value'],
): { readonly writePolicy: string; readonly latestPolicy: boolean } | undefined {
  if (value.mode === 'off') return { writePolicy: 'ALLOW', latestPolicy: false };
  if (value.mode === 'all') return { writePolicy: 'ALLOW_ONCE', latestPolicy: false };
  const isLatest = value.mode === 'except' && value.tags.length === 1 && value.tags[0] === 'latest';
  return isLatest ? { writePolicy: 'ALLOW_ONCE', latestPolicy: true } : undefined;
}

function policyWords(writePolicy: string, latestPolicy: boolean): string {
  const policy = writePolicy.toUpperCase();
  return policy === 'ALLOW_ONCE' && latestPolicy ? 'ALLOW_ONCE, but latest' : policy;
}

function lacksIn({ settings }: DesiredRepository): readonly Change<never>[] {
  const { access } = settings;
  return [
    ...lacksOf([
      ['description', settings.description, 'A repository of Nexus has no description.'],
      ['scan', settings.scan, 'Nexus scans with Sonatype Lifecycle or Firewall, products of their own.'],
      ['key', settings.key, 'Nexus encrypts by blob store: name one with `nexus: {blobStoreName: …}`.'],
      [
        'retention',
        settings.retention,
        'Nexus has cleanup policies of its own, without the tags of a policy of this action: run it with `command: cleanup`, or name policies of Nexus with `nexus: {policyNames: […]}`.',
      ],
      ['quota', settings.quota, 'Nexus has quotas for blob stores, which warn and do not stop: set one there.'],
      ['webhooks', settings.webhooks, 'Webhooks of Nexus are capabilities: Administration → System → Capabilities.'],
      [
        'access.exact',
        access?.value === 'exact' ? access : undefined,
        'Roles of Nexus hold privileges for many repositories: setup adds to the roles that the file names and takes nothing away.',
      ],
    ]),
    ...lacksLabels(settings.labels, 'A repository of Nexus has no labels.'),
  ];
}

/** A pull-through cache is a proxy repository. */
export function planProxy(
  cache: Cache<readonly Principal[]>,
  live: LiveNexusRepository | undefined,
  isRouted: boolean,
): readonly NexusChange[] {
  const { from, user, line } = cache;
  const name = cacheRepository(cache);
  const isHub = isDockerHub(from);
  const remoteUrl = isHub ? 'https://registry-1.docker.io' : `https://${from}`;
  const upstreamLogin = cacheLogin(cache);
  const login = upstreamLogin === undefined ? {} : { login: upstreamLogin };
  if (live !== undefined && live.type !== 'proxy') return [otherKind(name, live.type, 'proxy', line)];
  if (live === undefined) {
    const body = {
      name,
      online: DEFAULTS.online,
      storage: DEFAULTS.storage,
      docker: { ...DEFAULTS.docker, ...(isRouted ? { pathEnabled: true } : {}) },
      dockerProxy: { indexType: isHub ? 'HUB' : 'REGISTRY' },
      proxy: { remoteUrl, contentMaxAge: 1440, metadataMaxAge: 1440 },
      negativeCache: { enabled: true, timeToLive: 1440 },
      httpClient: { blocked: false, autoBlock: true },
    };
    return [
      {
        action: 'create',
        name: CREATION,
        should: `a cache of ${remoteUrl}`,
        line,
        request: { kind: 'create', type: 'proxy', name, body, ...login },
      },
    ];
  }
  const { fields } = live;
  const liveUser = fieldsOf(fieldsOf(fields.httpClient).authentication).username;
  const words = (url: unknown, who: unknown) =>
    `${String(url).replace(/\/+$/, '')}${typeof who === 'string' ? `, user ${who}` : ''}`;
  const is = words(fieldsOf(fields.proxy).remoteUrl, liveUser);
  const should = words(remoteUrl, user ?? liveUser);
  const reason = 'Nexus does not show the password, so it is not compared.';
  if (is === should)
    return [{ action: 'equal', name: 'cache', is, should, line, ...(user === undefined ? {} : { reason }) }];
  const body = { ...writable(fields), proxy: { ...fieldsOf(fields.proxy), remoteUrl } };
  return [
    {
      action: 'change',
      name: 'cache',
      is,
      should,
      line,
      request: { kind: 'update', type: 'proxy', name, body, ...login },
    },
  ];
}

/** What Nexus cannot do for all repositories at once. */
export function nexusRegistryLacks(desired: DesiredRegistry): readonly Change<never>[] {
  return [
    ...lacksNoCache(desired),
    ...lacksOf([
      [
        'replicate',
        desired.replicate,
        'Nexus does not push to others: let the other Nexus have a proxy of this one, or use `command: mirror`.',
      ],
      ['templates', desired.templates, 'Nexus has no settings for repositories to come.'],
      ['receive', desired.receive, 'Give the role that pushes here `push`.'],
      ['scanning', desired.scanning, 'Nexus scans with Sonatype Lifecycle or Firewall.'],
      ['signing', desired.signing, 'Nexus does not sign: use `signing` of this action when publishing.'],
      ['webhooks', desired.webhooks, 'Webhooks of Nexus are capabilities: Administration → System → Capabilities.'],
      ['quota', desired.quota, 'Nexus has quotas for blob stores: set one there.'],
      ['key', desired.newKey, 'Nexus encrypts by blob store.'],
    ]),
  ];
}
