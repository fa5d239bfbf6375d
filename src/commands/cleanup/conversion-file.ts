import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Converted, importPolicy } from '../../domain/retention/import/import-policy.ts';
import { ActionError } from '../../errors/action-error.ts';
import { fileProblem } from '../../run/yaml-input.ts';

/** 50 rules of ECR have 30 kB. */
const MAX_BYTES = 1024 * 1024;

/**
 * Reads the retention rules that are to be converted.
 * @throws ActionError INPUT_INVALID
 */
export async function readConversion(workspace: string, path: string): Promise<Converted> {
  const text = await readText(workspace, path);
  const converted = importPolicy(text);
  if (converted.ok) return converted.value;
  throw invalid('import', path, `\`import\`: ${path} cannot be converted. ${converted.problems.join('\n')}`);
}

async function readText(workspace: string, path: string): Promise<string> {
  try {
    const file = resolve(workspace, path);
    const { size } = await stat(file);
    if (size > MAX_BYTES)
      throw invalid('import', path, `\`import\`: ${path} has ${size} bytes, more than ${MAX_BYTES}.`);
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(file));
  } catch (error) {
    if (error instanceof ActionError) throw error;
    throw invalid('import', path, `\`import\`: ${path} cannot be read: ${fileProblem(error)}.`, error);
  }
}

/** An error about the file of an input. */
export function invalid(input: string, file: string, message: string, cause?: unknown): ActionError {
  return new ActionError('INPUT_INVALID', message, { cause, facts: { input, file } });
}
