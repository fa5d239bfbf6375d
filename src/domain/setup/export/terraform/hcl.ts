/** An expression that is written as it is: `data.aws_kms_alias.ecr.target_key_arn`. */
export interface Raw {
  readonly raw: string;
}

/** A call whose only argument is an object: `jsonencode({ … })`. */
export interface Call {
  readonly call: string;
  readonly argument: Value;
}

export type Value = string | number | boolean | Raw | Call | readonly Value[] | ReadonlyMap<string, Value>;

/** A block within another. */
export interface Block {
  readonly block: string;
  readonly labels?: readonly string[];
  readonly body: readonly Line[];
}

/** A line of a body: an attribute, a block, or an empty line. */
export type Line = { readonly name: string; readonly value: Value } | Block | 'blank';

/** A block of a file, with what stands above it. */
export interface TopBlock {
  /** Each one line, without `#`. */
  readonly comments: readonly string[];
  readonly block: string;
  readonly labels: readonly string[];
  readonly body: readonly Line[];
}

export const raw = (text: string): Raw => ({ raw: text });

/** `jsonencode({ … })` of any JSON. */
export function jsonencode(json: unknown): Call {
  return { call: 'jsonencode', argument: hclOf(json) };
}

/** Any JSON as a value, its keys in their order. */
export function hclOf(json: unknown): Value {
  if (typeof json === 'string' || typeof json === 'number' || typeof json === 'boolean') return json;
  if (Array.isArray(json)) return json.map(hclOf);
  if (typeof json === 'object' && json !== null)
    return new Map(Object.entries(json).map(([key, each]) => [key, hclOf(each)]));
  return raw('null');
}

/** The text of a file as `terraform fmt` leaves it. */
export function renderFile(header: readonly string[], blocks: readonly TopBlock[]): string {
  const parts = [...(header.length === 0 ? [] : [comment(header)]), ...blocks.map(renderTop)];
  return `${parts.join('\n\n')}\n`;
}

const comment = (lines: readonly string[]) => lines.map((line) => (line === '' ? '#' : `# ${line}`)).join('\n');

function renderTop({ comments, block, labels, body }: TopBlock): string {
  const text = renderBlock({ block, labels, body }, '');
  return comments.length === 0 ? text : `${comment(comments)}\n${text}`;
}

function renderBlock({ block, labels = [], body }: Block, indent: string): string {
  const head = [block, ...labels.map(quotedText)].join(' ');
  if (body.length === 0) return `${indent}${head} {}`;
  return `${indent}${head} {\n${renderBody(body, `${indent}  `)}\n${indent}}`;
}

function renderBody(body: readonly Line[], indent: string): string {
  const lines = body.map((line): Written => {
    if (line === 'blank') return { text: '' };
    if ('block' in line) return { text: renderBlock(line, indent) };
    return { name: line.name, text: renderValue(line.value, indent) };
  });
  return aligned(lines, indent).join('\n');
}

/** A line with its name, if it is an assignment. */
interface Written {
  readonly name?: string;
  readonly text: string;
}

/** Equals signs of neighbouring assignments of one line each stand below each other, as `terraform fmt` wants it. */
function aligned(lines: readonly Written[], indent: string): readonly string[] {
  const isCell = (line: Written | undefined) => line?.name !== undefined && !line.text.includes('\n');
  return lines.map((line, index) => {
    if (line.name === undefined) return line.text;
    if (!isCell(line)) return `${indent}${line.name} = ${line.text}`;
    let first = index;
    while (isCell(lines[first - 1])) first -= 1;
    let end = index + 1;
    while (isCell(lines[end])) end += 1;
    const width = Math.max(...lines.slice(first, end).map(({ name = '' }) => columns(name)));
    return `${indent}${line.name}${' '.repeat(width - columns(line.name))} = ${line.text}`;
  });
}

const SEGMENTER = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** What a reader counts as one character. */
const columns = (text: string) => [...SEGMENTER.segment(text)].length;

function renderValue(value: Value, indent: string): string {
  if (typeof value === 'string') return quotedText(value);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (isList(value)) return renderList(value, indent);
  if (value instanceof Map) return renderMap(value, indent);
  if ('raw' in value) return value.raw;
  return 'call' in value ? `${value.call}(${renderValue(value.argument, indent)})` : '';
}

function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

const MAX_LIST = 80;

function renderList(list: readonly Value[], indent: string): string {
  const inner = `${indent}  `;
  const items = list.map((each) => renderValue(each, inner));
  const short = `[${items.join(', ')}]`;
  const isShort = list.every((each) => typeof each !== 'object' || 'raw' in each) && short.length <= MAX_LIST;
  if (list.length === 0 || isShort) return short;
  return `[\n${items.map((item) => `${inner}${item},\n`).join('')}${indent}]`;
}

function renderMap(map: ReadonlyMap<string, Value>, indent: string): string {
  if (map.size === 0) return '{}';
  const inner = `${indent}  `;
  const lines = [...map].map(([key, value]) => ({ name: keyText(key), text: renderValue(value, inner) }));
  return `{\n${aligned(lines, inner).join('\n')}\n${indent}}`;
}

/** Words that begin another expression where a key is expected. */
const KEYWORDS = new Set(['for', 'if', 'in', 'null', 'true', 'false']);

/** Versions of Unicode differ in what they count as one character, and with it in where the equals signs stand. */
const UNCERTAIN = /[\p{M}\p{Cn}\p{Co}\u{d4e}\u{10000}-\u{10ffff}]/gu;

function keyText(key: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_-]*$/.test(key) && !KEYWORDS.has(key)) return key;
  return quotedText(key).replaceAll(UNCERTAIN, unicodeEscape);
}

/**
 * A text between quotes. `${` and `%{` begin a template, and doubling the sign takes that away, except after another one.
 * https://developer.hashicorp.com/terraform/language/expressions/strings#escape-sequences
 */
export function quotedText(text: string): string {
  const escaped = text
    .replaceAll(/[\\"]/g, String.raw`\$&`)
    .replaceAll('\n', String.raw`\n`)
    .replaceAll('\r', String.raw`\r`)
    .replaceAll('\t', String.raw`\t`)
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, unicodeEscape)
    .replaceAll(/(\$+|%+)\{/g, (_all, signs: string) =>
      signs.length === 1 ? `${signs}${signs}{` : String.raw`${signs}\u007b`,
    );
  return `"${escaped}"`;
}

/** Invisible characters could hide what a text says. */
function unicodeEscape(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  return code > 0xff_ff ? String.raw`\U${hex.padStart(8, '0')}` : String.raw`\u${hex.padStart(4, '0')}`;
}
