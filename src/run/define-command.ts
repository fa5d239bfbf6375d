import type { OutcomeText } from '../domain/outcome.ts';
import { type ActionError, ActionErrors, allErrors } from '../errors/action-error.ts';
import type { Situation } from '../errors/remedy.ts';
import { inputError, type Problem, type RawInputs, readTable } from '../inputs/read-table.ts';
import type { RegistrySettings } from '../inputs/registry-inputs.ts';
import type { Rule, RuleFacts } from '../inputs/rule.ts';
import type { Field, Schema } from '../inputs/schema.ts';
import type { Runtime } from '../runtime/runtime.ts';

/** What the inputs of every command come to, besides its own. */
interface CommonInputs {
  readonly registries: RegistrySettings;
}

/** What every command's result holds. */
interface CommonResult {
  /** One of the command's outcomes, or a failure. */
  readonly outcome: string;
  readonly errors: readonly ActionError[];
}

/** What a command does, loaded only when it runs. */
export interface CommandProgram<I, R> {
  /**
   * Never throws: what went wrong is in the result, with all that was known until then.
   * @param warnings about the inputs, as sentences that the log has already
   */
  readonly run: (runtime: Runtime, inputs: I, warnings: readonly string[]) => Promise<R>;
  /** The result of a run whose inputs could not be read. */
  readonly failed: (error: unknown) => R;
  readonly outputs: (result: R) => Readonly<Record<string, string>>;
  /** Markdown for the job summary. */
  readonly summary: (result: R) => string;
}

/** A command as its folder declares it. `V` are the values of its inputs, `I` what is made of them for the run. */
export interface CommandDefinition<V extends object, I extends CommonInputs, R extends CommonResult> {
  readonly name: string;
  /** What it does, in Markdown, for the input `command`. */
  readonly about: string;
  /** Tables that commands share, and its own. */
  readonly inputs: Schema<V>;
  /** Each sentence is one problem. */
  readonly rules: readonly Rule<V>[];
  /** Each sentence is one warning. */
  readonly warnings?: readonly Rule<V>[];
  /** Whether the run may write to a registry. */
  readonly mayWrite?: (inputs: V) => boolean;
  /** Makes of the values what the run takes, with the files that they name. It may throw ActionErrors. */
  readonly settings: (inputs: V, facts: RuleFacts<V>, runtime: Runtime) => I | Promise<I>;
  /** What it sets besides `outcome`, `json` and `json-file`. */
  readonly outputs: Readonly<Record<string, string>>;
  /** Of runs that succeed. */
  readonly outcomes: Readonly<Record<string, OutcomeText>>;
  /** What it does at registries: an error that does not say it gets the steps for this. */
  readonly situation: Situation;
  readonly load: () => Promise<CommandProgram<I, R>>;
}

/** What a run leaves for the user. */
export interface Report {
  readonly errors: readonly ActionError[];
  readonly outputs: Readonly<Record<string, string>>;
  readonly summary: string;
}

/** A command as the rest of the program sees it. */
export interface Command
  extends Pick<CommandDefinition<object, CommonInputs, CommonResult>, 'name' | 'about' | 'outputs' | 'outcomes'> {
  readonly inputs: Readonly<Record<string, Field<unknown>>>;
  /**
   * Reads the inputs, tells all problems with them at once, and runs.
   * @param misplaced problems that are known already: inputs that do not belong here
   */
  readonly start: (runtime: Runtime, raw: RawInputs, misplaced: readonly Problem[]) => Promise<Report>;
  readonly read: (
    runtime: Runtime,
    raw: RawInputs,
    misplaced: readonly Problem[],
  ) => Promise<ReadInputs<object, CommonInputs>>;
  /** The report of a step that did not get as far as its inputs. */
  readonly refuse: (error: ActionError) => Promise<Report>;
}

/** A command whose inputs can be read without running it. */
interface Readable<V, I> {
  /** @throws ActionErrors with every problem that can be known before the run */
  readonly read: (runtime: Runtime, raw: RawInputs, misplaced: readonly Problem[]) => Promise<ReadInputs<V, I>>;
}

/** Declares a command. Its types keep it from reading an input that is not its own. */
export function defineCommand<V extends object, I extends CommonInputs, R extends CommonResult>(
  definition: CommandDefinition<V, I, R>,
): Command & Readable<V, I> {
  const { name, about, inputs, outputs, outcomes, situation, load } = definition;
  return {
    name,
    about,
    inputs,
    outputs,
    outcomes,
    read: (runtime, raw, misplaced) => readInputs(definition, runtime, raw, misplaced),
    refuse: async (error) => {
      const program = await load();
      return reportOf(program, program.failed(error));
    },
    start: async (runtime, raw, misplaced) => {
      const program = await load();
      let read: ReadInputs<V, I>;
      try {
        read = await readInputs(definition, runtime, raw, misplaced);
        for (const warning of read.warnings) runtime.log.warning(warning);
      } catch (error) {
        return reportOf(program, program.failed(error));
      }
      const result = await program.run(runtime, read.inputs, read.warnings);
      if (result.errors.length === 0) return reportOf(program, result);
      const { withVendorRemedy } = await import('./vendor-remedies.ts');
      const { types } = read.inputs.registries;
      return reportOf(program, {
        ...result,
        errors: result.errors.map((error) => withVendorRemedy(error, situation, types)),
      });
    },
  };
}

function reportOf<I, R extends CommonResult>({ outputs, summary }: CommandProgram<I, R>, result: R): Report {
  return { errors: result.errors, outputs: outputs(result), summary: summary(result) };
}

/** The inputs of a step, read and checked. */
export interface ReadInputs<V, I> {
  /** By the names of the inputs. */
  readonly values: V;
  /** What the run takes. */
  readonly inputs: I;
  /** Sentences for the log: inputs that have no effect here. */
  readonly warnings: readonly string[];
}

/** @throws ActionErrors with every problem that can be known before the run */
async function readInputs<V extends object, I extends CommonInputs, R extends CommonResult>(
  definition: CommandDefinition<V, I, R>,
  runtime: Runtime,
  raw: RawInputs,
  misplaced: readonly Problem[],
): Promise<ReadInputs<V, I>> {
  const { values, given, problems } = readTable(definition.inputs, raw, runtime.secret);
  const facts: RuleFacts<V> = { given, writes: definition.mayWrite?.(values) ?? true, env: runtime.env };
  const sentences = (rules: readonly Rule<V>[]) => rules.flatMap((rule) => rule(values, facts) ?? []);
  const found = [...problems, ...misplaced, ...sentences(definition.rules).map((text) => ({ text }))];
  const errors: ActionError[] = found.length > 0 ? [inputError(found)] : [];
  let inputs: I | undefined;
  try {
    inputs = await definition.settings(values, facts, runtime);
  } catch (error) {
    errors.push(...allErrors(error));
  }
  if (inputs === undefined || errors.length > 0) throw new ActionErrors(errors);
  const warnings = sentences(definition.warnings ?? []);
  return { values, inputs, warnings };
}
