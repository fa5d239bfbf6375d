import { type Fields, fieldsOf } from '../../fields.ts';
import { quoted } from '../../suggestion.ts';

const MAX_RULES = 50;
const MAX_CHARACTERS = 30_720;
const MAX_STARS = 4;

/**
 * What Amazon ECR does not accept in a lifecycle policy, with the place: a document that it would refuse is in no repository, so
 * what it was meant to delete is not known.
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html
 */
export function refusedByEcr(document: unknown, rules: readonly unknown[]): readonly string[] {
  const all = rules.map(fieldsOf);
  const length = JSON.stringify(document).length;
  return [
    ...(all.length === 0 ? ['rules: ECR needs at least one rule.'] : []),
    ...(all.length > MAX_RULES ? [`rules: ECR takes at most ${MAX_RULES} rules, and these are ${all.length}.`] : []),
    ...(length > MAX_CHARACTERS
      ? [`The policy has ${length} characters without spaces, and ECR takes at most ${MAX_CHARACTERS}.`]
      : []),
    ...all.flatMap(refusedInRule),
    ...refusedTogether(all),
  ];
}

function refusedInRule(rule: Fields, index: number): readonly string[] {
  const where = `rules[${index}]`;
  const selection = fieldsOf(rule.selection);
  const action = fieldsOf(rule.action);
  const { countType, countUnit, storageClass, tagPatternList, tagPrefixList } = selection;
  const isTransition = action.type === 'transition';
  const isArchive = storageClass === 'archive';
  const isCount = countType === 'imageCountMoreThan';
  const patterns = Array.isArray(tagPatternList) ? tagPatternList.map(String) : [];
  const starry = patterns.find((pattern) => pattern.split('*').length - 1 > MAX_STARS);
  const nulls = [rule, selection, action].flatMap((fields) =>
    Object.keys(fields).filter((key) => fields[key] === null),
  );
  const found: readonly (string | false)[] = [
    nulls.length > 0 && `${nulls.map(quoted).join(', ')}: ECR takes no null; leave it out`,
    rule.description !== undefined && typeof rule.description !== 'string' && '`description` is not text',
    !['expire', 'transition'].includes(String(action.type)) &&
      `\`action.type\` is "expire" or "transition", and not ${shown(action.type)}`,
    isTransition && action.targetStorageClass !== 'archive' && '"transition" needs `targetStorageClass: archive`',
    action.type === 'expire' && action.targetStorageClass !== undefined && '"expire" has no `targetStorageClass`',
    ![undefined, 'standard', 'archive'].includes(storageClass as string | undefined) &&
      `\`storageClass\` is "standard" or "archive", and not ${shown(storageClass)}`,
    !COUNT_TYPES.includes(countType) && `\`countType\` is ${COUNT_TYPES.join(', ')}, and not ${shown(countType)}`,
    isCount && countUnit !== undefined && '`imageCountMoreThan` has no `countUnit`',
    !isCount &&
      COUNT_TYPES.includes(countType) &&
      countUnit !== 'days' &&
      `\`${String(countType)}\` needs \`countUnit: days\``,
    countType === 'sinceImagePulled' &&
      !isTransition &&
      'ECR expires nothing by pulls: `sinceImagePulled` is for "transition"',
    countType === 'sinceImageTransitioned' &&
      (isTransition || !isArchive) &&
      '`sinceImageTransitioned` is for "expire" with `storageClass: archive`',
    isArchive &&
      countType !== 'sinceImageTransitioned' &&
      '`storageClass: archive` is for `sinceImageTransitioned` only',
    tagPatternList !== undefined &&
      tagPrefixList !== undefined &&
      'a rule has `tagPatternList` or `tagPrefixList`, not both',
    starry !== undefined && `${quoted(starry)} has more than ${MAX_STARS} \`*\``,
  ];
  return found.filter((each) => each !== false).map((each) => `${where}: ${each}.`);
}

const COUNT_TYPES: readonly unknown[] = [
  'imageCountMoreThan',
  'sinceImagePushed',
  'sinceImagePulled',
  'sinceImageTransitioned',
];

const shown = (value: unknown) => quoted(JSON.stringify(value) ?? 'nothing');

/** What each rule may have, and two of them may not. */
function refusedTogether(rules: readonly Fields[]): readonly string[] {
  const priorities = rules.map(({ rulePriority }) => Number(rulePriority));
  const last = Math.max(...priorities);
  const seen = new Map<string, number>();
  return rules.flatMap(({ selection }, index) => {
    const { tagStatus, storageClass = 'standard', tagPrefixList } = fieldsOf(selection);
    const where = `rules[${index}]`;
    const prefixes = Array.isArray(tagPrefixList) ? JSON.stringify(tagPrefixList.map(String).toSorted()) : undefined;
    const key = tagStatus === 'tagged' ? prefixes && `the prefixes ${prefixes}` : `\`tagStatus: ${String(tagStatus)}\``;
    const before = key === undefined ? undefined : seen.get(`${String(storageClass)} ${key}`);
    if (key !== undefined) seen.set(`${String(storageClass)} ${key}`, index);
    return [
      ...(tagStatus === 'any' && priorities[index] !== last
        ? [`${where}: the rule with \`tagStatus: any\` needs the highest \`rulePriority\`.`]
        : []),
      ...(before === undefined ? [] : [`${where}: ECR takes one rule with ${key}, and rules[${before}] has it.`]),
    ];
  });
}
