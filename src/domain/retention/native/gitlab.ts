import { RE2JS } from 're2js';
import { isCatchAll, type TagPattern } from '../../patterns/tag-pattern.ts';
import { DAY } from '../duration.ts';
import type { Instant } from '../inventory.ts';
import { type CleanupPolicy, DEFAULT_PROTECTION, type RepositoryPolicy } from '../policy.ts';
import * as native from './native.ts';

/** `container_expiration_policy_attributes` of https://docs.gitlab.com/api/projects/ */
export interface GitlabExpiration {
  readonly enabled: boolean;
  readonly cadence?: string;
  readonly keep_n?: number | null;
  readonly older_than?: string | null;
  readonly name_regex?: string | null;
  readonly name_regex_delete?: string | null;
  readonly name_regex_keep?: string | null;
}

/** Days that GitLab offers. */
const AGES = [7, 14, 30, 90];

/** Compiles an entry to the one policy of a project, which only removes tags and counts from the image's build time. */
export function compileGitlab(policy: CleanupPolicy, own: RepositoryPolicy): native.NativePolicy<GitlabExpiration> {
  const general = native.entryBlockers(policy, own, 'created');
  let document: GitlabExpiration | undefined;
  const rules = own.rules.map((rule): native.NativeRule => {
    const { select } = rule;
    const days = AGES.find((age) => age >= native.wholeDays(native.dueAge(rule, own)));
    const spares = policy.protect.tags === undefined && (select.tags.length === 0 || select.tags.some(isCatchAll));
    const shields = [
      ...native.protectedTags(policy, own),
      ...select.tags.filter(({ negated }) => negated),
      ...(spares ? DEFAULT_PROTECTION : []),
    ];
    const blockers = [
      ...general,
      ...native.ruleBlockers(rule),
      ...(select.tagged ? [] : ['GitLab collects what is untagged by itself, after a day']),
      ...(own.multiTag === 'require-all' ? ['GitLab removes each tag by itself: write `multi-tag: untag`'] : []),
      ...(days === undefined ? ['GitLab offers at most 90 days'] : []),
      ...(document === undefined ? [] : ['GitLab takes one rule for a project']),
      ...([...shields, ...select.tags].some((pattern) => native.patternRegex(pattern) === undefined)
        ? ['a range of versions other than `*` has no regular expression']
        : []),
    ];
    if (blockers.length > 0) return native.impossible(rule, blockers);
    document = {
      enabled: true,
      cadence: '1d',
      older_than: `${days}d`,
      name_regex_delete: union(select.tags.filter(({ negated }) => !negated)) ?? '.*',
      ...(shields.length === 0 ? {} : { name_regex_keep: union(shields) ?? '' }),
    };
    return { rule: rule.name, fit: 'narrower', reason: 'GitLab keeps `latest`, offers few ages and removes tags only' };
  });
  return document === undefined ? { rules } : { document, rules };
}

function union(patterns: readonly TagPattern[]): string | undefined {
  const sources = patterns.flatMap((pattern) => native.patternRegex(pattern) ?? []);
  // GitLab anchors the text as it is, without a group.
  return sources.length === 0 ? undefined : `(?:${sources.join('|')})`;
}

/**
 * Which tags GitLab would remove. `pushedAt` of the images is their build time here.
 * https://docs.gitlab.com/user/packages/container_registry/reduce_container_registry_storage/
 */
export function evaluateGitlab(
  expiration: GitlabExpiration,
  images: readonly native.NativeImage[],
  now: Instant,
): native.NativeOutcome {
  const { enabled, keep_n: keepN, older_than: olderThan, name_regex_keep: keep } = expiration;
  const remove = expiration.name_regex_delete ?? expiration.name_regex;
  if (!enabled || remove === undefined || remove === null || remove === '')
    return { digests: new Set(), tags: new Set() };
  // https://gitlab.com/gitlab-org/gitlab/-/blob/master/app/services/projects/container_repository/cleanup_tags_base_service.rb
  const anchored = (source: string) => RE2JS.compile(`\\A${source}\\z`);
  const removes = anchored(remove);
  const keeps = keep === undefined || keep === null || keep === '' ? undefined : anchored(keep);
  const selected = native
    .newestFirst(images)
    .flatMap(({ tags, pushedAt }) => tags.map((tag) => ({ tag, pushedAt })))
    .filter(({ tag }) => tag !== 'latest' && removes.test(tag) && keeps?.test(tag) !== true)
    .slice(keepN ?? 0);
  const age = olderThan === undefined || olderThan === null ? 0 : Number.parseInt(olderThan, 10) * DAY;
  return {
    digests: new Set(),
    tags: new Set(selected.filter(({ pushedAt }) => now - pushedAt > age).map(({ tag }) => tag)),
  };
}
