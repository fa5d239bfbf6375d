import { CATALOGUE } from '../errors/catalogue.ts';
import { parseInputs } from '../inputs/parse.ts';
import { errorLines } from '../report/errors.ts';
import { renderOutputs } from '../report/outputs.ts';
import type { PublishRecord } from '../report/record.ts';
import { renderSummary } from '../report/summary.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { emptyDraft, failed } from './publish/draft.ts';
import { publish } from './publish/publish.ts';

/**
 * The main step: inputs in, outputs, annotations and summary out.
 * @returns whether the step is green
 */
export async function run(runtime: Runtime): Promise<boolean> {
  const record = await attempt(runtime);
  for (const error of record.errors) {
    runtime.log.error(errorLines(error), CATALOGUE[error.code].title, error.facts);
    if (error.cause !== undefined) runtime.log.debug(`Cause: ${causes(error)}`);
  }
  for (const [name, value] of Object.entries(renderOutputs(record))) runtime.output(name, value);
  await runtime.summary(renderSummary(record));
  return record.errors.length === 0;
}

async function attempt(runtime: Runtime): Promise<PublishRecord> {
  try {
    const inputs = parseInputs(runtime.env, runtime.secret);
    for (const warning of inputs.warnings) runtime.log.warning(warning);
    return await publish(runtime, inputs);
  } catch (error) {
    return failed(emptyDraft(), error);
  }
}

/** The chain of causes below an error, for the debug log. */
function causes(error: Error): string {
  const chain: string[] = [];
  for (let cause: unknown = error.cause; cause !== undefined && chain.length < 10; ) {
    chain.push(cause instanceof Error ? (cause.stack ?? cause.message) : String(cause));
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return chain.join('\nbecause of ');
}
