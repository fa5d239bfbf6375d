import { type Parsed, parsed, problems } from '../parsed.ts';
import { didYouMean, quoted } from '../suggestion.ts';
import { AttributeReader, TYPES, type TypeName } from './attributes.ts';
import { DEFAULT_TAGS, type Occasion } from './defaults.ts';
import { EXPRESSIONS, type Template } from './expressions.ts';
import { mistakeInPrefix, mistakeInSyntax, mistakeInTag } from './mistakes.ts';
import { type Attribute, problemAt, readAttributes, readLines } from './rule-lines.ts';

/** One entry of the `tags` input. https://github.com/docker/metadata-action#tags-input */
export type TagRule = {
  /** As the user wrote it. */
  readonly text: string;
  readonly enable: Template;
  /** Higher ones come first. */
  readonly priority: number;
  /** Replaces the flavor's, even when empty. */
  readonly prefix?: Template;
  readonly suffix?: Template;
  /** `value=` is present but empty, as from an unset output. */
  readonly hasEmptyValue?: true;
  /** The tag moves even if its name suggests otherwise: `moving=true`. */
  readonly moving?: boolean;
  /** For our default rules: when they apply, and that they do not request `latest`. */
  readonly on?: Occasion;
  readonly withoutLatest?: boolean;
} & RuleType;

type RuleType =
  | { readonly type: 'schedule'; readonly pattern: Template }
  | {
      readonly type: 'semver' | 'pep440';
      readonly pattern: Template;
      readonly value?: Template;
      /** Its first group is the version. */
      readonly match?: RegExp;
    }
  | { readonly type: 'match'; readonly pattern: RegExp; readonly group: number; readonly value?: Template }
  | { readonly type: 'edge'; readonly branch?: string }
  | { readonly type: 'ref'; readonly event: 'branch' | 'tag' | 'pr' }
  | { readonly type: 'raw'; readonly value: Template }
  | { readonly type: 'sha'; readonly format: 'short' | 'long' };

/**
 * Reads the `tags` input in docker/metadata-action's syntax. An attribute that the type does not support is a problem
 * here, while metadata-action silently ignores it.
 * @param lines of the input; without any rule, {@link DEFAULT_TAGS} apply
 */
export function parseTagRules(lines: readonly string[]): Parsed<readonly TagRule[]> {
  const written = readLines(lines);
  const found: string[] = [];
  const rules: TagRule[] = [];
  for (const line of written) {
    const rule = parseRule(line.text);
    if (rule.ok) rules.push(rule.value);
    else found.push(...rule.problems.map((problem) => problemAt('tags', line, problem)));
  }
  if (written.length === 0) {
    for (const { rule: text, on, withoutLatest = false } of DEFAULT_TAGS) {
      const rule = parseRule(text);
      if (rule.ok) rules.push({ ...rule.value, ...(on === undefined ? {} : { on }), withoutLatest });
      else found.push(...rule.problems);
    }
  }
  return found.length > 0 ? problems(...found) : parsed(rules);
}

function parseRule(text: string): Parsed<TagRule> {
  const attributes = readAttributes(text);
  if (!attributes.ok) return attributes;
  // metadata-action silently uses the last one.
  if (attributes.value.filter(({ key, value }) => key === undefined && value !== '').length > 1) {
    return problems('there are several tags on one line, and only the last would count. Write each on its own line');
  }
  const type = readType(attributes.value);
  if (!type.ok) return type;
  const read = new AttributeReader(type.value, attributes.value);
  const prefix = read.template('prefix') ?? read.implied(IMPLIED_PREFIX[type.value], attributes.value);
  const mistake = mistakeInPrefix(read.text('prefix') ?? '');
  if (mistake !== undefined) read.problems.push(`\`prefix\`: ${mistake}`);
  const suffix = read.template('suffix');
  const enable = read.template('enable', 'true');
  const priority = read.number('priority', TYPES[type.value].priority);
  const own = readOwn(type.value, read);
  const moving = read.oneOf('moving', ['true', 'false'], 'false') === 'true';
  if (moving && own?.type === 'ref' && own.event !== 'tag') {
    read.problems.push(
      '`moving` is for `event=tag`: a branch or pull request moves its tag, and never that of a release',
    );
  }
  if (enable !== undefined && !enable.source.includes('{{') && !/^(?:true|false)$/.test(enable.source)) {
    read.problems.push(`\`enable\` is ${quoted(enable.source)}, expected true or false`);
  }
  if (read.problems.length > 0 || own === undefined || enable === undefined) return problems(...read.problems);
  return parsed({
    text,
    enable,
    priority,
    ...(prefix === undefined ? {} : { prefix }),
    ...(suffix === undefined ? {} : { suffix }),
    ...(moving ? { moving } : {}),
    ...own,
  });
}

const IMPLIED_PREFIX: Partial<Record<TypeName, (attributes: readonly Attribute[]) => string | undefined>> = {
  sha: () => 'sha-',
  ref: (attributes) => (attributes.findLast(({ key }) => key === 'event')?.value === 'pr' ? 'pr-' : undefined),
};

function readType(attributes: readonly Attribute[]): Parsed<TypeName> {
  const names = Object.keys(TYPES);
  const given = attributes.findLast(({ key }) => key === 'type')?.value ?? 'raw';
  const type = names.find((name): name is TypeName => name === given);
  return type === undefined
    ? problems(
        /^(?:branch|tag|pr)$/.test(given)
          ? `unknown type ${quoted(given)}. Write \`type=ref,event=${given}\``
          : `unknown type ${quoted(given)}, expected one of ${names.join(', ')}.${didYouMean(given, names)}`,
      )
    : parsed(type);
}

function readOwn(type: TypeName, read: AttributeReader): RuleType | undefined {
  switch (type) {
    case 'schedule': {
      const pattern = read.template('pattern', 'nightly', EXPRESSIONS.schedule);
      return pattern && { type, pattern };
    }
    case 'semver':
    case 'pep440': {
      const pattern = read.required('pattern', EXPRESSIONS[type]);
      const value = read.template('value');
      const match = read.expression('match', 1);
      if (match === undefined && /^refs\/(?:heads|tags|pull)\//.test(value?.source ?? '')) {
        read.problems.push(
          '`value` is a full git ref, which is no version. Use `${{ github.ref_name }}`, or leave it out',
        );
      }
      return pattern && { type, pattern, ...valueIfAny(value), ...(match === undefined ? {} : { match }) };
    }
    case 'match': {
      const group = read.number('group', 0);
      const pattern = read.expression('pattern', group);
      const value = read.template('value');
      if (!Number.isInteger(group) || group < 0) {
        read.problems.push(`\`group\` is ${group}, expected the number of a group, from 0`);
      }
      return pattern && { type, pattern, group, ...valueIfAny(value) };
    }
    case 'edge': {
      // metadata-action's documentation writes its default this way.
      const branch = read.text('branch')?.replace(/^\$repo\.default_branch$/, '');
      const mistake = mistakeInSyntax(branch ?? '');
      if (mistake !== undefined) read.problems.push(`\`branch\`: ${mistake}`);
      return { type, ...(branch === undefined || branch === '' ? {} : { branch }) };
    }
    case 'ref': {
      const event = read.oneOf('event', ['branch', 'tag', 'pr']);
      return event && { type, event };
    }
    case 'raw': {
      const mistake = mistakeInTag(read.text('value') ?? '');
      if (mistake !== undefined) {
        read.problems.push(mistake);
        return undefined;
      }
      const value = read.required('value', EXPRESSIONS.global);
      return value && { type, value };
    }
    case 'sha': {
      const format = read.oneOf('format', ['short', 'long'], 'short');
      return format && { type, format };
    }
  }
}

/** An empty value counts as missing: the git tag is used. */
function valueIfAny(value: Template | undefined): { readonly value?: Template; readonly hasEmptyValue?: true } {
  if (value === undefined) return {};
  return value.source === '' ? { hasEmptyValue: true } : { value };
}
