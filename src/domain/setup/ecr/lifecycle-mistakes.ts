import { type Fields, fieldsOf, isFields } from '../../fields.ts';
import type { Json } from '../json.ts';

/** What Amazon ECR would refuse in a lifecycle policy, with what to write instead; undefined when it is right. */
export function lifecycleMistake(value: Json): string | undefined {
  const { rules } = fieldsOf(typeof value === 'string' ? parsed(value) : value);
  if (!Array.isArray(rules) || rules.length === 0 || !rules.every(isFields))
    return '`aws.lifecyclePolicy` needs `rules`, a list';
  const list: readonly Fields[] = rules;
  const priorities = list.map(({ rulePriority }) => rulePriority);
  if (!priorities.every((each) => Number.isInteger(each)) || new Set(priorities).size < priorities.length)
    return '`aws.lifecyclePolicy`: each rule needs a `rulePriority` of its own, a whole number';
  const sorted = list.toSorted((a, b) => Number(a.rulePriority) - Number(b.rulePriority));
  const status = (rule: Fields) => fieldsOf(rule.selection).tagStatus;
  const any = sorted.filter((rule) => status(rule) === 'any');
  if (any.length > 1) return '`aws.lifecyclePolicy` has several rules with `tagStatus: any`, and Amazon ECR takes one';
  const [last] = any;
  if (last !== undefined && sorted.at(-1) !== last) {
    const order = [...sorted.filter((rule) => rule !== last), last];
    const text = order.map((rule, index) => `${index + 1}: ${described(rule)}`).join(', ');
    return `the rule with \`tagStatus: any\` must have the highest \`rulePriority\`; write the rules in the order ${text}`;
  }
  const untagged = sorted.filter((rule) => status(rule) === 'untagged');
  if (untagged.length > 1)
    return '`aws.lifecyclePolicy` has several rules for untagged images, and Amazon ECR takes one';
  for (const rule of sorted) {
    const { tagStatus, tagPatternList, tagPrefixList, countType, countUnit, countNumber } = fieldsOf(rule.selection);
    const where = `rule ${String(rule.rulePriority)} of \`aws.lifecyclePolicy\``;
    if (tagStatus === 'tagged' && tagPatternList === undefined && tagPrefixList === undefined)
      return `${where} is for tagged images and needs \`tagPatternList\` or \`tagPrefixList\``;
    if (tagStatus !== 'tagged' && (tagPatternList !== undefined || tagPrefixList !== undefined))
      return `${where} has patterns of tags, which \`tagStatus: tagged\` takes only`;
    if (countType === 'sinceImagePushed' && countUnit !== 'days') return `${where} needs \`countUnit: days\``;
    if (countType === 'imageCountMoreThan' && countUnit !== undefined)
      return `${where} counts images and takes no \`countUnit\``;
    if (!Number.isInteger(countNumber) || Number(countNumber) < 1)
      return `${where} needs a \`countNumber\` of at least 1`;
  }
  return undefined;
}

function described(rule: Fields): string {
  const { tagStatus, tagPatternList, tagPrefixList } = fieldsOf(rule.selection);
  const tags = [tagPatternList, tagPrefixList].flat().flatMap((each) => (typeof each === 'string' ? [each] : []));
  return tags.length === 0 ? String(tagStatus) : tags.join(' and ');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
