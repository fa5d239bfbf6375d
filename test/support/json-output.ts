import { readFile } from 'node:fs/promises';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { isFields } from '../../src/domain/fields.ts';

const SCHEMA = new URL('../../docs/output.schema.json', import.meta.url);

let compiled: Promise<ValidateFunction> | undefined;

async function compile(): Promise<ValidateFunction> {
  const schema: Record<string, unknown> = JSON.parse(await readFile(SCHEMA, 'utf8'));
  return new Ajv2020({ strict: true, allErrors: true }).compile(schema);
}

/**
 * Holds the outputs `json` and `json-file` of a run to the published schema: a property that it does not name, or that lacks,
 * is an error. A run that ended before it set outputs has none.
 * @throws Error with each difference
 */
export async function checkJsonOutput(outputs: Readonly<Record<string, string>>): Promise<void> {
  const file = outputs['json-file'] ?? '';
  const whole = file === '' ? undefined : await readFile(file, 'utf8').catch(() => undefined);
  for (const [name, text] of Object.entries({ json: outputs.json, 'json-file': whole })) {
    if (text === undefined) continue;
    const problems = await jsonProblems(JSON.parse(text));
    if (problems.length > 0)
      throw new Error(`The output ${name} does not fit the schema:\n${problems.join('\n')}\n${text}`);
  }
}

/** Where a value differs from the schema of the output `json`; empty when it fits. */
export async function jsonProblems(value: unknown): Promise<readonly string[]> {
  compiled ??= compile();
  const validate = await compiled;
  const fits: boolean = validate(value);
  if (fits) return [];
  const all = validate.errors ?? [];
  // Of a choice between commands only what the named command says counts.
  const command = isFields(value) ? String(value.command) : '';
  const own = all.filter(({ schemaPath }) => schemaPath.toLowerCase().startsWith(`#/$defs/${command}/`));
  return (own.length > 0 ? own : all).map(
    ({ instancePath, message = '', params }) => `${instancePath || '/'} ${message} ${JSON.stringify(params)}`,
  );
}
