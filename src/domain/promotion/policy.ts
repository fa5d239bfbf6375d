import { isFields } from '../fields.ts';
import { type Parsed, parsed, problems } from '../parsed.ts';
import { didYouMean, quoted } from '../suggestion.ts';
import { isSameStage } from './record.ts';
import { type Requirement, readPolicy } from './requirements.ts';
import { environmentTag } from './templates.ts';

const KEYS: readonly string[] = ['require', 'stages', 'gate'];

/**
 * Reads a promotion policy: `require` holds for every stage, `stages.<name>` for one; `gate` is read elsewhere. All stages are checked, so that a
 * mistake is told before the day on which it counts. Names of stages are compared as GitHub compares those of environments,
 * whatever their case. Whoever writes the tag of a stage promotes to that stage, whatever environment is given.
 * @param value parsed YAML
 * @param to the stage that is promoted to, and the tags that are written
 * @param where the file, for messages
 */
export function readPolicyFile(
  value: unknown,
  { stage, tags }: { readonly stage: string; readonly tags: readonly string[] },
  where: string,
): Parsed<readonly Requirement[]> {
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
      own: isSameStage(name, stage) || tags.some((tag) => tag.toLowerCase() === environmentTag(name)),
      read: readPolicy(list, `${where}, stages.${name}`),
    })),
  ];
  found.push(...lists.flatMap(({ read }) => (read.ok ? [] : read.problems)));
  return found.length > 0
    ? problems(...found)
    : parsed(lists.flatMap(({ own, read }) => (own && read.ok ? read.value : [])));
}
