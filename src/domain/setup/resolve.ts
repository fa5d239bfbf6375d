import { RE2JS } from 're2js';
import { canonicalJson } from '../canonical-json.ts';
import { globToRegex } from '../patterns/glob.ts';
import type { CleanupPolicy } from '../retention/policy.ts';
import { quoted } from '../suggestion.ts';
import type {
  DesiredRegistry,
  DesiredRepository,
  DesiredState,
  RegistryEntry,
  RepositoryEntry,
  VendorBlock,
} from './desired-state.ts';
import { mergeSettings } from './merge-settings.ts';
import type { PrincipalKind } from './principal.ts';
import { groupsToPrincipals } from './resolve-access.ts';
import type { Mistake } from './setting.ts';
import { withoutLines } from './without-lines.ts';

/** What has to be known of a vendor to resolve the file for one of its registries. */
export interface VendorTraits {
  readonly block: VendorBlock | undefined;
  readonly unitOf: (repository: string, namespace: string) => string;
  readonly principals: readonly PrincipalKind[];
}

export interface Resolved {
  readonly desired: DesiredRegistry;
  readonly mistakes: readonly Mistake[];
}

type FileSettings = RepositoryEntry['settings'];
interface Member {
  readonly name: string;
  readonly isNamed: boolean;
  readonly line: number;
  readonly settings: FileSettings;
}

/**
 * What the file says about one registry: defaults, then each `match` in the order of the file, then the `name`; later and more exact
 * wins. Pure.
 * @param live names of what exists
 * @param policies cleanup policies that the file refers to, by path
 */
export function resolveRegistry(
  state: DesiredState,
  entry: RegistryEntry,
  traits: VendorTraits,
  live: readonly string[],
  policies: ReadonlyMap<string, CleanupPolicy>,
): Resolved {
  const mistakes: Mistake[] = [];
  const [host = '', ...path] = entry.at.split('/');
  const namespace = path.join('/');
  const own = state.repositories.filter(({ on }) => on === undefined || on.includes(entry.key));
  const unitOf = (name: string) => traits.unitOf(name, namespace);
  const context = { key: entry.key, traits, policies, mistakes };

  const units = new Map<string, Member[]>();
  for (const { kind, pattern, line, settings } of own) {
    if (kind !== 'name') continue;
    const unit = unitOf(pattern);
    const member = { name: pattern, isNamed: true, line, settings: effective(state, own, pattern, settings) };
    units.set(unit, [...(units.get(unit) ?? []), member]);
  }
  const unlisted: string[] = [];
  for (const unit of live) {
    if (units.has(unit)) continue;
    const matching = own.filter((each) => each.kind === 'match' && selects(unitOf(each.pattern), unit));
    const last = matching.at(-1);
    if (last === undefined) unlisted.push(unit);
    else {
      const settings = matching.reduce((before, each) => mergeSettings(before, each.settings), state.defaults);
      units.set(unit, [{ name: unit, isNamed: false, line: last.line, settings }]);
    }
  }
  const repositories = [...units].map(([name, members]): DesiredRepository => {
    mistakes.push(...disagreements(name, members));
    const [first] = members;
    const settings = first?.settings ?? state.defaults;
    return {
      name,
      members: members.map((each) => each.name),
      creates: members.some(({ isNamed }) => isNamed),
      line: first?.line ?? entry.line,
      settings: groupsToPrincipals(
        { ...settings, accept: [...new Set([...settings.accept, ...entry.accept])] },
        context,
      ),
    };
  });
  for (const [block, fields] of entry.own) {
    if (block === traits.block) continue;
    const [line = entry.line] = [...fields.values()].map((each) => each.line);
    mistakes.push({ severity: 'error', line, message: `\`${block}\` has no meaning for ${quoted(entry.at)}` });
  }
  const { cache, templates, ...others } = entry;
  const desired: DesiredRegistry = {
    ...others,
    host,
    namespace,
    owner: state.owner,
    repositories,
    unlisted,
    ...(cache === undefined
      ? {}
      : {
          cache: {
            ...cache,
            value:
              cache.value?.map((each) => ({
                ...each,
                pull:
                  groupsToPrincipals(
                    { accept: [], own: new Map(), pull: { value: each.pull, line: each.line } },
                    context,
                  ).pull?.value ?? [],
              })) ?? null,
          },
        }),
    ...(templates === undefined
      ? {}
      : {
          templates: {
            ...templates,
            value:
              templates.value?.map((each) => ({ ...each, settings: groupsToPrincipals(each.settings, context) })) ??
              null,
          },
        }),
  };
  return { desired, mistakes };
}

function effective(
  { defaults }: DesiredState,
  own: readonly RepositoryEntry[],
  name: string,
  settings: FileSettings,
): FileSettings {
  const matching = own.filter(({ kind, pattern }) => kind === 'match' && selects(pattern, name));
  return mergeSettings(
    matching.reduce((before, each) => mergeSettings(before, each.settings), defaults),
    settings,
  );
}

const COMPILED = new Map<string, RE2JS>();

/** Whether a glob names a repository. The reader has refused what is no glob. */
export function selects(pattern: string, name: string): boolean {
  const source = globToRegex(pattern);
  if (!source.ok) return false;
  const regex = COMPILED.get(pattern) ?? RE2JS.compile(source.value);
  COMPILED.set(pattern, regex);
  return regex.testExact(name);
}

/** Two repositories in one project that want different settings of it. */
function disagreements(unit: string, members: readonly Member[]): readonly Mistake[] {
  const [first, ...others] = members;
  if (first === undefined) return [];
  return others.flatMap((other) => {
    const names = new Set([...Object.keys(first.settings), ...Object.keys(other.settings)]);
    const differing = [...names].filter(
      (name) => plain(Reflect.get(first.settings, name)) !== plain(Reflect.get(other.settings, name)),
    );
    if (differing.length === 0) return [];
    return [
      {
        severity: 'error',
        line: other.line,
        message: `${quoted(first.name)} (line ${first.line}) and ${quoted(other.name)} are both in ${quoted(unit)}, which has one setting for all, and they differ in ${differing.map((name) => `\`${name}\``).join(', ')}`,
      } as const,
    ];
  });
}

const plain = (value: unknown) => canonicalJson(withoutLines(value));
