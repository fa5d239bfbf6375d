import type { TagMatcher } from '../patterns/tag-pattern.ts';
import { toTag } from '../tags/grammar.ts';
import type { Instant, InventoryTag } from './inventory.ts';
import type { CleanupPolicy, Gone } from './policy.ts';

/** What the source repository has now: what rules with `gone` compare tags with. Read by the run only when a rule needs it. */
export interface SourceRefs {
  readonly branches?: readonly string[] | Unreadable;
  readonly gitTags?: readonly string[] | Unreadable;
  readonly pullRequests?: ReadonlyMap<number, PullRequestState> | Unreadable;
}

interface Unreadable {
  /** `GitHub answered 502`. */
  readonly unreadable: string;
}

interface PullRequestState {
  readonly isOpen: boolean;
  readonly closedAt?: Instant;
}

/** What the rules of a policy have to know of the source repository. */
export function neededRefs(policy: CleanupPolicy): ReadonlySet<Gone['what']> {
  return new Set(policy.repositories.flatMap(({ rules }) => rules.flatMap(({ select }) => select.gone?.what ?? [])));
}

/** `unknown` keeps, and is reported. */
type GoneState = 'gone' | 'alive' | 'unknown';

/** Tells of one tag whether what it belongs to is gone. */
export type GoneTest = (tag: InventoryTag, pushedAt: Instant | undefined) => GoneState;

/** @returns the test, or why the rule cannot be evaluated: then it selects nothing, and the run fails */
export function goneTest(
  gone: Gone,
  matcher: TagMatcher,
  refs: SourceRefs,
  now: Instant,
): GoneTest | { readonly off: string } {
  const nameIn = ({ name }: InventoryTag) =>
    gone.group === undefined ? matcher.star(name) : matcher.group(name, gone.group);
  if (gone.what === 'pull-request') {
    const { pullRequests = NOT_READ } = refs;
    if ('unreadable' in pullRequests) return { off: `pull requests could not be read: ${pullRequests.unreadable}` };
    return (tag) => {
      const value = nameIn(tag) ?? '';
      const state = /^\d{1,9}$/.test(value) ? pullRequests.get(Number(value)) : undefined;
      if (state === undefined) return 'unknown';
      if (state.isOpen) return 'alive';
      // A pull request whose end is not dated ended at an unknown time.
      if (gone.for > 0 && state.closedAt === undefined) return 'unknown';
      return now - (state.closedAt ?? now) >= gone.for ? 'gone' : 'alive';
    };
  }
  const names = (gone.what === 'branch' ? refs.branches : refs.gitTags) ?? NOT_READ;
  const what = gone.what === 'branch' ? 'branches' : 'git tags';
  if ('unreadable' in names) return { off: `${what} could not be read: ${names.unreadable}` };
  if (gone.what === 'branch' && names.length < 2) {
    return { off: `only ${names.length} branches exist, which looks like an incomplete list` };
  }
  if (names.length === 0) return { off: `no ${what} exist, which looks like an incomplete list` };
  const alive = new Set(names.flatMap(formsOf));
  return (tag, pushedAt) => {
    const value = nameIn(tag);
    if (value === undefined) return 'unknown';
    if (formsOf(value).some((form) => alive.has(form))) return 'alive';
    if (gone.for === 0) return 'gone';
    if (pushedAt === undefined) return 'unknown';
    return now - pushedAt > gone.for ? 'gone' : 'alive';
  };
}

const NOT_READ: Unreadable = { unreadable: 'this run did not read them' };

/** All ways in which tools write a branch into a tag: as it is, lower-cased, with `/` as `-`, `_` or `.`, sanitised. */
function formsOf(name: string): readonly string[] {
  const lower = name.toLowerCase();
  const tag = toTag(lower)?.tag;
  return [
    lower,
    ...['-', '_', '.'].map((char) => lower.replaceAll(/[^a-z0-9_.-]/g, char)),
    ...(tag === undefined ? [] : [tag]),
  ];
}
