import type { Parsed } from '../parsed.ts';
import { didYouMean, quoted } from '../suggestion.ts';
import { parseYamlFile } from '../yaml-file/parse.ts';
import type { JsonSchema, Report } from '../yaml-file/readers.ts';
import type { Located } from '../yaml-file/tree.ts';
import {
  type Cache,
  type DesiredState,
  type Given,
  type RegistryEntry,
  type RepositoryEntry,
  type RepositorySettings,
  type RetentionFile,
  type Template,
  VENDOR_BLOCKS,
  type VendorBlock,
} from './desired-state.ts';
import {
  desiredStateFields,
  type RawRegistry,
  type RawRepository,
  type RawSettings,
  type RawState,
  type WrittenPrincipal,
} from './desired-state-fields.ts';
import type { Json } from './json.ts';
import { isPrincipal, type Principal, type PrincipalGroup, parsePrincipal } from './principal.ts';

type Groups = ReadonlyMap<string, readonly Principal[]>;
type FileSettings = RepositorySettings<readonly PrincipalGroup[], RetentionFile>;

/**
 * Reads a desired-state file.
 * @param file for messages, which begin with `file:line:column: `
 * @returns what it says, or all problems
 */
export function parseDesiredState(text: string, file: string): Parsed<DesiredState> {
  return parseYamlFile(text, file, {
    empty: 'the file is empty, expected `version`, `registries` and `repositories`',
    fields: desiredStateFields,
    read: readState,
  });
}

/** The schema for editors: what `parseDesiredState` accepts, as far as a schema can say it. */
export function desiredStateSchema(): JsonSchema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Desired state of registries, for registry-action',
    ...desiredStateFields.schema,
  };
}

function readState(raw: RawState, report: Report): DesiredState {
  const who: Groups = new Map(
    [...(raw.who ?? [])].map(([name, { value }]) => [name, value.flatMap((each) => readPrincipal(each, report))]),
  );
  const keys = [...(raw.registries?.keys() ?? [])];
  const addresses = new Map<string, string>();
  for (const [key, { value, at }] of raw.registries ?? []) {
    const same = addresses.get(value.at ?? '');
    if (same !== undefined)
      report(at, `${quoted(key)} and ${quoted(same)} have the same address: one registry has one entry`);
    addresses.set(value.at ?? '', key);
  }
  if (keys.length === 0) report(raw.at, '`registries` is empty: name at least one registry');
  const repositories = (raw.repositories ?? []).flatMap((each) => readRepository(each, who, keys, report));
  reportTwice(repositories, keys, raw, report);
  return {
    version: 1,
    owner: raw.owner ?? 'setup',
    registries: [...(raw.registries ?? [])].map(([key, { value, at }]) => readRegistry(key, value, at, who, report)),
    defaults: readSettings(raw.defaults ?? {}, who, report),
    repositories,
  };
}

/** Two entries with one name for one registry: which of them is meant? */
function reportTwice(
  repositories: readonly RepositoryEntry[],
  keys: readonly string[],
  raw: RawState,
  report: Report,
): void {
  const seen = new Map<string, number>();
  for (const [index, { kind, pattern, on = keys, line }] of repositories.entries()) {
    if (kind === 'match') continue;
    for (const key of on) {
      const id = `${key} ${pattern}`;
      const first = seen.get(id);
      if (first === undefined) seen.set(id, line);
      else
        report(
          raw.repositories?.[index]?.at ?? raw.at,
          `${quoted(pattern)} is named twice for \`${key}\`, first in line ${first}`,
        );
    }
  }
}

function readPrincipal({ text, at }: WrittenPrincipal, report: Report): readonly Principal[] {
  const principal = parsePrincipal(text);
  if (principal.ok) return [{ ...principal.value, line: at.line }];
  for (const problem of principal.problems) report(at, `${quoted(text)}: ${problem}`);
  return [];
}

function readGroups(written: readonly WrittenPrincipal[], who: Groups, report: Report): readonly PrincipalGroup[] {
  return written.flatMap(({ text, at }) => {
    const members = who.get(text);
    if (members !== undefined) return [{ name: text, members, line: at.line }];
    if (isPrincipal(text) || who.size === 0)
      return [{ name: text, members: readPrincipal({ text, at }, report), line: at.line }];
    const names = [...who.keys()];
    report(at, `${quoted(text)} is no name of \`who\` and no principal.${didYouMean(text, names)}`.replace(/\.$/, ''));
    return [];
  });
}

/** The settings that are given, with groups resolved to their members. */
function readSettings(raw: Partial<RawSettings>, who: Groups, report: Report): FileSettings {
  const access = (role: 'pull' | 'push' | 'admin') => {
    const list = raw[role];
    if (list === undefined) return {};
    return { [role]: { ...list, value: list.value === null ? null : readGroups(list.value, who, report) } };
  };
  return {
    ...defined('description', raw.description),
    ...(raw.labels === undefined ? {} : { labels: new Map([...raw.labels].map(([key, { value }]) => [key, value])) }),
    ...defined('visibility', raw.visibility),
    ...defined('immutable', raw.immutable),
    ...defined('scan', raw.scan),
    ...defined('key', raw.key),
    ...defined('retention', raw.retention),
    ...access('pull'),
    ...access('push'),
    ...access('admin'),
    ...defined('access', raw.access),
    ...defined('quota', raw.quota),
    ...defined('webhooks', raw.webhooks),
    accept: raw.accept ?? [],
    own: readBlocks(raw),
  };
}

const defined = <K extends string, T>(key: K, value: T | undefined): { readonly [P in K]?: T } => {
  const none: { readonly [P in K]?: T } = {};
  return value === undefined ? none : { ...none, [key]: value };
};

type RawBlocks = {
  readonly [Name in VendorBlock]?: ReadonlyMap<string, { readonly value: Json; readonly at: Located }>;
};

function readBlocks(raw: RawBlocks): ReadonlyMap<VendorBlock, ReadonlyMap<string, Given<Json>>> {
  return new Map(
    VENDOR_BLOCKS.flatMap((name) => {
      const block = raw[name];
      if (block === undefined) return [];
      return [[name, new Map([...block].map(([key, { value, at }]) => [key, { value, line: at.line }]))] as const];
    }),
  );
}

function readRepository(
  raw: RawRepository,
  who: Groups,
  keys: readonly string[],
  report: Report,
): readonly RepositoryEntry[] {
  const { name, match, on, at } = raw;
  for (const key of on ?? []) {
    if (!keys.includes(key))
      report(
        at,
        `\`on\` names ${quoted(key)}, and \`registries\` has only ${keys.map((each) => `\`${each}\``).join(', ')}.${didYouMean(key, keys)}`,
      );
  }
  const settings = readSettings(raw, who, report);
  if (name !== undefined && match === undefined) return [{ kind: 'name', pattern: name, on, settings, line: at.line }];
  if (match !== undefined && name === undefined)
    return [{ kind: 'match', pattern: match, on, settings, line: at.line }];
  report(
    at,
    'expected `name`, which creates a repository, or `match`, which only selects those that exist: one of them',
  );
  return [];
}

function readRegistry(key: string, raw: RawRegistry, at: Located, who: Groups, report: Report): RegistryEntry {
  const cache = mapGiven(raw.cache, (list) =>
    list.map(
      ({ prefix = '', from = '', secret, user, role, pull = [], at: place }): Cache<readonly PrincipalGroup[]> => ({
        prefix,
        from,
        secret,
        user,
        role,
        pull: readGroups(pull, who, report),
        line: place.line,
      }),
    ),
  );
  const templates = mapGiven(raw.templates, (list) =>
    list.map(
      (each): Template<readonly PrincipalGroup[], RetentionFile> => ({
        prefix: each.prefix ?? '',
        for: each.for ?? [],
        role: each.role,
        settings: readSettings(each, who, report),
        line: each.at.line,
      }),
    ),
  );
  return {
    key,
    at: raw.at ?? '',
    line: at.line,
    ...defined('in', raw.in),
    ...defined('newKey', raw.key),
    ...defined('replicate', raw.replicate),
    ...defined('receive', raw.receive),
    ...defined('cache', cache),
    ...defined('templates', templates),
    ...defined('scanning', raw.scanning),
    ...defined('signing', raw.signing),
    ...defined('webhooks', raw.webhooks),
    ...defined('quota', raw.quota),
    accept: raw.accept ?? [],
    own: readBlocks(raw),
  };
}

function mapGiven<A, B>(from: Given<A | null> | undefined, make: (value: A) => B): Given<B | null> | undefined {
  if (from === undefined) return undefined;
  return { line: from.line, value: from.value === null ? null : make(from.value) };
}
