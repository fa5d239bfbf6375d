import { bytes, counted } from '../../domain/amount.ts';
import { shortDigest } from '../../domain/digest.ts';
import type { InUse } from '../../domain/retention/in-use.ts';
import type { CleanupPlan, RepositoryPlan } from '../../domain/retention/plan.ts';
import { recheckSteps } from '../../domain/retention/recheck.ts';
import { ActionError } from '../../errors/action-error.ts';
import { applySteps } from '../../run/deletion/apply-steps.ts';
import type { DeletionReport, StepResult } from '../../run/deletion/step-result.ts';
import { type ReadTarget, readInUse } from '../../run/in-use/read-in-use.ts';
import { openTargets } from '../../run/inventory/open-targets.ts';
import type { InventoryReading } from '../../run/inventory/read-inventory.ts';
import { step } from '../../run/progress.ts';
import { recordVerifier } from '../../run/record-verifier.ts';
import type { GitHubApi, Runtime } from '../../runtime/runtime.ts';
import { type CleanupCounts, countsOf } from './counts.ts';
import type { CleanupInputs } from './inputs.ts';
import type { PartialCleanup, RepositoryResult } from './result.ts';
import { readTargets } from './targets.ts';

/**
 * Does what a plan says, in one repository after the other: a failure of one does not keep the others from being cleaned up. What is in
 * use is read again first, once for all.
 * @returns the errors of all repositories
 */
export async function applyPlan(
  runtime: Runtime,
  inputs: CleanupInputs,
  plan: CleanupPlan,
  api: GitHubApi | undefined,
  partial: PartialCleanup,
  known: ReadonlyMap<string, InventoryReading> = new Map(),
): Promise<readonly ActionError[]> {
  const due = plan.repositories.filter(({ steps, leftovers = [] }) => steps.length + leftovers.length > 0);
  const names = inputs.images.filter(({ name }) => due.some(({ repository }) => repository === name));
  if (names.length === 0) return [];
  const access = inputs.dryRun ? 'pull' : 'push';
  const targets = await step(runtime, partial, 'Inventory', async () =>
    readTargets(runtime, await openTargets(runtime, inputs.registries, names, access), known),
  );
  const inUse = await step(runtime, partial, 'Images in use', () =>
    readInUse(inputs.policy.inUse, targets, runtime, api, recordVerifier(runtime, inputs.recordTrust)),
  );
  const errors: ActionError[] = [];
  for (const each of targets) {
    const own = due.find(({ repository }) => repository === each.name.name);
    if (own === undefined) continue;
    const name = `${inputs.dryRun ? 'Check' : 'Clean up'} ${own.repository}`;
    const result = await step(
      runtime,
      partial,
      name,
      () => (inputs.dryRun ? recheck(each, own, inUse) : apply(runtime, each, own, inUse)),
      (done) => done.report !== undefined && errorsOf(own, done.report).length > 0,
    );
    partial.repositories = partial.repositories.map((before) => (before.plan === own ? result : before));
    if (result.report === undefined) continue;
    logResults(runtime, result, result.report);
    errors.push(...errorsOf(own, result.report));
  }
  return errors;
}

async function apply(
  { clock, log }: Runtime,
  { target, reading }: ReadTarget,
  plan: RepositoryPlan,
  inUse: InUse,
): Promise<RepositoryResult> {
  // What is in use was looked up in this reading: one that is incomplete may have missed something.
  const [gap] = reading.inventory.gaps;
  if (gap === undefined)
    return { plan, report: await applySteps(target, plan, inUse, { clock, log, known: reading.facts }) };
  const stopped = `${gap.what} ${gap.subject} could not be read (${gap.reason})`;
  return { plan, report: notDone(plan, reading, stopped) };
}

/** What of a plan still holds, without a write. */
async function recheck({ reading }: ReadTarget, plan: RepositoryPlan, inUse: InUse): Promise<RepositoryResult> {
  const { steps: due, skipped, done, stop } = recheckSteps(plan, reading.inventory, inUse);
  if (stop !== undefined) return { plan, report: notDone(plan, reading, stop) };
  const results: readonly StepResult[] = [
    ...skipped.map(({ step: each, reason }) => ({ step: each, outcome: 'skipped', reason }) as const),
    ...done.map((each) => ({ step: each, outcome: 'absent' }) as const),
  ];
  return { plan, due, report: { results, errors: [], broken: [], notices: reading.notices } };
}

function notDone({ steps }: RepositoryPlan, { errors, notices }: InventoryReading, stopped: string): DeletionReport {
  const reason = `nothing is deleted: ${stopped}`;
  return {
    results: steps.map((each) => ({ step: each, outcome: 'skipped', reason })),
    stopped,
    errors,
    broken: [],
    notices,
  };
}

/** What fails the run. What changed since the plan, and what the registry keeps, do not. */
function errorsOf({ repository }: RepositoryPlan, { errors, stopped, broken }: DeletionReport): readonly ActionError[] {
  const facts = { registry: repository.split('/', 1)[0] ?? '', repository };
  const [first] = broken;
  return [
    ...errors,
    ...(stopped !== undefined && errors.length === 0
      ? [new ActionError('CLEANUP_STOPPED', `Nothing was deleted from ${repository}: ${stopped}.`)]
      : []),
    ...(first === undefined
      ? []
      : [
          new ActionError(
            'KEPT_IMAGE_INCOMPLETE',
            `${repository}@${shortDigest(first.root)} lacks ${shortDigest(first.missing)} after the deletions${broken.length > 1 ? `, and ${broken.length - 1} more are missing elsewhere` : ''}.`,
            { facts: { ...facts, reference: first.root } },
          ),
        ]),
  ];
}

/** Lines of the log for steps that were not done. */
const MAX_LOG_LINES = 50;

function logResults({ log }: Runtime, result: RepositoryResult, report: DeletionReport): void {
  const { repository } = result.plan;
  const { results, notices, finished = [] } = report;
  if (result.due === undefined) logDone(log, repository, countsOf(result));
  if (finished.length > 0) log.info(`${repository}: removed what an earlier run left: ${finished.join(', ')}`);
  const left = results.flatMap((result) => ('reason' in result ? [result] : []));
  for (const { step: each, outcome, reason } of left.slice(0, MAX_LOG_LINES)) {
    const subject = each.action === 'untag' ? each.tag : shortDigest(each.digest);
    log.info(`${repository}: ${subject} ${outcome}: ${reason}`);
  }
  if (left.length > MAX_LOG_LINES) log.info(`${repository}: ${left.length - MAX_LOG_LINES} more are in the JSON file.`);
  for (const notice of notices) log.notice(notice);
}

function logDone({ info }: Runtime['log'], repository: string, counts: CleanupCounts): void {
  const { deletedManifests, deletedTags, untaggedTags, freedBytes, isExact, keptManifests } = counts;
  const images =
    deletedManifests === 0
      ? []
      : [
          `deleted ${counted(deletedManifests, 'manifest')} (${isExact ? '' : 'about '}${bytes(freedBytes)}) with ${counted(deletedTags - untaggedTags, 'tag')}`,
        ];
  const alone = untaggedTags === 0 ? [] : [`removed ${counted(untaggedTags, 'tag')} from images that stay`];
  const done = [...images, ...alone].join(', ');
  if (done !== '') info(`${repository}: ${done}; ${counted(keptManifests, 'manifest')} stay.`);
}
