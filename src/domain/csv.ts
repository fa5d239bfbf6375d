import type { parse } from 'csv-parse/sync';

/** How a text is split. */
export interface CsvForm {
  /** A NUL, which no input contains, makes each line one field. */
  readonly delimiter: ',' | '\u0000';
  /** Whether lines starting with `#` are comments. */
  readonly comments: boolean;
}

/**
 * Texts without quotes, as nearly all are: splitting them takes no parser, whose loading costs each start more than all
 * its other inputs.
 */
const PLAIN = /^[\t\n !#-~]*$/;

let parser: typeof parse | undefined;

/** Loads the parser if one of these texts needs it; call it before {@link readCsv}. */
export async function loadCsv(texts: readonly string[]): Promise<void> {
  if (!texts.every((text) => PLAIN.test(text))) parser = (await import('csv-parse/sync')).parse;
}

/**
 * The records of a text, each with its trimmed fields; blank lines are skipped.
 * @throws CsvError of csv-parse, whose message may quote the text
 */
export function readCsv(text: string, form: CsvForm): readonly (readonly string[])[] {
  return PLAIN.test(text) ? splitPlain(text, form) : parsed(text, form);
}

function splitPlain(text: string, { delimiter, comments }: CsvForm): readonly (readonly string[])[] {
  const lines = text.split('\n').map((line) => line.trim());
  return lines
    .filter((line) => line !== '' && !(comments && line.startsWith('#')))
    .map((line) => line.split(delimiter).map((value) => value.trim()));
}

function parsed(text: string, { delimiter, comments }: CsvForm): readonly (readonly string[])[] {
  if (parser === undefined) throw new Error('A text with quotes is read before loadCsv() has seen it.');
  return parser(text, {
    delimiter,
    ...(comments ? { comment: '#', comment_no_infix: true } : {}),
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    trim: true,
  });
}
