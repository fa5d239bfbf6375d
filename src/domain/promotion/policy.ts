import { isFields } from '../fields.ts';
import { type Parsed, parsed, problems } from '../parsed.ts';
import { didYouMean, quoted } from '../suggestion.ts';
import { type Requirement, readPolicy } from './requirements.ts';

const KEYS: readonly string[] = ['require', 'stages', 'gate'];

/**
 * Reads a promotion policy: `require` holds for every stage, `stages.<name>` for one; `gate` is read elsewhere. All stages are checked, so that a
 * mistake is told before the day on which it counts. Names of stages are compared as GitHub compares those of environments,
 * whatever their case.
 * @param value parsed YAML
 * @param stage the stage that is promoted to
 * @param where the file, for messages
 */
export function readPolicyFile(value: unknown, stage: string, where: string): Parsed<readonly Requirement[]> {
  if (!isFields(value)) return problems(`${where}: expected a map with \`require\` and \`stages\`.`);
  const found = Object.keys(value)
    .filter((key) => !KEYS.includes(key))
    .map(
      (key) =>
        `${where}: unknown key ${quoted(key)}, expected \`require\`, \`stages\` or \`gate\`.${didYouMean(key, KEYS)}`,
    );
  const { require = [], stages = {} } = value;
  if (!isFields(stages)) found.push(`${where}, stages: expected a map of stages, each with a list of requirements.`);
  const lists = [
    { own: true, read: readPolicy(require, `${where}, require`) },
    ...Object.entries(isFields(stages) ? stages : {}).map(([name, list]) => ({
      own: name.toLowerCase() === stage.toLowerCase(),
      read: readPolicy(list, `${where}, stages.${name}`),
    })),
  ];
  found.push(...lists.flatMap(({ read }) => (read.ok ? [] : read.problems)));
  return found.length > 0
    ? problems(...found)
    : parsed(lists.flatMap(({ own, read }) => (own && read.ok ? read.value : [])));
}
