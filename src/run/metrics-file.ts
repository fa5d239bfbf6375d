import { mkdir, realpath, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Sample } from '../report/metrics/catalogue.ts';
import { renderOpenMetrics } from '../report/metrics/open-metrics.ts';
import { type RunFacts, runSamples } from '../report/metrics/run-samples.ts';
import { replaceFile } from '../runtime/replace-file.ts';
import type { Runtime } from '../runtime/runtime.ts';

/**
 * Why the metrics file can never be written, as far as the file system shows it before the run; undefined when nothing
 * speaks against it. The file replaces what is there, which must not be a device, and below /proc Node would try to
 * create folders without end.
 * @param path as the user wrote it, relative to the workspace
 */
export async function metricsFileProblem(
  { workspace }: Pick<Runtime, 'workspace'>,
  path: string,
): Promise<string | undefined> {
  const file = resolve(workspace, path);
  const found = await factsOf(file);
  if (found?.isDirectory() === true) return `${path} is a folder; name a file in it, such as ${path}/registry.prom`;
  if (found !== undefined && !found.isFile()) return `${path} is no regular file, and would be replaced by one`;
  let folder = dirname(file);
  let facts = await factsOf(folder);
  while (facts === undefined && folder !== dirname(folder)) {
    folder = dirname(folder);
    facts = await factsOf(folder);
  }
  if (facts?.isDirectory() !== true) return `${path} cannot be created: ${folder} is not a folder`;
  if (/^\/(?:proc|sys)(?:\/|$)/.test(await realpath(folder))) {
    return `${path} cannot be created: ${folder} belongs to the kernel and takes no files`;
  }
  return undefined;
}

/** Undefined when there is nothing, and when it cannot be looked at: writing will show why. */
function factsOf(path: string) {
  return stat(path).catch(() => undefined);
}

/**
 * Writes the metrics of a run: those of every command, and the command's own. The file is replaced at once, because a collector may read
 * it at any time. That it cannot be written is a warning: the result of the run is known already.
 * @param path as the user wrote it, relative to the workspace
 */
export async function writeMetrics(
  { workspace, log }: Pick<Runtime, 'workspace' | 'log'>,
  path: string,
  facts: RunFacts,
  samples: readonly Sample[],
): Promise<void> {
  const file = resolve(workspace, path);
  try {
    await mkdir(dirname(file), { recursive: true });
    // Collectors read files by their ending, so they leave the temporary one alone.
    await replaceFile(file, renderOpenMetrics([...samples, ...runSamples(facts)]), 0o644);
  } catch (error) {
    log.warning(
      `\`metrics-file\`: ${path} cannot be written: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
