import semver from 'semver';
import { compareText } from '../compare-text.ts';
import { strictVersion, type TagMatcher, tagMatcher } from '../patterns/tag-pattern.ts';
import type { GraphNode } from './graph.ts';
import { type ImageGraph, PARTS, reachable } from './graph.ts';
import type { InventoryTag } from './inventory.ts';
import type { Grouping, Newest, Ranking } from './policy.ts';
import { baseTime, type TimeRules } from './times.ts';

/** A root with those of its tags that a rule selects; none for an untagged root. */
export interface Selected {
  readonly node: GraphNode;
  readonly tags: readonly InventoryTag[];
}

/** What a count of the newest keeps. */
export interface NewestResult {
  readonly kept: ReadonlySet<GraphNode>;
  /** Roots that have no rank, such as `latest` by semver: they stay, and count for nothing. */
  readonly unranked: ReadonlySet<GraphNode>;
}

/** Greater is newer; a version compares by semver's own order. */
type Rank = number | semver.SemVer | string;

/**
 * Chooses the newest roots. A root that is part of another selected one is not counted: it stays when that stays. Equal ranks
 * are ordered by digest, so that the result is always the same.
 */
export function newestOf(
  selected: readonly Selected[],
  newest: Newest,
  { graph, times, matcher }: { readonly graph: ImageGraph; readonly times: TimeRules; readonly matcher: TagMatcher },
): NewestResult {
  const counted = countedRoots(graph, selected);
  const groupOf = groupingOf(newest.groupBy, matcher);
  const generationOf = groupingOf(newest.generationBy, matcher);
  const unranked = new Set<GraphNode>();
  const groups = new Map<string, Map<string, { rank: Rank; digest: string; members: GraphNode[] }>>();
  for (const each of counted) {
    const rank = rankOf(each, newest.by, times);
    const group = groupOf(each.tags);
    if (rank === undefined || group === undefined) {
      unranked.add(each.node);
      continue;
    }
    const { digest } = each.node.manifest;
    const key = newest.generationBy === undefined ? digest : (generationOf(each.tags) ?? digest);
    const generations = groups.get(group) ?? new Map();
    groups.set(group, generations);
    const generation = generations.get(key);
    if (generation === undefined) generations.set(key, { rank, digest, members: [each.node] });
    else {
      generation.members.push(each.node);
      if (compareRanks(rank, generation.rank) > 0) generation.rank = rank;
      if (digest < generation.digest) generation.digest = digest;
    }
  }
  const kept: GraphNode[] = [];
  for (const generations of groups.values()) {
    const ordered = [...generations.values()].sort(
      (a, b) => compareRanks(b.rank, a.rank) || compareText(a.digest, b.digest),
    );
    kept.push(...ordered.slice(0, newest.count).flatMap(({ members }) => members));
  }
  const parts = reachable(graph, [...kept, ...unranked], PARTS);
  return { kept: new Set(selected.map(({ node }) => node).filter(({ index }) => parts[index] === 1)), unranked };
}

/** The selected roots that are not part of another selected one. In a cycle all are counted. */
function countedRoots(graph: ImageGraph, selected: readonly Selected[]): readonly Selected[] {
  const parts = reachable(
    graph,
    selected.flatMap(({ node }) => node.children),
    PARTS,
  );
  const first = selected.filter(({ node }) => parts[node.index] !== 1);
  const covered = reachable(
    graph,
    first.map(({ node }) => node),
    PARTS,
  );
  return selected.filter(({ node }) => parts[node.index] !== 1 || covered[node.index] !== 1);
}

function rankOf({ node, tags }: Selected, by: Ranking, times: TimeRules): Rank | undefined {
  if (tags.length === 0) return baseTime(node, undefined, times);
  const ranks = tags.flatMap((tag) => rankOfTag(node, tag, by, times) ?? []);
  return ranks.reduce<Rank | undefined>(
    (best, rank) => (best === undefined || compareRanks(rank, best) > 0 ? rank : best),
    undefined,
  );
}

function rankOfTag(node: GraphNode, tag: InventoryTag, by: Ranking, times: TimeRules): Rank | undefined {
  switch (by) {
    case 'pushed':
      return baseTime(node, tag, times);
    case 'semver':
      return strictVersion(tag.name);
    case 'tag-date':
      return dateInTag(tag.name);
    case 'name':
      return tag.name;
  }
}

function compareRanks(a: Rank, b: Rank): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'string' && typeof b === 'string') return compareNames(a, b);
  return typeof a === 'object' && typeof b === 'object' ? semver.compare(a, b) : 0;
}

/** `build-9` comes before `build-10`: runs of digits compare as numbers. */
function compareNames(a: string, b: string): number {
  const left = a.match(/\d+|\D+/g) ?? [];
  const right = b.match(/\d+|\D+/g) ?? [];
  for (let at = 0; at < Math.min(left.length, right.length); at += 1) {
    const [one = '', other = ''] = [left[at], right[at]];
    const bothNumbers = /^\d/.test(one) && /^\d/.test(other);
    const [x, y] = bothNumbers ? [one.replace(/^0+(?=\d)/, ''), other.replace(/^0+(?=\d)/, '')] : [one, other];
    const order = bothNumbers ? x.length - y.length || compareText(x, y) : compareText(x, y);
    if (order !== 0) return order;
  }
  return left.length - right.length || compareText(a, b);
}

/** The first date in a tag, with its time of day when one follows: `2026-09-01`, `20260901`, `250901`, `20260901-1200`. */
function dateInTag(tag: string): number | undefined {
  const found =
    /(?<!\d)(20\d\d)([-._]?)(\d\d)\2(\d\d)(?:[-_.T]?(\d\d)[-_.:]?(\d\d)(?:[-_.:]?(\d\d))?)?(?!\d)/.exec(tag) ??
    /(?<!\d)(\d\d)()(\d\d)(\d\d)(?!\d)/.exec(tag);
  if (found === null) return undefined;
  const [, year = '', , month = '', day = '', hour = '0', minute = '0', second = '0'] = found;
  const [y, m, d] = [Number(year) + (year.length === 2 ? 2000 : 0), Number(month), Number(day)];
  const time = Date.UTC(y, m - 1, d, Number(hour), Number(minute), Number(second));
  // The 31st of February is no date.
  return new Date(Date.UTC(y, m - 1, d)).getUTCDate() === d && m >= 1 && m <= 12 ? time : undefined;
}

type GroupOf = (tags: readonly InventoryTag[]) => string | undefined;

/** The group of a root: that of its first tag which has one. Undefined when no tag tells. */
function groupingOf(grouping: Grouping | undefined, matcher: TagMatcher): GroupOf {
  if (grouping === undefined) return () => '';
  if (grouping.kind === 'group') {
    const own = grouping.pattern === undefined ? matcher : tagMatcher([grouping.pattern]);
    return (tags) => firstOf(tags, ({ name }) => own.group(name, grouping.name));
  }
  return (tags) => firstOf(tags, ({ name }) => versionPart(name, grouping.part));
}

function firstOf<T>(list: readonly T[], find: (item: T) => string | undefined): string | undefined {
  for (const item of list) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

function versionPart(tag: string, part: 'channel' | 'major' | 'minor'): string | undefined {
  const version = strictVersion(tag);
  if (version === undefined) return undefined;
  if (part === 'major') return `${version.major}`;
  if (part === 'minor') return `${version.major}.${version.minor}`;
  return String(version.prerelease[0] ?? '').replace(/\d+$/, '');
}
