import { isMap, isScalar, isSeq, LineCounter, parseDocument, type Range, visit } from 'yaml';
import { type Parsed, parsed, problems } from '../parsed.ts';
import { quoted } from '../suggestion.ts';
import { type Position, positions } from './position.ts';

/** A value of a YAML file with the position that it is written at. */
export interface Located extends Position {
  readonly value: Scalar | readonly Located[] | ReadonlyMap<string, LocatedEntry>;
}

export interface LocatedEntry {
  readonly key: Located;
  readonly value: Located;
}

type Scalar = string | number | boolean | null;

const MAX_FILE_LENGTH = 1024 * 1024;
const MAX_PROBLEMS = 50;
const MAX_DEPTH = 20;

/** Whether a value is a map. */
export function isLocatedMap(value: Located['value']): value is ReadonlyMap<string, LocatedEntry> {
  return value instanceof Map;
}

/** A value without its positions. */
export function plainValue({ value }: Located): unknown {
  if (isLocatedList(value)) return value.map(plainValue);
  if (isLocatedMap(value)) return Object.fromEntries([...value].map(([key, entry]) => [key, plainValue(entry.value)]));
  return value;
}

/** Whether a value is a list. */
export function isLocatedList(value: Located['value']): value is readonly Located[] {
  return Array.isArray(value);
}

/**
 * Reads one YAML document of maps, lists and scalars (YAML 1.2, core schema). Aliases and tags are refused: a policy is read
 * by people, and an alias could stand for a thousand entries.
 * @param file for messages, which begin with `file:line:column: `
 */
export function parseYamlTree(text: string, file: string): Parsed<Located> {
  if (text.length > MAX_FILE_LENGTH)
    return problems(`${file}:1:1: the file has more than ${MAX_FILE_LENGTH} characters`);
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, version: '1.2', schema: 'core', prettyErrors: false });
  const positionOf = positions(counter);
  const found: string[] = [];
  const report = (offset: number | undefined, message: string) => {
    const { line, column } = positionOf(offset);
    found.push(`${file}:${line}:${column}: ${message}`);
  };
  // The library gives up on brackets without end where its stack does, and then reports each of them.
  const tooDeep = document.errors.find(({ message }) => message.startsWith('Maximum call stack'));
  if (tooDeep !== undefined) {
    report(tooDeep.pos[0], `the file is nested more than ${MAX_DEPTH} levels deep`);
    return problems(...found);
  }
  for (const error of document.errors) report(error.pos[0], error.message.split('\n', 1)[0] ?? 'not YAML');
  visit(document, {
    Alias: (_, node) => report(node.range?.[0], 'aliases (`*name`) are not allowed'),
    Node: (_, node) => {
      if ('tag' in node && typeof node.tag === 'string' && !node.tag.startsWith('tag:yaml.org,2002:'))
        report(node.range?.[0], `the tag ${quoted(node.tag)} is not allowed`);
    },
  });
  if (found.length > 0) return problems(...found.slice(0, MAX_PROBLEMS));

  const locate = (node: unknown, parent: Range | null | undefined, depth: number): Located => {
    const range = rangeOf(node) ?? parent;
    const position = positionOf(range?.[0]);
    if (depth > MAX_DEPTH) {
      report(range?.[0], `the file is nested more than ${MAX_DEPTH} levels deep`);
      return { ...position, value: null };
    }
    if (isSeq(node)) return { ...position, value: node.items.map((item) => locate(item, range, depth + 1)) };
    if (isMap(node)) {
      const entries = node.items.map(({ key, value }): [string, LocatedEntry] => {
        const name = locate(key, range, depth + 1);
        if (!isScalar(key)) report(range?.[0], 'a key must be a word');
        return [String(name.value), { key: name, value: locate(value, rangeOf(key) ?? range, depth + 1) }];
      });
      return { ...position, value: new Map(entries) };
    }
    const value = isScalar(node) ? node.value : null;
    return { ...position, value: isPlain(value) ? value : String(value) };
  };
  const tree = locate(document.contents, undefined, 0);
  return found.length > 0 ? problems(...found.slice(0, MAX_PROBLEMS)) : parsed(tree);
}

function rangeOf(node: unknown): Range | null | undefined {
  return isScalar(node) || isMap(node) || isSeq(node) ? node.range : undefined;
}

function isPlain(value: unknown): value is Scalar {
  return value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}
