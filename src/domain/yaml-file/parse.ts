import { type Parsed, parsed, problems } from '../parsed.ts';
import type { Reader, Report } from './readers.ts';
import { type Located, parseYamlTree } from './tree.ts';

const MAX_PROBLEMS = 50;

/** What a kind of YAML file is to be read with. */
interface FileReader<Raw, T> {
  /** The problem of an empty file: what was expected in it. */
  readonly empty: string;
  readonly fields: Reader<Raw>;
  /** Reports what is wrong beyond the form. */
  readonly read: (raw: Raw, report: Report) => T;
}

/**
 * Reads a YAML file of ours.
 * @param file for messages, which begin with `file:line:column: `
 * @returns what it says, or all problems, up to 50
 */
export function parseYamlFile<Raw, T>(text: string, file: string, reader: FileReader<Raw, T>): Parsed<T> {
  const tree = parseYamlTree(text, file);
  return tree.ok ? readYamlTree(tree.value, file, reader) : tree;
}

/** {@link parseYamlFile} for a file whose YAML has been read. */
export function readYamlTree<Raw, T>(
  tree: Located,
  file: string,
  { empty, fields, read }: FileReader<Raw, T>,
): Parsed<T> {
  if (tree.value === null) return problems(`${file}:1:1: ${empty}`);
  const found: string[] = [];
  const report: Report = ({ line, column }, message) => {
    found.push(`${file}:${line}:${column}: ${message}`);
  };
  const raw = fields.read(tree, report);
  const value = raw === undefined ? undefined : read(raw, report);
  return value === undefined || found.length > 0 ? problems(...found.slice(0, MAX_PROBLEMS)) : parsed(value);
}
