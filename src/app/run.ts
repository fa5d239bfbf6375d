import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { failedLogin, login } from '../commands/login/login.ts';
import { renderLoginOutputs, renderLoginSummary } from '../commands/login/summary.ts';
import * as promotion from '../commands/promote/partial-result.ts';
import { promote } from '../commands/promote/promote.ts';
import { renderPromotionOutputs, renderPromotionSummary } from '../commands/promote/summary.ts';
import { renderOutputs } from '../commands/publish/outputs.ts';
import { emptyDraft, failed } from '../commands/publish/partial-result.ts';
import { publish } from '../commands/publish/publish.ts';
import { renderSummary } from '../commands/publish/summary.ts';
import type { ActionError } from '../errors/action-error.ts';
import { CATALOGUE } from '../errors/catalogue.ts';
import { type Inputs, parseInputs, readCommand } from '../inputs/parse.ts';
import type { Command } from '../inputs/schema.ts';
import { boundedJson } from '../report/bounded-json.ts';
import { errorLines } from '../report/errors.ts';
import { withVendorRemedy } from '../run/vendor-remedies.ts';
import type { Runtime } from '../runtime/runtime.ts';

/** What a command leaves for the user. */
interface Report {
  readonly errors: readonly ActionError[];
  readonly outputs: Readonly<Record<string, string>>;
  readonly summary: string;
}

interface Entry {
  readonly run: (runtime: Runtime, inputs: Inputs) => Promise<Report>;
  /** The report of a run whose inputs could not be read. */
  readonly refuse: (error: unknown) => Report;
}

function entry<R extends { readonly errors: readonly ActionError[] }>(
  name: Command,
  command: (runtime: Runtime, inputs: Inputs) => Promise<R>,
  refuse: (error: unknown) => R,
  outputs: (record: R) => Report['outputs'],
  summary: (record: R) => string,
): Entry {
  const report = (record: R) => ({ errors: record.errors, outputs: outputs(record), summary: summary(record) });
  return {
    run: async (runtime, inputs) => {
      const record = await command(runtime, inputs);
      return report({ ...record, errors: record.errors.map((error) => withVendorRemedy(error, name, inputs)) });
    },
    refuse: (error) => report(refuse(error)),
  };
}

const ENTRIES: Readonly<Record<Command, Entry>> = {
  publish: entry('publish', publish, (error) => failed(emptyDraft(), error), renderOutputs, renderSummary),
  promote: entry(
    'promote',
    promote,
    (error) => promotion.failed(promotion.emptyDraft(), error),
    renderPromotionOutputs,
    renderPromotionSummary,
  ),
  login: entry('login', login, failedLogin, renderLoginOutputs, renderLoginSummary),
};

/**
 * The main step: inputs in, outputs, annotations and summary out.
 * @returns whether the step is green
 */
export async function run(runtime: Runtime): Promise<boolean> {
  const { errors, outputs, summary } = await attempt(runtime);
  for (const error of errors) {
    runtime.log.error(errorLines(error), CATALOGUE[error.code].title, error.facts);
    if (error.cause !== undefined) runtime.log.debug(`Cause: ${causes(error)}`);
  }
  const isTold = tellOutputs(runtime, await withJsonFile(runtime, outputs));
  await runtime.summary(summary).catch((error: unknown) => {
    runtime.log.warning(`The job summary could not be written: ${messageOf(error)}`);
  });
  return errors.length === 0 && isTold;
}

/** @returns whether the steps that follow will see them: a run whose result nobody can read must not look like a success */
function tellOutputs(runtime: Runtime, outputs: Report['outputs']): boolean {
  try {
    for (const [name, value] of Object.entries(outputs)) runtime.output(name, value);
    return true;
  } catch (error) {
    const said = ['outcome', 'digest'].flatMap((name) => (outputs[name] ? `${name}: ${outputs[name]}` : []));
    runtime.log.error(
      `The outputs of this step could not be written: ${messageOf(error)} What it came to: ${said.join(', ')}.`,
      'The outputs cannot be written',
    );
    return false;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The whole JSON as a file of the run, and as much of it as an output may hold. */
async function withJsonFile(runtime: Runtime, outputs: Report['outputs']): Promise<Report['outputs']> {
  const { json = '{}' } = outputs;
  const file = join(runtime.temp, 'result.json');
  const isWritten = await writeFile(file, json, { mode: 0o600 }).then(
    () => true,
    (error: unknown) => {
      runtime.log.warning(`${file} cannot be written, so there is no \`json-file\`: ${messageOf(error)}`);
      return false;
    },
  );
  return { ...outputs, json: boundedJson(json), 'json-file': isWritten ? file : '' };
}

async function attempt(runtime: Runtime): Promise<Report> {
  const command = ENTRIES[readCommand(runtime.env)];
  try {
    const inputs = parseInputs(runtime.env, runtime.secret);
    for (const warning of inputs.warnings) runtime.log.warning(warning);
    if (!inputs.givesImages) runtime.log.info(`\`images\` is empty: using ${inputs.images.join()}.`);
    return await command.run(runtime, inputs);
  } catch (error) {
    return command.refuse(error);
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
