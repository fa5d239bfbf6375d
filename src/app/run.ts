import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { chunked, jsonParts } from '../domain/json-parts.ts';
import { CATALOGUE } from '../errors/catalogue.ts';
import { inputError, readRaw } from '../inputs/read-table.ts';
import { boundedJson } from '../report/bounded-json.ts';
import { errorLines } from '../report/errors.ts';
import type { Report } from '../run/define-command.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { COMMANDS } from './command-list.ts';
import { loadInputLibraries } from './input-libraries.ts';
import { readStep } from './inputs.ts';

/**
 * The main step: reads inputs, writes outputs, annotations and summary.
 * @returns whether the step succeeds
 */
export async function run(runtime: Runtime): Promise<boolean> {
  const { errors, outputs, json, summary } = await attempt(runtime);
  for (const error of errors) {
    runtime.log.error(errorLines(error), CATALOGUE[error.code].title, error.facts);
    if (error.cause !== undefined) runtime.log.debug(`Cause: ${causes(error)}`);
  }
  const isTold = tellOutputs(runtime, await withJsonFile(runtime, outputs, json));
  await runtime.summary(summary).catch((error: unknown) => {
    runtime.log.warning(`The job summary could not be written: ${messageOf(error)}`);
  });
  return errors.length === 0 && isTold;
}

/** @returns whether later steps can read them: a run with an unreadable result must not look like a success */
function tellOutputs(runtime: Runtime, outputs: Report['outputs']): boolean {
  try {
    for (const [name, value] of Object.entries(outputs)) runtime.output(name, value);
    return true;
  } catch (error) {
    const said = ['outcome', 'digest'].flatMap((name) => (outputs[name] ? `${name}: ${outputs[name]}` : []));
    runtime.log.error(
      `The outputs of this step could not be written: ${messageOf(error)} Result: ${said.join(', ')}.`,
      'The outputs cannot be written',
    );
    return false;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Writes the whole JSON to a file of the run, and returns as much of it as fits into an output. */
async function withJsonFile(
  runtime: Runtime,
  outputs: Report['outputs'],
  json: Report['json'],
): Promise<Report['outputs']> {
  const file = join(runtime.temp, 'result.json');
  const isWritten = await writeFile(file, chunked(jsonParts(json)), { mode: 0o600 }).then(
    () => true,
    (error: unknown) => {
      runtime.log.warning(`${file} cannot be written, so there is no \`json-file\`: ${messageOf(error)}`);
      return false;
    },
  );
  return { ...outputs, json: boundedJson(json), 'json-file': isWritten ? file : '' };
}

async function attempt(runtime: Runtime): Promise<Report> {
  await loadInputLibraries(readRaw(runtime.env, runtime.secret));
  const { command, raw, misplaced, unknownCommand } = readStep(COMMANDS, runtime.env, runtime.secret);
  return unknownCommand === undefined
    ? command.start(runtime, raw, misplaced)
    : command.refuse(inputError([unknownCommand]));
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
