import { sortedByKey } from '../../domain/compare-text.ts';
import type { InUse } from '../../domain/retention/in-use.ts';
import type { Instant } from '../../domain/retention/inventory.ts';
import { decideNativeRules, type NativeMember } from '../../domain/retention/native/decide.ts';
import type { Dialect } from '../../domain/retention/native/dialect.ts';
import { dialectOf } from '../../domain/retention/native/dialects.ts';
import type { CleanupPlan, NativeRulesPlan, PlanProblem } from '../../domain/retention/plan.ts';
import type { CleanupPolicy } from '../../domain/retention/policy.ts';
import { entriesFor } from '../../domain/retention/repository-match.ts';
import { ActionError } from '../../errors/action-error.ts';
import type { RetentionRules } from '../../registries/vendor.ts';
import type { ReadTarget } from '../../run/in-use/read-in-use.ts';
import { checkPreview } from './native-preview.ts';

/** What the rules of the registries are decided from, besides the repositories. */
export interface NativeContext {
  readonly policy: CleanupPolicy;
  /** What the cleanup itself does with the repositories in their present state. */
  readonly plan: CleanupPlan;
  readonly inUse: InUse;
  readonly now: Instant;
}

/** The rules of one scope with the registry that has them; absent where they cannot be set. */
export interface ScopeRules {
  readonly rules: NativeRulesPlan;
  readonly retention?: RetentionRules;
}

/**
 * Decides on the retention rules of the registries, for repositories whose entry has `engine: native` or `auto`. Reads what the
 * registries have, and writes nothing.
 * @returns nothing for a policy that leaves the registries alone
 */
export async function readNativeRules(
  targets: readonly ReadTarget[],
  context: NativeContext,
): Promise<readonly ScopeRules[]> {
  const members = targets.flatMap((target) => memberOf(target, context) ?? []);
  const scopes = Map.groupBy(members, ({ scope }) => scope);
  const found: ScopeRules[] = [];
  for (const [scope, group] of sortedByKey(scopes)) found.push(await readScope(scope, group, context));
  return found;
}

interface ScopeMember {
  readonly scope: string;
  readonly vendor: string;
  readonly title: string;
  readonly dialect: Dialect | undefined;
  readonly retention: RetentionRules | undefined;
  readonly member: NativeMember;
}

function memberOf({ name, target, reading }: ReadTarget, { policy, plan }: NativeContext): ScopeMember | undefined {
  const [own, ...others] = entriesFor(policy, name.name);
  const repository = plan.repositories.find((each) => each.repository === name.name);
  if (own === undefined || others.length > 0 || repository === undefined || own.engine === 'client') return undefined;
  const { retention } = target.managed;
  const dialect = dialectOf(target.vendor.id, name.host);
  // Rules that are only shown are for the whole registry, or for what their commands name.
  const scope = retention?.scope ?? (dialect === undefined ? name.name : name.host);
  const member = {
    repository: name.name,
    name: retention?.name ?? name.repository,
    own,
    inventory: reading.inventory,
    plan: repository,
  };
  return { scope, vendor: target.vendor.id, title: target.vendor.title, dialect, retention, member };
}

async function readScope(scope: string, group: readonly ScopeMember[], context: NativeContext): Promise<ScopeRules> {
  const [first] = group;
  const vendor = first?.vendor ?? '';
  const dialect = first?.dialect;
  const members = group.map(({ member }) => member);
  const retention = first?.retention;
  if (dialect === undefined || (dialect.install === 'registry' && retention === undefined)) {
    const reason = `${first?.title ?? vendor} has no retention rules of its own that its API sets`;
    return { rules: withoutRules(scope, vendor, members, reason) };
  }
  try {
    const live = (await retention?.read()) ?? null;
    const names = members.map(({ name }) => name);
    const others = ((await retention?.names?.()) ?? []).filter((name) => !names.includes(name));
    const rules = decideNativeRules({ scope, vendor, dialect, live, members, others, ...context });
    return retention === undefined ? { rules } : { rules, retention };
  } catch (error) {
    if (!(error instanceof ActionError) || error.code === 'CANCELLED') throw error;
    const reason = `the rules of ${scope} could not be read (${error.message.replace(/\.$/, '')})`;
    return { rules: withoutRules(scope, vendor, members, reason) };
  }
}

/** A scope whose registry is left alone: a warning, or an error where the policy demands rules of the registry. */
function withoutRules(
  scope: string,
  vendor: string,
  members: readonly NativeMember[],
  reason: string,
): NativeRulesPlan {
  const isDemanded = members.some(({ own }) => own.engine === 'native');
  const problem: PlanProblem = {
    severity: isDemanded ? 'error' : 'warning',
    code: 'native-rule',
    message: `No rules are set in ${scope}: ${reason}. The rules are run by this action${isDemanded ? '; write `engine: client` if that is right' : ''}.`,
  };
  return {
    scope,
    vendor,
    title: dialectOf(vendor)?.title ?? 'retention rules',
    repositories: members.map(({ repository }) => repository),
    rules: members.flatMap(({ repository, own }) =>
      own.rules.map(({ name }) => ({ repository, rule: name, fit: 'impossible' as const, reason })),
    ),
    action: 'none',
    before: null,
    after: null,
    replaced: [],
    // Under `auto`, a registry without rules is nothing to tell in every run.
    problems: isDemanded || dialectOf(vendor) !== undefined ? [problem] : [],
  };
}

/**
 * The plan of a scope after the registry has said what it would delete. Where it would delete more than the plan, nothing is set.
 * A preview that fails is done again before anything is set.
 */
export async function previewed({ rules, retention }: ScopeRules, plan: CleanupPlan): Promise<NativeRulesPlan> {
  if (rules.action !== 'install' || retention?.preview === undefined) return rules;
  const warning = (message: string, severity: PlanProblem['severity']): PlanProblem => ({
    severity,
    code: 'native-rule',
    message,
  });
  try {
    const preview = await retention.preview(rules.after);
    const [wider] = checkPreview(preview, rules, plan);
    if (wider === undefined) return rules;
    const reason = `the preview of the registry would delete ${wider}`;
    return {
      ...rules,
      action: 'none',
      after: rules.before,
      replaced: [],
      rules: rules.rules.map((rule) => (rule.fit === 'impossible' ? rule : { ...rule, fit: 'impossible', reason })),
      problems: [...rules.problems, warning(`No ${rules.title} is set in ${rules.scope}: ${reason}.`, 'error')],
    };
  } catch (error) {
    if (!(error instanceof ActionError) || error.code === 'CANCELLED') throw error;
    const message = `The ${rules.title} of ${rules.scope} could not be previewed, which happens again before it is set: ${error.message}`;
    return { ...rules, problems: [...rules.problems, warning(message, 'warning')] };
  }
}
