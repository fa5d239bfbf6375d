import { didYouMean } from '../suggestion.ts';

/** A validated handlebars template. Templates come from inputs; event data is only ever a value in one. */
export interface Template {
  readonly source: string;
  /** Literal text and names of expressions in order; a `block` is `{{#if}}` or `{{#unless}}` with its content. */
  readonly parts: readonly TemplatePart[];
}

export type TemplatePart = PlainPart | { readonly kind: 'block' };

export type PlainPart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'expression'; readonly name: string };

/** The dates for expressions: of the commit for `commit_date`, and the current one for `date`. */
export interface TemplateDates {
  readonly commitDate: Date;
  readonly now: Date;
}

/** Expressions with a format and a time zone. */
export const DATES: readonly string[] = ['date', 'commit_date'];

/** One expression without arguments, between the braces of {@link plainParts}. */
const PLAIN = /^ *([a-z_]\w*) *\}\}(?!\})/;
/** Keywords of handlebars. */
const KEYWORDS: readonly string[] = ['else', 'true', 'false', 'null', 'undefined', 'this'];

/**
 * The parts of a template with only text and expressions without arguments, such as `v{{major}}.{{minor}}`.
 * @returns undefined for all others: dates, blocks, comments, escapes, and syntax errors
 */
export function plainParts(source: string): readonly PlainPart[] | undefined {
  const [before = '', ...pieces] = source.split('{{');
  if (pieces.length > 0 && source.includes('\\')) return undefined;
  const parts: PlainPart[] = before === '' ? [] : [{ kind: 'text', text: before }];
  for (const piece of pieces) {
    const [expression = '', name = ''] = PLAIN.exec(piece) ?? [];
    if (name === '' || KEYWORDS.includes(name) || DATES.includes(name)) return undefined;
    parts.push({ kind: 'expression', name });
    if (piece.length > expression.length) parts.push({ kind: 'text', text: piece.slice(expression.length) });
  }
  return parts;
}

/** The problem with an unsupported expression. */
export function unknownExpression(name: string, names: readonly string[]): string {
  const wanted = `expected one of ${names.map((each) => `{{${each}}}`).join(', ')}`;
  return `unknown expression {{${name.slice(0, 80)}}}, ${wanted}.${didYouMean(name, names)}`;
}
