import type { Fields } from '../../../domain/fields.ts';
import { fieldsOf } from '../../../domain/fields.ts';
import { globToRegex } from '../../../domain/patterns/glob.ts';
import type { DesiredRegistry, DesiredRepository, Immutability } from '../../../domain/setup/desired-state.ts';
import { grantsOf, grantsTo } from '../../setup/access.ts';
import { type Change, CREATION, denied, type Reading } from '../../setup/change.ts';
import { lacksNone } from '../../setup/none.ts';

/** One write. The team's id is looked up when it is sent. */
export interface HubRequestData {
  readonly method: 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly json?: Fields;
  readonly what: string;
  /** Name of the team whose id goes to `group_id`. */
  readonly team?: string;
  /** `namespace/name` of a repository that this creates. */
  readonly creates?: string;
}

export interface LiveHubRepository {
  readonly fields: Fields;
  /** Teams and what they may do; only read when the file names teams. */
  readonly teams: Reading<readonly Fields[]>;
}

type HubChange = Change<HubRequestData>;

/** The namespace and the name. */
export function splitName(name: string): readonly [namespace: string, name: string] {
  const at = name.indexOf('/');
  return [name.slice(0, Math.max(at, 0)), name.slice(at + 1)];
}

const PERMISSIONS = { pull: 'read', push: 'write', admin: 'admin' } as const;
const STRENGTH = ['read', 'write', 'admin'];

export function planHubRepository(
  repository: DesiredRepository,
  live: LiveHubRepository | undefined,
): readonly HubChange[] {
  const { name: full, creates, settings, line } = repository;
  if (live === undefined && !creates) return [];
  const [namespace, name] = splitName(full);
  const home = `/v2/namespaces/${namespace}/repositories/${name}`;
  const changes: HubChange[] = [];
  const { description, visibility, immutable } = settings;
  if (live === undefined) {
    changes.push({
      action: 'create',
      name: CREATION,
      should: visibility?.value ?? 'private',
      line,
      covers: [
        ...(description === undefined ? [] : ['description']),
        ...(visibility === undefined ? [] : ['visibility']),
      ],
      request: {
        method: 'POST',
        path: `/v2/namespaces/${namespace}/repositories`,
        json: {
          name,
          namespace,
          registry: 'docker.io',
          // Hub makes repositories public unless told otherwise.
          is_private: visibility?.value !== 'public',
          ...(typeof description?.value === 'string' ? { description: description.value } : {}),
        },
        what: `creating the repository ${full}`,
        creates: full,
      },
    });
  }
  if (description !== undefined) {
    const is =
      typeof live?.fields.description === 'string' && live.fields.description !== '' ? live.fields.description : null;
    const json = { description: description.value ?? '' };
    const request = { method: 'PATCH', path: home, json, what: `the description of ${full}` } as const;
    changes.push(row('description', is, description.value, description.line, live === undefined ? undefined : request));
  }
  if (visibility !== undefined) {
    const is = live === undefined ? null : live.fields.is_private === true ? 'private' : 'public';
    const request = {
      method: 'POST',
      path: `/v2/repositories/${namespace}/${name}/privacy`,
      json: { is_private: visibility.value === 'private' },
      what: `the visibility of ${full}`,
    } as const;
    changes.push(row('visibility', is, visibility.value, visibility.line, live === undefined ? undefined : request));
  }
  if (immutable !== undefined) changes.push(planImmutable(full, home, immutable, live));
  changes.push(...planTeams(repository, live), ...lacksNone(repository));
  for (const [key, reason] of UNSUPPORTED) {
    const given = settings[key];
    if (given === undefined || given.value === null || given.value === 'off') continue;
    changes.push({ action: 'unsupported', name: key, reason, line: given.line });
  }
  if (settings.labels !== undefined && settings.labels.size > 0) {
    const [lineOf = line] = [...settings.labels.values()].map((each) => each.line);
    changes.push({
      action: 'unsupported',
      name: 'labels',
      line: lineOf,
      reason: 'Docker Hub has no labels of repositories; categories are chosen on its page.',
    });
  }
  return changes;
}

function row(
  name: string,
  is: string | null,
  should: string | null,
  line: number,
  request: HubRequestData | undefined,
): HubChange {
  const action = is === should ? 'equal' : should === null ? 'remove' : is === null ? 'create' : 'change';
  return { action, name, is, should, line, ...(action === 'equal' || request === undefined ? {} : { request }) };
}

const UNSUPPORTED = [
  ['scan', 'Docker Hub scans with Docker Scout, which is switched on in its settings: https://scout.docker.com.'],
  ['key', 'Docker Hub has no keys of customers.'],
  ['retention', 'Docker Hub deletes nothing by itself: run the policy with `command: cleanup`.'],
  ['quota', 'Docker Hub has no quota for a repository.'],
  ['webhooks', 'Webhooks of Docker Hub are made on its page: repository → Webhooks.'],
] as const;

/** Rules are regular expressions of RE2; Hub takes no exceptions from them. */
function planImmutable(
  full: string,
  home: string,
  { value, line }: { readonly value: Immutability; readonly line: number },
  live: LiveHubRepository | undefined,
): HubChange {
  if (value.mode === 'except') {
    return {
      action: 'unsupported',
      name: 'immutable.except',
      should: value.tags,
      line,
      reason:
        'Docker Hub takes rules for tags that are immutable, without exceptions: it stays as it is. Write `only`, such as `immutable: {only: ["v*"]}`.',
    };
  }
  const rules =
    value.mode === 'only'
      ? value.tags.map((tag) => {
          const regex = globToRegex(tag);
          return `^(?:${regex.ok ? regex.value : tag})$`;
        })
      : value.mode === 'all'
        ? ['.*']
        : [];
  const { enabled, rules: liveRules } = fieldsOf(live?.fields.immutable_tags_settings);
  const has = enabled === true && Array.isArray(liveRules) ? liveRules.map(String) : [];
  // No rules at all mean every tag, too.
  const shown = (all: readonly string[], isOn: boolean) =>
    isOn ? (all.length === 0 ? ['.*'] : [...all].toSorted()) : null;
  const is = shown(has, enabled === true);
  const should = shown(rules, value.mode !== 'off');
  const json = { immutable_tags: value.mode !== 'off', immutable_tags_rules: rules };
  const request = {
    method: 'PATCH',
    path: `${home}/immutabletags`,
    json,
    what: `the immutable tags of ${full}`,
  } as const;
  if (JSON.stringify(is) === JSON.stringify(should)) return { action: 'equal', name: 'immutable', is, should, line };
  const action = should === null ? 'remove' : is === null ? 'create' : 'change';
  return { action, name: 'immutable', is, should, line, request };
}

function planTeams(repository: DesiredRepository, live: LiveHubRepository | undefined): readonly HubChange[] {
  const { name: full, settings } = repository;
  const [namespace, name] = splitName(full);
  const grants = grantsTo(grantsOf(repository), 'hub-team');
  const isExact = settings.access?.value === 'exact';
  if (grants.length === 0 && !isExact) return [];
  if (live !== undefined && !live.teams.ok) return [denied('teams', live.teams.error)];
  const held = live?.teams.ok === true ? live.teams.value : [];
  const base = `/v2/repositories/${namespace}/${name}/groups`;
  const changes = grants.map(({ principal: { id, line }, access }): HubChange => {
    const permission = PERMISSIONS[access];
    const setting = `${access} team ${id}`;
    const found = held.find((each) => String(each.group_name).toLowerCase() === id.toLowerCase());
    const what = `the access of the team ${id} to ${full}`;
    if (found === undefined) {
      const request = { method: 'POST', path: base, json: { permission }, what, team: id } as const;
      return { action: 'create', name: setting, is: null, should: permission, line, request };
    }
    const is = String(found.permission);
    const isEnough = isExact ? is === permission : STRENGTH.indexOf(is) >= STRENGTH.indexOf(permission);
    if (isEnough) return { action: 'equal', name: setting, is, should: permission, line };
    const request = {
      method: 'PATCH',
      path: `${base}/${Number(found.group_id)}/`,
      json: { permission },
      what,
    } as const;
    return { action: 'change', name: setting, is, should: permission, line, request };
  });
  const others = held.filter(
    (each) => !grants.some(({ principal }) => principal.id.toLowerCase() === String(each.group_name).toLowerCase()),
  );
  return [
    ...changes,
    ...others.map((each): HubChange => {
      const team = String(each.group_name);
      const shown = { name: `team ${team}`, is: String(each.permission) };
      if (!isExact) return { action: 'kept-foreign', ...shown };
      const request = {
        method: 'DELETE',
        path: `${base}/${Number(each.group_id)}/`,
        what: `the access of the team ${team} to ${full}`,
      } as const;
      return { action: 'remove', ...shown, should: null, request };
    }),
  ];
}

/** What Docker Hub cannot do for a namespace as a whole. */
export function hubRegistryLacks(desired: DesiredRegistry): readonly Change<never>[] {
  const rows = [
    ['replicate', desired.replicate, 'Docker Hub does not replicate: use `command: mirror`.'],
    ['cache', desired.cache, 'Docker Hub is no cache of other registries.'],
    ['templates', desired.templates, 'Docker Hub has no settings for repositories to come.'],
    ['receive', desired.receive, 'Give the team that pushes here `push`.'],
    ['scanning', desired.scanning, 'Docker Hub scans with Docker Scout.'],
    ['signing', desired.signing, 'Docker Hub does not sign: use `signing` of this action when publishing.'],
    ['webhooks', desired.webhooks, 'Webhooks of Docker Hub are made on its page.'],
    ['quota', desired.quota, 'Docker Hub has no quota.'],
    ['key', desired.newKey, 'Docker Hub has no keys of customers.'],
  ] as const;
  return rows.flatMap(([name, given, reason]) =>
    given === undefined || given.value === null
      ? []
      : [{ action: 'unsupported' as const, name, reason, line: given.line }],
  );
}
