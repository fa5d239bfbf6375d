import type { Digest } from '../digest.ts';
import type { TagPattern } from '../patterns/tag-pattern.ts';
import type { Duration } from './duration.ts';
import type { RuleKind } from './kind.ts';

/** A clean-up policy, read and with its defaults filled in. What it means is in `docs/cleanup.md`. */
export interface CleanupPolicy {
  readonly version: 1;
  readonly protect: Protection;
  /** Sources of images in use that the run has to read. A source that cannot be read stops everything. */
  readonly inUse: readonly InUseRequest[];
  readonly repositories: readonly RepositoryPolicy[];
}

/** What no rule touches. */
interface Protection {
  /** Each line has to match something, or apply refuses. Absent: see {@link DEFAULT_PROTECTION}. */
  readonly tags?: readonly TagPattern[];
  readonly digests: readonly Digest[];
  /** Whether locks and immutable tags of the registry count. */
  readonly locked: boolean;
}

/** Without `protect.tags`, a rule on `*` leaves `latest` and releases (strict semantic versions) alone. */
export const DEFAULT_PROTECTION: readonly TagPattern[] = [
  { kind: 'glob', text: 'latest', source: 'latest', negated: false },
  { kind: 'semver', text: '*', preReleases: 'exclude', negated: false },
];

export type InUseRequest =
  /** What environments point to (1) and could be rolled back to (more). */
  | { readonly kind: 'promotions'; readonly history: number; readonly environments: readonly string[] }
  | { readonly kind: 'github-deployments'; readonly environments: readonly string[] }
  /** Globs of files in the checkout: Kubernetes, Compose, Helm values, Terraform. */
  | { readonly kind: 'files'; readonly paths: readonly string[] }
  /** A file with one image a line. */
  | { readonly kind: 'list'; readonly path: string };

export interface RepositoryPolicy {
  readonly match: readonly RepositoryPattern[];
  readonly protect: Pick<Protection, 'digests'> & { readonly tags: readonly TagPattern[] };
  readonly engine: Engine;
  readonly rules: readonly Rule[];
  /** What happens to a digest of which only some tags are to go. */
  readonly multiTag: MultiTag;
  /** Referrers whose subject is absent: from which age they go; absent: never. */
  readonly orphans?: Duration;
  readonly brokenIndex: readonly BrokenIndex[];
  readonly basis: Basis;
  readonly neverPulled: NeverPulled;
  /** Nothing younger goes: a push may be under way. */
  readonly minAge: Duration;
  readonly limits: Limits;
}

/** `client`: this action deletes. `auto`, `native`: what fits becomes rules of the registry besides; `native` fails where nothing does. */
export const ENGINES = ['auto', 'native', 'client'] as const;
type Engine = (typeof ENGINES)[number];

/** `untag`: only the tags go. `require-all`: nothing goes. `any`: the digest goes with all tags that nothing keeps. */
export const MULTI_TAG = ['untag', 'require-all', 'any'] as const;
export type MultiTag = (typeof MULTI_TAG)[number];

/** `ghost`: an index of which every child is missing. `partial`: some are. */
type BrokenIndex = 'ghost' | 'partial';

/** What an age is counted from. `pushed`: the push of the digest or of the tag, whichever was later. */
export const BASES = ['pushed', 'created', 'updated', 'tagged', 'pulled'] as const;
export type Basis = (typeof BASES)[number];

export const NEVER_PULLED = ['as-pushed', 'oldest', 'keep'] as const;
export type NeverPulled = (typeof NEVER_PULLED)[number];

export interface RepositoryPattern {
  /** As written, lower-cased, without `!`. */
  readonly text: string;
  readonly source: string;
  readonly negated: boolean;
  /** Names one repository: that it is not found fails apply. */
  readonly isLiteral: boolean;
}

/** A share of what there is, or a number. */
export type Limit = { readonly percent: number } | { readonly count: number };

export interface Limits {
  /** Tags that may go, of all. More stops the repository. */
  readonly tagged?: Limit;
  /** Untagged roots that may go. */
  readonly untagged?: Limit;
  /** Roots that one run deletes. */
  readonly max?: number;
  /** For `untagged` and `max`. `batch`: the oldest go now, the rest in the next run. */
  readonly onExceed: 'stop' | 'batch';
  /** Tagged images that stay, whatever the rules say. */
  readonly minTaggedLeft: number;
  /** Whether the newest tagged image stays. */
  readonly keepNewestImage: boolean;
}

export interface Rule {
  /** Unique in its repository entry; `rule 3` when none was given. */
  readonly name: string;
  readonly line: number;
  readonly select: Selection;
  readonly keep?: Keep;
  readonly remove?: Remove;
}

export interface Selection {
  /** Empty: every tag. Never selects `sha256-…` tags. */
  readonly tags: readonly TagPattern[];
  /** `false`: roots without any tag. */
  readonly tagged: boolean;
  readonly kinds: readonly RuleKind[];
  readonly gone?: Gone;
}

/** Selects what belongs to a pull request, branch or git tag that is gone. The group of the pattern says which. */
export interface Gone {
  readonly what: 'pull-request' | 'branch' | 'git-tag';
  /** Named group of the pattern; absent: the only `*` of the glob. */
  readonly group?: string;
  /** Since its end; for branches and tags, whose end is not recorded, since the push. */
  readonly for: Duration;
}

export interface Keep {
  readonly newest?: Newest;
  readonly youngerThan?: Duration;
  readonly pulledWithin?: Duration;
}

/** All conditions that are given must hold. None: everything that the rule selects goes. */
export interface Remove {
  readonly olderThan?: Duration;
  /** For untagged roots: `untagged` counts from when the last tag left, where that is known. */
  readonly since: 'pushed' | 'untagged';
  readonly notPulledFor?: Duration;
  readonly newest?: Newest;
  /** `matched`: the newest of all that the rule selects. `removable`: the newest of those that would go. */
  readonly keepScope: 'matched' | 'removable';
}

export const RANKINGS = ['pushed', 'semver', 'tag-date', 'name'] as const;
export type Ranking = (typeof RANKINGS)[number];

/** The newest N roots. A root with several matching tags counts once, and all of them stay. */
export interface Newest {
  readonly count: number;
  readonly by: Ranking;
  /** N in each group instead of N in all. */
  readonly groupBy?: Grouping;
  /** Roots with the same value count as one. */
  readonly generationBy?: Grouping;
}

/** `channel`, `major`, `minor` of a semantic version, or a named group of the rule's pattern or of a pattern of its own. */
export type Grouping =
  | { readonly kind: 'version'; readonly part: 'channel' | 'major' | 'minor' }
  | { readonly kind: 'group'; readonly name: string; readonly pattern?: TagPattern };
