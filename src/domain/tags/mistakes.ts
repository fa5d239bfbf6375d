import { quoted } from '../suggestion.ts';

/** A common mistake, with the correct form. */
interface Mistake {
  readonly form: RegExp;
  readonly problem: (found: RegExpExecArray) => string;
}

const SYNTAX: readonly Mistake[] = [
  {
    form: /\$\{\{/,
    problem: () => '`${{ }}` was not filled in. Only a workflow file fills it in, not a text that a program writes',
  },
  {
    form: /`|\$\(|\$\{[^}]*\}?|\$[A-Za-z_][A-Za-z0-9_]*|%[A-Za-z_][A-Za-z0-9_]*%/,
    problem: ([found]) =>
      `${found === '`' ? 'backticks are' : `${quoted(found)} is`} shell syntax, and no shell reads it. Use \`\${{ env.NAME }}\` or \`\${{ github.ref_name }}\`, in \`tags\` also \`{{tag}}\` and \`{{branch}}\``,
  },
];

const DIGEST = 'that is a digest, which is no part of a tag';
const RULE_TYPES: readonly string[] = ['schedule', 'semver', 'pep440', 'match', 'edge', 'ref', 'raw', 'sha'];

/** Words that programs print for a missing value. */
const NO_VALUE = /^(?:undefined|null|NaN|\[object Object\])$/;

const NO_TAGS: readonly Mistake[] = [
  {
    form: NO_VALUE,
    problem: ([word = '']) =>
      `${quoted(word)} is what a program prints when a value is missing. Is the output behind it set?`,
  },
  {
    form: /^(['‘’“”]).*\1$|^[‘“].*[’”]$/su,
    problem: ([text = '']) =>
      `quotes of this kind become part of the name. Write ${code(text.slice(1, -1))} without them`,
  },
  {
    form: /<[^<>]*>|\{[^{}]*\}|^@[^@]+@$|^\[.*\]$/s,
    problem: ([text = '']) => `${quoted(text)} looks like a placeholder that was not filled in`,
  },
  { form: /^sha(?:256|512):/i, problem: () => DIGEST },
  {
    form: new RegExp(`^type:(?=(?:${RULE_TYPES.join('|')})\\b)`),
    problem: () => 'the type of a rule follows an equals sign, as in `type=sha`',
  },
  {
    form: /^[a-z][a-z0-9+.-]*:\/\//i,
    problem: () =>
      'that is a URL. Write the name of the image into `images`, without the scheme, and only the tag here',
  },
  {
    form: /^refs\/(heads|tags|pull)\//,
    problem: ([, kind = '']) =>
      `that is a full git ref. Use \`type=ref,event=${REF_EVENTS[kind] ?? 'branch'}\`, or \`\${{ github.ref_name }}\` for its short name`,
  },
  { form: /@sha(?:256|512):/i, problem: () => DIGEST },
  {
    form: /^:/,
    problem: () => 'the part before the colon is empty. Write only the tag',
  },
  {
    form: /^(.*):$/s,
    problem: ([, image = '']) => `after ${quoted(`${image}:`)} the tag is empty. Is the variable behind it set?`,
  },
  {
    form: /^((?:[^/:]*\.[^/:]*|localhost)(?::\d+)?\/[^:]+|[^/:]+:\d+\/[^:]+)$/s,
    problem: ([, image = '']) =>
      `that is the name of an image: write ${code(image)} into \`images\`, and only a tag here`,
  },
  {
    form: /^(.+?(?::\d+\/[^:]*)?):(.+)$/s,
    problem: ([, image = '', tag = '']) =>
      `that is the full name of an image: write ${code(image)} into \`images\`, and ${tagOf(tag)} here`,
  },
];

/** Mistakes only in literal text: an expression may be empty, and its rule is then dropped. */
const EMPTY_PARTS: readonly Mistake[] = [
  {
    form: /^- +(.+)$/s,
    problem: ([, tag = '']) => `that is an entry of a YAML list. Write ${code(tag)} alone, one tag per line`,
  },
  {
    form: /^[-.]/,
    problem: ([found = '']) => `the part before the first ${quoted(found)} is empty. Is the variable behind it set?`,
  },
  {
    form: /\/\/|\/$|^\/|-$/,
    problem: ([found = '']) => `a part beside ${quoted(found)} is empty. Is the variable behind it set?`,
  },
];

const REF_EVENTS: Readonly<Record<string, string>> = { heads: 'branch', tags: 'tag', pull: 'pr' };

/** Shell syntax, or an unfilled GitHub expression; undefined otherwise. */
export function mistakeInSyntax(text: string): string | undefined {
  return firstOf(SYNTAX, text);
}

/**
 * The problem with a literal tag: shell syntax, a URL, a git ref, or a full image name, which docker/build-push-action
 * expects there.
 * @param text the value of the rule as written
 * @returns undefined for text that may become a tag
 */
export function mistakeInTag(text: string): string | undefined {
  const syntax = mistakeInSyntax(text);
  if (syntax !== undefined) return syntax;
  // Ignores the content of expressions, such as a colon in a time format.
  const expressions: string[] = [];
  const literal = text.replace(/\{\{.*?\}\}/gs, (expression) => `\0${expressions.push(expression) - 1}\0`);
  const found = firstOf(NO_TAGS, literal) ?? (expressions.length === 0 ? firstOf(EMPTY_PARTS, literal) : undefined);
  return found?.replace(/(?:\0|\\u0000)(\d+)(?:\0|\\u0000)/g, (_, at: string) => expressions[Number(at)] ?? '');
}

/** The problem with a literal `prefix`: it is part of the tag, whereas the registry belongs in `images`. */
export function mistakeInPrefix(text: string): string | undefined {
  const literal = text.replace(/\{\{.*?\}\}/gs, '');
  return /[:@]|^(?:[^/]*\.[^/]*|localhost)\//.test(literal)
    ? `${quoted(text)} looks like the name of an image, which belongs in \`images\`; a prefix is a part of the tag`
    : undefined;
}

function firstOf(mistakes: readonly Mistake[], text: string): string | undefined {
  for (const { form, problem } of mistakes) {
    const found = form.exec(text);
    if (found !== null) return problem(found);
  }
  return undefined;
}

/** What to write for the tag of a full name. */
function tagOf(tag: string): string {
  const ref = /^refs\/(heads|tags|pull)\//.exec(tag)?.[1];
  return ref === undefined ? `only ${code(tag)}` : `\`type=ref,event=${REF_EVENTS[ref]}\``;
}

function code(text: string): string {
  return `\`${text.length > 80 ? `${text.slice(0, 79)}…` : text}\``;
}
