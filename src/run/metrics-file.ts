import { randomUUID } from 'node:crypto';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Sample } from '../report/metrics/catalogue.ts';
import { renderOpenMetrics } from '../report/metrics/open-metrics.ts';
import { type RunFacts, runSamples } from '../report/metrics/run-samples.ts';
import type { Runtime } from '../runtime/runtime.ts';

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
  // Collectors read files by their ending, so they leave this one alone.
  const written = `${file}.${randomUUID()}.tmp`;
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(written, renderOpenMetrics([...samples, ...runSamples(facts)]), { mode: 0o644 });
    await rename(written, file);
  } catch (error) {
    log.warning(
      `\`metrics-file\`: ${path} cannot be written: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
