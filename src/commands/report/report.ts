import { conditionMet, type FailCondition, type ReportFacts } from '../../domain/report/conditions.ts';
import { usageAdvice } from '../../domain/report/usage.ts';
import { compareText } from '../../domain/retention/graph.ts';
import { ActionError, throwAll } from '../../errors/action-error.ts';
import { openTargets } from '../../run/inventory/open-targets.ts';
import { step, warn } from '../../run/progress.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { readDrift } from './drift.ts';
import { updateHistory } from './history-file.ts';
import type { ReportInputs } from './inputs.ts';
import { readRepository } from './repository.ts';
import { emptyReport, failed, type PartialReport, type ReportResult, succeeded } from './result.ts';
import { createScanners } from './scanners.ts';

/**
 * `command: report`: reads repositories and environments, and changes nothing. Never throws: what went wrong is in the result, with all
 * that was known until then.
 */
export async function report(
  runtime: Runtime,
  inputs: ReportInputs,
  warnings: readonly string[],
): Promise<ReportResult> {
  const partial = emptyReport();
  partial.warnings.push(...warnings);
  try {
    return await makeReport(runtime, inputs, partial);
  } catch (error) {
    return failed(partial, runtime.signal.aborted ? runtime.signal.reason : error);
  }
}

async function makeReport(runtime: Runtime, inputs: ReportInputs, partial: PartialReport): Promise<ReportResult> {
  partial.reportedAt = runtime.clock.now().toISOString();
  if (inputs.metricsFile !== undefined) partial.metricsFile = inputs.metricsFile;
  const targets = await openTargets(runtime, inputs.registries, inputs.images, 'pull');
  const scanners = createScanners(runtime, inputs);
  for (const target of targets) {
    const { name } = target.name;
    const found = await step(
      runtime,
      partial,
      `Read ${name}`,
      () => readRepository(runtime, inputs, target, scanners),
      ({ errors }) => errors.length > 0,
    );
    partial.repositories = [...partial.repositories, found];
    for (const { message } of found.errors) partial.unread.push(firstLine(message));
    for (const { tags, scans } of found.watched) {
      for (const { source, status, reason } of scans) {
        if (status !== 'forbidden' && status !== 'unavailable') continue;
        partial.unread.push(`${name}:${tags[0] ?? ''}: scan results of ${source}: ${reason ?? status}`);
      }
    }
    for (const advice of usageAdvice(name, found.usage)) warn(runtime, partial, advice);
  }
  if (inputs.environments.length > 0) {
    const { environments, drift } = await step(runtime, partial, 'Environments', () =>
      readDrift(
        runtime,
        inputs,
        targets,
        new Map(partial.repositories.map(({ repository, promoted }) => [repository, promoted])),
      ),
    );
    partial.environments = environments;
    partial.drift = drift;
    for (const { state, reference, reason, unread = [], uncountedRecords = [] } of environments) {
      if (state === 'unknown') partial.unread.push(`${reference}: ${reason ?? 'it could not be read.'}`);
      partial.unread.push(...unread.map((text) => `${reference}: ${text}`));
      for (const text of uncountedRecords) warn(runtime, partial, `${reference}: ${text}`);
    }
  }
  if (inputs.historyFile !== undefined) await updateHistory(runtime, inputs.historyFile, partial);
  for (const text of partial.unread) warn(runtime, partial, text);
  log(runtime, partial);
  if (partial.repositories.every(({ content }) => content === undefined))
    throwAll(partial.repositories.flatMap(({ errors }) => errors));
  throwAll(unmet(inputs.failOn, partial));
  return succeeded(partial, partial.unread.length > 0 ? 'partial' : 'reported');
}

/** Errors for the conditions of `fail-on` that are met. */
function unmet(conditions: readonly FailCondition[], partial: PartialReport): readonly ActionError[] {
  const facts = factsOf(partial);
  return conditions.flatMap((condition) => {
    const met = conditionMet(condition, facts);
    if (met.length === 0) return [];
    const code = condition === 'critical' || condition === 'high' ? 'REPORT_FINDINGS' : 'REPORT_CONDITION';
    const shown = met.slice(0, MAX_LINES).map((line) => `- ${line}`);
    const more = met.length > MAX_LINES ? [`- and ${met.length - MAX_LINES} more`] : [];
    return [
      new ActionError(code, [`\`fail-on: ${condition}\`:`, ...shown, ...more].join('\n'), {
        facts: { input: 'fail-on' },
      }),
    ];
  });
}

/** Lines of an error. */
const MAX_LINES = 20;

function factsOf({ repositories, drift, unread }: PartialReport): ReportFacts {
  return {
    scans: repositories.flatMap(({ repository, watched }) =>
      // Charts and caches have nothing to scan.
      watched
        .filter(({ image }) => image.kind === 'image')
        .map(({ tags, scans }) => ({ image: `${repository}:${tags[0] ?? ''}`, results: scans })),
    ),
    drifts: drift?.drifts ?? [],
    broken: repositories.flatMap(({ repository, content }) => {
      const { broken = 0, orphans = 0 } = content?.counts ?? {};
      return [
        ...(broken > 0 ? [`${repository}: ${broken} ${broken === 1 ? 'index lacks' : 'indexes lack'} platforms.`] : []),
        ...(orphans > 0 ? [`${repository}: ${orphans} referrers of images that do not exist.`] : []),
      ];
    }),
    quotas: repositories.flatMap(({ usage }) => usage.quota ?? []),
    unread,
  };
}

function log({ log: { info } }: Runtime, { repositories, drift }: PartialReport): void {
  for (const { repository, content } of repositories) {
    if (content === undefined) continue;
    const { counts, sizes } = content;
    info(
      `${repository}: ${counts.images} images with ${counts.tags} tags, ${sizes.distinct} bytes${sizes.isExact ? '' : ' (estimated)'}`,
    );
  }
  for (const { kind, image, detail } of (drift?.drifts ?? []).toSorted((a, b) => compareText(a.image, b.image)))
    info(`${image}: ${kind}: ${detail}`);
}

const firstLine = (text: string) => text.split('\n', 1)[0] ?? '';
