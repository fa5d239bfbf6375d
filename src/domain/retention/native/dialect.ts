import { canonicalJson } from '../../canonical-json.ts';
import { type Parsed, parsed, problems } from '../../parsed.ts';
import type { Instant } from '../inventory.ts';
import type { CleanupPolicy, RepositoryPolicy } from '../policy.ts';
import type { NativeImage, NativeOutcome, NativePolicy, NativeRule } from './native.ts';

/** An entry of a policy in the words of a registry, with what those would remove. */
export interface CompiledRules {
  readonly rules: readonly NativeRule[];
  /** JSON; absent when no rule can be expressed. */
  readonly document?: unknown;
  readonly evaluate: (images: readonly NativeImage[], now: Instant) => NativeOutcome;
}

/** How one kind of registry writes retention rules of its own. Pure: reading and writing them is in `src/registries`. */
export interface Dialect {
  /** `lifecycle policy`. */
  readonly title: string;
  /** `export`: the registry takes its rules from elsewhere, such as a file, so they are only shown; with what to do. */
  readonly install: 'registry' | { readonly export: string };
  /** Whether one set of rules is for all repositories of a scope, so that an entry of the policy has to be for all of them. */
  readonly isForWholeScope: boolean;
  /** @param name of the repository in its scope */
  readonly compile: (policy: CleanupPolicy, own: RepositoryPolicy, name: string) => CompiledRules;
  /**
   * The rules of a whole scope: ours, and what others wrote that can stay beside them.
   * @param live what the registry has; null for nothing
   * @param documents of {@link CompiledRules}, by the repository's name in the scope
   * @param names of all repositories that the run has rules for, expressed or not
   * @returns null for no rules at all; problems when the registry does not take so many
   */
  readonly combine: (
    live: unknown,
    documents: ReadonlyMap<string, unknown>,
    names: readonly string[],
  ) => Parsed<unknown>;
  /** Rules of others in `live` that `after` does not have any more, each for people. */
  readonly lost: (live: unknown, after: unknown) => readonly string[];
  /** Whether a run was killed after it had put `after` in place without effect. */
  readonly isWithoutEffect?: (live: unknown, after: unknown) => boolean;
  /** Why rules have no effect although they are set, because others wanted it so; undefined where they have. */
  readonly inert?: (after: unknown) => string | undefined;
}

const NOTHING: NativeOutcome = { digests: new Set(), tags: new Set() };

/** What a compiler made, with the evaluator of the same dialect. */
export function compiled<T>(
  { document, rules }: NativePolicy<T>,
  evaluate: (document: T, images: readonly NativeImage[], now: Instant) => NativeOutcome,
): CompiledRules {
  return document === undefined
    ? { rules, evaluate: () => NOTHING }
    : { rules, document, evaluate: (images, now) => evaluate(document, images, now) };
}

/** The list with at most so many rules. */
export function atMost<T>(count: number, what: string, rules: readonly T[]): Parsed<readonly T[]> {
  return rules.length <= count
    ? parsed(rules)
    : problems(`${what} takes ${count} rules, and these and those of others are ${rules.length}`);
}

/** Whether two documents say the same, whatever the order of their keys. */
export function isSame(a: unknown, b: unknown): boolean {
  return canonicalJson(a) === canonicalJson(b);
}

/** Rules that are not among others, for people: their JSON, cut. */
export function missingFrom(rules: readonly unknown[], others: readonly unknown[]): readonly string[] {
  const present = new Set(others.map(canonicalJson));
  return rules.filter((rule) => !present.has(canonicalJson(rule))).map((rule) => canonicalJson(rule).slice(0, 300));
}
