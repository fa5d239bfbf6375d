import { isByHand } from '../../domain/event.ts';
import { mayNotPromote, OTHER_EVENTS } from '../../domain/promotion/events.ts';
import { overall } from '../../domain/promotion/plan.ts';
import { ActionError, throwAll } from '../../errors/action-error.ts';
import { type DeploymentUpdate, updateDeployment } from '../../evidence/deployments.ts';
import { createRecords } from '../../evidence/environment-history.ts';
import { rememberReads } from '../../evidence/remembered-reads.ts';
import { scanTermsOf } from '../../inputs/gate.ts';
import { openRegistries } from '../../run/open-registries.ts';
import { step } from '../../run/progress.ts';
import { destinationsOf } from '../../run/targets.ts';
import { readEvent } from '../../runtime/event.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { applyPromotion, begin, type PlannedRepository, type RecordOfRun, recordFor } from './apply.ts';
import { askTargets, copyMissing, type TargetErrors } from './content.ts';
import type { PromotionContext } from './context.ts';
import type { PromoteInputs } from './inputs.ts';
import { emptyResult, failed, type PartialResult, succeeded } from './partial-result.ts';
import { planRepositories } from './plan.ts';
import { type Required, readPolicies } from './policy.ts';
import { openRecordSigning } from './record-signing.ts';
import { conflict, notByHand, refusal } from './refusals.ts';
import { type Found, findBack, findForward } from './resolve-image.ts';
import type { PromotedTarget, PromotionResult } from './result.ts';
import { withCheckedOutCommit } from './run-commit.ts';
import { nameAll } from './targets-from-inputs.ts';

/**
 * `command: promote`: copies the same bytes from one environment to the next, with evidence, or rolls back. Never
 * throws: errors are in the result, with everything known until then.
 */
export async function promote(
  runtime: Runtime,
  inputs: PromoteInputs,
  warnings: readonly string[],
): Promise<PromotionResult> {
  const partial = emptyResult();
  partial.warnings.push(...warnings);
  try {
    return await runPromote(runtime, inputs, partial);
  } catch (error) {
    return failed(partial, runtime.signal.aborted ? runtime.signal.reason : error);
  }
}

async function runPromote(runtime: Runtime, inputs: PromoteInputs, partial: PartialResult): Promise<PromotionResult> {
  const context = await preparePromotion(runtime, inputs, partial);
  const found = inputs.rollback ? await findBack(context) : await findForward(context);
  const { root } = found;
  const { digest } = root.descriptor;
  const { planned, ...terms } = await step(
    runtime,
    partial,
    'Plan',
    () => planRepositories(context, found),
    ({ planned: all }) => ['refused', 'conflict'].includes(overall(all.map(({ plan }) => plan)).status),
  );
  partial.targets = inOrder(found, planned.map(begin));
  const { status, refusals } = overall(planned.map(({ plan }) => plan));
  if (status === 'refused' || status === 'conflict') {
    await reportDeployment(context, found, 'failure');
    throw status === 'refused' ? refusal(partial, planned, refusals) : conflict(planned, digest);
  }
  const refused = await askTargets(context, found, planned);
  if (inputs.dryRun) {
    await reportDeployment(context, found, 'inactive');
    throwFailed(partial, found, planned, refused);
    runtime.log.info('This is a dry run: nothing was written.');
    return succeeded(partial, 'planned');
  }
  const hasWork = planned.some((target) => target.plan.status === 'go' || target.needsRecord || target.needsCopy);
  if (!hasWork && found.failed.length === 0) {
    runtime.log.info(`Everything is in place already, as ${digest}: nothing to write.`);
    // Otherwise GitHub's final status would refer to whatever was built from the run's commit.
    await reportDeployment(context, found, 'success');
    return succeeded(partial, 'unchanged');
  }

  const failed = await copyMissing(
    context,
    found,
    planned.filter((target) => !refused.has(target)),
  );
  throwFailed(partial, found, planned, new Map([...refused, ...failed]), true);
  if (partial.copiedManifests === 0 && planned.every(({ plan, needsRecord }) => plan.status !== 'go' && !needsRecord)) {
    await reportDeployment(context, found, 'success');
    return succeeded(partial, 'unchanged');
  }
  const record = recordOf(context, found, terms);
  // Tags may move while records are read. A rollback is urgent.
  const isLate = planned.some(({ needsCopy, needsRecord }) => needsCopy || (needsRecord && !inputs.rollback));
  const { sign } = context.recordSigning;
  const recheck = terms.required.length > 0 || isLate || sign !== undefined;
  partial.targets = await step(
    runtime,
    partial,
    'Tags and records',
    () => applyPromotion({ targets: planned, root, record, recheck, sign, log: runtime.log }),
    (targets) => targets.some(({ error }) => error !== undefined),
  );
  const errors = partial.targets.flatMap(({ error }) => error ?? []);
  throwAll(errors);
  partial.passed = [
    ...partial.passed,
    ...planned
      .filter(({ needsRecord }) => needsRecord)
      .slice(0, 1)
      .map((target) => recordFor(target, record)),
  ];
  await reportDeployment(context, found, 'success');
  runtime.log.info(`${context.names.environment} points to ${digest} now.`);
  return succeeded(partial, inputs.rollback ? 'rolled-back' : 'promoted');
}

/** Targets as in `to`, with those that could not be read. */
function inOrder({ order, failed }: Found, targets: readonly PromotedTarget[]): readonly PromotedTarget[] {
  return [...targets, ...failed].toSorted((a, b) => order.indexOf(a.image) - order.indexOf(b.image));
}

/** If a target fails no tag moves, but the others keep the content: a later run only has to move tags. */
function throwFailed(
  partial: PartialResult,
  found: Found,
  planned: readonly PlannedRepository[],
  errors: TargetErrors,
  hasCopied = false,
): void {
  partial.targets = inOrder(
    found,
    planned.map((target) => {
      const error = errors.get(target);
      return { ...begin(target), ...(error === undefined ? { copied: hasCopied && target.needsCopy } : { error }) };
    }),
  );
  throwAll(partial.targets.flatMap(({ error }) => error ?? []));
}

/** Facts known before any registry access. */
async function preparePromotion(
  runtime: Runtime,
  inputs: PromoteInputs,
  partial: PartialResult,
): Promise<PromotionContext> {
  const event = readEvent(runtime.env);
  const names = nameAll(inputs, await withCheckedOutCommit(runtime, event, inputs.from));
  partial.kind = inputs.rollback ? 'rollback' : 'promotion';
  partial.environment = names.environment;
  partial.run = { actor: event.actor, event: event.name, url: event.runUrl };
  const reason = mayNotPromote(event.name, event.causedBy);
  if (reason !== undefined) throw new ActionError('PROMOTION_REFUSED', reason, { remedy: [OTHER_EVENTS] });
  if (inputs.force && !isByHand(event)) throw notByHand(event);
  const token = inputs.registries.githubToken;
  const { owner, name } = event.repository;
  const api = token === undefined ? undefined : runtime.github(token, { apiUrl: event.apiUrl, owner, name });
  const policy = inputs.rollback ? undefined : await readPolicies(runtime, inputs, event, api);
  const { required, gate } = (await policy?.(names)) ?? { required: [], gate: inputs.scan.terms };
  const recordSigning = await openRecordSigning(runtime, inputs, names.environment);
  partial.records = recordSigning.counts;
  const registries = await openRegistries(runtime, inputs.registries, names.hosts, event.actor);
  const remember = rememberReads();
  return {
    runtime,
    inputs,
    event,
    names,
    policy,
    required,
    gate,
    api,
    records: createRecords(runtime.clock.now, recordSigning.verify, remember),
    remember,
    recordSigning,
    at: (images, access) => destinationsOf(registries, images, access),
    partial,
  };
}

function recordOf(
  { runtime, inputs, event, names, partial }: PromotionContext,
  { root, name, origin: { commit } }: Found,
  { required, gate }: Required,
): RecordOfRun {
  return {
    kind: partial.kind,
    environment: names.environment,
    from: name,
    digest: root.descriptor.digest,
    actor: event.actor || 'unknown',
    run: event.runUrl,
    event: event.name,
    time: runtime.clock.now().toISOString(),
    ...(commit === undefined ? {} : { commit }),
    forced: inputs.force,
    ...(required.some((each) => each.name === 'scan' && each.maxAge === 'now')
      ? { scan: scanTermsOf(gate) }
      : partial.scanned),
    requirements: partial.requirements.flatMap((each) =>
      each.met ? [{ name: each.name, detail: each.detail.replace(/\p{Cc}+/gu, ' ').slice(0, 1000) }] : [],
    ),
  };
}

/**
 * Records the image and its state in the deployment of a job with `environment:`. The promotion does not depend on it.
 */
async function reportDeployment(
  { runtime, inputs, event, api, partial }: PromotionContext,
  { root, name }: Found,
  state: DeploymentUpdate['state'],
): Promise<void> {
  const { environment } = inputs;
  if (api === undefined || environment === undefined) return;
  const update = await updateDeployment(api, {
    environment,
    sha: runtime.env.GITHUB_SHA ?? event.sha,
    digest: root.descriptor.digest,
    from: name,
    runUrl: event.runUrl,
    state,
    now: runtime.clock.now(),
  });
  partial.deployment = update;
  const what = state === 'success' ? 'names the image now' : 'reports that this image was not deployed';
  if (update === 'updated') runtime.log.info(`The deployment to ${environment} ${what}.`);
  else if (update === 'refused') {
    runtime.log.info(`Could not update the deployment to ${environment}: the job needs \`deployments: write\`.`);
  }
}
