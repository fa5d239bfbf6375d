import { loadRuleLibraries } from '../domain/tags/rule-libraries.ts';
import { loadYaml } from '../inputs/logins.ts';
import type { RawInputs } from '../inputs/read-table.ts';

/** Loads the libraries that the inputs of this step need, and no others: together they are more code than all the rest. */
export async function loadInputLibraries(raw: RawInputs): Promise<void> {
  await Promise.all([loadRuleLibraries([...raw.values()]), raw.has('registry-auth') ? loadYaml() : undefined]);
}
