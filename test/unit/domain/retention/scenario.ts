import { createHash } from 'node:crypto';
import { parse } from 'yaml';
import type { Digest } from '../../../../src/domain/digest.ts';
import { fieldsOf, isFields } from '../../../../src/domain/fields.ts';
import { MEDIA_TYPES } from '../../../../src/domain/manifest.ts';
import { parseDuration } from '../../../../src/domain/retention/duration.ts';
import type { SourceRefs } from '../../../../src/domain/retention/gone.ts';
import type { InUse, InUseImage } from '../../../../src/domain/retention/in-use.ts';
import type {
  InventoryManifest,
  InventoryTag,
  Lock,
  RepositoryInventory,
} from '../../../../src/domain/retention/inventory.ts';
import { type ArtifactKind, RULE_KINDS } from '../../../../src/domain/retention/kind.ts';
import { registryTraits } from '../../../../src/domain/retention/registry-traits.ts';

/** The day of all scenarios. */
export const NOW = Date.UTC(2026, 10, 28);

export interface Scenario {
  readonly inventories: readonly RepositoryInventory[];
  readonly inUse: InUse;
  readonly refs: SourceRefs;
  /** The short name of a digest. */
  readonly nameOf: (digest: string) => string;
}

export function digestOf(name: string): Digest {
  return `sha256:${createHash('sha256').update(name).digest('hex')}`;
}

/** The digest of a text in pieces. */
export const hashParts = (parts: Iterable<string>): Digest => digestOf([...parts].join(''));

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** `20d` and `5m` before now; absent when unknown. */
function timeOf(value: unknown): number | undefined {
  const text = textOf(value);
  if (text === undefined || text === 'unknown') return undefined;
  const minutes = /^(\d+)min$/.exec(text)?.[1];
  if (minutes !== undefined) return NOW - Number(minutes) * 60_000;
  const duration = parseDuration(text);
  if (!duration.ok) throw new Error(duration.problems.join());
  return NOW - duration.value;
}

const pulledOf = (value: unknown): number | 'never' | undefined => (value === 'never' ? 'never' : timeOf(value));
const lockOf = (value: unknown): Lock | undefined => {
  const kind = (['locked', 'immutable', 'protected', 'downloads'] as const).find((known) => known === value);
  return kind === undefined ? undefined : { kind, reason: `${kind} by the registry` };
};

const present = <K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } =>
  value === undefined ? {} : ({ [key]: value } as { readonly [P in K]?: V });

/**
 * Reads the short form of a scenario's inventory. Manifests have names instead of digests, and `{X}` in a tag is the hex of X.
 * Children that are not described are images of the same age without tags.
 */
export function readScenario(text: string): Scenario {
  const top = fieldsOf(parse(text));
  const names = new Map<string, string>();
  const digest = (name: string) => {
    const found = name.startsWith('sha256:') ? (name as Digest) : digestOf(name);
    names.set(found, name);
    return found;
  };
  const tagName = (tag: unknown) => String(tag).replaceAll(/\{(\w+)\}/g, (_, name: string) => digest(name).slice(7));

  const inventories = Object.entries(fieldsOf(top.repositories)).map(([repository, value]): RepositoryInventory => {
    const { manifests: described, vendor = 'ghcr', gaps } = fieldsOf(value);
    const manifests = new Map<string, InventoryManifest>();
    const tags: InventoryTag[] = [];
    const entries = expand(fieldsOf(described));
    for (const [name, given] of entries) {
      const fields = fieldsOf(given);
      const children = listOf(fields.children).map(String);
      const kind = ([...RULE_KINDS, 'referrer'] as const satisfies readonly ArtifactKind[]).find(
        (known) => known === (fields.kind ?? (fields.subject === undefined ? 'image' : 'referrer')),
      );
      const presence = (['present', 'unverified', 'missing'] as const).find((known) => known === fields.presence);
      const layers = isFields(fields.layers) ? fields.layers : undefined;
      manifests.set(name, {
        digest: digest(name),
        mediaType: children.length > 0 ? MEDIA_TYPES.ociIndex : MEDIA_TYPES.ociManifest,
        kind: kind ?? 'other',
        presence: presence ?? 'present',
        children: children.map(digest),
        ...present('subject', fields.subject === undefined ? undefined : digest(String(fields.subject))),
        ...present('pushedAt', timeOf(fields.age)),
        ...present('createdAt', timeOf(fields.created)),
        ...present('updatedAt', timeOf(fields.updated)),
        ...present('untaggedAt', timeOf(fields.untagged)),
        ...present('pulledAt', pulledOf(fields.pulled)),
        ...present('lock', lockOf(fields.lock)),
        ...present('size', typeof fields.size === 'number' ? fields.size : undefined),
        ...present(
          'blobs',
          layers && Object.entries(layers).map(([blob, size]) => ({ digest: digestOf(blob), size: Number(size) })),
        ),
      });
      for (const tag of listOf(fields.tags)) {
        const own = fieldsOf(tag);
        tags.push({
          name: tagName(isFields(tag) ? own.name : tag),
          digest: digest(name),
          ...present('updatedAt', timeOf(own.age)),
          ...present('pulledAt', pulledOf(own.pulled)),
          ...present('lock', lockOf(own.lock)),
        });
      }
    }
    for (const [, given] of entries) {
      for (const name of listOf(fieldsOf(given).children).map(String)) {
        if (manifests.has(name)) continue;
        manifests.set(name, {
          digest: digest(name),
          mediaType: MEDIA_TYPES.ociManifest,
          kind: 'image',
          presence: 'present',
          children: [],
          ...present('pushedAt', timeOf(fieldsOf(given).age)),
        });
      }
    }
    return {
      repository,
      readAt: NOW,
      traits: registryTraits(String(vendor)),
      tags,
      manifests: [...manifests.values()],
      gaps: listOf(gaps).map((reason) => ({ what: 'manifests', subject: 'page 2', reason: String(reason) })),
    };
  });
  const [first] = inventories;
  const inUse = listOf(top['in-use']).map((value): InUseImage => {
    const { repository = first?.repository, tag, digest: of, where = 'a list' } = fieldsOf(value);
    return {
      repository: String(repository),
      ...present('tag', textOf(tag)),
      ...present('digest', of === undefined ? undefined : digest(String(of))),
      source: { kind: 'list', where: String(where) },
    };
  });
  const unreadable = listOf(top['in-use-unreadable']).map((reason) => ({
    source: { kind: 'github-deployments' as const, where: 'GitHub deployments' },
    reason: String(reason),
  }));
  return {
    inventories,
    inUse: { images: inUse, unreadable },
    refs: refsOf(fieldsOf(top.refs)),
    nameOf: (known) => names.get(known) ?? known,
  };
}

/** `v1..v20: {tags: [v#], age: 20d..1d}` stands for twenty manifests, from the oldest to the newest. */
function expand(described: Readonly<Record<string, unknown>>): readonly (readonly [string, unknown])[] {
  return Object.entries(described).flatMap(([name, value]): (readonly [string, unknown])[] => {
    const [, word = '', from, to] = /^([a-zA-Z-]*)(\d+)\.\.(\d+)$/.exec(name) ?? [];
    if (from === undefined || to === undefined) return [[name, value]];
    const fields = fieldsOf(value);
    const [start = '', end = start] = String(fields.age).split('..');
    const [oldest, newest] = [Number.parseInt(start, 10), Number.parseInt(end, 10)];
    const count = Number(to) - Number(from) + 1;
    return Array.from({ length: count }, (_, index) => {
      const number = Number(from) + index;
      const age = Math.round(oldest + ((newest - oldest) * index) / Math.max(1, count - 1));
      const numbered = JSON.parse(JSON.stringify(fields).replaceAll('#', String(number)));
      return [`${word}${number}`, { ...numbered, age: `${age}d` }];
    });
  });
}

function refsOf({
  branches,
  'git-tags': gitTags,
  'pull-requests': pulls,
}: Readonly<Record<string, unknown>>): SourceRefs {
  const names = (value: unknown) =>
    value === undefined ? undefined : typeof value === 'string' ? { unreadable: value } : listOf(value).map(String);
  return {
    ...present('branches', names(branches)),
    ...present('gitTags', names(gitTags)),
    ...present(
      'pullRequests',
      isFields(pulls)
        ? new Map(
            Object.entries(pulls).map(([number, state]) => [
              Number(number),
              state === 'open' ? { isOpen: true } : { isOpen: false, ...present('closedAt', timeOf(state)) },
            ]),
          )
        : undefined,
    ),
  };
}
