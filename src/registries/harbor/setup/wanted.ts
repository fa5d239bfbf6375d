import { compileHarbor, type HarborRule } from '../../../domain/retention/native/harbor.ts';
import { cacheRepository } from '../../../domain/setup/cache.ts';
import type { DesiredRegistry, DesiredRepository, Immutability, Webhook } from '../../../domain/setup/desired-state.ts';
import { grantsOf, grantsTo } from '../../setup/access.ts';
import type { Change } from '../../setup/change.ts';
import { lacksNoCache, lacksNone } from '../../setup/none.ts';
import { compileRetention } from '../../setup/retention.ts';
import {
  type DesiredEndpoint,
  type DesiredProject,
  type DesiredReplication,
  endpointOf,
  type TagSelection,
} from './desired.ts';
import { ownEndpoints, ownSwitches, robotDays } from './own-fields.ts';
import { asGlob } from './rules.ts';

/** The file in the words of Harbor, with what Harbor cannot do. */
export interface Wanted {
  readonly endpoints: readonly DesiredEndpoint[];
  readonly caches: readonly DesiredProject[];
  readonly projects: readonly { readonly project: DesiredProject; readonly lacks: readonly Change<never>[] }[];
  readonly replications: readonly DesiredReplication[];
  readonly lacks: readonly Change<never>[];
}

/** Harbor retains once a day, at night. Six fields, seconds first. */
const CRON = '0 0 2 * * *';

export function wantedOf(desired: DesiredRegistry): Wanted {
  const named = ownEndpoints(desired);
  const caches = (desired.cache?.value ?? []).map((cache) => {
    const endpoint = {
      ...endpointOf(cache.from, `cache-${cache.prefix}`),
      ...(cache.secret === undefined
        ? {}
        : { credential: { user: cache.user ?? '', secret: cache.secret.replace(/^env:/, '') } }),
    };
    const pullers = cache.pull.map((principal) => ({ principal, access: 'pull' as const }));
    const project: DesiredProject = {
      ...EMPTY,
      name: cacheRepository(cache),
      creates: true,
      proxyOf: endpoint,
      ...accessOf(pullers, undefined),
      line: cache.line,
    };
    return { endpoint, project };
  });
  const replications = (desired.replicate?.value ?? []).flatMap(({ to, only, copiesExisting, deletes, line }) =>
    to.map((target): DesiredReplication => {
      const endpoint = named.get(target) ?? { name: target };
      return {
        name: `${desired.owner}-${target.replace(/[^A-Za-z0-9_-]+/g, '-')}`,
        to: endpoint,
        only: only.length === 0 ? ['**'] : only.map((prefix) => `${prefix}**`),
        copiesExisting,
        ...(deletes === undefined ? {} : { deletes }),
        line,
      };
    }),
  );
  return {
    endpoints: [...named.values(), ...caches.map(({ endpoint }) => endpoint)],
    caches: caches.map(({ project }) => project),
    projects: desired.repositories.map((repository) => projectOf(repository, desired)),
    replications,
    lacks: [...registryLacks(desired), ...lacksNoCache(desired)],
  };
}

const EMPTY = { repositories: ['**'], metadata: {}, members: [], robots: [], webhooks: [] } as const;

function projectOf(repository: DesiredRepository, { host }: DesiredRegistry): Wanted['projects'][number] {
  const { name, members, creates, settings, line } = repository;
  const inside = members.flatMap((each) => (each.startsWith(`${name}/`) ? each.slice(name.length + 1) : []));
  const repositories = inside.length === 0 ? ['**'] : inside.toSorted();
  const lacks: Change<never>[] = [...lacksNone(repository)];
  const metadata: Record<string, string> = { ...ownSwitches(settings) };
  if (settings.visibility !== undefined) metadata.public = String(settings.visibility.value === 'public');
  if (settings.scan !== undefined) metadata.auto_scan = String(settings.scan.value !== 'off');
  if (settings.scan?.value === 'continuous') {
    lacks.push({
      action: 'unsupported',
      name: 'scan',
      should: 'continuous',
      line: settings.scan.line,
      reason:
        'Harbor scans at the push, and again by a schedule of the whole Harbor (Administration → Interrogation Services). The project is set to scan at the push.',
    });
  }
  let retention: DesiredProject['retention'];
  if (settings.retention?.value === null) retention = 'none';
  else if (settings.retention !== undefined) {
    const { value, line: at } = settings.retention;
    const full = repositories.map((each) => `${host}/${name}/${each}`);
    const compiled = compileRetention({ value, line: at }, full, (policy, own, group) => {
      const names = group.map((each) => each.slice(`${host}/${name}/`.length));
      const together = compileHarbor(policy, own, asGlob(names));
      const single = names.flatMap((each) => compileHarbor(policy, own, each).document?.rules ?? []);
      return { rules: together.rules, document: { together: together.document?.rules ?? [], single } };
    });
    lacks.push(...compiled.problems);
    const rules: readonly HarborRule[] = compiled.documents.flatMap(({ document }) => document.single);
    const fewer = compiled.documents.flatMap(({ document }) => document.together);
    if (fewer.length > 0) retention = { rules, fewer, cron: CRON };
  }
  lacks.push(
    ...UNSUPPORTED.flatMap(([key, reason]): readonly Change<never>[] => {
      const given = settings[key];
      if (given === undefined || (!(given instanceof Map) && 'value' in given && given.value === null)) return [];
      const at = 'line' in given ? given.line : line;
      return [{ action: 'unsupported', name: key, reason, line: at }];
    }),
  );
  const project: DesiredProject = {
    name,
    creates,
    repositories,
    metadata,
    ...(settings.quota === undefined ? {} : { storageLimit: settings.quota.value ?? -1 }),
    ...(settings.immutable === undefined ? {} : { immutable: tagsOf(settings.immutable.value) }),
    ...(retention === undefined ? {} : { retention }),
    ...accessOf(grantsOf(repository), settings.access?.value, robotDays(settings)),
    webhooks: (settings.webhooks?.value ?? []).map(webhookOf),
    line,
  };
  return { project, lacks };
}

const UNSUPPORTED = [
  [
    'description',
    'A Harbor project has no description. Write it into the image (`org.opencontainers.image.description`).',
  ],
  ['labels', 'Labels of Harbor are for images, not for projects.'],
  ['key', 'Harbor does not encrypt by project: encrypt its storage.'],
] as const;

function registryLacks(desired: DesiredRegistry): readonly Change<never>[] {
  const rows = [
    ['scanning', desired.scanning, 'The scanner is chosen in Harbor: Administration → Interrogation Services.'],
    ['signing', desired.signing, 'Harbor does not sign: use `signing` of this action when publishing.'],
    ['templates', desired.templates, 'Harbor has no settings for projects to come: name the projects in the file.'],
    ['receive', desired.receive, 'The other Harbor pushes here with a user or robot account: give it `push`.'],
    ['webhooks', desired.webhooks, 'Webhooks of Harbor belong to projects: write them at repositories.'],
    ['quota', desired.quota, 'Quotas of Harbor belong to projects: write `quota` at repositories.'],
  ] as const;
  return rows.flatMap(([name, given, reason]) =>
    given === undefined ? [] : [{ action: 'unsupported' as const, name, reason, line: given.line }],
  );
}

function tagsOf(immutability: Immutability): 'none' | TagSelection {
  switch (immutability.mode) {
    case 'off':
      return 'none';
    case 'all':
      return { decoration: 'matches', tags: ['**'] };
    case 'only':
      return { decoration: 'matches', tags: immutability.tags };
    case 'except':
      return { decoration: 'excludes', tags: immutability.tags };
  }
}

function accessOf(
  grants: ReturnType<typeof grantsOf>,
  access: 'add' | 'exact' | undefined,
  days: ReadonlyMap<string, number> = new Map(),
): Pick<DesiredProject, 'members' | 'robots' | 'exactAccess'> {
  return {
    members: grantsTo(grants, 'harbor-user', 'harbor-group').map(({ principal, access: level }) => ({
      kind: principal.kind === 'harbor-user' ? 'user' : 'group',
      name: principal.id,
      access: level,
      line: principal.line,
    })),
    robots: grantsTo(grants, 'harbor-robot').map(({ principal, access: level }) => {
      const own = days.get(principal.id);
      return { name: principal.id, access: level, line: principal.line, ...(own === undefined ? {} : { days: own }) };
    }),
    ...(access === 'exact' ? { exactAccess: true } : {}),
  };
}

/** https://goharbor.io/docs/latest/working-with-projects/project-configuration/configure-webhooks/ */
const EVENTS = {
  push: ['PUSH_ARTIFACT'],
  pull: ['PULL_ARTIFACT'],
  delete: ['DELETE_ARTIFACT'],
  scan: ['SCANNING_COMPLETED', 'SCANNING_FAILED'],
  quarantine: [],
  quota: ['QUOTA_EXCEED', 'QUOTA_WARNING'],
  replication: ['REPLICATION'],
} as const satisfies Record<Webhook['on'][number], readonly string[]>;

function webhookOf({ name, url, on, secret, line }: Webhook): DesiredProject['webhooks'][number] {
  return {
    name,
    address: url,
    events: on.flatMap((event) => EVENTS[event]).toSorted(),
    ...(secret === undefined ? {} : { secret }),
    line,
  };
}
