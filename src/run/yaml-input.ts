import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Parsed } from '../domain/parsed.ts';
import { quoted } from '../domain/suggestion.ts';
import { ActionError } from '../errors/action-error.ts';
import type { ErrorCode } from '../errors/catalogue.ts';

const MAX_FILE_BYTES = 1024 * 1024;

/** An input that is the path of a YAML file, or the YAML itself. */
interface YamlInput<T> {
  /** Name of the input: `policy`. */
  readonly input: string;
  /** For messages: `The policy .github/cleanup.yaml cannot be read`. */
  readonly title: string;
  readonly code: ErrorCode;
  /** @param file for messages, which begin with `file:line:column: ` */
  readonly parse: (text: string, file: string) => Parsed<T>;
}

/**
 * Reads an input that names a YAML file. A text of several lines, or in braces, is the YAML itself.
 * @param workspace folder that relative paths start from
 * @throws ActionError with all problems, and the line of the first one
 */
export async function readYamlInput<T>(workspace: string, written: string, about: YamlInput<T>): Promise<T> {
  const { input, title, code, parse } = about;
  const isInline = written.includes('\n') || written.startsWith('{');
  const read = isInline ? parse(written, input) : parse(await readYamlFile(workspace, written, about), written);
  if (read.ok) return read.value;
  const problems = read.problems.toSorted(byPosition);
  const [first = '', ...others] = problems;
  const count = `${problems.length} problems with the ${title}:`;
  const text = others.length === 0 ? first : [count, ...problems.map((problem) => `- ${problem}`)].join('\n');
  const line = Number(/:(\d+):\d+: /.exec(first)?.[1] ?? 1);
  throw new ActionError(code, text, { facts: isInline ? { input } : { input, file: written, line } });
}

/** In the order of the file; those without a position first. */
function byPosition(a: string, b: string): number {
  const [aLine = 0, aColumn = 0] = positionIn(a);
  const [bLine = 0, bColumn = 0] = positionIn(b);
  return aLine - bLine || aColumn - bColumn;
}

function positionIn(problem: string): readonly number[] {
  return /:(\d+):(\d+): /.exec(problem)?.slice(1).map(Number) ?? [];
}

async function readYamlFile<T>(workspace: string, path: string, { input, title, code }: YamlInput<T>): Promise<string> {
  const invalid = (message: string, cause?: unknown) =>
    new ActionError(code, message, { cause, facts: { input, file: path } });
  // One line of YAML looks like no path that anybody has.
  if (/^[\w-]+:(?:\s|$)/.test(path)) {
    throw invalid(
      `\`${input}\`: got ${quoted(path)}, expected a path, or YAML on several lines: write \`${input}: |\` and the rest below it.`,
    );
  }
  try {
    const file = resolve(workspace, path);
    const { size } = await stat(file);
    if (size > MAX_FILE_BYTES) throw invalid(`${path} has ${size} bytes, more than ${MAX_FILE_BYTES}.`);
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(file));
  } catch (error) {
    if (error instanceof ActionError) throw error;
    throw invalid(`The ${title} ${path} cannot be read: ${fileProblem(error)}.`, error);
  }
}

/** Why a file could not be read, as a phrase. */
export function fileProblem(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'there is no such file';
  if (code === 'EISDIR') return 'it is a folder';
  return code.startsWith('ERR_ENCODING') ? 'it is not text in UTF-8' : code || String(error);
}
