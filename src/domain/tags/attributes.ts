import { didYouMean, quoted } from '../suggestion.ts';
import { EXPRESSIONS, parseTemplate, type Template } from './expressions.ts';
import { mistakeInSyntax } from './mistakes.ts';
import type { Attribute } from './rule-lines.ts';

/** The types of rules. https://github.com/docker/metadata-action#tags-input */
export type TypeName = 'schedule' | 'semver' | 'pep440' | 'match' | 'edge' | 'ref' | 'raw' | 'sha';

const GLOBAL_KEYS = ['type', 'enable', 'priority', 'prefix', 'suffix'];

/** The types with their default priorities, and the attributes of each besides the global ones. */
export const TYPES: Readonly<Record<TypeName, { readonly priority: number; readonly keys: readonly string[] }>> = {
  schedule: { priority: 1000, keys: ['pattern'] },
  semver: { priority: 900, keys: ['pattern', 'value', 'match', 'moving'] },
  pep440: { priority: 900, keys: ['pattern', 'value', 'match', 'moving'] },
  match: { priority: 800, keys: ['pattern', 'group', 'value', 'moving'] },
  edge: { priority: 700, keys: ['branch'] },
  ref: { priority: 600, keys: ['event', 'moving'] },
  raw: { priority: 200, keys: ['value', 'moving'] },
  sha: { priority: 100, keys: ['format'] },
};

/** Reads the attributes of one rule and collects its problems. */
export class AttributeReader {
  readonly problems: string[] = [];
  readonly #type: TypeName;
  readonly #values: ReadonlyMap<string, string>;

  constructor(type: TypeName, attributes: readonly Attribute[]) {
    this.#type = type;
    const known = [...GLOBAL_KEYS, ...TYPES[type].keys];
    const values = new Map<string, string>();
    for (const { key = 'value', value } of attributes) {
      if (known.includes(key)) {
        const before = values.get(key);
        if (key === 'value' && value !== '' && before !== undefined && before !== value) {
          this.problems.push(
            `it has two values, ${quoted(before)} and ${quoted(value)}, and only the last would count. Put a value with a comma into double quotes: \`"value=a,b"\``,
          );
        }
        values.set(key, value);
      } else if (key === 'value' && value === '') continue;
      else {
        const others = Object.values(TYPES).some(({ keys }) => keys.includes(key));
        this.problems.push(
          others
            ? `type=${type} has no \`${key}\`, expected ${known.join(', ')}`
            : `unknown attribute ${quoted(key)} of type=${type}, expected ${known.join(', ')}.${didYouMean(key, known)}`,
        );
      }
    }
    this.#values = values;
  }

  text(key: string): string | undefined {
    return this.#values.get(key);
  }

  template(key: string, initial?: string, names: readonly string[] = EXPRESSIONS.global): Template | undefined {
    const source = this.#values.get(key) ?? initial;
    if (source === undefined) return undefined;
    const mistake = mistakeInSyntax(source);
    if (mistake !== undefined) {
      this.problems.push(`\`${key}\`: ${mistake}`);
      return undefined;
    }
    const template = parseTemplate(source, names);
    if (template.ok) return template.value;
    this.problems.push(...template.problems.map((problem) => `\`${key}\`: ${problem}`));
    return undefined;
  }

  required(key: string, names: readonly string[]): Template | undefined {
    if (!this.#values.has(key)) this.#missing(key);
    return this.template(key, undefined, names);
  }

  implied(
    source: ((attributes: readonly Attribute[]) => string | undefined) | undefined,
    attributes: readonly Attribute[],
  ): Template | undefined {
    const text = this.#values.has('prefix') ? undefined : source?.(attributes);
    return text === undefined ? undefined : { source: text, parts: [{ kind: 'text', text }] };
  }

  number(key: string, initial: number): number {
    const text = this.#values.get(key);
    if (text === undefined) return initial;
    const value = Number(text);
    if (text !== '' && Number.isFinite(value)) return value;
    this.problems.push(`\`${key}\` is ${quoted(text)}, expected a number`);
    return initial;
  }

  oneOf<T extends string>(key: string, words: readonly T[], initial?: T): T | undefined {
    const text = this.#values.get(key);
    if (text === undefined) {
      if (initial === undefined) this.#missing(key, words);
      return initial;
    }
    const word = words.find((each) => each === text);
    if (word === undefined) {
      this.problems.push(
        `\`${key}\` is ${quoted(text)}, expected one of ${words.join(', ')}.${didYouMean(text, words)}`,
      );
    }
    return word;
  }

  /** A regular expression; `pattern` of type=match may be written `/…/flags`, and is required. */
  expression(key: 'pattern' | 'match', group: number): RegExp | undefined {
    const text = this.#values.get(key);
    if (text === undefined && key === 'pattern') this.#missing(key);
    if (text === undefined || (text === '' && key === 'match')) return undefined;
    const [, source = text, flags = ''] = (key === 'pattern' && /^\/(.+)\/(.*)$/.exec(text)) || [];
    try {
      // With an empty alternative the expression always matches, and the result shows the number of groups.
      const groups = (new RegExp(`${source}|`, flags).exec('')?.length ?? 1) - 1;
      if (group > groups && !flags.includes('g')) {
        this.problems.push(`\`${key}\` ${quoted(text)} has ${groups} groups, expected at least ${group}`);
      }
      return new RegExp(source, flags);
    } catch (error) {
      this.problems.push(
        `\`${key}\` is not a regular expression (${error instanceof Error ? error.message : String(error)})`,
      );
      return undefined;
    }
  }

  #missing(key: string, words: readonly string[] = []): void {
    const wanted = words.length === 0 ? `\`${key}=\`` : `\`${key}=\` with one of ${words.join(', ')}`;
    this.problems.push(`type=${this.#type} needs ${wanted}`);
  }
}
