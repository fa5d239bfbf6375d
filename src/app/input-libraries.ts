import { loadRuleLibraries } from '../domain/tags/rule-libraries.ts';
import { loadYaml } from '../inputs/logins.ts';
import type { RawInputs } from '../inputs/read-table.ts';

/** Loads only the libraries that this step's inputs need: together they are larger than all other code. */
export async function loadInputLibraries(raw: RawInputs): Promise<void> {
  await Promise.all([loadRuleLibraries([...raw.values()]), raw.has('registry-auth') ? loadYaml() : undefined]);
}
