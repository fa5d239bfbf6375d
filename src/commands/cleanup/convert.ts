import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { warn } from '../../run/progress.ts';
import { fileProblem } from '../../run/yaml-input.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { invalid } from './conversion-file.ts';
import type { ConversionInputs } from './inputs.ts';
import { type CleanupResult, emptyCleanup, failed, succeeded } from './result.ts';

/** Writes the converted policy. Never throws, as the other runs of this command. */
export async function convert(
  runtime: Runtime,
  { converted, file }: ConversionInputs,
  warnings: readonly string[],
): Promise<CleanupResult> {
  const partial = emptyCleanup(true);
  partial.warnings.push(...warnings);
  const { source, text, notes } = converted;
  const path = file === undefined ? join(runtime.temp, 'cleanup-policy.yaml') : resolve(runtime.workspace, file);
  try {
    await write(path, text);
    for (const note of notes) warn(runtime, partial, note);
    runtime.log.info(`The policy is in ${path}.`);
    partial.imported = { source, path, text, notes };
    return succeeded(partial, 'imported');
  } catch (error) {
    return failed(partial, error);
  }
}

/** A policy that somebody has written is not replaced. */
async function write(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text, { flag: 'wx' });
  } catch (error) {
    const isThere = error instanceof Error && 'code' in error && error.code === 'EEXIST';
    if (isThere && (await readFile(path, 'utf8').catch(() => '')) === text) return;
    const reason = isThere ? 'it exists and has other content; remove it, or choose another path' : fileProblem(error);
    throw invalid('import-to', path, `\`import-to\`: ${path} cannot be written: ${reason}.`, error);
  }
}
