import { type Fields, isFields } from '../../fields.ts';
import { parseTagPattern } from '../../patterns/tag-pattern.ts';
import { quoted } from '../../suggestion.ts';
import { DAY, type Duration, HOUR } from '../duration.ts';

/** A policy of ours that was made of a registry's own retention rules. It never deletes more than they do. */
export interface ImportedPolicy {
  /** `an ECR lifecycle policy`. */
  readonly source: string;
  /** Settings that differ from the defaults, as a policy writes them. */
  readonly defaults: Readonly<Record<string, string>>;
  readonly entries: readonly ImportedEntry[];
  /** What the policy does otherwise than the rules, or leaves out, in sentences. */
  readonly notes: readonly string[];
}

export interface ImportedEntry {
  /** Patterns of repositories; absent: every repository of the run. */
  readonly match?: readonly string[];
  readonly rules: readonly ImportedRule[];
}

/** A rule as a policy writes it. */
export interface ImportedRule {
  readonly name: string;
  readonly select:
    | { readonly tags: readonly string[]; readonly kind: 'any' }
    | { readonly tagged: false; readonly kind: 'any' };
  readonly keep?: Readonly<Record<string, string | number>>;
  readonly remove?: Readonly<Record<string, string | number>>;
}

/** A number that keeps every image, where a rule keeps without a condition. */
export const EVERY = 1_000_000;

/** Problems with the JSON, with the place in it. */
export class ImportProblems {
  readonly found: string[] = [];

  /** An object without keys that are not known: what an unknown condition means cannot be guessed. */
  fields(value: unknown, where: string, known: readonly string[]): Fields | undefined {
    if (!isFields(value)) return this.wrong(where, 'a map', value);
    const foreign = Object.keys(value).find((key) => !known.includes(key));
    if (foreign === undefined) return value;
    this.found.push(`${where}: ${quoted(foreign)} is not known, so it cannot be converted.`);
    return undefined;
  }

  list(value: unknown, where: string): readonly unknown[] {
    if (Array.isArray(value)) return value;
    this.wrong(where, 'a list', value);
    return [];
  }

  /** An empty list where there is none. */
  texts(value: unknown, where: string): readonly string[] {
    if (value === undefined || value === null) return [];
    const list = this.list(value, where);
    const texts = list.filter((each) => typeof each === 'string');
    if (texts.length < list.length) this.wrong(where, 'texts', list);
    return texts;
  }

  count(value: unknown, where: string, least: number): number | undefined {
    const isCount = typeof value === 'number' && Number.isInteger(value) && value >= least && value <= EVERY;
    return isCount ? value : this.wrong(where, `a whole number from ${least} to ${EVERY}`, value);
  }

  wrong(where: string, expected: string, value: unknown): undefined {
    this.found.push(`${where}: expected ${expected}, found ${quoted(JSON.stringify(value) ?? 'nothing')}.`);
  }
}

/** Whole hours or days, rounded up, so that nothing goes earlier than in the original. */
export function durationText(duration: Duration): string {
  return duration % DAY === 0 ? `${duration / DAY}d` : `${Math.ceil(duration / HOUR)}h`;
}

/** A glob of ours for text and `*`; undefined for what tags cannot have, or what a policy does not select. */
export function starPattern(text: string): string | undefined {
  return /^[\w.*-]+$/.test(text) && parseTagPattern(text).ok ? text.replaceAll(/\*+/g, '*') : undefined;
}

/**
 * What a prefix selects besides the tag that it looks like: `dev` also selects `dev-20250701`. Undefined for a prefix that ends
 * in a separator, and so is meant as one.
 */
export function prefixNote(name: string, prefixes: readonly string[]): string | undefined {
  const whole = prefixes.filter((prefix) => /[a-zA-Z\d]$/.test(prefix)).map(quoted);
  if (whole.length === 0) return undefined;
  return `${quoted(name)} selects every tag that begins with ${whole.join(' or ')}, as the registry does: where the tag of that name is meant, write it without \`*\`.`;
}

/** Names of rules are unique, on one line and not long. */
export function ruleNames(): (wanted: string) => string {
  const taken = new Set<string>();
  return (wanted) => {
    const plain = [
      ...wanted
        .toWellFormed()
        .replaceAll(/[\p{Cc}\s]+/gu, ' ')
        .trim(),
    ]
      .slice(0, 80)
      .join('');
    let name = plain === '' ? 'rule' : plain;
    for (let number = 2; taken.has(name); number += 1) name = `${plain} (${number})`;
    taken.add(name);
    return name;
  };
}

/** A rule about tags, and one about what has none, as `parts` says. */
export function rulesFor(
  name: string,
  parts: { readonly tags?: readonly string[]; readonly untagged: boolean },
  what: Pick<ImportedRule, 'keep' | 'remove'>,
): readonly ImportedRule[] {
  const both = parts.tags !== undefined && parts.untagged;
  const since = what.remove?.['older-than'] !== undefined ? { since: 'pushed' } : {};
  return [
    ...(parts.tags === undefined ? [] : [{ name, select: { tags: parts.tags, kind: 'any' as const }, ...what }]),
    ...(parts.untagged
      ? [
          {
            name: both ? `${name}, untagged` : name,
            select: { tagged: false as const, kind: 'any' as const },
            ...what,
            ...(what.remove === undefined ? {} : { remove: { ...what.remove, ...since } }),
          },
        ]
      : []),
  ];
}

/** The policy as a file. Texts are in JSON's quotes, which YAML reads the same way. */
export function writeImported({ source, defaults, entries, notes }: ImportedPolicy): string {
  const [only] = entries;
  const body =
    entries.length === 1 && only?.match === undefined
      ? ['rules:', ...(only?.rules ?? []).flatMap((rule) => ruleLines(rule, '  '))]
      : [
          'repositories:',
          ...entries.flatMap(({ match = ['**'], rules }) => [
            `  - match: ${JSON.stringify(match)}`,
            '    rules:',
            ...rules.flatMap((rule) => ruleLines(rule, '      ')),
          ]),
        ];
  return [
    `# Converted from ${source}.`,
    ...notes.map((note) => `# - ${note.replaceAll(/\s+/g, ' ')}`),
    'version: 1',
    ...(Object.keys(defaults).length === 0 ? [] : [`defaults: ${flow(defaults)}`]),
    '# As in the original, `latest` and releases are not protected by themselves. List here what always stays.',
    'protect: { tags: [] }',
    ...body,
    '',
  ].join('\n');
}

function ruleLines({ name, select, keep, remove }: ImportedRule, indent: string): readonly string[] {
  return [
    `${indent}- name: ${JSON.stringify(name)}`,
    `${indent}  select: ${flow(select)}`,
    ...(keep === undefined ? [] : [`${indent}  keep: ${flow(keep)}`]),
    ...(remove === undefined ? [] : [`${indent}  remove: ${flow(remove)}`]),
  ];
}

function flow(map: Readonly<Record<string, unknown>>): string {
  const entries = Object.entries(map).map(([key, value]) => `${key}: ${scalar(value)}`);
  return `{ ${entries.join(', ')} }`;
}

function scalar(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((each) => JSON.stringify(each)).join(', ')}]`;
  return typeof value === 'string' && /^[a-z0-9-]+$/.test(value) ? value : JSON.stringify(value);
}
