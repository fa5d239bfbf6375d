/** `key: value`, `"key": "value"`, `key = "value"`, each also as an item of a list. */
const ENTRY = /^(?<indent>\s*)(?<dash>(?:-\s+)*)["']?(?<key>[\w.-]+)["']?\s*[:=]\s*(?<value>.*?),?\s*$/;
/** The same in a map on one line: `{repository: app, tag: "1.2"}`. */
const INLINE = /["']?([\w.-]+)["']?\s*[:=]\s*("[^"]*"|'[^']*'|[^,{}\s]+)/g;
/** A longer block of siblings is none of an image. */
const MAX_SIBLINGS = 30;

/** The key of a value, and the keys of the map that it belongs to, in lower case. */
export interface Beside {
  readonly key?: string;
  readonly beside: ReadonlyMap<string, string>;
}

/**
 * What is written beside a value: in its map on one line, or on the lines around it, by how far they are indented.
 * @param line from 0
 * @param column where the value is on the line, from 0
 */
export function valuesBeside(lines: readonly string[], line: number, column: number): Beside {
  const text = lines[line] ?? '';
  const inline = inlineMap(text, column);
  if (inline !== undefined) return inline;
  const found = new Map<string, string>();
  const own = entryOf(text);
  if (own === undefined) return { beside: found };
  collect(lines, line, own, 1, found);
  // Above the first key of an item of a list is another item.
  if (!own.isFirst) collect(lines, line, own, -1, found);
  return { key: own.key, beside: found };
}

/** Of a line, in characters, on either side of a value: a line may be a whole file. */
const MAX_DISTANCE = 2000;

function inlineMap(whole: string, at: number): Beside | undefined {
  const from = Math.max(0, at - MAX_DISTANCE);
  const [text, column] = [whole.slice(from, at + MAX_DISTANCE), at - from];
  const start = text.lastIndexOf('{', column);
  // A template is no map.
  if (start < 0 || /[{$]/.test(text[start - 1] ?? '') || text.slice(start, column).includes('}')) return undefined;
  const end = text.indexOf('}', column);
  const pairs = [...text.slice(start + 1, end < 0 ? undefined : end).matchAll(INLINE)].map(
    ({ 1: key = '', 2: value = '', index, 0: pair }) => ({
      key: key.toLowerCase(),
      value: bare(value),
      begin: start + 1 + index,
      end: start + 1 + index + pair.length,
    }),
  );
  const own = pairs.find((pair) => pair.begin <= column && column < pair.end);
  if (own === undefined) return undefined;
  return { key: own.key, beside: new Map(pairs.map(({ key, value }) => [key, value])) };
}

interface Entry {
  readonly column: number;
  /** It begins an item of a list. */
  readonly isFirst: boolean;
  readonly key: string;
  readonly value: string;
}

function collect(lines: readonly string[], at: number, own: Entry, step: 1 | -1, found: Map<string, string>): void {
  let seen = 0;
  for (let line = at + step; line >= 0 && line < lines.length && seen < MAX_SIBLINGS; line += step) {
    const text = lines[line] ?? '';
    if (text.trim() === '' || /^\s*(?:#|\/\/)/.test(text)) continue;
    seen += 1;
    const entry = entryOf(text);
    const column = entry?.column ?? text.search(/\S/);
    if (column < own.column || (step === 1 && entry?.isFirst === true && column <= own.column)) return;
    if (entry === undefined || column > own.column) continue;
    if (!found.has(entry.key)) found.set(entry.key, entry.value);
    if (entry.isFirst) return;
  }
}

function entryOf(text: string): Entry | undefined {
  if (text.length > MAX_DISTANCE) return undefined;
  const { indent = '', dash = '', key, value = '' } = ENTRY.exec(text)?.groups ?? {};
  if (key === undefined) return undefined;
  return {
    column: indent.length + dash.length,
    isFirst: dash !== '',
    key: key.toLowerCase(),
    value: bare(value.replace(/\s+#.*$/, '')),
  };
}

/** Without quotes, and without an anchor or a type of YAML in front of it. */
function bare(value: string): string {
  return value.replace(/^(?:[&!]\S*\s+)+/, '').replace(/^["'](.*)["']$/, '$1');
}
