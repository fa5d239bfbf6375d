import { isDeepStrictEqual } from 'node:util';
import { ActionError } from '../errors/action-error.ts';
import type { Mask, Schema } from './schema.ts';
import { maskUrlCredentials } from './url-credentials.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** The inputs by name, trimmed; empty ones count as unset. */
export type RawInputs = ReadonlyMap<string, string>;

/** A problem with one input. */
export interface Problem {
  readonly input?: string;
  readonly text: string;
}

/**
 * Reads the inputs from the step's environment, and masks the credentials in every URL among them.
 * @param env `INPUT_<NAME>` as the runner sets them: upper case, spaces as `_`, hyphens kept
 */
export function readRaw(env: Env, mask: Mask): RawInputs {
  const raw = new Map<string, string>();
  for (const [key, value = ''] of Object.entries(env)) {
    if (/_proxy$/i.test(key)) maskUrlCredentials(value, mask);
    const name = /^INPUT_(.+)$/s.exec(key)?.[1];
    if (name === undefined || value.trim() === '') continue;
    raw.set(name.toLowerCase(), value.trim());
    maskUrlCredentials(value, mask);
  }
  return raw;
}

/** The result of reading a table of inputs. */
export interface TableReading<V> {
  /** Invalid inputs have their default, so that rules about the others still apply. */
  readonly values: V;
  /** Whether an input is set to something other than its default. */
  readonly given: (name: keyof V & string) => boolean;
  readonly problems: readonly Problem[];
}

/** Reads all inputs of a table; secrets are masked while they are read. */
export function readTable<V extends object>(table: Schema<V>, raw: RawInputs, mask: Mask): TableReading<V> {
  const names: Extract<keyof V, string>[] = [];
  for (const name in table) names.push(name);
  const values: Partial<V> = {};
  const given = new Set<string>();
  const problems: Problem[] = [];
  for (const name of names) {
    const field = table[name];
    const written = raw.get(name);
    const fallback = field.read(field.default?.includes('${{') ? '' : (field.default ?? ''), mask);
    const read = written === undefined || written === field.default ? fallback : field.read(written, mask);
    if (read.ok) values[name] = read.value;
    else if (fallback.ok) values[name] = fallback.value;
    if (read !== fallback && !(read.ok && fallback.ok && isDeepStrictEqual(read.value, fallback.value)))
      given.add(name);
    if (!read.ok) problems.push(...read.problems.map((text) => ({ input: name, text })));
  }
  if (!isComplete(values, names)) throw new ActionError('INTERNAL', 'The default of an input cannot be read.');
  return { values, given: (name) => given.has(name), problems };
}

function isComplete<V extends object>(values: Partial<V>, names: readonly (keyof V)[]): values is V {
  return names.every((name) => Object.hasOwn(values, name));
}

/** `INPUT_INVALID` with every problem, which {@link withProblems} extends. */
class InputError extends ActionError {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    const lines = problems.map(lineOf);
    const text = [`${lines.length} problems with the inputs:`, ...lines.map((line) => `- ${line}`)];
    const [first] = problems.flatMap(({ input }) => input ?? []);
    super('INPUT_INVALID', (lines.length === 1 ? lines : text).join('\n'), {
      facts: first === undefined ? {} : { input: first },
    });
    this.problems = problems;
  }
}

/** One error with every problem. */
export function inputError(problems: readonly Problem[]): ActionError {
  return new InputError(problems);
}

/**
 * Combines problems of inputs with errors found later, so that the user sees one list.
 * @param found problems of inputs that are not valid by themselves; consequences of these are left out
 */
export function withProblems(found: readonly Problem[], errors: readonly ActionError[]): readonly ActionError[] {
  const invalid = new Set(found.map(({ input }) => input));
  const later = errors
    .flatMap((error) => (error instanceof InputError ? error.problems : []))
    .filter(({ input }) => input === undefined || !invalid.has(input));
  const problems = [...found, ...later];
  return [
    ...(problems.length > 0 ? [inputError(problems)] : []),
    ...errors.filter((error) => !(error instanceof InputError)),
  ];
}

/** A problem with one line names the input itself, with the line. */
function lineOf({ input, text }: Problem): string {
  return input === undefined || text.startsWith(`\`${input}\`, line `) ? text : `\`${input}\`: ${text}`;
}
