import { type CsvForm, readCsv } from '../domain/csv.ts';
import { fieldsOf } from '../domain/fields.ts';
import { type Parsed, parsed, problems as refused } from '../domain/parsed.ts';
import { type Facts, type Field, field, isTelling, type Mask, maskAll } from './schema.ts';

/** A name and its value, from `name=value`. */
export interface Pair {
  readonly name: string;
  readonly value: string;
}

type ListFacts = Facts & { readonly default?: string };
/** The form of an entry `key=value`, whatever the two sides contain. */
export const KEY_VALUE = /^[^\s=][^=]*=/;

type EntryFacts = ListFacts & { readonly form?: RegExp };

/** Validates one item: a phrase with the problem, or undefined. */
export type CheckItem = (item: string) => string | undefined;

/**
 * Items on lines or separated by commas; lines starting with `#` are comments, and items with a comma are quoted. The
 * same rules as in docker/actions-toolkit: https://github.com/docker/actions-toolkit/blob/main/src/util.ts (getList)
 */
export function list(facts: ListFacts, check?: CheckItem): Field<readonly string[]> {
  return field('list', facts, (raw) => {
    const records = readRecords(raw, ',');
    if (!records.ok) return records;
    const items = records.value.flat().filter((item) => item !== '');
    const problems = items.flatMap((item) => check?.(item) ?? []);
    return problems.length > 0 ? refused(...problems) : parsed(items);
  });
}

/**
 * One entry per line, including commas. A quoted entry may span several lines, and `""` in it is a quote. Lines
 * starting with `#` are comments. Entries are never shown.
 * @param facts.form the required form of an entry
 * @param read converts the entries; without it they are the value
 */
export function entries(facts: EntryFacts): Field<readonly string[]>;
export function entries<T>(facts: EntryFacts, read: (found: readonly string[]) => Parsed<T>): Field<T>;
export function entries(
  { form, ...facts }: EntryFacts,
  read: (found: readonly string[]) => Parsed<unknown> = parsed,
): Field<unknown> {
  return field('lines', facts, (raw) => {
    const found = readEntries(raw);
    if (!found.ok) return found;
    const problems = found.value.flatMap((entry, at) =>
      form === undefined || form.test(entry)
        ? []
        : [`entry ${at + 1} is not of the form \`${facts.example ?? 'name=value'}\`.${at > 0 ? QUOTE_HINT : ''}`],
    );
    return problems.length > 0 ? refused(...problems) : read(found.value);
  });
}

/**
 * Unprocessed lines, for rules with a syntax of their own. Keeps comments and blank lines, so that line numbers in
 * messages match the input; if there is nothing else, there are no lines.
 */
export function lines(facts: ListFacts): Field<readonly string[]> {
  return field('lines', facts, (raw) => parsed(linesOf(raw)));
}

/** Lines in a syntax of their own, and their parsed value. */
export function linesAs<T>(facts: ListFacts, read: (lines: readonly string[]) => Parsed<T>): Field<T> {
  return field('lines', facts, (raw) => read(linesOf(raw)));
}

function linesOf(raw: string): readonly string[] {
  const found = raw.split(/\r?\n/).map((line) => line.trim());
  return found.some((line) => line !== '' && !line.startsWith('#')) ? found : [];
}

/**
 * Entries (or, with `split: 'commas'`, items of a list) of the form `name=value`. Values are never shown: they may be
 * secrets, and with `secret` they are masked while they are read.
 */
export function pairs(
  facts: ListFacts & { readonly form: string; readonly split?: 'lines' | 'commas'; readonly secret?: boolean },
): Field<readonly Pair[]> {
  const { form, split = 'lines', ...rest } = facts;
  return field(split === 'lines' ? 'lines' : 'list', rest, (raw, mask) => {
    const isSecret = rest.secret === true;
    const read = split === 'lines' ? readEntries(raw) : readItems(raw);
    if (isSecret && !read.ok) maskLines(raw, mask);
    if (!read.ok) return read;
    const found = read.value.map((entry) => toPair(entry));
    if (isSecret) for (const [at, pair] of found.entries()) maskEntry(pair, read.value[at] ?? '', mask);
    const problems = found.flatMap((pair, at) => {
      if (pair !== undefined) return [];
      const empty = emptyName(read.value[at] ?? '');
      if (empty !== undefined && isSecret)
        return [`the secret ${empty} is empty: not set for this event? ${FORK_HINT}`];
      return [`entry ${at + 1} is not of the form \`${form}\`.${isSecret ? QUOTE_HINT : ''}`];
    });
    const pairsFound = found.filter((pair) => pair !== undefined);
    const names = pairsFound.map((pair) => pair.name);
    const twice = names.filter((name, at) => names.indexOf(name) !== at);
    problems.push(...new Set(twice.map((name) => `\`${name}\` is given more than once.`)));
    return problems.length > 0 ? refused(...problems) : parsed(pairsFound);
  });
}

const QUOTE_HINT =
  ' Put double quotes around an entry of several lines as a whole: `"name=first line`, …, `last line"`.';

function toPair(entry: string): Pair | undefined {
  const at = entry.indexOf('=');
  const name = entry.slice(0, at).trim();
  return at < 1 || name === '' || /\s/.test(name) || emptyName(entry) !== undefined
    ? undefined
    : { name, value: entry.slice(at + 1) };
}

/** The name of an entry without a value, `NPM=` or `NPM=""`; undefined for other entries. */
function emptyName(entry: string): string | undefined {
  return /^([\w.:/-]+)\s*=\s*(?:""|'')?$/.exec(entry.trim())?.[1];
}

const FORK_HINT =
  'Pull requests from forks and Dependabot do not receive secrets. Check its name under Settings → Secrets, or leave the line out for such events.';

/** A malformed entry may be part of a secret, such as a line of an unquoted PEM file. */
function maskEntry(pair: Pair | undefined, entry: string, mask: Mask): void {
  if (pair !== undefined) maskAll(pair.value, mask);
  else maskLines(entry, mask);
}

function maskLines(text: string, mask: Mask): void {
  for (const line of text.split(/\r?\n/)) {
    const [, value = line] = /^\s*"?[\w.:/-]+=(.*)$/.exec(line) ?? [];
    if (isTelling(value.trim())) mask(value.trim());
  }
}

function readEntries(raw: string): Parsed<readonly string[]> {
  // A delimiter that cannot occur in YAML: each record is then one entry, including commas.
  const records = readRecords(raw, '\u0000');
  return records.ok ? parsed(records.value.flat()) : records;
}

function readItems(raw: string): Parsed<readonly string[]> {
  const records = readRecords(raw, ',');
  return records.ok ? parsed(records.value.flat().filter((item) => item !== '')) : records;
}

function readRecords(raw: string, delimiter: CsvForm['delimiter']): Parsed<readonly (readonly string[])[]> {
  try {
    return parsed(readCsv(raw, { delimiter, comments: true }));
  } catch (error) {
    // The parser's message may quote the text, which may be a secret: only its code and line are used.
    const { code, lines } = fieldsOf(error);
    if (typeof code !== 'string' || !code.startsWith('CSV_')) throw error;
    const line = typeof lines === 'number' ? `line ${lines}: ` : '';
    return refused(
      code === 'CSV_QUOTE_NOT_CLOSED'
        ? 'a double quote at the beginning of an entry is not closed.'
        : `${line}text follows a closing double quote. Quote the whole entry, and write \`""\` for a quote in it.`,
    );
  }
}
