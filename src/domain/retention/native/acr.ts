import { RE2JS } from 're2js';
import { isCatchAll, type TagPattern } from '../../patterns/tag-pattern.ts';
import { DAY, HOUR } from '../duration.ts';
import type { Instant } from '../inventory.ts';
import { type CleanupPolicy, DEFAULT_PROTECTION, type RepositoryPolicy } from '../policy.ts';
import * as native from './native.ts';

/** Commands of a purge task, and the registry's retention policy for untagged manifests (Premium). */
export interface AcrRetention {
  readonly purge: readonly AcrPurge[];
  /** Days since a manifest lost its last tag. */
  readonly retentionDays?: number;
}

/** One `acr purge`; regular expressions of regexp2, which has look-ahead. https://github.com/Azure/acr-cli */
export interface AcrPurge {
  /** Of whole tags; absent with `untaggedOnly`. */
  readonly allowed?: string;
  readonly protected?: string;
  /** Hours. */
  readonly ago: number;
  /** The newest of the tags that would go, which stay. This action writes none: it counts images, and young ones as well. */
  readonly keep?: number;
  readonly untaggedOnly: boolean;
}

const MAX_RETENTION_DAYS = 365;

/** Compiles an entry to purge commands, which only remove tags, and to the retention of untagged manifests. */
export function compileAcr(policy: CleanupPolicy, own: RepositoryPolicy): native.NativePolicy<AcrRetention> {
  const shielding = native.protectedTags(policy, own);
  const general = [
    ...native.entryBlockers(policy, own, 'pushed'),
    ...(shielding.some((pattern) => native.patternRegex(pattern) === undefined)
      ? ['a range of versions other than `*` has no regular expression']
      : []),
  ];
  const purge: AcrPurge[] = [];
  let retentionDays: number | undefined;
  const rules = own.rules.map((rule): native.NativeRule => {
    const { select, remove } = rule;
    const blockers = [
      ...general,
      ...native.ruleBlockers(rule),
      ...(select.tagged && own.multiTag === 'require-all'
        ? ['acr purge removes each tag by itself: write `multi-tag: untag`']
        : []),
      ...(select.tags.some((pattern) => native.patternRegex(pattern) === undefined)
        ? ['a range of versions other than `*` has no regular expression']
        : []),
    ];
    if (blockers.length > 0) return native.impossible(rule, blockers);
    const age = native.dueAge(rule, own);
    if (!select.tagged && remove?.since === 'untagged') {
      if (native.wholeDays(age) > MAX_RETENTION_DAYS)
        return native.impossible(rule, ['the retention policy takes up to 365 days']);
      retentionDays = Math.max(retentionDays ?? 0, native.wholeDays(age));
      return {
        rule: rule.name,
        fit: 'narrower',
        reason: 'the retention policy takes only Docker manifests that lost their tags after it was switched on',
      };
    }
    const ago = Math.ceil(age / HOUR);
    if (!select.tagged) purge.push({ ago, untaggedOnly: true });
    else {
      const spares = policy.protect.tags === undefined && (select.tags.length === 0 || select.tags.some(isCatchAll));
      const shields = [
        ...shielding,
        ...select.tags.filter(({ negated }) => negated),
        ...(spares ? DEFAULT_PROTECTION : []),
      ];
      purge.push({
        allowed: union(select.tags.filter(({ negated }) => !negated)) ?? '.*',
        ...withProtected(union(shields)),
        ago,
        untaggedOnly: false,
      });
    }
    return select.tagged
      ? {
          rule: rule.name,
          fit: 'narrower',
          reason: 'acr purge removes tags; digests go with a rule for untagged images',
        }
      : { rule: rule.name, fit: 'exact', reason: 'the same manifests go' };
  });
  if (purge.length === 0 && retentionDays === undefined) return { rules };
  return { document: { purge, ...(retentionDays === undefined ? {} : { retentionDays }) }, rules };
}

const withProtected = (source: string | undefined) => (source === undefined ? {} : { protected: source });

function union(patterns: readonly TagPattern[]): string | undefined {
  const sources = patterns.flatMap((pattern) => native.patternRegex(pattern) ?? []);
  return sources.length === 0 ? undefined : sources.join('|');
}

/**
 * The command line for a task. A slash, a quote or a space in a pattern of tags cannot occur: tags have none.
 * @param repository path in the registry, whose name is taken literally
 */
export function acrPurgeCommand(
  { allowed, protected: shield, ago, untaggedOnly }: AcrPurge,
  repository: string,
): string {
  const days = Math.floor(ago / 24);
  const duration = ago % 24 === 0 ? `${days}d` : `${days}d${ago % 24}h`;
  const name = repository.replaceAll(/[.+]/g, String.raw`\$&`);
  const tags = allowed === undefined ? '.*' : `^${shield === undefined ? '' : `(?!(?:${shield})$)`}(?:${allowed})$`;
  return `acr purge --filter '${name}:${tags}' --ago ${duration}${untaggedOnly ? ' --untagged-only' : ''}`;
}

/** What the commands would remove: tags, never digests with tags; and manifests without tags that nothing lists. */
export function evaluateAcr(
  { purge, retentionDays }: AcrRetention,
  images: readonly native.NativeImage[],
  now: Instant,
): native.NativeOutcome {
  const tags = new Set<string>();
  const digests = new Set<string>();
  for (const { allowed, protected: shield, ago, keep = 0, untaggedOnly } of purge) {
    const test = RE2JS.compile(allowed ?? '.*');
    const spared = shield === undefined ? undefined : RE2JS.compile(shield);
    const due = native.newestFirst(images).filter(({ pushedAt }) => now - pushedAt > ago * HOUR);
    if (untaggedOnly) {
      for (const image of due) if (image.tags.length === 0 && image.isChild !== true) digests.add(image.digest);
      continue;
    }
    const removable = due
      .flatMap((image) => image.tags)
      .filter((tag) => test.testExact(tag) && spared?.testExact(tag) !== true);
    for (const tag of removable.slice(keep)) tags.add(tag);
  }
  for (const { digest, tags: own, pushedAt, isChild } of images) {
    const isDue = retentionDays !== undefined && now - pushedAt > retentionDays * DAY;
    if (isDue && own.length === 0 && isChild !== true) digests.add(digest);
  }
  return { digests, tags };
}
