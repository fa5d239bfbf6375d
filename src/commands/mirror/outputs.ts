import { errorFacts } from '../../report/errors.ts';
import { commonJson } from '../../report/run-json.ts';
import { countAll } from './counts.ts';
import type { MirrorJson } from './json-schema.ts';
import type { MirrorResult } from './result.ts';

/** The outputs of a run, by name. Counts are empty when there was no plan. */
export function renderMirrorOutputs(result: MirrorResult): Readonly<Record<string, string>> {
  const { outcome, sources, totals, isDryRun, resumeAt } = result;
  const counts = countAll(sources, isDryRun);
  const shown = (count: number) => (sources.length === 0 ? '' : String(count));
  return {
    outcome,
    'copied-tags': shown(counts.copied),
    'equal-tags': shown(counts.equal),
    'blocked-tags': shown(counts.blocked),
    'left-tags': shown(counts.left),
    'removed-tags': shown(counts.removed),
    'copied-bytes': shown(totals.bytes),
    'resume-at': resumeAt?.toISOString() ?? '',
  };
}

/** Everything, for programs. */
export function mirrorJson(result: MirrorResult): MirrorJson {
  const { isDryRun, sources, needs, totals, resumeAt, steps } = result;
  return {
    ...commonJson('mirror', result),
    dryRun: isDryRun,
    counts: countAll(sources, isDryRun),
    ...(needs === undefined ? {} : { needs }),
    totals,
    ...(resumeAt === undefined ? {} : { resumeAt: resumeAt.toISOString() }),
    sources: sources.map(({ tags, errors, ...source }) => ({
      ...source,
      tags: tags.map(({ isDone, ...tag }) => ({ ...tag, done: isDone })),
      errors: errors.map(errorFacts),
    })),
    steps,
  };
}
