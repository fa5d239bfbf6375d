import { compareText } from '../../compare-text.ts';
import type { TagPattern } from '../../patterns/tag-pattern.ts';
import { DAY, type Duration } from '../duration.ts';
import type { Instant } from '../inventory.ts';
import type { CleanupPolicy, RepositoryPolicy, Rule } from '../policy.ts';

/**
 * How a rule of ours fits a registry's own retention. `exact`: the same images go. `narrower`: some of them; the rest is done by
 * this action. `impossible`: the registry would delete more, or cannot say it, so the rule is left out. Limits and what is in
 * use are never known to the registry: compare its preview, or {@link NativeOutcome}, with the plan before installing.
 */
export interface NativeRule {
  /** The rule's name in the policy. */
  readonly rule: string;
  readonly fit: 'exact' | 'narrower' | 'impossible';
  /** A sentence fragment; for `impossible` also what to write instead. */
  readonly reason: string;
}

export interface NativePolicy<T> {
  /** Absent when no rule can be expressed. */
  readonly document?: T;
  readonly rules: readonly NativeRule[];
}

/** An image as the evaluators of native rules see it. Children without tags and referrers are not among them. */
export interface NativeImage {
  readonly digest: string;
  readonly tags: readonly string[];
  readonly pushedAt: Instant;
  readonly pulledAt?: Instant | undefined;
  /** Listed by an index. */
  readonly isChild?: boolean | undefined;
}

/** What a registry's own rules would remove. */
export interface NativeOutcome {
  readonly digests: ReadonlySet<string>;
  readonly tags: ReadonlySet<string>;
}

/** What keeps every rule of an entry from being expressed anywhere, in words; empty when nothing does. */
export function entryBlockers(
  policy: CleanupPolicy,
  own: RepositoryPolicy,
  basis: RepositoryPolicy['basis'],
): readonly string[] {
  const digests = [...policy.protect.digests, ...own.protect.digests];
  return [
    ...(digests.length > 0 ? ['the registry cannot protect digests'] : []),
    ...(own.rules.some(({ keep }) => keep !== undefined)
      ? ['rules with `keep` are evaluated by this action only']
      : []),
    ...(own.basis === basis ? [] : [`the registry counts ages from \`basis: ${basis}\``]),
  ];
}

/** What keeps one rule from being expressed in any registry that knows neither kinds nor the source repository. */
export function ruleBlockers({ select, remove }: Rule, allow: { readonly newest?: boolean } = {}): readonly string[] {
  return [
    ...(remove === undefined ? ['it removes nothing'] : []),
    ...(select.kinds.length === 5
      ? []
      : ['the registry does not distinguish images from charts and caches: use `kind: any`']),
    ...(select.gone === undefined ? [] : ['the registry has no branches or pull requests']),
    ...(remove?.newest !== undefined && allow.newest !== true
      ? ['the registry counts tags or platform images where this action counts images']
      : []),
    // There an index counts with its own last pull, however often one of its platforms is pulled.
    ...(remove?.notPulledFor === undefined
      ? []
      : [
          'the registry cannot delete by pulls as this action counts them: a pull of one platform is a pull of the image',
        ]),
  ];
}

/** Signatures and SBOMs under tags, which are ordinary images to a registry, and follow their image here. */
const ATTACHED_TAGS = ['sha256-', 'sha512-'].map(
  (prefix): TagPattern => ({ kind: 'glob', text: `${prefix}*`, source: `${prefix}[^/]*`, negated: false }),
);

/** All tag patterns that protect an entry, and those that no rule of ours ever selects. */
export function protectedTags(policy: CleanupPolicy, own: RepositoryPolicy): readonly TagPattern[] {
  return [...(policy.protect.tags ?? []), ...own.protect.tags, ...ATTACHED_TAGS];
}

/** The age that a rule waits for, `min-age` included; both have to have passed. */
export function dueAge({ remove }: Rule, { minAge }: RepositoryPolicy): Duration {
  return Math.max(remove?.olderThan ?? 0, minAge);
}

/** How the description of a rule begins that this action wrote, where a registry has descriptions. */
export const OWN_RULE = 'registry-action: ';

/** How the id of a cleanup policy of Artifact Registry begins that `command: cleanup` wrote. */
export const OWN_GAR_POLICY = 'registry-action-';

/** Whole days, rounded up, at least one: rounding up keeps longer. */
export function wholeDays(duration: Duration): number {
  return Math.max(1, Math.ceil(duration / DAY));
}

/** A glob of literal text and `*` only, such as `pr-*`; undefined for every other pattern. */
export function starGlob(pattern: TagPattern): string | undefined {
  return pattern.kind === 'glob' && !/[?[\]{}]|\*\*/.test(pattern.text) ? pattern.text : undefined;
}

/** A pattern as a regular expression of a whole tag, without anchors; undefined for a range that is not `*`. */
export function patternRegex(pattern: TagPattern): string | undefined {
  if (pattern.kind !== 'semver') return `(?:${pattern.source.replaceAll(/\(\?P?<\w+>/g, '(?:')})`;
  if (pattern.text !== '*' || pattern.preReleases !== 'exclude') return undefined;
  const number = '(?:0|[1-9][0-9]*)';
  return `v?${number}\\.${number}\\.${number}`;
}

export const impossible = (rule: Rule, reasons: readonly string[]): NativeRule => ({
  rule: rule.name,
  fit: 'impossible',
  reason: reasons.join('; '),
});

/** Images newest first; equal times by digest, as the planner orders them. */
export function newestFirst(images: readonly NativeImage[]): readonly NativeImage[] {
  return images.toSorted((a, b) => b.pushedAt - a.pushedAt || compareText(a.digest, b.digest));
}
