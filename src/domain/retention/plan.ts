import type { Digest } from '../digest.ts';
import type { ArtifactKind } from './kind.ts';
import type { NativeRule } from './native/native.ts';

/** The version of the plan's format. Another version is refused: a plan is applied by what made it. */
export const PLAN_VERSION = 1;

/** What a clean-up is going to do, and why: the document that a person approves and that apply follows to the letter. */
export interface CleanupPlan {
  readonly version: typeof PLAN_VERSION;
  /** SHA-256 of the policy in canonical form. Apply refuses a plan of another policy. */
  readonly policyDigest: Digest;
  /** RFC 3339, UTC. The time that ages were counted up to. */
  readonly plannedAt: string;
  /** Sorted by name. */
  readonly repositories: readonly RepositoryPlan[];
  /** What concerns no single repository, such as a protect line that matched nothing anywhere. */
  readonly problems: readonly PlanProblem[];
  /** Retention rules of the registries themselves, by scope; absent where no entry asks for them. */
  readonly nativeRules?: readonly NativeRulesPlan[];
}

/** What is to become of a registry's own retention rules: part of the plan that a person approves. */
export interface NativeRulesPlan {
  /** What one set of rules is for: a repository of ECR or Artifact Registry, a project of Harbor. */
  readonly scope: string;
  readonly vendor: string;
  /** `lifecycle policy`. */
  readonly title: string;
  /** Repositories of the run in it, in full. */
  readonly repositories: readonly string[];
  readonly rules: readonly (NativeRule & { readonly repository: string })[];
  /** `export`: the registry cannot be told through its API, so the rules are only shown. */
  readonly action: 'install' | 'remove' | 'unchanged' | 'export' | 'none';
  /** What the registry has, as JSON; null for nothing. Apply refuses when that has changed. */
  readonly before: unknown;
  /** What it is to have. */
  readonly after: unknown;
  /** Rules of others that it loses. They are replaced by a plan that was approved only. */
  readonly replaced: readonly string[];
  readonly problems: readonly PlanProblem[];
}

export interface RepositoryPlan {
  /** In full: `docker.io/library/alpine`. */
  readonly repository: string;
  readonly vendor: string;
  /** Every tag, sorted by name. */
  readonly tags: readonly TagDecision[];
  /** Every manifest, sorted by digest. */
  readonly manifests: readonly ManifestDecision[];
  /** What apply does, in this order. Empty when a problem stops this repository. */
  readonly steps: readonly PlanStep[];
  readonly problems: readonly PlanProblem[];
  readonly totals: PlanTotals;
  /** Tags of the inventory's `leftovers`, which apply removes as well; absent when there are none. */
  readonly leftovers?: readonly string[];
}

/**
 * `stop`: nothing is deleted in this repository (or anywhere, on the plan itself), and the run fails. `error`: the rest is
 * applied, and the run fails. `warning`: for people to read.
 */
export interface PlanProblem {
  readonly severity: 'stop' | 'error' | 'warning';
  readonly code: ProblemCode;
  /** Whole sentences for users. */
  readonly message: string;
}

type ProblemCode =
  | 'inventory-incomplete'
  | 'in-use-unreadable'
  | 'in-use-absent'
  | 'refs-unreadable'
  | 'limit-exceeded'
  | 'batched'
  | 'last-tagged'
  | 'rule-matched-nothing'
  | 'protect-matched-nothing'
  | 'repository-matched-nothing'
  | 'keeps-without-remove'
  | 'looks-like-version'
  | 'pulls-unknown'
  | 'push-time-unknown'
  | 'numeric-prerelease'
  | 'broken-index'
  | 'other-kind'
  | 'blocked'
  | 'native-rule';

/** Why something is kept or goes. Machines read `code`, people read `text`. */
export interface Reason {
  readonly code: ReasonCode;
  /** The rule or protect line behind it: `untagged`, `protect.tags "v*"`. */
  readonly rule?: string;
  /** A fragment for a table cell: `pushed 20 days ago, older than 14 days`. */
  readonly text: string;
}

type ReasonCode =
  | 'protected'
  | 'in-use'
  | 'locked'
  | 'kept-by-rule'
  | 'newest'
  | 'young'
  | 'unmatched'
  | 'not-selected-by-age'
  | 'unknown'
  | 'other-kind'
  | 'other-tags'
  | 'last-tagged'
  | 'newest-image'
  | 'limit'
  | 'part-of-kept'
  | 'attached-to-kept'
  | 'stopped'
  | 'blocked'
  | 'removed-by-rule'
  | 'part-of-deleted'
  | 'attached-to-deleted'
  | 'orphan'
  | 'broken';

export interface TagDecision {
  readonly tag: string;
  readonly digest: Digest;
  /** `untag`: the tag goes and its digest stays. `delete`: both go. */
  readonly action: 'keep' | 'untag' | 'delete';
  readonly reason: Reason;
}

export interface ManifestDecision {
  readonly digest: Digest;
  readonly kind: ArtifactKind;
  /** `root`: what tags and people refer to. `child`: listed by an index. `referrer`: attached to a subject. */
  readonly role: 'root' | 'child' | 'referrer';
  /** Its tags before the plan, sorted. */
  readonly tags: readonly string[];
  readonly action: 'keep' | 'delete';
  readonly reason: Reason;
  /** RFC 3339; absent when unknown. */
  readonly pushedAt?: string;
  /** Digests that it lists; absent when none. Apply checks those of kept roots at the end. */
  readonly children?: readonly Digest[];
  /** What a referrer is attached to. */
  readonly subject?: string;
  /** Bytes that its deletion frees: blobs and manifest that nothing kept needs, counted at the first deleted manifest. */
  readonly freed?: number;
}

/**
 * One write. `untag` removes the tag when it still points to the digest. `delete` removes the digest when its live tags are
 * exactly `tags`; where the vendor wants tags gone before that, the executor removes them first. Roots come before their
 * children, and subjects before their referrers, so that a run which stops leaves garbage and never a broken image.
 */
export type PlanStep =
  | { readonly action: 'untag'; readonly tag: string; readonly digest: Digest }
  | {
      readonly action: 'delete';
      readonly digest: Digest;
      readonly role: ManifestDecision['role'];
      readonly tags: readonly string[];
      /** See `InventoryManifest.handle`. */
      readonly handle?: string;
    };

interface PlanTotals {
  readonly tags: number;
  readonly manifests: number;
  readonly untagged: number;
  readonly deletedTags: number;
  readonly deletedManifests: number;
  /** Bytes freed, each blob counted once; an estimate when the size or the layers of something are unknown. */
  readonly freedBytes: number;
  readonly freedIs: 'exact' | 'estimate';
  /** Images that `limits` leaves for the next run. */
  readonly left: number;
}
