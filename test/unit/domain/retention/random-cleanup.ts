import fc from 'fast-check';
import type { Digest } from '../../../../src/domain/digest.ts';
import { MEDIA_TYPES } from '../../../../src/domain/manifest.ts';
import { DAY, HOUR } from '../../../../src/domain/retention/duration.ts';
import type { InUse, InUseImage } from '../../../../src/domain/retention/in-use.ts';
import type {
  InventoryManifest,
  InventoryTag,
  RepositoryInventory,
} from '../../../../src/domain/retention/inventory.ts';
import { REGISTRY_TRAITS } from '../../../../src/domain/retention/registry-traits.ts';
import { digestOf, NOW } from './scenario.ts';

const REPOSITORY = 'registry.example.com/acme/app';

/** A repository, a policy as its file would say it, and what is in use. */
export interface RandomCleanup {
  readonly inventory: RepositoryInventory;
  /** JSON, which is YAML. */
  readonly policy: string;
  readonly inUse: InUse;
}

const TAG_WORDS = ['v1.0.', 'v1.1.0-rc', 'pr-', 'sha-', 'main-', 'nightly-2026-09-', 'latest', 'x'];
const numbers = Array.from({ length: 40 }, (_, index) => index);
const digests: readonly Digest[] = Array.from({ length: 20_000 }, (_, index) => digestOf(`m${index}`));
const digestAt = (index: number): Digest => digests[index % digests.length] ?? digestOf('none');

const age = fc.oneof({ arbitrary: fc.integer({ min: 0, max: 120 }), weight: 5 }, fc.constant(undefined));
const timeAt = (days: number | undefined) => (days === undefined ? undefined : NOW - days * DAY - HOUR);

const known = <K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } =>
  value === undefined ? {} : ({ [key]: value } as { readonly [P in K]?: V });

/** Any graph: children and subjects point anywhere, so there are cycles, shared parts, nests and holes. */
function manifestsOf(size: number): fc.Arbitrary<readonly InventoryManifest[]> {
  const target = fc.integer({ min: 0, max: size + Math.ceil(size / 4) });
  return fc
    .array(
      fc.record({
        children: fc.oneof({ arbitrary: fc.constant<number[]>([]), weight: 3 }, fc.array(target, { maxLength: 4 })),
        subject: fc.option(target, { nil: undefined, freq: 6 }),
        kind: fc.constantFrom('image', 'image', 'image', 'cache', 'chart', 'other'),
        presence: fc.constantFrom('present', 'present', 'present', 'present', 'unverified', 'missing'),
        age,
        pulled: fc.oneof(age, fc.constant('never' as const)),
        isLocked: fc.integer({ min: 0, max: 15 }),
      }),
      { minLength: 1, maxLength: size, size: 'max' },
    )
    .map((list) =>
      list.map((fields, index): InventoryManifest => {
        const { children, subject, kind, presence, pulled, isLocked } = fields;
        const base: InventoryManifest = {
          digest: digestAt(index),
          mediaType: children.length > 0 ? MEDIA_TYPES.ociIndex : MEDIA_TYPES.ociManifest,
          kind: subject === undefined ? kind : 'referrer',
          presence,
          children: presence === 'missing' ? [] : children.map(digestAt),
          size: 10,
          blobs: [{ digest: `sha256:layer${index % 7}`, size: 100 }],
        };
        return {
          ...base,
          ...known('subject', subject === undefined || presence === 'missing' ? undefined : digestAt(subject)),
          ...known('pushedAt', timeAt(fields.age)),
          ...known('pulledAt', pulled === 'never' ? pulled : timeAt(pulled)),
          ...known('lock', isLocked === 0 ? ({ kind: 'locked', reason: 'locked' } as const) : undefined),
        };
      }),
    );
}

function tagsOf(manifests: readonly InventoryManifest[]): fc.Arbitrary<readonly InventoryTag[]> {
  const tag = fc.record({
    word: fc.constantFrom(...TAG_WORDS),
    number: fc.constantFrom(...numbers),
    at: fc.integer({ min: 0, max: manifests.length - 1 }),
    attached: fc.integer({ min: 0, max: manifests.length }),
    isAttached: fc.integer({ min: 0, max: 7 }),
    age: fc.option(fc.integer({ min: 0, max: 60 }), { nil: undefined, freq: 4 }),
  });
  return fc.array(tag, { maxLength: manifests.length + 3, size: 'max' }).map((list) => {
    const tags = list.map(({ word, number, at, attached, isAttached, age: days }): InventoryTag => {
      const subject = digestAt(attached).replace(':', '-');
      const name =
        isAttached === 0
          ? `${subject}${number % 2 === 0 ? '' : '.sig'}`
          : word === 'latest'
            ? word
            : `${word}${number}`;
      return { name, digest: digestAt(at), ...known('updatedAt', timeAt(days)) };
    });
    return [...new Map(tags.map((each) => [each.name, each])).values()];
  });
}

const days = fc.constantFrom('0d', '7d', '14d', '30d');
const newest = fc.oneof(
  fc.integer({ min: 0, max: 5 }),
  fc.record(
    {
      count: fc.integer({ min: 0, max: 4 }),
      by: fc.constantFrom('pushed', 'semver', 'name', 'tag-date'),
      'group-by': fc.constantFrom('major', 'channel', '/(?<g>[a-z]+)-.*/'),
      'generation-by': fc.constant('/(?<g>[a-z]+)-.*/'),
    },
    { requiredKeys: ['count'] },
  ),
);
const pattern = fc.oneof(
  fc.constantFrom<unknown>('*', 'v*', 'pr-*', 'sha-*', '!latest', 'main-?', '/x\\d+/', '!v1.0.*', 'nightly-*'),
  fc.constantFrom<unknown>({ semver: '*' }, { semver: '>=1.0.5', 'pre-releases': 'include' }),
);
const kinds = fc.constantFrom(['image'], ['any'], ['cache', 'chart']);
const taggedRule = fc.record({
  select: fc.record(
    { tags: fc.array(pattern, { minLength: 1, maxLength: 3 }), kind: kinds },
    { requiredKeys: ['tags'] },
  ),
  keep: fc.option(fc.record({ newest, 'younger-than': days }, { requiredKeys: ['newest'] }), {
    nil: undefined,
    freq: 3,
  }),
  remove: fc.record(
    {
      'older-than': days,
      'not-pulled-for': days,
      'keep-newest': newest,
      'keep-scope': fc.constantFrom('matched', 'removable'),
    },
    { requiredKeys: ['older-than', 'keep-newest'] },
  ),
});
const untaggedRule = fc.record({
  select: fc.record({ tagged: fc.constant(false), kind: kinds }, { requiredKeys: ['tagged'] }),
  remove: fc.record(
    { 'older-than': days, 'keep-newest': fc.integer({ min: 0, max: 3 }) },
    { requiredKeys: ['older-than'] },
  ),
});
const plainRule = fc.record({
  select: fc.record({ tags: fc.array(pattern, { minLength: 1, maxLength: 2 }), kind: fc.constant(['any']) }),
  remove: fc.record({ 'older-than': days }),
});
const policy = fc
  .record({
    rules: fc.array(fc.oneof(taggedRule, untaggedRule, plainRule), { minLength: 1, maxLength: 4 }),
    protect: fc.option(fc.record({ tags: fc.array(pattern, { maxLength: 1 }), locked: fc.boolean() }), {
      nil: undefined,
    }),
    defaults: fc.record(
      {
        'min-age': fc.constantFrom('0h', '24h'),
        'multi-tag': fc.constantFrom('untag', 'require-all', 'any'),
        referrers: fc.constant({ orphans: { 'older-than': '7d' } }),
        'broken-index': fc.constantFrom(['remove-ghost'], ['remove-partial', 'remove-ghost']),
        'never-pulled': fc.constantFrom('as-pushed', 'oldest', 'keep'),
      },
      { requiredKeys: [] },
    ),
    limits: fc.constantFrom<unknown>('off', 'off', { tagged: 'off', max: 'off' }),
  })
  .map(({ limits, defaults, ...rest }) => JSON.stringify({ ...rest, defaults: { ...defaults, limits } }));

/** @param size manifests at most */
export function randomCleanup(size: number): fc.Arbitrary<RandomCleanup> {
  const vendor = fc.constantFrom(...Object.values(REGISTRY_TRAITS).filter(({ listsUntagged }) => listsUntagged));
  const use = fc.array(
    fc.record({ at: fc.integer({ min: 0, max: size }), byTag: fc.boolean(), number: fc.constantFrom(...numbers) }),
    {
      maxLength: 3,
    },
  );
  return manifestsOf(size).chain((manifests) =>
    fc
      .record({ tags: tagsOf(manifests), policy, use, traits: vendor })
      .map(({ tags, policy: text, use: used, traits }) => {
        const images = used.map(({ at, byTag, number }): InUseImage => {
          const source = { kind: 'list', where: 'a list' } as const;
          const tag = tags[at % Math.max(1, tags.length)]?.name ?? `x${number}`;
          return { repository: REPOSITORY, source, ...(byTag ? { tag } : { digest: digestAt(at) }) };
        });
        return {
          inventory: { repository: REPOSITORY, readAt: NOW, traits, tags, manifests, gaps: [] },
          policy: text,
          inUse: { images, unreadable: [] },
        };
      }),
  );
}
