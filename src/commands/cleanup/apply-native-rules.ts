import { isSame } from '../../domain/retention/native/dialect.ts';
import { dialectOf } from '../../domain/retention/native/dialects.ts';
import type { CleanupPlan, NativeRulesPlan } from '../../domain/retention/plan.ts';
import { planCleanup } from '../../domain/retention/plan-cleanup.ts';
import { ActionError, toActionError } from '../../errors/action-error.ts';
import { readInUse } from '../../run/in-use/read-in-use.ts';
import { readSourceRefs } from '../../run/in-use/source-refs.ts';
import { openTargets } from '../../run/inventory/open-targets.ts';
import type { InventoryReading } from '../../run/inventory/read-inventory.ts';
import { step } from '../../run/progress.ts';
import { recordVerifier } from '../../run/record-verifier.ts';
import type { GitHubApi, Runtime } from '../../runtime/runtime.ts';
import { sha256 } from './files.ts';
import type { CleanupInputs } from './inputs.ts';
import { checkPreview } from './native-preview.ts';
import { readNativeRules, type ScopeRules } from './native-rules.ts';
import type { NativeRulesResult, PartialCleanup } from './result.ts';
import { readTargets } from './targets.ts';

/**
 * Sets the retention rules of the registries that a plan names. The repositories, what is in use and the live rules are read again, and
 * the rules are made again from the policy: they are set only when all of that still gives the rules of the plan.
 * @returns the errors of all scopes
 */
export async function applyNativeRules(
  runtime: Runtime,
  inputs: CleanupInputs,
  plan: CleanupPlan,
  api: GitHubApi | undefined,
  partial: PartialCleanup,
  known: ReadonlyMap<string, InventoryReading> = new Map(),
): Promise<readonly ActionError[]> {
  const due = (plan.nativeRules ?? []).filter(({ action }) => action === 'install' || action === 'remove');
  if (due.length === 0) return [];
  const errors: ActionError[] = [];
  const { policy, images, dryRun } = inputs;
  const names = images.filter(({ name }) => due.some(({ repositories }) => repositories.includes(name)));
  await step(
    runtime,
    partial,
    dryRun ? 'Check the rules of the registries' : 'Set the rules of the registries',
    async () => {
      const access = dryRun ? 'pull' : 'push';
      const targets = await readTargets(runtime, await openTargets(runtime, inputs.registries, names, access), known);
      const inUse = await readInUse(policy.inUse, targets, runtime, api, recordVerifier(runtime, inputs.recordTrust));
      const now = Math.max(...targets.map(({ reading }) => reading.inventory.readAt));
      const inventories = targets.map(({ reading }) => reading.inventory);
      const refs = await readSourceRefs(policy, api);
      const fresh = planCleanup({ policy, inventories, inUse, refs, now, sha256 });
      const scopes = await readNativeRules(targets, { policy, plan: fresh, inUse, now });
      for (const rules of due) {
        const scope = scopes.find((each) => each.rules.scope === rules.scope);
        const result = await applyScope(rules, scope, fresh, inputs).catch((error: unknown): Failed => {
          const failed = toActionError(error);
          if (failed.code === 'CANCELLED') throw failed;
          return { rules, outcome: 'failed', reason: failed.message, error: failed };
        });
        const { error, ...shown } = result;
        if (error !== undefined) errors.push(error);
        partial.nativeRules = partial.nativeRules.map((before) => (before.rules === rules ? shown : before));
        runtime.log.info(`${rules.scope}: ${rules.title} ${shown.outcome}${shown.reason ? `: ${shown.reason}` : ''}`);
      }
    },
    () => errors.length > 0,
  );
  return errors;
}

type Failed = NativeRulesResult & { readonly error?: ActionError };

async function applyScope(
  rules: NativeRulesPlan,
  scope: ScopeRules | undefined,
  fresh: CleanupPlan,
  { approved, dryRun }: CleanupInputs,
): Promise<Failed> {
  const { title, scope: where, after } = rules;
  const refused = (reason: string): Failed => ({
    rules,
    outcome: 'skipped',
    reason,
    error: new ActionError('CLEANUP_STOPPED', `The ${title} of ${where} is not set: ${reason}.`),
  });
  if (scope?.retention === undefined) return refused('the run has no repository of it that has rules of its own');
  const { before: live, after: now } = scope.rules;
  if (isSame(live, after)) return { rules, outcome: 'absent' };
  const isHalfway = dialectOf(rules.vendor)?.isWithoutEffect ?? (() => false);
  if (!isSame(live, rules.before) && !isHalfway(live, after))
    return refused('somebody changed it since the plan. Plan again, and compare what it replaces');
  if (!isSame(now, after) && !(isHalfway(live, after) && isHalfway(now, after))) {
    const why = scope.rules.problems[0]?.message ?? scope.rules.rules.find(({ fit }) => fit === 'impossible')?.reason;
    return refused(
      `the repository or what is in use changed since the plan, and other rules fit now${why === undefined ? '' : ` (${why.replace(/\.$/, '')})`}. Plan again`,
    );
  }
  if (rules.replaced.length > 0 && approved === undefined) {
    return refused(
      `it would replace ${rules.replaced.length} rules that others may have written, which needs a plan that somebody approved: run with \`dry-run: true\`, and apply with \`plan\``,
    );
  }
  if (dryRun) return { rules, outcome: 'due' };
  await scope.retention.install(after, live, (preview) => {
    const [wider] = checkPreview(preview, rules, fresh);
    if (wider === undefined) return;
    const message = `The ${title} of ${where} is not set: the preview of the registry would delete ${wider}.`;
    throw new ActionError('CLEANUP_STOPPED', message);
  });
  if (!isSame(await scope.retention.read(), after)) {
    throw new ActionError(
      'CLEANUP_STOPPED',
      `The ${title} of ${where} was set, and the registry has another one now. Read it, and run again.`,
    );
  }
  return { rules, outcome: 'done' };
}
