import { isCatchAll, type TagPattern } from '../../patterns/tag-pattern.ts';
import { DAY } from '../duration.ts';
import type { Instant } from '../inventory.ts';
import type { CleanupPolicy, RepositoryPolicy, Rule } from '../policy.ts';
import * as native from './native.ts';

/** https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html */
export interface EcrLifecyclePolicy {
  readonly rules: readonly EcrRule[];
}

export interface EcrRule {
  readonly rulePriority: number;
  readonly description?: string;
  readonly selection: {
    readonly tagStatus: 'tagged' | 'untagged' | 'any';
    readonly tagPatternList?: readonly string[];
    readonly tagPrefixList?: readonly string[];
    readonly countType: 'imageCountMoreThan' | 'sinceImagePushed';
    readonly countUnit?: 'days';
    readonly countNumber: number;
  };
  readonly action: { readonly type: 'expire' };
}

const MAX_RULES = 50;
/** Characters of a lifecycle policy. */
const MAX_TEXT = 30_720;
const MAX_STARS = 4;
/** A repository has at most so many images: a count that never expires anything, and shields what it selects. */
const SHIELD_COUNT = 100_000;

/**
 * Compiles an entry to a lifecycle policy. What protects comes first, as a count that is never exceeded: an image that one rule
 * selects is left alone by all later ones. Several patterns in one rule must all match, so each gets a rule of its own.
 */
export function compileEcr(policy: CleanupPolicy, own: RepositoryPolicy): native.NativePolicy<EcrLifecyclePolicy> {
  const shielding = [
    ...native.protectedTags(policy, own),
    ...own.rules.flatMap(({ select }) => select.tags.filter(({ negated }) => negated)),
  ];
  const badShield = shielding.find((pattern) => ecrPattern(pattern) === undefined);
  const general = native.entryBlockers(policy, own, 'pushed');
  const removing: { readonly selection: EcrRule['selection']; readonly name: string }[] = [];
  const rules = own.rules.map((rule): native.NativeRule => {
    const blockers = [
      ...general,
      ...native.ruleBlockers(rule, { newest: true }),
      ...ownBlockers(rule, policy, own),
      ...countBlockers(rule, own),
      ...(rule.select.tagged && badShield !== undefined
        ? ['ECR can only protect patterns of text and at most four `*`']
        : []),
    ];
    if (blockers.length > 0) return native.impossible(rule, blockers);
    const age = native.dueAge(rule, own);
    const days = native.wholeDays(age);
    const { newest } = rule.remove ?? {};
    const since =
      newest === undefined
        ? ({ countType: 'sinceImagePushed', countUnit: 'days', countNumber: days } as const)
        : ({ countType: 'imageCountMoreThan', countNumber: newest.count } as const);
    const { name } = rule;
    if (!rule.select.tagged) removing.push({ name, selection: { tagStatus: 'untagged', ...since } });
    const patterns = positives(rule);
    for (const pattern of rule.select.tagged ? patterns : []) {
      removing.push({ name, selection: { tagStatus: 'tagged', tagPatternList: [pattern], ...since } });
    }
    const isWhole = newest !== undefined || days * DAY === age;
    const isExact = isWhole && own.rules.length === 1 && patterns.length <= 1;
    return isExact
      ? { rule: rule.name, fit: 'exact', reason: 'the same images expire' }
      : {
          rule: rule.name,
          fit: 'narrower',
          reason:
            newest === undefined
              ? 'ECR counts whole days, and an earlier rule shields what it selects'
              : 'ECR counts for each pattern by itself, and an earlier rule shields what it selects',
        };
  });
  const shields = [...new Set(shielding.map((pattern) => ecrPattern(pattern) ?? ''))].map(
    (pattern): (typeof removing)[number] => ({
      name: `keeps ${pattern}`,
      selection: {
        tagStatus: 'tagged',
        tagPatternList: [pattern],
        countType: 'imageCountMoreThan',
        countNumber: SHIELD_COUNT,
      },
    }),
  );
  if (removing.length === 0) return { rules };
  // What has no tag needs no shield.
  const isTagged = removing.some(({ selection }) => selection.tagStatus !== 'untagged');
  const selections = [...(isTagged ? shields : []), ...removing];
  const untagged = removing.filter(({ selection }) => selection.tagStatus === 'untagged');
  if (selections.length > MAX_RULES || untagged.length > 1) {
    const reason = `ECR takes ${MAX_RULES} rules, of which one is for untagged images, and this needs ${selections.length}`;
    return { rules: own.rules.map((rule) => native.impossible(rule, [reason])) };
  }
  const document: EcrLifecyclePolicy = {
    rules: selections.map(({ selection, name }, index) => ({
      rulePriority: index + 1,
      description: `${native.OWN_RULE}${name}`,
      selection,
      action: { type: 'expire' },
    })),
  };
  if (JSON.stringify(document).length <= MAX_TEXT) return { document, rules };
  const reason = `ECR takes ${MAX_TEXT} characters, and this needs more`;
  return { rules: own.rules.map((rule) => native.impossible(rule, [reason])) };
}

function ownBlockers({ select, remove }: Rule, policy: CleanupPolicy, own: RepositoryPolicy): readonly string[] {
  const isBare = select.tags.length === 0 || select.tags.every(({ negated }) => negated);
  return [
    ...(select.tagged && own.multiTag !== 'any'
      ? ['ECR deletes the whole image when one of its tags matches, which `multi-tag: any` accepts']
      : []),
    ...(select.tagged && policy.protect.tags === undefined && (isBare || select.tags.some(isCatchAll))
      ? ['releases are spared by default, which ECR cannot express: write `protect.tags`']
      : []),
    ...(select.tags.some((pattern) => ecrPattern(pattern) === undefined)
      ? ['ECR takes patterns of text and at most four `*`']
      : []),
    ...(!select.tagged && remove?.since === 'untagged' ? ['ECR counts from the push: write `since: pushed`'] : []),
  ];
}

/**
 * What keeps `keep-newest` from being a count of ECR, which counts every image that has a matching tag, those included that other
 * rules protect or expire. So does this action, unless the rule says otherwise. Referrers that people tagged count for ECR only:
 * the comparison before an install finds them.
 */
function countBlockers({ select, remove }: Rule, { minAge }: RepositoryPolicy): readonly string[] {
  const { newest, olderThan, keepScope } = remove ?? {};
  if (newest === undefined) return [];
  return [
    ...(select.tagged ? [] : ['ECR may count signatures and SBOMs among the untagged images']),
    ...(newest.by === 'pushed' ? [] : ['ECR orders by push time only: leave `by` out']),
    ...(newest.groupBy === undefined && newest.generationBy === undefined ? [] : ['ECR has no groups']),
    ...(newest.count > 0 ? [] : ['ECR keeps at least one']),
    ...(keepScope === 'removable' ? ['ECR counts all that the rule selects: leave `keep-scope` out'] : []),
    ...(select.tags.some(({ negated }) => negated)
      ? ['ECR also counts tags that a `!` leaves out: put them into `protect.tags`']
      : []),
    ...(select.tags.some(mayMatchAttached)
      ? ['ECR also counts the tags of signatures (`sha256-…`), which the pattern may match']
      : []),
    ...((olderThan ?? 0) > 0 ? ['ECR cannot ask for an age and a count in one rule: leave `older-than` out'] : []),
    ...(minAge > 0 ? ['ECR waits for no age where it counts: write `min-age: 0h` for this entry'] : []),
  ];
}

/** Whether the text before the first `*` leaves room for the tag of a signature. */
function mayMatchAttached(pattern: TagPattern): boolean {
  const [start = '', ...rest] = pattern.text.split('*');
  return rest.length > 0 && ['sha256-', 'sha512-'].some((tag) => tag.startsWith(start) || start.startsWith(tag));
}

function positives({ select }: Rule): readonly string[] {
  const patterns = select.tags.filter(({ negated }) => !negated).flatMap((pattern) => ecrPattern(pattern) ?? []);
  return patterns.length === 0 ? ['*'] : patterns;
}

function ecrPattern(pattern: TagPattern): string | undefined {
  const glob = native.starGlob(pattern);
  return glob !== undefined && glob.split('*').length - 1 <= MAX_STARS ? glob : undefined;
}

/**
 * What ECR would expire. All rules are evaluated at once, then applied by priority: the first that selects an image decides, and
 * later counts include images that earlier rules expire. Images that an index lists are neither counted nor expired.
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html
 */
export function evaluateEcr(
  { rules }: EcrLifecyclePolicy,
  images: readonly native.NativeImage[],
  now: Instant,
): native.NativeOutcome {
  const claimed = new Set<string>();
  const digests = new Set<string>();
  const tags = new Set<string>();
  const free = native.newestFirst(images.filter(({ isChild }) => isChild !== true));
  for (const { selection } of rules.toSorted((a, b) => a.rulePriority - b.rulePriority)) {
    const selected = free.filter((image) => selects(selection, image));
    const due =
      selection.countType === 'imageCountMoreThan'
        ? selected.slice(selection.countNumber)
        : selected.filter(({ pushedAt }) => now - pushedAt > selection.countNumber * DAY);
    for (const image of due) {
      if (claimed.has(image.digest)) continue;
      digests.add(image.digest);
      for (const tag of image.tags) tags.add(tag);
    }
    for (const { digest } of selected) claimed.add(digest);
  }
  return { digests, tags };
}

function selects(selection: EcrRule['selection'], { tags }: native.NativeImage): boolean {
  if (selection.tagStatus === 'untagged') return tags.length === 0;
  if (selection.tagStatus === 'any') return true;
  const patterns = selection.tagPatternList ?? (selection.tagPrefixList ?? []).map((prefix) => `${prefix}*`);
  return tags.length > 0 && patterns.every((pattern) => tags.some((tag) => matchesStars(pattern, tag)));
}

/** `*` is anything; linear in the length of the tag for each star. */
function matchesStars(pattern: string, tag: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return pattern === tag;
  if (!tag.startsWith(first) || !tag.endsWith(last) || tag.length < first.length + last.length) return false;
  let at = first.length;
  for (const part of rest) {
    const found = tag.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at <= tag.length - last.length;
}
