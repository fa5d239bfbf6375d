import { isCatchAll, type TagPattern } from '../../patterns/tag-pattern.ts';
import { HOUR } from '../duration.ts';
import type { Instant } from '../inventory.ts';
import type { CleanupPolicy, RepositoryPolicy, Rule } from '../policy.ts';
import * as native from './native.ts';

/** https://docs.cloud.google.com/artifact-registry/docs/repositories/cleanup-policy */
export interface GarPolicy {
  readonly name: string;
  readonly action: { readonly type: 'Delete' | 'Keep' };
  readonly condition?: {
    readonly tagState?: 'tagged' | 'untagged' | 'any';
    readonly tagPrefixes?: readonly string[];
    /** `172800s`, `2d`. */
    readonly olderThan?: string;
    readonly newerThan?: string;
    readonly packageNamePrefixes?: readonly string[];
  };
  readonly mostRecentVersions?: { readonly keepCount: number; readonly packageNamePrefixes?: readonly string[] };
}

const MAX_POLICIES = 10;

/** Compiles an entry to cleanup policies: Keep always wins over Delete, and tags are matched by prefixes only. */
export function compileArtifactRegistry(
  policy: CleanupPolicy,
  own: RepositoryPolicy,
): native.NativePolicy<readonly GarPolicy[]> {
  const kept = [
    ...native.protectedTags(policy, own),
    ...own.rules.flatMap(({ select }) => select.tags.filter(({ negated }) => negated)),
  ];
  const general = [
    ...native.entryBlockers(policy, own, 'pushed'),
    ...(kept.some((pattern) => keepPrefixes(pattern) === undefined)
      ? ['Artifact Registry can only protect tags by prefix']
      : []),
  ];
  const deleting: GarPolicy[] = [];
  const rules = own.rules.map((rule, index): native.NativeRule => {
    const blockers = [...general, ...native.ruleBlockers(rule), ...ownBlockers(rule, policy, own)];
    if (blockers.length > 0) return native.impossible(rule, blockers);
    const { select } = rule;
    const prefixes = select.tags.filter(({ negated }) => !negated).flatMap((pattern) => prefixOf(pattern) ?? []);
    deleting.push({
      name: `delete-${index + 1}`,
      action: { type: 'Delete' },
      condition: {
        tagState: select.tagged ? 'tagged' : 'untagged',
        ...(prefixes.length === 0 || prefixes.includes('') ? {} : { tagPrefixes: prefixes }),
        olderThan: `${Math.ceil(native.dueAge(rule, own) / 1000)}s`,
      },
    });
    return { rule: rule.name, fit: 'narrower', reason: 'protected tags are kept by prefix, which keeps more' };
  });
  if (deleting.length === 0) return { rules };
  const prefixes = [...new Set(kept.flatMap((pattern) => keepPrefixes(pattern) ?? []))];
  const keeping: readonly GarPolicy[] =
    prefixes.length === 0
      ? []
      : [
          {
            name: 'keep-protected',
            action: { type: 'Keep' },
            condition: { tagState: 'tagged', tagPrefixes: prefixes },
          },
        ];
  const all = [...keeping, ...deleting];
  if (all.length > MAX_POLICIES) {
    const reason = `Artifact Registry takes ${MAX_POLICIES} policies, and this needs ${all.length}`;
    return { rules: own.rules.map((rule) => native.impossible(rule, [reason])) };
  }
  return { document: all, rules };
}

function ownBlockers({ select }: Rule, policy: CleanupPolicy, own: RepositoryPolicy): readonly string[] {
  const isBare = select.tags.length === 0 || select.tags.every(({ negated }) => negated);
  return [
    ...(select.tagged && own.multiTag !== 'any'
      ? ['Artifact Registry deletes the whole image when one of its tags matches, which `multi-tag: any` accepts']
      : []),
    ...(select.tagged && policy.protect.tags === undefined && (isBare || select.tags.some(isCatchAll))
      ? ['releases are spared by default: write `protect.tags`']
      : []),
    ...(select.tags.some((pattern) => !pattern.negated && prefixOf(pattern) === undefined)
      ? ['Artifact Registry matches tags by prefix, as in `pr-*`']
      : []),
    // A signature with a subject has no tag, and is a version like any other.
    ...(select.tagged
      ? []
      : ['Artifact Registry would delete the untagged signatures and attestations of images that stay']),
  ];
}

/** `pr-` of `pr-*`, when the pattern is nothing but a prefix. */
function prefixOf(pattern: TagPattern): string | undefined {
  const glob = native.starGlob(pattern);
  return glob?.endsWith('*') === true && glob.indexOf('*') === glob.length - 1 ? glob.slice(0, -1) : undefined;
}

/** Prefixes that keep at least what the pattern names. */
function keepPrefixes(pattern: TagPattern): readonly string[] | undefined {
  if (pattern.kind === 'semver') return ['v', ...'0123456789'];
  const before = pattern.kind === 'glob' ? (/^[\w.-]+/.exec(pattern.text)?.[0] ?? '') : '';
  return before === '' ? undefined : [before];
}

/**
 * What the policies would delete. A policy without Delete deletes nothing; an image that an index lists is refused.
 * @param images of one package, which is counted by itself
 * @param name of the package in the repository; only policies that name packages need it
 */
export function evaluateArtifactRegistry(
  policies: readonly GarPolicy[],
  images: readonly native.NativeImage[],
  now: Instant,
  name = '',
): native.NativeOutcome {
  const free = native.newestFirst(images.filter(({ isChild }) => isChild !== true));
  const selected = ({ condition = {}, mostRecentVersions }: GarPolicy) => {
    const { packageNamePrefixes: names = [] } = mostRecentVersions ?? condition;
    if (names.length > 0 && !names.some((prefix) => name.startsWith(prefix))) return [];
    return mostRecentVersions === undefined
      ? free.filter((image) => selects(condition, image, now))
      : free.slice(0, mostRecentVersions.keepCount);
  };
  const of = (type: 'Delete' | 'Keep') =>
    new Set(policies.filter(({ action }) => action.type === type).flatMap(selected));
  const kept = of('Keep');
  const due = [...of('Delete')].filter((image) => !kept.has(image));
  return { digests: new Set(due.map(({ digest }) => digest)), tags: new Set(due.flatMap(({ tags }) => tags)) };
}

function selects(
  { tagState = 'any', tagPrefixes = [], olderThan, newerThan }: NonNullable<GarPolicy['condition']>,
  { tags, pushedAt }: native.NativeImage,
  now: Instant,
): boolean {
  if (tagState !== 'any' && (tagState === 'tagged') !== tags.length > 0) return false;
  if (tagPrefixes.length > 0 && !tags.some((tag) => tagPrefixes.some((prefix) => tag.startsWith(prefix)))) return false;
  if (olderThan !== undefined && now - pushedAt <= garDuration(olderThan)) return false;
  return newerThan === undefined || now - pushedAt < garDuration(newerThan);
}

/** `172800s`, `48h`, `2d`, `30m` in milliseconds; NaN for what is none. */
function garDuration(text: string): number {
  const [, count = '', unit = ''] = /^(\d+(?:\.\d+)?)([smhd])$/.exec(text) ?? [];
  return Number(count || Number.NaN) * ({ s: 1000, m: 60_000, h: HOUR, d: 24 * HOUR }[unit] ?? Number.NaN);
}
