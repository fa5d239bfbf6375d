import { type Fields, fieldsOf, isFields } from '../../fields.ts';
import { type Parsed, parsed, problems } from '../../parsed.ts';
import { quoted } from '../../suggestion.ts';
import { DAY, type Duration, HOUR } from '../duration.ts';
import {
  durationText,
  EVERY,
  type ImportedPolicy,
  type ImportedRule,
  ImportProblems,
  ruleNames,
  rulesFor,
  starPattern,
} from './imported.ts';

const POLICY_KEYS = ['name', 'id', 'action', 'condition', 'mostRecentVersions'];
const CONDITION_KEYS = [
  'tagState',
  'tagPrefixes',
  'olderThan',
  'newerThan',
  'packageNamePrefixes',
  'versionNamePrefixes',
];

interface Read {
  readonly name: string;
  readonly isDelete: boolean;
  readonly tags?: readonly string[];
  readonly untagged: boolean;
  readonly olderThan?: Duration;
  readonly newerThan?: Duration;
  readonly keepCount?: number;
  /** Restrictions to packages or versions, which a policy has elsewhere or not at all. */
  readonly restrictions: readonly string[];
  /** It matches nothing. */
  readonly isEmpty: boolean;
}

/**
 * A policy that deletes what cleanup policies delete, or less. Keep wins in both. What a policy cannot say is left out where it
 * deletes, and keeps more where it keeps.
 * @param document a list, as gcloud writes it, or the map of the API
 * https://docs.cloud.google.com/artifact-registry/docs/repositories/cleanup-policy
 */
export function importArtifactRegistry(document: unknown): Parsed<ImportedPolicy> {
  const problem = new ImportProblems();
  const list = isFields(document)
    ? Object.entries(document).map(([id, policy]) => ({ id, ...fieldsOf(policy) }))
    : problem.list(document, 'the policies');
  const nameOf = ruleNames();
  const read = list.flatMap((each, index) => readPolicy(each, `policy ${index + 1}`, problem, nameOf) ?? []);
  if (problem.found.length > 0) return problems(...problem.found);
  const notes: string[] = [];
  const rules: ImportedRule[] = [];
  for (const each of read) rules.push(...(each.isDelete ? deleting(each, notes) : keeping(each, notes)));
  if (!rules.some(({ remove }) => remove !== undefined))
    return problems(['No rule deletes anything that a policy can express.', ...notes].join(' '));
  // Another Keep than that of the newest of all may be about some tags of an image only, and there it is about the whole image.
  const isMixed = read.some(
    ({ isDelete, tags, keepCount }) => !isDelete && tags !== undefined && keepCount === undefined,
  );
  if (isMixed)
    notes.push(
      'An image stays unless all of its tags go (`multi-tag: require-all`); Artifact Registry deletes it for one of its tags.',
    );
  if (read.some(({ isDelete, untagged }) => isDelete && untagged))
    notes.push(
      'Signatures and attestations stay with their image; Artifact Registry deletes them as untagged versions.',
    );
  return parsed({
    source: 'cleanup policies of Artifact Registry',
    defaults: { 'multi-tag': isMixed ? 'require-all' : 'any' },
    entries: [{ rules }],
    notes,
  });
}

function deleting(policy: Read, notes: string[]): readonly ImportedRule[] {
  const { name, tags, untagged, olderThan = 0, newerThan, restrictions, isEmpty } = policy;
  const reasons = [
    ...restrictions.map((each) => `a policy has no ${each}`),
    ...(newerThan === undefined ? [] : ['a policy deletes nothing for being new']),
    ...(isEmpty ? ['no tag can match it'] : []),
  ];
  if (reasons.length === 0)
    return rulesFor(
      name,
      { ...(tags === undefined ? {} : { tags }), untagged },
      { remove: { 'older-than': durationText(olderThan) } },
    );
  notes.push(`${quoted(name)} is left out: ${reasons.join('; ')}. What it deletes stays.`);
  return [];
}

function keeping(policy: Read, notes: string[]): readonly ImportedRule[] {
  const { name, tags, untagged, olderThan, newerThan, keepCount, restrictions, isEmpty } = policy;
  if (isEmpty) return [];
  const dropped = [...restrictions, ...(olderThan === undefined ? [] : ['`olderThan`'])];
  if (dropped.length > 0)
    notes.push(`${quoted(name)} keeps more than before: a policy has no ${dropped.join(' and ')} there.`);
  if (keepCount !== undefined && tags !== undefined && untagged)
    notes.push(`${quoted(name)} counts tagged and untagged images separately, and keeps as many of each.`);
  const parts = { ...(tags === undefined ? {} : { tags }), untagged };
  const keep = newerThan === undefined ? { newest: keepCount ?? EVERY } : { 'younger-than': durationText(newerThan) };
  return rulesFor(name, parts, { keep });
}

function readPolicy(
  value: unknown,
  where: string,
  problem: ImportProblems,
  nameOf: (wanted: string) => string,
): Read | undefined {
  const before = problem.found.length;
  const fields = problem.fields(value, where, POLICY_KEYS);
  if (fields === undefined) return undefined;
  const action = String(isFields(fields.action) ? fields.action.type : fields.action).toUpperCase();
  if (action !== 'DELETE' && action !== 'KEEP') problem.wrong(`${where}.action`, '"Delete" or "Keep"', fields.action);
  const name = nameOf(String(fields.name ?? fields.id ?? where));
  const count =
    fields.mostRecentVersions === undefined
      ? undefined
      : problem.fields(fields.mostRecentVersions, `${where}.mostRecentVersions`, ['keepCount', 'packageNamePrefixes']);
  const condition =
    fields.condition === undefined ? {} : problem.fields(fields.condition, `${where}.condition`, CONDITION_KEYS);
  if (condition === undefined || (fields.mostRecentVersions !== undefined && count === undefined)) return undefined;
  if (count !== undefined && (action === 'DELETE' || fields.condition !== undefined))
    problem.found.push(`${where}: \`mostRecentVersions\` belongs to a Keep policy without \`condition\`.`);
  const keepCount = count && problem.count(count.keepCount, `${where}.mostRecentVersions.keepCount`, 0);
  const ages = readAges(condition, where, problem);
  const written = problem.texts(condition.tagPrefixes, `${where}.condition.tagPrefixes`);
  const state = String(condition.tagState ?? 'any').toLowerCase();
  if (!['tagged', 'untagged', 'any', 'tag_state_unspecified'].includes(state))
    problem.wrong(`${where}.condition.tagState`, '"tagged", "untagged" or "any"', condition.tagState);
  if (problem.found.length > before) return undefined;
  const prefixes = written.flatMap((prefix) => (prefix.includes('*') ? [] : (starPattern(`${prefix}*`) ?? [])));
  const hasTags = state !== 'untagged';
  const tags = !hasTags || written.length > 0 ? prefixes : ['*'];
  const untagged = state !== 'tagged' && written.length === 0;
  return {
    name,
    isDelete: action === 'DELETE',
    ...(hasTags && tags.length > 0 ? { tags } : {}),
    untagged,
    ...ages,
    ...(keepCount === undefined ? {} : { keepCount }),
    restrictions: (['packageNamePrefixes', 'versionNamePrefixes'] as const).flatMap((key) =>
      [condition[key], count?.[key]].some((list) => list !== undefined && !(Array.isArray(list) && list.length === 0))
        ? [`\`${key}\``]
        : [],
    ),
    isEmpty: !untagged && (!hasTags || tags.length === 0),
  };
}

function readAges(
  condition: Fields,
  where: string,
  problem: ImportProblems,
): { readonly olderThan?: Duration; readonly newerThan?: Duration } {
  const read = (key: 'olderThan' | 'newerThan') => {
    const value = condition[key];
    if (value === undefined) return {};
    const age = ageOf(value);
    if (age === undefined) problem.wrong(`${where}.condition.${key}`, 'a time such as `30d` or `2592000s`', value);
    return age === undefined ? {} : { [key]: age };
  };
  return { ...read('olderThan'), ...read('newerThan') };
}

const UNITS: Readonly<Record<string, Duration>> = { s: 1000, m: 60_000, h: HOUR, d: DAY };

/** `2592000s`, `30d`, `1d12h`: rounded up to whole hours. */
function ageOf(value: unknown): Duration | undefined {
  if (typeof value !== 'string' || !/^(?:\d{1,12}(?:\.\d{1,9})?[smhd])+$/.test(value)) return undefined;
  const parts = [...value.matchAll(/(\d+(?:\.\d+)?)([smhd])/g)];
  const total = parts.reduce((sum, [, count = '', unit = '']) => sum + Number(count) * (UNITS[unit] ?? 0), 0);
  return Math.ceil(total / HOUR) * HOUR;
}
