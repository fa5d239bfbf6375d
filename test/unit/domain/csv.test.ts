import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { type CsvForm, loadCsv, readCsv } from '../../../src/domain/csv.ts';

const FORMS: readonly CsvForm[] = [
  { delimiter: ',', comments: true },
  { delimiter: ',', comments: false },
  { delimiter: '\u0000', comments: true },
];

const characters = fc.constantFrom('a', 'b=', ',', '#', '\n', ' ', '\t', "'", '\\', '{{x}}');
const texts = fc.array(characters, { maxLength: 40 }).map((found) => found.join(''));

test.each(FORMS)('a text without quotes is split as the parser does: %o', (form) => {
  const comments = form.comments ? { comment: '#', comment_no_infix: true } : {};
  const options = { delimiter: form.delimiter, record_delimiter: '\n', ...comments };
  fc.assert(
    fc.property(texts, (text) => {
      const records = parse(text, {
        ...options,
        relax_column_count: true,
        relax_quotes: true,
        skip_empty_lines: true,
        trim: true,
      });
      expect(readCsv(text, form)).toEqual(records);
    }),
    { numRuns: 2000 },
  );
});

describe('a text with quotes', () => {
  beforeAll(() => loadCsv(['"']));
  test.each([
    ['a,"b,c"', [['a', 'b,c']]],
    ['"a\nb",c', [['a\nb', 'c']]],
    ['"say ""hi"""', [['say "hi"']]],
    ['a,\u00a0b', [['a', 'b']]],
  ])('%j', (text, records) => {
    expect(readCsv(text, { delimiter: ',', comments: true })).toEqual(records);
  });
});
