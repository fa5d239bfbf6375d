import { isFields } from '../../fields.ts';
import { quoted } from '../../suggestion.ts';

const ACTIONS: readonly unknown[] = ['install', 'remove', 'unchanged', 'export', 'none'];

/** What is wrong with this part of a plan file; what is to be written is made again from the policy, and compared. */
export function wrongInNativeRules(value: unknown, areProblems: (value: unknown) => boolean): string | undefined {
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) return '`nativeRules` is no list';
  for (const each of value) {
    if (!isFields(each) || typeof each.scope !== 'string' || !ACTIONS.includes(each.action))
      return '`nativeRules` has an entry without `scope` or `action`';
    const { repositories, rules, replaced, title, problems } = each;
    const areTexts = [repositories, replaced].every(
      (list) => Array.isArray(list) && list.every((text) => typeof text === 'string'),
    );
    if (
      !areTexts ||
      !Array.isArray(rules) ||
      !rules.every(isRule) ||
      typeof title !== 'string' ||
      !areProblems(problems)
    )
      return `the rules of ${quoted(each.scope)} are not complete`;
  }
  return undefined;
}

function isRule(value: unknown): boolean {
  return isFields(value) && ['repository', 'rule', 'fit', 'reason'].every((key) => typeof value[key] === 'string');
}
