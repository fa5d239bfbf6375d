import { type Parsed, parsed, problems } from '../../parsed.ts';
import { quoted } from '../../suggestion.ts';
import { refusedByEcr } from './ecr-limits.ts';
import {
  EVERY,
  type ImportedPolicy,
  type ImportedRule,
  ImportProblems,
  prefixNote,
  ruleNames,
  rulesFor,
  starPattern,
} from './imported.ts';

interface ReadRule {
  readonly priority: number;
  readonly name: string;
  readonly status: 'tagged' | 'untagged' | 'any';
  /** Globs; an image has to match all of them. */
  readonly patterns: readonly string[];
  readonly remove: { readonly 'keep-newest': number } | { readonly 'older-than': string };
  /** As they were written. */
  readonly prefixes: readonly string[];
  /** Why images that the rule selects cannot be removed by a policy; they are exempt from later rules all the same. */
  readonly leftOut?: string;
}

const RULE_KEYS = ['rulePriority', 'description', 'selection', 'action'];
const SELECTION_KEYS = [
  'tagStatus',
  'tagPatternList',
  'tagPrefixList',
  'storageClass',
  'countType',
  'countUnit',
  'countNumber',
];
/** A repository cannot have more images: such a count never expires anything, and exempts what it selects. */
const SHIELD_COUNT = 10_000;

/**
 * A policy that deletes what a lifecycle policy expires, or less. An image that a rule selects is exempt from all later rules:
 * the patterns of a rule are excluded from the later ones, and an image stays unless all of its tags go.
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html
 */
export function importEcr(document: unknown): Parsed<ImportedPolicy> {
  const problem = new ImportProblems();
  const fields = problem.fields(document, 'the policy', ['rules']);
  const list = fields === undefined ? [] : problem.list(fields.rules, 'rules');
  const nameOf = ruleNames();
  const read = list.flatMap((each, index) => readRule(each, `rules[${index}]`, problem, nameOf) ?? []);
  if (new Set(read.map(({ priority }) => priority)).size < read.length)
    problem.found.push('rules: two rules have the same `rulePriority`.');
  if (fields !== undefined) problem.found.push(...refusedByEcr(document, list));
  if (problem.found.length > 0) return problems(...problem.found);

  const sorted = read.toSorted((a, b) => a.priority - b.priority);
  const notes: string[] = [];
  const rules: ImportedRule[] = [];
  const earlier = new Set<string>();
  let isUntaggedTaken = false;
  /** Whether a rule removes what an earlier one may exempt. */
  let isExempting = false;
  for (const rule of sorted) {
    const { name, status, patterns, remove, leftOut } = rule;
    // An image has to match all patterns of a rule to be exempt: excluding one of them exempts more.
    const [first] = status === 'any' ? ['*'] : patterns;
    const tags = first === undefined ? undefined : [first, ...[...earlier].map((pattern) => `!${pattern}`)];
    const isEmpty = first !== undefined && earlier.has(first);
    const isShield = 'keep-newest' in remove && remove['keep-newest'] >= SHIELD_COUNT;
    if (leftOut !== undefined) notes.push(`${quoted(name)} is left out: ${leftOut}. What it selects stays.`);
    else if (isEmpty) notes.push(`${quoted(name)} is left out: an earlier rule selects the same images.`);
    else if (isShield) notes.push(`${quoted(name)} only keeps: later rules exclude its tags.`);
    else {
      const untagged = status !== 'tagged' && !isUntaggedTaken;
      const parts = { ...(tags === undefined || status === 'untagged' ? {} : { tags }), untagged };
      rules.push(...rulesFor(name, parts, { remove }));
      const note = prefixNote(name, rule.prefixes);
      if (note !== undefined) notes.push(note);
      isExempting ||= parts.tags !== undefined && earlier.size > 0;
      if (status === 'any' && 'keep-newest' in remove)
        notes.push(`${quoted(name)} counts tagged and untagged images separately, and keeps as many of each.`);
    }
    if (status !== 'tagged') isUntaggedTaken = true;
    if (first !== undefined && status !== 'untagged') earlier.add(first);
  }
  if (rules.length === 0) return problems(['A policy cannot express any of the rules.', ...notes].join(' '));
  if (isExempting)
    notes.push(
      'An image stays unless all of its tags go (`multi-tag: require-all`); ECR expires it with the tag of the first rule that selects it.',
    );
  return parsed({
    source: 'a lifecycle policy of Amazon ECR',
    defaults: { 'multi-tag': isExempting ? 'require-all' : 'any' },
    entries: [{ rules }],
    notes,
  });
}

function readRule(
  value: unknown,
  where: string,
  problem: ImportProblems,
  nameOf: (wanted: string) => string,
): ReadRule | undefined {
  const before = problem.found.length;
  const fields = problem.fields(value, where, RULE_KEYS);
  const selection = fields && problem.fields(fields.selection, `${where}.selection`, SELECTION_KEYS);
  const action = fields && problem.fields(fields.action, `${where}.action`, ['type', 'targetStorageClass']);
  if (fields === undefined || selection === undefined || action === undefined) return undefined;
  const priority = problem.count(fields.rulePriority, `${where}.rulePriority`, 1);
  const number = problem.count(selection.countNumber, `${where}.selection.countNumber`, 1);
  const status = (['tagged', 'untagged', 'any'] as const).find((each) => each === selection.tagStatus);
  if (status === undefined)
    problem.wrong(`${where}.selection.tagStatus`, '"tagged", "untagged" or "any"', selection.tagStatus);
  const prefixes = problem.texts(selection.tagPrefixList, `${where}.selection.tagPrefixList`);
  const written = [
    ...problem.texts(selection.tagPatternList, `${where}.selection.tagPatternList`),
    ...prefixes.map((prefix) => (prefix.includes('*') ? '' : `${prefix}*`)),
  ];
  if (status !== undefined && (status === 'tagged') !== written.length > 0)
    problem.found.push(
      `${where}: \`tagged\` needs \`tagPatternList\` or \`tagPrefixList\`, and nothing else has them.`,
    );
  if (problem.found.length > before || priority === undefined || number === undefined || status === undefined)
    return undefined;
  const { description } = fields;
  const name = nameOf(typeof description === 'string' && description !== '' ? description : `rule ${priority}`);
  const { countType, countUnit, storageClass } = selection;
  const remove =
    countType === 'imageCountMoreThan' ? { 'keep-newest': Math.min(number, EVERY) } : { 'older-than': `${number}d` };
  const patterns = written.flatMap((pattern) => starPattern(pattern) ?? []);
  const common = { priority, name, status, patterns, prefixes, remove };
  const leftOut = reasonToLeaveOut({ action: action.type, countType, countUnit, storageClass });
  if (leftOut !== undefined) return { ...common, leftOut };
  if (patterns.length < written.length) return { ...common, patterns: [], leftOut: 'a policy cannot select its tags' };
  if (patterns.length > 1)
    return {
      ...common,
      leftOut: 'it selects images that match all of its patterns, and a policy those that match one',
    };
  return common;
}

function reasonToLeaveOut(rule: {
  readonly action: unknown;
  readonly countType: unknown;
  readonly countUnit: unknown;
  readonly storageClass: unknown;
}): string | undefined {
  const { action, countType, countUnit, storageClass = 'standard' } = rule;
  if (action !== 'expire') return `a policy has no ${quoted(String(action))}`;
  if (storageClass !== 'standard') return `a policy has no storage class ${quoted(String(storageClass))}`;
  if (countType === 'imageCountMoreThan') return undefined;
  if (countType !== 'sinceImagePushed') return `a policy has no ${quoted(String(countType))}`;
  return countUnit === 'days' ? undefined : `a policy has no \`countUnit\` ${quoted(String(countUnit))} here`;
}
