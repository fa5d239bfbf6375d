import { acrPurgeCommand, compileAcr } from '../../../domain/retention/native/acr.ts';
import { entriesFor } from '../../../domain/retention/repository-match.ts';
import type { DesiredRegistry, DesiredRepository, Given } from '../../../domain/setup/desired-state.ts';
import { type Access, grantsOf, grantsTo } from '../../setup/access.ts';
import { type Change, lacksOf } from '../../setup/change.ts';
import { lacksNoCache, lacksNone } from '../../setup/none.ts';
import { compileRetention } from '../../setup/retention.ts';

/** A repository-scoped token: what it may do, over all repositories of the file. */
interface DesiredToken {
  readonly name: string;
  readonly actions: readonly string[];
  readonly line: number;
}

/** The whole-registry settings that the repositories of the file come to. */
export interface WantedAcr {
  readonly visibility?: Given<'private' | 'public'>;
  readonly tags: ReadonlyMap<string, Given<string | null>>;
  /** Days that untagged manifests stay; null: the policy is switched off. */
  readonly untaggedDays?: Given<number | null>;
  /** Commands of the purge task; empty: the task goes. */
  readonly purge?: Given<readonly string[]>;
  readonly tokens: readonly DesiredToken[];
  readonly roles: readonly { readonly principal: string; readonly access: 'pull' | 'push'; readonly line: number }[];
  /** By repository; empty: the registry. */
  readonly lacks: readonly {
    readonly subject: string;
    readonly accept: readonly string[];
    readonly changes: readonly Change<never>[];
  }[];
}

/** https://learn.microsoft.com/azure/container-registry/container-registry-token-based-repository-permissions */
const ACTIONS: Readonly<Record<Access, readonly string[]>> = {
  pull: ['content/read', 'metadata/read'],
  push: ['content/read', 'content/write', 'metadata/read', 'metadata/write'],
  admin: ['content/delete', 'content/read', 'content/write', 'metadata/read', 'metadata/write'],
};

export function wantedOf(desired: DesiredRegistry): WantedAcr {
  const { repositories, host } = desired;
  const tokens = new Map<string, { readonly actions: Set<string>; readonly line: number }>();
  const roles = new Map<string, WantedAcr['roles'][number]>();
  const tags = new Map<string, Given<string | null>>();
  const general: Change<never>[] = [...lacksNoCache(desired), ...registryLacks(desired)];
  const lacks: WantedAcr['lacks'][number][] = [];
  for (const repository of repositories) {
    const { name, settings } = repository;
    for (const { principal, access } of grantsTo(grantsOf(repository), 'acr-token')) {
      const token = tokens.get(principal.id) ?? { actions: new Set<string>(), line: principal.line };
      for (const action of ACTIONS[access]) token.actions.add(`repositories/${name}/${action}`);
      tokens.set(principal.id, token);
    }
    const changes = [...lacksNone(repository), ...repositoryLacks(repository)];
    for (const { principal, access } of grantsTo(grantsOf(repository), 'entra')) {
      if (access === 'admin') {
        changes.push({
          action: 'unsupported',
          name: 'admin',
          should: principal.id,
          line: principal.line,
          reason: `Azure gives no role that administers one repository: give Contributor on the registry with \`az role assignment create --assignee ${principal.id} --role Contributor --scope <registry>\`.`,
        });
        continue;
      }
      const held = roles.get(principal.id);
      if (held?.access !== 'push') roles.set(principal.id, { principal: principal.id, access, line: principal.line });
    }
    for (const [key, value] of settings.labels ?? []) {
      const other = tags.get(key);
      if (other !== undefined && other.value !== value.value) {
        changes.push({
          action: 'unsupported',
          name: `labels.${key}`,
          should: value.value,
          line: value.line,
          reason: `Tags belong to the registry, and line ${other.line} sets this one to another value.`,
        });
      } else tags.set(key, value);
    }
    if (changes.length > 0) lacks.push({ subject: name, accept: [...desired.accept, ...settings.accept], changes });
  }
  return {
    ...visibilityOf(repositories, general),
    tags,
    ...retentionOf(desired, host, general),
    tokens: [...tokens].map(([name, { actions, line }]) => ({ name, actions: [...actions].toSorted(), line })),
    roles: [...roles.values()],
    lacks: [{ subject: '', accept: desired.accept, changes: general }, ...lacks],
  };
}

/** Anonymous pull is a switch of the whole registry. */
function visibilityOf(
  repositories: readonly DesiredRepository[],
  general: Change<never>[],
): Pick<WantedAcr, 'visibility'> {
  const given = repositories.flatMap(({ settings: { visibility } }) => visibility ?? []);
  const open = given.find(({ value }) => value === 'public');
  const [first] = given;
  if (first === undefined) return {};
  if (open === undefined || given.every(({ value }) => value === 'public')) return { visibility: open ?? first };
  general.push({
    action: 'unsupported',
    name: 'visibility',
    should: 'public',
    line: open.line,
    reason:
      'In Azure all repositories of a registry can be pulled without a login, or none: it stays as it is. Write the same at all of them.',
  });
  return {};
}

function retentionOf(
  desired: DesiredRegistry,
  host: string,
  general: Change<never>[],
): Pick<WantedAcr, 'untaggedDays' | 'purge'> {
  const given = desired.repositories.flatMap(({ name, settings: { retention } }) =>
    retention === undefined ? [] : [{ name, retention }],
  );
  const [first] = given;
  if (first === undefined) return {};
  const { line } = first.retention;
  const commands: string[] = [];
  let days: number | undefined;
  for (const { name, retention } of given) {
    const { value } = retention;
    if (value === null) continue;
    const compiled = compileRetention({ value, line: retention.line }, [`${host}/${name}`], compileAcr);
    general.push(...compiled.problems);
    for (const { document } of compiled.documents) {
      commands.push(...document.purge.map((purge) => acrPurgeCommand(purge, name)));
      if (document.retentionDays === undefined) continue;
      // The policy holds for every repository, also for those that the cleanup policy leaves alone.
      const [own] = entriesFor(value.policy, `${host}/${name}`);
      const [any] = entriesFor(value.policy, `${host}/${PROBE}`);
      if (own === any) days = Math.max(days ?? 0, document.retentionDays);
      else {
        general.push({
          action: 'unsupported',
          name: 'retention.untagged',
          should: `${document.retentionDays} days`,
          line: retention.line,
          reason: `Azure keeps untagged manifests equally long in all repositories of a registry, and ${value.from} has this for some. Write \`match: ${host}/**\`, or run it with \`command: cleanup\`.`,
        });
      }
    }
  }
  const isNone = given.every(({ retention }) => retention.value === null);
  return {
    purge: { value: commands, line },
    ...(days !== undefined
      ? { untaggedDays: { value: days, line } }
      : isNone
        ? { untaggedDays: { value: null, line } }
        : {}),
  };
}

/** A name that no entry means by itself. */
const PROBE = 'any-other/repository-of-this-registry';

const UNSUPPORTED = [
  ['description', 'A repository of Azure has no description.'],
  ['scan', 'Azure scans with Defender for Containers, a plan of the subscription: switch it on there.'],
  [
    'key',
    'Azure encrypts a registry as a whole, and decides that when it is created. Create it with `az acr create --key-encryption-key`.',
  ],
  ['quota', 'Azure has no quota for a repository: the size of a registry goes by its SKU.'],
] as const;

function repositoryLacks({ settings, name }: DesiredRepository): Change<never>[] {
  const lacks = UNSUPPORTED.flatMap(([key, reason]): readonly Change<never>[] => {
    const given = settings[key];
    if (given === undefined || given.value === null || given.value === 'off') return [];
    return [{ action: 'unsupported', name: key, reason, line: given.line }];
  });
  const { immutable } = settings;
  if (immutable !== undefined && immutable.value.mode !== 'off') {
    lacks.push({
      action: 'unsupported',
      name: immutable.value.mode === 'all' ? 'immutable' : `immutable.${immutable.value.mode}`,
      should: 'tags' in immutable.value ? immutable.value.tags : true,
      line: immutable.line,
      reason: `Azure locks tags that exist, not tags to come: lock each after its push with \`az acr repository update --image ${name}:<tag> --write-enabled false\`.`,
    });
  }
  return [...lacks];
}

function registryLacks(desired: DesiredRegistry): readonly Change<never>[] {
  return lacksOf([
    ['templates', desired.templates, 'Azure has no settings for repositories to come.'],
    ['receive', desired.receive, 'Give the identity that pushes here `push`.'],
    ['scanning', desired.scanning, 'Azure scans with Defender for Containers, a plan of the subscription.'],
    ['signing', desired.signing, 'Azure does not sign: use `signing` of this action when publishing.'],
    ['quota', desired.quota, 'The size of a registry goes by its SKU.'],
    [
      'key',
      desired.newKey,
      'Azure encrypts a registry as a whole, when it is created: `az acr create --key-encryption-key`.',
    ],
  ]);
}
