import type { Sha256 } from '../canonical-json.ts';
import { compareText } from '../compare-text.ts';
import { canonicalPolicy } from './canonical-policy.ts';
import type { SourceRefs } from './gone.ts';
import type { InUse } from './in-use.ts';
import type { Instant, RepositoryInventory } from './inventory.ts';
import { type CleanupPlan, PLAN_VERSION, type PlanProblem, type RepositoryPlan } from './plan.ts';
import { planRepository } from './plan-repository.ts';
import type { CleanupPolicy } from './policy.ts';
import { type MatchedLines, protectLines } from './protect-items.ts';
import { entriesFor, isNamedBy } from './repository-match.ts';

export interface CleanupInput {
  readonly policy: CleanupPolicy;
  readonly inventories: readonly RepositoryInventory[];
  readonly inUse: InUse;
  readonly refs: SourceRefs;
  /** What ages are counted up to, and what the plan is dated. */
  readonly now: Instant;
  readonly sha256: Sha256;
}

/** Plans all repositories. Pure and deterministic: neither the order of inventories nor that of their content matters. */
export function planCleanup({ policy, inventories, inUse, refs, now, sha256 }: CleanupInput): CleanupPlan {
  const matched: MatchedLines = new Set();
  const problems: PlanProblem[] = [];
  const sorted = inventories.toSorted((a, b) => compareText(a.repository, b.repository));
  const repositories = sorted.flatMap((inventory): RepositoryPlan[] => {
    const [own, ...others] = entriesFor(policy, inventory.repository);
    if (own === undefined) {
      problems.push({
        severity: 'warning',
        code: 'repository-matched-nothing',
        message: `No entry of \`repositories\` matches ${inventory.repository}, so nothing in it is looked at.`,
      });
      return [];
    }
    if (others.length > 0) {
      problems.push({
        severity: 'stop',
        code: 'repository-matched-nothing',
        message: `${others.length + 1} entries of \`repositories\` match ${inventory.repository}; exclude it from all but one with \`!\`.`,
      });
      return [];
    }
    return [planRepository({ inventory, policy, own, inUse, refs, now }, matched)];
  });
  const names = sorted.map(({ repository }) => repository);
  for (const { match } of policy.repositories) {
    for (const pattern of match.filter(({ negated }) => !negated)) {
      if (names.some((name) => isNamedBy(pattern, name))) continue;
      problems.push({
        severity: pattern.isLiteral ? 'stop' : 'warning',
        code: 'repository-matched-nothing',
        message: `\`match: ${pattern.text}\` names no repository of this run${names.length === 0 ? '' : ` (${names.slice(0, 3).join(', ')}${names.length > 3 ? ', …' : ''})`}.`,
      });
    }
  }
  const planned = policy.repositories.map(({ match }) =>
    names.some((name) => match.some((each) => !each.negated && isNamedBy(each, name))),
  );
  for (const [key, line] of protectLines(policy, planned)) {
    if (matched.has(key)) continue;
    problems.push({
      severity: 'stop',
      code: 'protect-matched-nothing',
      message: `${line} matched nothing, so what it should protect is not protected. Correct or remove the line.`,
    });
  }
  return {
    version: PLAN_VERSION,
    policyDigest: sha256(canonicalPolicy(policy)),
    plannedAt: new Date(now).toISOString(),
    repositories,
    problems,
  };
}
