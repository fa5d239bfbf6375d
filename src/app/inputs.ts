import { didYouMean, quoted } from '../domain/suggestion.ts';
import { type Problem, type RawInputs, readRaw } from '../inputs/read-table.ts';
import { type Field, type Mask, oneOf } from '../inputs/schema.ts';
import { unknownInput } from '../inputs/unknown.ts';
import type { Command } from '../run/define-command.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** An input of the action: its field in each command that has it, in the order of the commands. */
export interface OwnedInput {
  readonly name: string;
  readonly fields: readonly (readonly [command: string, field: Field<unknown>])[];
  /** The default in `action.yml`; undefined without one, or when commands differ. */
  readonly default?: string;
}

/** The outputs of every command. */
const COMMON_OUTPUTS = {
  outcome: 'Result of the run, one of the values below; also set when the run fails.',
  json: 'Everything about the run, as JSON with a `schemaVersion`: see `docs/json-output.md`. At most 100 kB: longer lists are cut, and `truncated` is true.',
  'json-file': 'Path of a file with the whole JSON. It exists until the end of the job.',
} as const;

/** Every output of the action by name, with its description and commands. */
export function allOutputs(
  commands: readonly Command[],
): readonly { readonly name: string; readonly about: string; readonly commands: readonly string[] }[] {
  const { outcome, ...rest } = COMMON_OUTPUTS;
  const own = new Map<string, { readonly about: string; readonly commands: string[] }>();
  for (const { name: command, outputs } of commands) {
    for (const [name, about] of Object.entries(outputs)) {
      const known = own.get(name);
      if (known === undefined) own.set(name, { about, commands: [command] });
      else known.commands.push(command);
    }
  }
  const names = commands.map(({ name }) => name);
  const common = (entries: object) =>
    Object.entries(entries).map(([name, about]) => ({ name, about, commands: names }));
  return [...common({ outcome }), ...[...own].map(([name, facts]) => ({ name, ...facts })), ...common(rest)];
}

/** The text of the input `command`. */
export function aboutCommands(commands: readonly Command[]): string {
  return commands.map(({ about }) => about).join(' ');
}

/** Every input of the action besides `command`. */
export function allInputs(commands: readonly Command[]): readonly OwnedInput[] {
  const fields = new Map<string, (readonly [string, Field<unknown>])[]>();
  for (const { name: command, inputs } of commands) {
    for (const [name, field] of Object.entries(inputs)) {
      fields.set(name, [...(fields.get(name) ?? []), [command, field]]);
    }
  }
  return [...fields].map(([name, owners]) => {
    const [first, ...others] = owners.map(([, field]) => field.default);
    const isShared = first !== undefined && others.every((each) => each === first);
    return { name, fields: owners, ...(isShared ? { default: first } : {}) };
  });
}

/** A step as far as it can be read without its command's inputs. */
export interface Step {
  readonly command: Command;
  readonly raw: RawInputs;
  /** Inputs of other commands. */
  readonly misplaced: readonly Problem[];
  /** The command does not exist, so its inputs are unknown. */
  readonly unknownCommand?: Problem;
}

/**
 * Determines a step's command, and masks all secrets among the inputs.
 * @param commands the first is the default
 * @param env of the step
 */
export function readStep(commands: readonly [Command, ...Command[]], env: Env, mask: Mask): Step {
  const raw = readRaw(env, mask);
  const { command, problem } = chooseCommand(commands, raw);
  maskSecrets(commands, raw, mask);
  return problem === undefined
    ? { command, raw, misplaced: misplacedInputs(commands, command, raw) }
    : { command, raw, misplaced: [], unknownCommand: problem };
}

/** The command of a step. An unknown one is a problem, and is replaced by the default. */
function chooseCommand(
  commands: readonly [Command, ...Command[]],
  raw: RawInputs,
): { readonly command: Command; readonly problem?: Problem } {
  const names = commands.map(({ name }) => name);
  const [first] = commands;
  const written = raw.get('command') ?? first.name;
  const command = commands.find(({ name }) => name === written);
  if (command !== undefined) return { command };
  const text = `got ${quoted(written)}, expected ${oneOf(names)}.${didYouMean(written, names)}`;
  return { command: first, problem: { input: 'command', text } };
}

/** Masks the secrets among the inputs of any command. */
function maskSecrets(commands: readonly Command[], raw: RawInputs, mask: Mask): void {
  for (const { inputs } of commands) {
    for (const [name, field] of Object.entries(inputs)) {
      const written = raw.get(name);
      if (field.secret && written !== undefined) field.read(written, mask);
    }
  }
}

/**
 * Inputs of other commands. The runner sets every input with a default, so those with their default value do not count.
 */
function misplacedInputs(
  commands: readonly Command[],
  { name: command, inputs, instead = {} }: Command,
  raw: RawInputs,
): readonly Problem[] {
  const all = new Map(allInputs(commands).map((input) => [input.name, input]));
  const names = ['command', ...all.keys()];
  const problems: Problem[] = [];
  for (const [name, written] of raw) {
    if (name === 'command' || Object.hasOwn(inputs, name)) continue;
    const input = all.get(name);
    if (input === undefined) problems.push(unknownInput(name, names));
    else if (written !== input.default) {
      const owners = oneOf(input.fields.map(([owner]) => `\`command: ${owner}\``));
      const own = Object.hasOwn(instead, name) ? instead[name] : undefined;
      const remedy = own === undefined ? 'Remove it.' : `Use \`${own}\` instead.`;
      problems.push({ input: name, text: `belongs to ${owners}, and this is \`command: ${command}\`. ${remedy}` });
    }
  }
  return problems;
}
