import semver from 'semver';
import type { Digest } from '../digest.ts';
import { strictVersion, type TagPattern, tagMatcher } from '../patterns/tag-pattern.ts';
import { attachedTag } from '../retention/attached-tags.ts';
import { isTag } from '../tags/grammar.ts';
import { isFullVersion } from '../tags/versions.ts';
import type { Mirror, TagLine } from './config.ts';
import { isOneTag } from './config-fields.ts';
import { isStateTag } from './state.ts';

/** A tag that a mirror copies. */
export interface SelectedTag {
  readonly tag: string;
  /** The only image that it may point to. */
  readonly pin?: Digest;
}

/** What a mirror selects from the tags of a source. */
export interface Selection {
  readonly tags: readonly SelectedTag[];
  /** Patterns without a match, as they are written. */
  readonly unmatched: readonly string[];
  /** Tags that patterns match and `newest` leaves out although they may be new: they are no versions. */
  readonly unranked: readonly string[];
}

/**
 * Chooses tags: every line adds, `!` takes out, and `newest` limits what patterns add. Tags of signatures and lists of
 * referrers follow their image. What is no tag is left out: a name such as `../../other/manifests/x` is a path elsewhere.
 * @param listed all tags of the source; undefined when they cannot be listed, which is enough for tags named in full
 */
export function selectTags({ tags: lines, newest }: Mirror, listed: readonly string[] | undefined): Selection {
  const one = lines.filter(({ pattern }) => isOneTag(pattern));
  const negated = lines.filter(({ pattern }) => pattern.negated);
  const excluded = tagMatcher(negated.map(({ pattern }) => ({ ...pattern, negated: false }) as TagPattern));
  const isTakenOut = (tag: string) => negated.length > 0 && excluded.matches(tag);
  const named = new Map(one.map((line) => [line.pattern.text, line]));
  const patterns = lines.filter(({ pattern }) => !pattern.negated && !isOneTag(pattern));
  const candidates = (listed ?? []).filter(
    (tag) => !named.has(tag) && isTag(tag) && attachedTag(tag) === undefined && !isStateTag(tag),
  );
  const found = new Set<string>();
  const unmatched: string[] = [];
  for (const { pattern } of patterns) {
    const { matches } = tagMatcher([pattern]);
    const own = candidates.filter((tag) => matches(tag) && !isTakenOut(tag));
    if (own.length === 0) unmatched.push(shown(pattern));
    for (const tag of own) found.add(tag);
  }
  const { chosen, unranked } = newestOf([...found], newest);
  const pinned = [...named.values()].filter(({ pattern }) => !isTakenOut(pattern.text)).map(toSelected);
  return { tags: [...pinned, ...chosen.map((tag) => ({ tag }))], unmatched, unranked };
}

function toSelected({ pattern, pin }: TagLine): SelectedTag {
  return { tag: pattern.text, ...(pin === undefined ? {} : { pin }) };
}

function shown(pattern: TagPattern): string {
  return pattern.kind === 'semver' ? `semver:${pattern.text}` : pattern.text;
}

function newestOf(
  tags: readonly string[],
  newest: number | undefined,
): { readonly chosen: readonly string[]; readonly unranked: readonly string[] } {
  if (newest === undefined) return { chosen: tags, unranked: [] };
  const ranked = tags.flatMap((tag) => versionOf(tag) ?? []);
  const chosen = ranked.toSorted(compareRanked).slice(-newest).reverse();
  return { chosen: chosen.map(({ tag }) => tag), unranked: tags.filter((tag) => versionOf(tag) === undefined) };
}

interface Ranked {
  readonly tag: string;
  readonly numbers: readonly number[];
  readonly rest: string;
}

/** `1.10.0`, `v3.20`, `20240501`, `1.25-alpine`; commits in hexadecimal are none. */
function versionOf(tag: string): Ranked | undefined {
  if (/^[0-9a-f]{7,64}$/.test(tag) && /[a-f]/.test(tag)) return undefined;
  const [, numbers, rest = ''] = /^v?(\d{1,15}(?:\.\d{1,15})*)((?:[-_.][\w.-]*|[A-Za-z][\w.-]*)?)$/.exec(tag) ?? [];
  return numbers === undefined ? undefined : { tag, numbers: numbers.split('.').map(Number), rest };
}

function compareRanked(a: Ranked, b: Ranked): number {
  const [strictA, strictB] = [strictVersion(a.tag), strictVersion(b.tag)];
  const bySemver = strictA !== undefined && strictB !== undefined ? semver.compare(strictA, strictB) : 0;
  if (bySemver !== 0) return bySemver;
  for (let at = 0; at < Math.max(a.numbers.length, b.numbers.length); at++) {
    const difference = (a.numbers[at] ?? 0) - (b.numbers[at] ?? 0);
    if (difference !== 0) return difference;
  }
  // A suffix makes a pre-release, as far as anybody can tell.
  if ((a.rest === '') !== (b.rest === '')) return a.rest === '' ? 1 : -1;
  return a.numbers.length - b.numbers.length || a.rest.localeCompare(b.rest, 'en', { numeric: true });
}

/** What a tag promises: a version or a commit keeps its image, all others move. */
export type MirroredKind = 'version' | 'moving';

export function kindOf(tag: string): MirroredKind {
  return isFullVersion(tag) || /^(?:sha-[0-9a-f]{7,64}|[0-9a-f]{40}|[0-9a-f]{64})$/.test(tag) ? 'version' : 'moving';
}
