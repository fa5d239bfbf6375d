import { RE2JS } from 're2js';
import { isCatchAll } from '../../patterns/tag-pattern.ts';
import { DAY, HOUR } from '../duration.ts';
import type { Instant } from '../inventory.ts';
import { type CleanupPolicy, DEFAULT_PROTECTION, type RepositoryPolicy } from '../policy.ts';
import * as native from './native.ts';

/** https://zotregistry.dev/latest/articles/retention/ */
export interface ZotRetention {
  readonly delay: string;
  readonly policies: readonly ZotPolicy[];
}

interface ZotPolicy {
  readonly repositories: readonly string[];
  readonly deleteReferrers: boolean;
  readonly deleteUntagged: boolean;
  readonly keepTags?: readonly ZotKeepTags[];
}

interface ZotKeepTags {
  readonly patterns: readonly string[];
  readonly mostRecentlyPushedCount?: number;
  readonly mostRecentlyPulledCount?: number;
  readonly pushedWithin?: string;
  readonly pulledWithin?: string;
}

/**
 * Compiles an entry. zot removes every tag that no entry keeps, and its patterns cannot say "all others": so only one rule about
 * every tag can be expressed, and one about untagged manifests.
 */
export function compileZot(
  policy: CleanupPolicy,
  own: RepositoryPolicy,
  repositories: readonly string[],
): native.NativePolicy<ZotRetention> {
  const shields = [
    ...native.protectedTags(policy, own),
    ...own.rules.flatMap(({ select }) => select.tags.filter(({ negated }) => negated)),
    ...(policy.protect.tags === undefined ? DEFAULT_PROTECTION : []),
  ];
  const sources = shields.map(native.patternRegex);
  const general = [
    ...native.entryBlockers(policy, own, own.basis),
    // zot does not tell when something was pushed. That is never before it was built: counting from the push keeps longer.
    ...(own.basis === 'created' ? [] : ['zot reports only build times to this action: write `basis: created`']),
    ...(sources.includes(undefined) ? ['a range of versions other than `*` has no regular expression'] : []),
  ];
  const taggedRules = own.rules.filter(({ select }) => select.tagged);
  const keepTags: ZotKeepTags[] = [];
  let untagged: number | undefined;
  const rules = own.rules.map((rule): native.NativeRule => {
    const { select, remove } = rule;
    const isEverything = select.tags.every((pattern) => pattern.negated || isCatchAll(pattern));
    const blockers = [
      ...general,
      ...native.ruleBlockers(rule),
      ...(select.tagged && !isEverything ? ['zot removes every tag that is not kept, so only a rule on `*` fits'] : []),
      ...(select.tagged && taggedRules.length > 1 ? ['zot takes one rule for tags'] : []),
      ...(select.tagged && own.multiTag === 'require-all'
        ? ['zot removes each tag by itself: write `multi-tag: untag`']
        : []),
      ...(!select.tagged && remove?.since === 'untagged' ? ['zot counts from the push: write `since: pushed`'] : []),
    ];
    if (blockers.length > 0) return native.impossible(rule, blockers);
    const hours = Math.ceil(native.dueAge(rule, own) / HOUR);
    if (!select.tagged) {
      untagged = Math.max(untagged ?? 0, hours);
      return { rule: rule.name, fit: 'narrower', reason: 'zot spares whatever an index lists or has a subject' };
    }
    const patterns = sources.filter((source) => source !== undefined).map((source) => `^${source}$`);
    if (patterns.length > 0) keepTags.push({ patterns });
    keepTags.push({ patterns: ['.*'], pushedWithin: `${hours}h` });
    return { rule: rule.name, fit: 'narrower', reason: 'zot keeps a tag of which it has no statistics' };
  });
  if (keepTags.length === 0 && untagged === undefined) return { rules };
  return {
    document: {
      delay: `${untagged ?? Math.ceil(own.minAge / HOUR)}h`,
      policies: [
        {
          repositories,
          deleteReferrers: false,
          deleteUntagged: untagged !== undefined,
          ...(keepTags.length === 0 ? {} : { keepTags }),
        },
      ],
    },
    rules,
  };
}

/**
 * What the first policy would remove. A tag belongs to the first entry whose pattern matches, is kept by any of its conditions,
 * and always by an entry without conditions. `pulledWithin` also keeps what was pushed in that time.
 */
export function evaluateZot(
  { delay, policies }: ZotRetention,
  images: readonly native.NativeImage[],
  now: Instant,
): native.NativeOutcome {
  const [policy] = policies;
  const tags = new Set<string>();
  const digests = new Set<string>();
  const entries =
    policy?.keepTags?.map((entry) => ({ entry, tests: entry.patterns.map((source) => RE2JS.compile(source)) })) ?? [];
  const all = images.flatMap((image) => image.tags.map((tag) => ({ image, tag })));
  const owner = (tag: string) => entries.find(({ tests }) => tests.some((test) => test.testExact(tag)))?.entry;
  for (const { image, tag } of entries.length === 0 ? [] : all) {
    const entry = owner(tag);
    const others = all.filter((other) => owner(other.tag) === entry);
    if (entry === undefined || !keeps(entry, { image, tag }, others, now)) tags.add(tag);
  }
  for (const { digest, tags: own, pushedAt, isChild } of images) {
    const isUntagged = own.length === 0 && policy?.deleteUntagged === true;
    if (isUntagged && isChild !== true && now - pushedAt > zotDuration(delay)) digests.add(digest);
    if (own.length > 0 && isChild !== true && own.every((tag) => tags.has(tag))) digests.add(digest);
  }
  return { digests, tags };
}

interface TaggedImage {
  readonly image: native.NativeImage;
  readonly tag: string;
}

function keeps(entry: ZotKeepTags, { image, tag }: TaggedImage, others: readonly TaggedImage[], now: Instant): boolean {
  const { pushedWithin, pulledWithin, mostRecentlyPushedCount, mostRecentlyPulledCount } = entry;
  const conditions = [pushedWithin, pulledWithin, mostRecentlyPushedCount, mostRecentlyPulledCount];
  if (conditions.every((condition) => condition === undefined)) return true;
  const within = (time: Instant | undefined, duration: string | undefined) =>
    duration !== undefined && time !== undefined && now - time <= zotDuration(duration);
  const among = (timeOf: (image: native.NativeImage) => Instant, count = 0) =>
    others
      .toSorted((a, b) => timeOf(b.image) - timeOf(a.image))
      .slice(0, count)
      .some((other) => other.tag === tag);
  return (
    within(image.pushedAt, pushedWithin) ||
    within(image.pulledAt, pulledWithin) ||
    within(image.pushedAt, pulledWithin) ||
    among(({ pushedAt }) => pushedAt, mostRecentlyPushedCount) ||
    among(({ pulledAt }) => pulledAt ?? 0, mostRecentlyPulledCount)
  );
}

function zotDuration(text: string): number {
  const [, count = '', unit = ''] = /^(\d+)([hd])$/.exec(text) ?? [];
  return Number(count || Number.NaN) * (unit === 'd' ? DAY : HOUR);
}
