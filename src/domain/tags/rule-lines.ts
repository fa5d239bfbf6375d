import { readCsv } from '../csv.ts';
import { type Parsed, parsed, problems } from '../parsed.ts';
import { quoted, sentence, withoutCredentials } from '../suggestion.ts';

/** One attribute of a line; without a key it is a bare word. */
export interface Attribute {
  /** Lower case. */
  readonly key?: string;
  readonly value: string;
}

/** A line of an input with rules, and its line number. */
export interface Line {
  readonly number: number;
  readonly text: string;
}

/** Lines with content, without blank lines and comments (starting with `#`). */
export function readLines(lines: readonly string[]): readonly Line[] {
  return lines
    .map((text, index) => ({ number: index + 1, text: text.trim() }))
    .filter(({ text }) => text !== '' && !text.startsWith('#'));
}

/** A problem with its position: `` `tags`, line 2 (`type=semvr`): unknown type …``. */
export function problemAt(input: string, line: Line, problem: string): string {
  const shown = withoutCredentials(line.text);
  const text = shown.length > 120 ? `${shown.slice(0, 119)}…` : shown;
  return `\`${input}\`, line ${line.number} (\`${text}\`): ${sentence(problem)}`;
}

/**
 * The attributes of a line: one CSV record, keys up to the first `=`. Values with a comma are quoted: either the
 * attribute (`type=match,"pattern=\d{1,3}"`) or, as metadata-action requires, the whole line.
 */
export function readAttributes(text: string): Parsed<readonly Attribute[]> {
  const fields = readRecord(text);
  if (!fields.ok) return fields;
  const [first, ...more] = fields.value;
  // If the whole line is quoted, its content is the line.
  const inner = first !== undefined && more.length === 0 && /(^|,)\s*"?type=.*,|,\s*"?type=/i.test(first);
  const all = inner && first !== text ? readRecord(first) : fields;
  return all.ok ? parsed(all.value.map(toAttribute)) : all;
}

function toAttribute(text: string): Attribute {
  const at = text.indexOf('=');
  if (at < 1) return { value: text.trim() };
  return { key: text.slice(0, at).trim().toLowerCase(), value: text.slice(at + 1).trim() };
}

function readRecord(text: string): Parsed<readonly string[]> {
  try {
    const [fields = []] = readCsv(text, { delimiter: ',', comments: false });
    return parsed(fields);
  } catch (error) {
    return problems(
      `not a list of \`key=value\` separated by commas: ${quoted(error instanceof Error ? error.message : '')}`,
    );
  }
}
