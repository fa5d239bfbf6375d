import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { COMMANDS } from '../../src/app/command-list.ts';
import { readStep } from '../../src/app/inputs.ts';
import { loadRuleLibraries } from '../../src/domain/tags/rule-libraries.ts';
import { inputError } from '../../src/inputs/read-table.ts';
import { createTestRuntime } from './runtime.ts';

/** The environment that the runner makes of `with:`. */
export function withInputs(inputs: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, value]) => [`INPUT_${name.replaceAll(' ', '_').toUpperCase()}`, value]),
  );
}

/**
 * Reads the inputs of a step as the action does, without running it.
 * @param env of the step
 * @param files in the workspace, text by path
 * @throws ActionErrors with all problems
 */
export async function readInputs(
  env: Readonly<Record<string, string>>,
  mask: (secret: string) => void = () => {},
  files: Readonly<Record<string, string>> = {},
) {
  await loadRuleLibraries(Object.values(env));
  const { command, raw, misplaced, unknownCommand } = readStep(COMMANDS, env, mask);
  if (unknownCommand !== undefined) throw inputError([unknownCommand]);
  const runtime = await createTestRuntime({ env });
  try {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(runtime.workspace, path)), { recursive: true });
      await writeFile(join(runtime.workspace, path), text);
    }
    return await command.read({ ...runtime, secret: mask }, raw, misplaced);
  } finally {
    await runtime.dispose();
  }
}
