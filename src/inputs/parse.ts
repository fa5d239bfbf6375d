import type { Parsed } from '../domain/parsed.ts';
import { didYouMean } from '../domain/suggestion.ts';
import { readLines } from '../domain/tags/records.ts';
import { ActionError } from '../errors/action-error.ts';
import { INPUTS, type InputValues } from './catalogue.ts';
import { defaultImage } from './default-image.ts';
import { FOREIGN_INPUTS } from './foreign.ts';
import { KEYLESS_INPUTS, type Keyless } from './keyless.ts';
import { type LoginInput, readHost } from './logins.ts';
import { needsImages } from './promotion.ts';
import { emptyCredentials, RULES, WARNINGS } from './rules.ts';
import { COMMANDS, type Command, type Mask, oneOf, type Schema } from './schema.ts';
import { maskUrlCredentials } from './url-credentials.ts';

/** What the action is asked to do. */
export interface Inputs extends InputValues {
  /** From `registry`, `username` and `password`, or from `registry-auth`; one for each host. */
  readonly logins: readonly LoginInput[];
  /** The registries that are named, besides those of `images`. */
  readonly hosts: readonly string[];
  /** What a keyless login has to go on, for all hosts, and instead of that for some. */
  readonly keyless: Keyless;
  readonly keylessOf: readonly { readonly host: string; readonly keyless: Keyless }[];
  /** Some credentials are empty, as in a pull request from a fork; then the run may not write anywhere. */
  readonly lacksCredentials: boolean;
  /** Sentences for the log: inputs that have no effect here. */
  readonly warnings: readonly string[];
  /** Whether the user named the image; otherwise `images` is that of the repository. */
  readonly givesImages: boolean;
}

type Env = Readonly<Record<string, string | undefined>>;

/** What is wrong with one input. */
export interface Problem {
  readonly input?: string;
  readonly says: string;
}

/**
 * Reads the inputs from the environment of the step.
 * @param env `INPUT_<NAME>` as the runner sets them: upper case, spaces as `_`, hyphens kept
 * @param mask called with each secret before anything else is done with it
 * @throws ActionError INPUT_INVALID that names every problem at once, or only an unknown `command`
 */
export function parseInputs(env: Env, mask: Mask): Inputs {
  for (const [name, value = ''] of Object.entries(env)) if (/_proxy$/i.test(name)) maskUrlCredentials(value, mask);
  const command = readCommand(env);
  const { values: read, given, problems } = readTable<InputValues>(INPUTS, command, env, mask);
  const values = { ...read, images: imagesOf(command, read, env) };
  // Which inputs belong to a command that nobody knows cannot be told.
  const unknownCommand = problems.filter(({ input }) => input === 'command');
  if (unknownCommand.length > 0) throw invalid(unknownCommand);
  const all = [
    ...problems,
    ...RULES.filter(({ commands = ['publish'] }) => commands.some((each) => each === command))
      .flatMap((rule) => rule.says(values, given) ?? [])
      .map((says) => ({ says })),
  ];
  if (all.length > 0) throw invalid(all);
  return {
    ...values,
    ...registriesOf(values),
    givesImages: values.images === read.images,
    lacksCredentials: emptyCredentials(values, given).length > 0,
    warnings: WARNINGS.flatMap((rule) => rule.says(values, given) ?? []),
  };
}

/** A step that names no image means that of its repository. */
function imagesOf(command: Command, inputs: InputValues, env: Env): readonly string[] {
  const { images } = inputs;
  if (readLines(images).length > 0) return images;
  // A full name in `from` says where the image is; a default would be one more repository to promote to.
  const isNeeded = command === 'publish' || (command === 'promote' && needsImages(inputs));
  const image = isNeeded ? defaultImage(env) : undefined;
  return image === undefined ? images : [image];
}

function invalid(problems: readonly Problem[]): ActionError {
  const lines = problems.map(({ input, says }) => `${input === undefined ? '' : `\`${input}\`: `}${says}`);
  const text = [`${lines.length} problems with the inputs:`, ...lines.map((line) => `- ${line}`)];
  const [first] = problems.flatMap(({ input }) => input ?? []);
  return new ActionError('INPUT_INVALID', (lines.length === 1 ? lines : text).join('\n'), {
    facts: first === undefined ? {} : { input: first },
  });
}

/**
 * The value of a text of the user's that was read.
 * @throws ActionError INPUT_INVALID with all that is wrong with it
 */
export function take<T>(read: Parsed<T>): T {
  if (!read.ok) throw new ActionError('INPUT_INVALID', read.problems.join('\n'));
  return read.value;
}

/** The command decides which inputs belong, so it is read before them; what is wrong with it is said with the others. */
export function readCommand(env: Env): Command {
  const raw = readRaw(env).get('command') ?? '';
  return COMMANDS.find((command) => command === raw) ?? 'publish';
}

function registriesOf(values: InputValues): Pick<Inputs, 'logins' | 'hosts' | 'keyless' | 'keylessOf'> {
  const { registry, username, password, 'registry-auth': several } = values;
  const common: Keyless = Object.fromEntries(
    KEYLESS_INPUTS.flatMap((name) => (values[name] ? [[name, values[name]]] : [])),
  );
  const single = readHost(registry ?? 'docker.io');
  const login = username !== undefined && password !== undefined && single.ok;
  return {
    logins: login ? [{ host: single.value, username, password }] : several.flatMap((entry) => entry.login ?? []),
    hosts: (login || registry !== undefined) && single.ok ? [single.value] : several.map(({ host }) => host),
    keyless: common,
    keylessOf: several.filter(({ keyless }) => Object.keys(keyless).length > 0),
  };
}

/** The inputs by name, as written, without the white space around them; an empty one counts as unset. */
function readRaw(env: Env): ReadonlyMap<string, string> {
  const raw = new Map<string, string>();
  for (const [key, value = ''] of Object.entries(env)) {
    const name = /^INPUT_(.+)$/s.exec(key)?.[1];
    if (name !== undefined && value.trim() !== '') raw.set(name.toLowerCase(), value.trim());
  }
  return raw;
}

/** What a table of inputs came to. */
export interface TableReading<V> {
  /** Where an input could not be read its default stands in, so that rules about the others can still speak. */
  readonly values: V;
  /** Tells whether an input is set to something other than its default. */
  readonly given: (name: keyof V & string) => boolean;
  readonly problems: readonly Problem[];
}

/** Reads all inputs of a table for one command. Nothing is said before all are read, and so every secret masked. */
export function readTable<V extends object>(table: Schema<V>, command: string, env: Env, mask: Mask): TableReading<V> {
  const raw = readRaw(env);
  for (const written of raw.values()) maskUrlCredentials(written, mask);
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
    if (read !== fallback && !(read.ok && fallback.ok && isSame(read.value, fallback.value))) given.add(name);
    if (given.has(name) && !field.commands.includes(command)) {
      const owners = oneOf(field.commands.map((each) => `\`command: ${each}\``));
      problems.push({ input: name, says: `belongs to ${owners}, and this is \`command: ${command}\`. Remove it.` });
    } else if (!read.ok) {
      problems.push(...read.problems.map((says) => ({ input: name, says })));
    }
  }
  if (!isComplete(values, names)) throw new ActionError('INTERNAL', 'The default of an input cannot be read.');
  for (const name of raw.keys()) if (!Object.hasOwn(table, name)) problems.push(unknown(name, names));
  return { values, given: (name) => given.has(name), problems };
}

/** Values of inputs are texts, numbers and lists of them. */
function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function isComplete<V extends object>(values: Partial<V>, names: readonly (keyof V)[]): values is V {
  return names.every((name) => Object.hasOwn(values, name));
}

function unknown(name: string, names: readonly string[]): Problem {
  const instead = Object.hasOwn(FOREIGN_INPUTS, name) ? FOREIGN_INPUTS[name] : undefined;
  if (instead !== undefined) return { input: name, says: `is not an input of this action: ${instead}` };
  const meant = didYouMean(name.replaceAll('_', '-'), names);
  const otherwise = ` If INPUT_${name.toUpperCase()} is an environment variable of your own, give it another name.`;
  return { input: name.slice(0, 60), says: `is not an input of this action.${meant || otherwise}` };
}
