import { bytes, counted } from '../../domain/amount.ts';
import { compareText } from '../../domain/compare-text.ts';
import type { ImageName } from '../../domain/reference.ts';
import { conditionMet, type FailCondition, type ReportFacts } from '../../domain/report/conditions.ts';
import { differenceTexts } from '../../domain/report/settings.ts';
import { usageAdvice } from '../../domain/report/usage.ts';
import { ActionError, throwAll } from '../../errors/action-error.ts';
import { eachBounded } from '../../run/bounded.ts';
import { type OpenTarget, openTargets } from '../../run/inventory/open-targets.ts';
import { step, warn } from '../../run/progress.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { readDrift } from './drift.ts';
import type { FoundRepositories } from './find-repositories.ts';
import { updateHistory } from './history-file.ts';
import type { ReportInputs } from './inputs.ts';
import { readRepository } from './repository.ts';
import {
  emptyReport,
  failed,
  type PartialReport,
  type ReportResult,
  type RepositoryReport,
  succeeded,
} from './result.ts';
import { createScanners } from './scanners.ts';
import { createUsageReader } from './usage.ts';

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
  const listed = await listRepositories(runtime, inputs, partial);
  const images = [...inputs.images, ...listed.images];
  const targets = await openTargets(runtime, inputs.registries, images, 'pull');
  await readRepositories(runtime, inputs, targets, new Set(listed.images.map(({ name }) => name)), partial);
  for (const found of partial.repositories) {
    const { repository: name } = found;
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
        { ...inputs, images: withEnvironment(inputs, images, listed.images, partial) },
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
  if (inputs.setup !== undefined) {
    const { compareSettings } = await import('./settings.ts');
    partial.settings = await compareSettings(runtime, inputs, partial);
    for (const { registry, unread } of partial.settings)
      partial.unread.push(...unread.map((text) => `Settings of ${registry}: ${text}`));
  }
  if (inputs.historyFile !== undefined) await updateHistory(runtime, inputs.historyFile, partial);
  for (const text of partial.unread) warn(runtime, partial, text);
  log(runtime, partial, inputs.failOn);
  if (partial.repositories.every(({ content }) => content === undefined))
    throwAll([...listed.errors, ...partial.repositories.flatMap(({ errors }) => errors)]);
  throwAll(unmet(inputs.failOn, partial));
  return succeeded(partial, partial.unread.length > 0 ? 'partial' : 'reported');
}

/** The repositories that patterns in `images` select. */
async function listRepositories(
  runtime: Runtime,
  inputs: ReportInputs,
  partial: PartialReport,
): Promise<FoundRepositories> {
  if (inputs.patterns.included.length === 0) return { images: [], errors: [], unread: [] };
  const found = await step(
    runtime,
    partial,
    'List repositories',
    async () => (await import('./find-repositories.ts')).findRepositories(runtime, inputs),
    ({ errors }) => errors.length > 0,
  );
  partial.unread.push(...found.errors.map(({ message }) => firstLine(message)), ...found.unread);
  return found;
}

/** Repositories up to which each is a step of its own. */
const MAX_STEPS = 30;
/** Of more, so many are read concurrently. */
const CONCURRENCY = 4;

/**
 * Reads repositories one after the other, or, if there are many, several concurrently as one step.
 * @param listed those that a registry listed: they exist, also where they are empty
 */
async function readRepositories(
  runtime: Runtime,
  inputs: ReportInputs,
  targets: readonly OpenTarget[],
  listed: ReadonlySet<string>,
  partial: PartialReport,
): Promise<void> {
  const scanners = createScanners(runtime, inputs);
  const readUsage = createUsageReader();
  const read = (target: OpenTarget) =>
    readRepository(runtime, inputs, target, scanners, readUsage, { isListed: listed.has(target.name.name) });
  const hasErrors = ({ errors }: RepositoryReport) => errors.length > 0;
  if (targets.length > MAX_STEPS) {
    const found = new Map<OpenTarget, RepositoryReport>();
    const readAll = async () => {
      await eachBounded(targets, CONCURRENCY, async (target) => {
        found.set(target, await read(target));
        partial.repositories = targets.flatMap((each) => found.get(each) ?? []);
      });
      return partial.repositories;
    };
    await step(runtime, partial, `Read ${targets.length} repositories`, readAll, (all) => all.some(hasErrors));
    return;
  }
  for (const target of targets) {
    const found = await step(runtime, partial, `Read ${target.name.name}`, () => read(target), hasErrors);
    partial.repositories = [...partial.repositories, found];
  }
}

/** Of repositories that were found, those that have one of the environments: the others lack nothing. */
function withEnvironment(
  { environments }: ReportInputs,
  images: readonly ImageName[],
  listed: readonly ImageName[],
  { repositories }: PartialReport,
): readonly ImageName[] {
  const tags = new Set(environments.flatMap(({ tag, image }) => (image === undefined ? tag : [])));
  const others = new Set(
    repositories.flatMap(({ repository, content }) =>
      content?.images.some((image) => image.tags.some((tag) => tags.has(tag))) === true ? [] : repository,
    ),
  );
  const found = new Set(listed);
  return images.filter((image) => !found.has(image) || !others.has(image.name));
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
      new ActionError(
        code,
        [`${counted(met.length, 'match', 'matches')} of \`fail-on: ${condition}\`:`, ...shown, ...more].join('\n'),
        {
          facts: { input: 'fail-on' },
        },
      ),
    ];
  });
}

/** Lines of an error. */
const MAX_LINES = 20;

function factsOf({ repositories, drift, unread, settings = [] }: PartialReport): ReportFacts {
  return {
    scans: repositories.flatMap(({ repository, watched }) =>
      // Charts and caches have nothing to scan.
      watched
        .filter(({ image }) => image.kind === 'image')
        .map(({ tags, scans }) => ({ image: `${repository}:${tags[0] ?? ''}`, results: scans })),
    ),
    drifts: drift?.drifts ?? [],
    settings: differenceTexts(settings),
    broken: repositories.flatMap(({ repository, content }) => {
      const { broken = 0, orphans = 0 } = content?.counts ?? {};
      return [
        ...(broken > 0 ? [`${repository}: ${counted(broken, 'index lacks', 'indexes lack')} platforms.`] : []),
        ...(orphans > 0
          ? [
              `${repository}: ${counted(orphans, 'referrer of an image that does', 'referrers of images that do')} not exist.`,
            ]
          : []),
      ];
    }),
    quotas: repositories.flatMap(({ usage }) => usage.quota ?? []),
    unread,
  };
}

/** @param failOn what errors list, which the log shows anyway */
function log(
  { log: { info } }: Runtime,
  { repositories, drift, settings = [] }: PartialReport,
  failOn: readonly FailCondition[],
): void {
  for (const { repository, content } of repositories) {
    if (content === undefined) continue;
    const { counts, sizes } = content;
    info(
      `${repository}: ${counted(counts.images, 'image')} with ${counted(counts.tags, 'tag')}, ${sizes.isExact ? '' : 'about '}${bytes(sizes.distinct)}`,
    );
  }
  const drifts = (drift?.drifts ?? []).filter(({ kind }) => !failOn.includes(kind === 'behind' ? 'behind' : 'drift'));
  for (const { kind, image, detail } of drifts.toSorted((a, b) => compareText(a.image, b.image)))
    info(`${image}: ${kind}: ${detail}`);
  if (!failOn.includes('settings')) for (const text of differenceTexts(settings)) info(text);
}

const firstLine = (text: string) => text.split('\n', 1)[0] ?? '';
