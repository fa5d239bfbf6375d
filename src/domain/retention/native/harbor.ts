import { RE2JS } from 're2js';
import { globToRegex } from '../../patterns/glob.ts';
import { isCatchAll, type TagPattern } from '../../patterns/tag-pattern.ts';
import { DAY } from '../duration.ts';
import type { Instant } from '../inventory.ts';
import type { CleanupPolicy, RepositoryPolicy, Rule } from '../policy.ts';
import * as native from './native.ts';

/** https://github.com/goharbor/harbor/blob/main/src/pkg/retention/policy/models.go */
export interface HarborRetention {
  readonly algorithm: 'or';
  readonly rules: readonly HarborRule[];
}

export interface HarborRule {
  readonly action: 'retain';
  readonly template: 'always' | 'latestPushedK' | 'latestPulledN' | 'nDaysSinceLastPush' | 'nDaysSinceLastPull';
  readonly params: Readonly<Record<string, number>>;
  readonly tag_selectors: readonly {
    readonly kind: 'doublestar';
    readonly decoration: 'matches' | 'excludes';
    readonly pattern: string;
    /** JSON: `{"untagged":true}`. */
    readonly extras: string;
  }[];
  readonly scope_selectors: {
    readonly repository: readonly {
      readonly kind: 'doublestar';
      readonly decoration: 'repoMatches';
      readonly pattern: string;
    }[];
  };
}

const MAX_RULES = 15;

/**
 * Compiles an entry to a retention policy. Harbor only retains, and deletes everything else in the repositories that a rule
 * names: so what no rule of ours selects is retained always, and each rule of ours retains what it does not remove. One retained
 * tag retains the artifact with all its tags, which is never more than ours removes.
 * @param repositories a pattern in the project, such as `app` or `**`
 */
export function compileHarbor(
  policy: CleanupPolicy,
  own: RepositoryPolicy,
  repositories: string,
): native.NativePolicy<HarborRetention> {
  const spared = [
    ...native.protectedTags(policy, own),
    ...own.rules.flatMap(({ select }) => select.tags.filter(({ negated }) => negated)),
  ];
  const general = [
    ...native.entryBlockers(policy, own, 'pushed'),
    ...(spared.some((pattern) => native.starGlob(pattern) === undefined) ? ['Harbor protects tags by globs only'] : []),
  ];
  const isPossible = new Set<Rule>();
  const rules = own.rules.map((rule): native.NativeRule => {
    const blockers = [...general, ...native.ruleBlockers(rule), ...ownBlockers(rule, policy)];
    if (blockers.length > 0) return native.impossible(rule, blockers);
    isPossible.add(rule);
    return {
      rule: rule.name,
      fit: 'narrower',
      reason: 'Harbor counts whole days, and keeps an image with all tags for one that stays',
    };
  });
  if (isPossible.size === 0) return { rules };
  const tagged = [...isPossible].filter(({ select }) => select.tagged);
  const untagged = [...isPossible].filter(({ select }) => !select.tagged);
  const removed = [...new Set(tagged.flatMap(globsOf))];
  const scope = { repository: [{ kind: 'doublestar', decoration: 'repoMatches', pattern: repositories } as const] };
  const retain = (
    template: HarborRule['template'],
    params: HarborRule['params'],
    decoration: 'matches' | 'excludes',
    pattern: string,
    withUntagged: boolean,
  ): HarborRule => ({
    action: 'retain',
    template,
    params,
    tag_selectors: [{ kind: 'doublestar', decoration, pattern, extras: JSON.stringify({ untagged: withUntagged }) }],
    scope_selectors: scope,
  });
  const age = (rule: Rule, pattern: string, withUntagged: boolean) => {
    const days = native.wholeDays(native.dueAge(rule, own));
    return retain('nDaysSinceLastPush', { nDaysSinceLastPush: days }, 'matches', pattern, withUntagged);
  };
  const document: HarborRetention = {
    algorithm: 'or',
    rules: [
      // What no rule removes: every tag that matches none of their patterns, and what has no tag unless a rule is about that.
      removed.length === 0
        ? retain('always', {}, 'matches', '**', untagged.length === 0)
        : retain('always', {}, 'excludes', braces(removed), untagged.length === 0),
      ...[...new Set(spared.map((pattern) => native.starGlob(pattern) ?? '**'))].map((pattern) =>
        retain('always', {}, 'matches', pattern, false),
      ),
      ...tagged.map((rule) => age(rule, braces(globsOf(rule)), false)),
      // A pattern that no tag matches: Harbor then decides on untagged artifacts alone.
      ...untagged.map((rule) => age(rule, '!', true)),
    ],
  };
  if (document.rules.length <= MAX_RULES) return { document, rules };
  const reason = `Harbor takes ${MAX_RULES} rules a project, and this needs ${document.rules.length}`;
  return { rules: own.rules.map((rule) => native.impossible(rule, [reason])) };
}

function ownBlockers({ select, remove }: Rule, policy: CleanupPolicy): readonly string[] {
  const isBare = select.tags.length === 0 || select.tags.every(({ negated }) => negated);
  return [
    ...(select.tagged && policy.protect.tags === undefined && (isBare || select.tags.some(isCatchAll))
      ? ['releases are spared by default, which Harbor cannot express: write `protect.tags`']
      : []),
    ...(select.tags.some((pattern) => native.starGlob(pattern) === undefined) ? ['Harbor takes globs only'] : []),
    ...(!select.tagged && remove?.since === 'untagged' ? ['Harbor counts from the push: write `since: pushed`'] : []),
  ];
}

function globsOf({ select }: Rule): readonly string[] {
  const globs = select.tags
    .filter(({ negated }) => !negated)
    .flatMap((pattern: TagPattern) => native.starGlob(pattern) ?? []);
  return globs.length === 0 ? ['**'] : globs;
}

function braces(globs: readonly string[]): string {
  return globs.length === 1 ? (globs[0] ?? '**') : `{${globs.join(',')}}`;
}

/**
 * What Harbor would delete from a repository that the rules name. `excludes` retains when any tag does not match; untagged
 * artifacts follow `extras`, by default only in `matches`. A pull that never was is older than everything.
 * https://goharbor.io/docs/main/working-with-projects/working-with-images/create-tag-retention-rules/
 */
export function evaluateHarbor(
  { rules }: HarborRetention,
  images: readonly native.NativeImage[],
  now: Instant,
): native.NativeOutcome {
  const retained = new Set(rules.flatMap((rule) => retains(rule, images, now)));
  const due = images.filter((image) => !retained.has(image) && image.isChild !== true);
  return { digests: new Set(due.map(({ digest }) => digest)), tags: new Set(due.flatMap(({ tags }) => tags)) };
}

function retains(
  { template, params, tag_selectors: selectors }: HarborRule,
  images: readonly native.NativeImage[],
  now: Instant,
) {
  const selected = images.filter((image) => selectors.every((selector) => selects(selector, image)));
  const within = (time: Instant | undefined, days = 0) => time !== undefined && now - time < days * DAY;
  switch (template) {
    case 'always':
      return selected;
    case 'latestPushedK':
      return native.newestFirst(selected).slice(0, params.latestPushedK);
    case 'latestPulledN':
      return selected.toSorted((a, b) => (b.pulledAt ?? 0) - (a.pulledAt ?? 0)).slice(0, params.latestPulledN);
    case 'nDaysSinceLastPush':
      return selected.filter(({ pushedAt }) => within(pushedAt, params.nDaysSinceLastPush));
    case 'nDaysSinceLastPull':
      return selected.filter(({ pulledAt }) => within(pulledAt, params.nDaysSinceLastPull));
  }
}

function selects(
  { decoration, pattern, extras }: HarborRule['tag_selectors'][number],
  { tags }: native.NativeImage,
): boolean {
  if (tags.length === 0) {
    const found = /"untagged"\s*:\s*(true|false)/.exec(extras)?.[1];
    return found === undefined ? decoration === 'matches' : found === 'true';
  }
  const source = globToRegex(pattern);
  const regex = source.ok ? RE2JS.compile(source.value) : undefined;
  return tags.some((tag) => (regex?.testExact(tag) ?? false) === (decoration === 'matches'));
}
