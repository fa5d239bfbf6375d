import pLimit from 'p-limit';
import { counted, bytes as size } from '../../domain/amount.ts';
import { ActionError, throwAll } from '../../errors/action-error.ts';
import { uploadLimit } from '../../oci/transfer/copy.ts';
import { step, warn } from '../../run/progress.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { type Admissions, applyMirror } from './apply.ts';
import { ByteBudget } from './budget.ts';
import type { MirrorContext } from './context.ts';
import type { MirrorInputs } from './inputs.ts';
import { logPlan } from './log-plan.ts';
import { planNeeds, pullsOf } from './needs.ts';
import { openMirrors } from './open.ts';
import { planMirror } from './plan.ts';
import { emptyMirror, failed, type MirrorResult, type PartialMirror, succeeded } from './result.ts';
import { errorsOf, sourcesOf } from './sources.ts';
import { failRow, hasWork, type MirrorWork } from './work.ts';

/**
 * `command: mirror`: copies what changed from sources to targets. Never throws: errors are in the result, with everything
 * known until then.
 */
export async function mirror(
  runtime: Runtime,
  inputs: MirrorInputs,
  warnings: readonly string[],
): Promise<MirrorResult> {
  const partial = emptyMirror(inputs.dryRun);
  partial.warnings.push(...warnings);
  try {
    return await runMirror(runtime, inputs, partial);
  } catch (error) {
    return failed(partial, runtime.signal.aborted ? runtime.signal.reason : error);
  }
}

async function runMirror(runtime: Runtime, inputs: MirrorInputs, partial: PartialMirror): Promise<MirrorResult> {
  const { config, registries, dryRun } = inputs;
  const opened = await openMirrors(runtime, registries, config);
  const { works } = opened;
  const { parallel, maxBytes } = config.limits;
  const most = Math.max(...config.mirrors.map(({ to }) => to.length));
  const context: MirrorContext = {
    runtime,
    inputs,
    partial,
    images: pLimit(parallel),
    uploads: uploadLimit(Math.min(most, 4)),
    bytes: new ByteBudget(maxBytes),
    probed: new Set(),
  };
  for (const text of chainWarnings(config.mirrors)) warn(runtime, partial, text);
  const note = () => {
    partial.sources = sourcesOf(works);
    partial.totals.requests = opened.registries.reduce((sum, { client }) => sum + client.requests(), 0);
    partial.totals.pulls = pullsOf(works);
  };
  try {
    await step(
      runtime,
      partial,
      'Plan',
      async () => {
        const perMirror = pLimit(parallel);
        await perMirror.map(works, (work) => planMirror(context, work));
        refuseShared(works);
        partial.needs = await planNeeds(context, works);
        for (const work of works) logPlan(runtime, work);
        logNeeds(runtime, partial);
      },
      () => works.some(({ error }) => error !== undefined),
    );
    if (!dryRun && works.some(hasWork)) {
      const admitted: Admissions = new Map();
      await step(
        runtime,
        partial,
        'Copy',
        async () => {
          const perMirror = pLimit(parallel);
          await perMirror.map(works, (work) => applyMirror(context, work, admitted));
        },
        () => works.some((work) => errorsOf(work).length > 0),
      );
    }
  } finally {
    note();
  }
  throwAll(works.flatMap(errorsOf));
  return finish(runtime, partial, works);
}

function finish(runtime: Runtime, partial: PartialMirror, works: readonly MirrorWork[]): MirrorResult {
  const rows = works.flatMap((work) => work.rows);
  const left = rows.filter(({ action }) => action === 'over-budget').length;
  if (left > 0) {
    const when =
      partial.resumeAt === undefined ? '' : ` The next run can continue at ${partial.resumeAt.toISOString()}.`;
    const text = `${counted(left, 'tag is', 'tags are')} left for a later run, because a limit was reached.${when}`;
    partial.warnings.push(text);
    runtime.log.warning(text);
  }
  if (partial.isDryRun) {
    runtime.log.info('This is a dry run: nothing was written.');
    return succeeded(partial, 'planned');
  }
  if (left > 0 || partial.isPartial) return succeeded(partial, 'incomplete');
  const isDone = rows.some((row) => row.isDone);
  runtime.log.info(isDone ? 'Every target has what its source has.' : 'Everything is in place already.');
  return succeeded(partial, isDone ? 'mirrored' : 'unchanged');
}

function logNeeds({ log }: Runtime, { needs }: PartialMirror): void {
  if (needs === undefined || needs.pulls === 0) return;
  const { bytes, pulls, unread } = needs;
  const unknown =
    unread === 0 ? '' : `; ${counted(unread, 'image is', 'images are')} not read before, which would count as pulls`;
  log.info(`To read: ${size(bytes)} and ${unread === 0 ? '' : 'at least '}${counted(pulls, 'pull')}${unknown}.`);
}

/** Sources that the same run writes to: they are compared before that. */
function chainWarnings(mirrors: MirrorInputs['config']['mirrors']): readonly string[] {
  const targets = new Set(mirrors.flatMap(({ to }) => to.map(({ name }) => name)));
  const chained = new Set(mirrors.flatMap(({ from }) => (targets.has(from.name) ? from.name : [])));
  return [...chained].map(
    (name) =>
      `${name} is the source of one mirror and a target of another: it is compared before the run writes to it, so what is new arrives one run later. Name all targets in one \`to\`.`,
  );
}

/** Tags that two mirrors would write to the same target: each run would move them back. */
function refuseShared(works: readonly MirrorWork[]): void {
  const owners = new Map<string, MirrorWork>();
  for (const work of works) {
    for (const row of work.rows) {
      const name = `${row.target.image}:${row.tag}`;
      const owner = owners.get(name);
      owners.set(name, owner ?? work);
      if (owner === undefined || owner === work) continue;
      const error = new ActionError(
        'MIRROR_CONFIG_INVALID',
        `${name} is written by the mirror from ${owner.source.image} and by the one from ${work.source.image}. The second one leaves it.`,
        {
          facts: { input: 'config' },
          remedy: ['Take the tag out of one of the two mirrors, with a line that begins with `!`.'],
        },
      );
      failRow(row, error);
    }
  }
}
