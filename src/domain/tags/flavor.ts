import { type Parsed, parsed, problems } from '../parsed.ts';
import { didYouMean, quoted } from '../suggestion.ts';
import { EXPRESSIONS, parseTemplate, type Template } from './expressions.ts';
import { mistakeInSyntax } from './mistakes.ts';
import { problemAt, readAttributes, readLines } from './rule-lines.ts';

/** Settings for all tags. https://github.com/docker/metadata-action#flavor-input */
export interface Flavor {
  readonly latest: 'auto' | 'true' | 'false';
  readonly prefix?: Template;
  /** `latest` gets the prefix as well. */
  readonly prefixLatest: boolean;
  readonly suffix?: Template;
  readonly suffixLatest: boolean;
}

export const DEFAULT_FLAVOR: Flavor = { latest: 'auto', prefixLatest: false, suffixLatest: false };

const KEYS: readonly string[] = ['latest', 'prefix', 'suffix', 'onlatest'];
const LATEST = ['auto', 'true', 'false'] as const;

/** Reads the `flavor` input; `onlatest` belongs to the prefix or suffix before it on the same line. */
export function parseFlavor(lines: readonly string[]): Parsed<Flavor> {
  const found: string[] = [];
  let flavor = DEFAULT_FLAVOR;
  for (const line of readLines(lines)) {
    const read = readLine(line.text, flavor);
    if (read.ok) flavor = read.value;
    else found.push(...read.problems.map((problem) => problemAt('flavor', line, problem)));
  }
  return found.length > 0 ? problems(...found) : parsed(flavor);
}

function readLine(text: string, before: Flavor): Parsed<Flavor> {
  const attributes = readAttributes(text);
  if (!attributes.ok) return attributes;
  const found: string[] = [];
  let flavor = before;
  let onlatest: 'prefixLatest' | 'suffixLatest' | undefined;
  for (const { key, value } of attributes.value) {
    if (key === 'latest') {
      const latest = LATEST.find((each) => each === value);
      if (latest === undefined) found.push(`\`latest\` is ${quoted(value)}, expected auto, true or false`);
      else flavor = { ...flavor, latest };
    } else if (key === 'prefix' || key === 'suffix') {
      onlatest = key === 'prefix' ? 'prefixLatest' : 'suffixLatest';
      const template = parseTemplate(value, EXPRESSIONS.global);
      const mistake = mistakeInSyntax(value);
      if (mistake !== undefined) found.push(`\`${key}\`: ${mistake}`);
      else if (template.ok) flavor = { ...flavor, [key]: template.value };
      else found.push(...template.problems.map((problem) => `\`${key}\`: ${problem}`));
    } else if (key === 'onlatest') {
      if (onlatest === undefined) found.push('`onlatest` belongs after the `prefix` or `suffix` that it is about');
      else if (value !== 'true' && value !== 'false') {
        found.push(`\`onlatest\` is ${quoted(value)}, expected true or false`);
      } else flavor = { ...flavor, [onlatest]: value === 'true' };
    } else if (key !== undefined || value !== '') {
      const word = key ?? value;
      found.push(`unknown entry ${quoted(word)}, expected latest=, prefix= or suffix=.${didYouMean(word, KEYS)}`);
    }
  }
  return found.length > 0 ? problems(...found) : parsed(flavor);
}
