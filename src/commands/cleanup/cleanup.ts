import { bytes, counted } from '../../domain/amount.ts';
import type { Digest } from '../../domain/digest.ts';
import type { CleanupPlan, NativeRulesPlan, RepositoryPlan } from '../../domain/retention/plan.ts';
import { planDigest } from '../../domain/retention/plan-document.ts';
import { type ActionError, throwAll } from '../../errors/action-error.ts';
import { warn } from '../../run/progress.ts';
import type { GitHubApi, Runtime } from '../../runtime/runtime.ts';
import { keepHeapSmall } from '../../runtime/small-heap.ts';
import { applyPlan } from './apply.ts';
import { applyNativeRules } from './apply-native-rules.ts';
import { tagCounts } from './counts.ts';
import { hashParts } from './files.ts';
import type { CleanupInputs } from './inputs.ts';
import { ACTION_WORDS } from './outcomes.ts';
import { makePlan } from './plan.ts';
import { planErrors, stopsAll } from './plan-errors.ts';
import { type CleanupResult, emptyCleanup, failed, type PartialCleanup, succeeded } from './result.ts';

/**
 * `command: cleanup`: plans what a policy deletes, or applies a plan. Never throws: what went wrong is in the result, with all that was
 * known until then.
 */
export async function cleanup(
  runtime: Runtime,
  inputs: CleanupInputs,
  warnings: readonly string[],
): Promise<CleanupResult> {
  keepHeapSmall();
  const partial = emptyCleanup(inputs.dryRun);
  partial.warnings.push(...warnings);
  try {
    return await runCleanup(runtime, inputs, partial);
  } catch (error) {
    return failed(partial, runtime.signal.aborted ? runtime.signal.reason : error);
  }
}

async function runCleanup(runtime: Runtime, inputs: CleanupInputs, partial: PartialCleanup): Promise<CleanupResult> {
  const api = gitHub(runtime, inputs);
  const { approved, dryRun } = inputs;
  if (approved !== undefined) {
    partial.planPath = approved.path;
    note(runtime, partial, approved.plan, planDigest(approved.plan, hashParts));
    const errors = planErrors(approved.plan, { unread: [], inUse: { images: [], unreadable: [] } });
    if (stopsAll(approved.plan)) throwAll(errors);
    return finish(runtime, partial, [...errors, ...(await applyAll(runtime, inputs, approved.plan, api, partial))]);
  }
  const planned = await makePlan(runtime, inputs, api, partial);
  const { plan, known } = planned;
  note(runtime, partial, plan, planned.digest);
  const errors = planErrors(plan, planned);
  if (dryRun || stopsAll(plan)) return finish(runtime, partial, errors);
  return finish(runtime, partial, [...errors, ...(await applyAll(runtime, inputs, plan, api, partial, known))]);
}

/** The steps first, and then the rules of the registries, which are decided again from what is left. */
async function applyAll(...given: Parameters<typeof applyPlan>): Promise<readonly ActionError[]> {
  const errors = await applyPlan(...given);
  return [...errors, ...(await applyNativeRules(...given))];
}

function finish(runtime: Runtime, partial: PartialCleanup, errors: readonly ActionError[]): CleanupResult {
  throwAll(errors);
  if (partial.isDryRun) {
    runtime.log.info('This is a dry run: nothing was deleted.');
    return succeeded(partial, 'planned');
  }
  const isDone =
    partial.nativeRules.some(({ outcome }) => outcome === 'done') ||
    partial.repositories.some(
      ({ report }) => report?.results.some(({ outcome }) => outcome === 'done') || (report?.finished ?? []).length > 0,
    );
  runtime.log.info(isDone ? 'The cleanup is complete.' : 'There was nothing to delete.');
  return succeeded(partial, isDone ? 'cleaned' : 'unchanged');
}

/** Takes the plan into the result, and its warnings and numbers into the log. */
function note(runtime: Runtime, partial: PartialCleanup, plan: CleanupPlan, digest: Digest): void {
  partial.plan = plan;
  partial.planDigest = digest;
  partial.repositories = plan.repositories.map((each) => ({ plan: each }));
  partial.nativeRules = (plan.nativeRules ?? []).map((rules) => ({ rules }));
  for (const { severity, message } of plan.problems) if (severity === 'warning') warn(runtime, partial, message);
  for (const each of plan.repositories) {
    const isUnread = each.problems.some(({ code }) => code === 'inventory-incomplete');
    for (const { severity, code, message } of each.problems) {
      // Nothing matches in what could not be read.
      if (severity !== 'warning' || (isUnread && code === 'rule-matched-nothing')) continue;
      warn(runtime, partial, `${each.repository}: ${message}`);
    }
    logPlan(runtime, each);
  }
  for (const rules of plan.nativeRules ?? []) logNativeRules(runtime, partial, rules);
}

function logNativeRules(
  runtime: Runtime,
  partial: PartialCleanup,
  { scope, title, action, rules, replaced, problems }: NativeRulesPlan,
): void {
  for (const { severity, message } of problems) if (severity === 'warning') warn(runtime, partial, message);
  runtime.log.info(`${scope}: ${title}, ${ACTION_WORDS[action]}.`);
  for (const { repository, rule, fit, reason } of rules.slice(0, MAX_LOG_LINES))
    runtime.log.info(`  ${repository}: ${rule}: ${fit}: ${reason}`);
  for (const rule of replaced) runtime.log.info(`  replaces a rule of others: ${rule}`);
}

/** Lines of the log for tags and digests that go, of each repository. */
const MAX_LOG_LINES = 100;

function logPlan({ log }: Runtime, plan: RepositoryPlan): void {
  const { repository, tags, manifests, totals, problems, leftovers = [] } = plan;
  const stop = problems.find(({ severity }) => severity === 'stop');
  if (stop !== undefined) {
    log.info(`${repository}: stopped. ${stop.message}`);
    return;
  }
  const { deletedManifests, freedBytes, freedIs } = totals;
  const { untagged, deleted: deletedTags, kept: keptTags } = tagCounts(plan);
  const size = `${freedIs === 'exact' ? '' : 'about '}${bytes(freedBytes)}`;
  const kept = `${counted(totals.manifests - deletedManifests, 'manifest')} and ${counted(keptTags, 'tag')} stay`;
  const alone = untagged === 0 ? '' : `, ${counted(untagged, 'more tag')} without their image`;
  log.info(
    deletedManifests + untagged === 0
      ? `${repository}: nothing to delete, ${kept}.`
      : deletedManifests === 0
        ? `${repository}: to remove ${counted(untagged, 'tag')} from images that stay; ${kept}.`
        : `${repository}: to delete ${counted(deletedManifests, 'manifest')} (${size}) with ${counted(deletedTags, 'tag')}${alone}; ${kept}.`,
  );
  const lines = [
    ...tags.flatMap(({ tag, action, reason }) => (action === 'keep' ? [] : `  ${action} ${tag}: ${described(reason)}`)),
    ...manifests.flatMap(({ digest, role, action, tags: own, reason }) =>
      action === 'delete' && role === 'root' && own.length === 0 ? `  delete ${digest}: ${described(reason)}` : [],
    ),
  ];
  for (const line of lines.slice(0, MAX_LOG_LINES)) log.info(line);
  if (leftovers.length > 0) log.info(`  remove what an interrupted run left: ${leftovers.join(', ')}`);
  if (lines.length > MAX_LOG_LINES) log.info(`  and ${lines.length - MAX_LOG_LINES} more, see the plan`);
}

function described({ rule, text }: RepositoryPlan['tags'][number]['reason']): string {
  return rule === undefined ? text : `${text} (${rule})`;
}

/** GitHub's API for the repository of the workflow; undefined without a token or outside of a job. */
function gitHub({ env, github }: Runtime, { registries }: CleanupInputs): GitHubApi | undefined {
  const { githubToken: token } = registries;
  const [owner = '', name = ''] = (env.GITHUB_REPOSITORY ?? '').split('/');
  if (token === undefined || owner === '' || name === '') return undefined;
  return github(token, { apiUrl: env.GITHUB_API_URL ?? 'https://api.github.com', owner, name });
}
