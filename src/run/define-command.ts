import type { Failure, OutcomeText } from '../domain/outcome.ts';
import { type ActionError, ActionErrors, allErrors } from '../errors/action-error.ts';
import type { Situation } from '../errors/remedy.ts';
import { type Problem, type RawInputs, readTable, withProblems } from '../inputs/read-table.ts';
import type { RegistrySettings } from '../inputs/registry-inputs.ts';
import type { Rule, RuleFacts } from '../inputs/rule.ts';
import type { Field, Schema } from '../inputs/schema.ts';
import type { Sample } from '../report/metrics/catalogue.ts';
import type { StepFacts } from '../report/step.ts';
import type { Runtime } from '../runtime/runtime.ts';

/** Settings from the inputs that every command shares. */
interface CommonInputs {
  readonly registries: RegistrySettings;
}

/** Fields of every command's result. */
interface CommonResult {
  /** One of the command's outcomes, or a failure. */
  readonly outcome: string;
  readonly errors: readonly ActionError[];
  readonly steps?: readonly StepFacts[];
}

/** The implementation of a command, loaded only when it runs. */
interface CommandProgram<I, R> {
  /**
   * Never throws: errors are in the result, with everything known until then.
   * @param warnings about the inputs, as sentences already logged
   */
  readonly run: (runtime: Runtime, inputs: I, warnings: readonly string[]) => Promise<R>;
  /**
   * The result of a run with invalid inputs.
   * @param isDryRun it would have written nothing
   */
  readonly failed: (error: unknown, isDryRun: boolean) => R;
  /** Without `json`. */
  readonly outputs: (result: R) => Readonly<Record<string, string>>;
  /** The output `json`, as a value: its text may be too long for memory. */
  readonly json: (result: R) => object;
  /** Markdown for the job summary. */
  readonly summary: (result: R) => string;
  /**
   * The command's own metrics, for commands with {@link METRICS_INPUTS}; those of every command are added.
   * @returns `image`: what the run is about, empty when unknown
   */
  readonly metrics?: (result: R) => CommandMetrics;
}

/** What a command adds to the metrics of its run. */
export interface CommandMetrics {
  /** A label of all metrics of the run: repositories without tag. */
  readonly image: string;
  readonly samples: readonly Sample[];
}

/** A command as declared by its folder. `V` are its input values, `I` the settings derived from them for the run. */
export interface CommandDefinition<V extends object, I extends CommonInputs, R extends CommonResult> {
  readonly name: string;
  /** Description for the input `command`, in Markdown. */
  readonly about: string;
  /** Shared input tables, and the command's own. */
  readonly inputs: Schema<V>;
  /** Each sentence is one problem. */
  readonly rules: readonly Rule<V>[];
  /** Each sentence is one warning. */
  readonly warnings?: readonly Rule<V>[];
  /** Whether the run may write to a registry. */
  readonly mayWrite?: (inputs: V) => boolean;
  /** Turns the values into the settings of the run, including files that they name. May throw ActionErrors. */
  readonly settings: (inputs: V, facts: RuleFacts<V>, runtime: Runtime) => I | Promise<I>;
  /** For inputs of other commands: the input that does the same here. */
  readonly instead?: Readonly<Record<string, string>>;
  /** Outputs besides `outcome`, `json` and `json-file`. */
  readonly outputs: Readonly<Record<string, string>>;
  /** Outcomes of successful runs. */
  readonly outcomes: Readonly<Record<string, OutcomeText>>;
  /** Outcomes of failed runs that the command can have, for its page; default: all. */
  readonly failures?: readonly Failure[];
  /** The operation at registries: errors without one of their own get its remedies. */
  readonly situation: Situation;
  readonly load: () => Promise<CommandProgram<I, R>>;
}

/** The input that names the file for metrics. */
const METRICS_FILE = 'metrics-file';

/** What a run reports to the user. */
export interface Report {
  readonly errors: readonly ActionError[];
  readonly outputs: Readonly<Record<string, string>>;
  /** The whole result, for the output `json` and the file. */
  readonly json: object;
  readonly summary: string;
}

/** A command as the rest of the program uses it. */
export interface Command
  extends Pick<
    CommandDefinition<object, CommonInputs, CommonResult>,
    'name' | 'about' | 'outputs' | 'outcomes' | 'failures' | 'instead'
  > {
  readonly inputs: Readonly<Record<string, Field<unknown>>>;
  /**
   * Reads the inputs, reports all problems with them at once, and runs.
   * @param misplaced problems found earlier: inputs of other commands
   */
  readonly start: (runtime: Runtime, raw: RawInputs, misplaced: readonly Problem[]) => Promise<Report>;
  readonly read: (
    runtime: Runtime,
    raw: RawInputs,
    misplaced: readonly Problem[],
  ) => Promise<ReadInputs<object, CommonInputs>>;
  /** The report of a step that failed before its inputs were read. */
  readonly refuse: (error: ActionError) => Promise<Report>;
}

/** A command whose inputs can be read without running it. */
interface Readable<V, I> {
  /** @throws ActionErrors with every problem that can be detected before the run */
  readonly read: (runtime: Runtime, raw: RawInputs, misplaced: readonly Problem[]) => Promise<ReadInputs<V, I>>;
}

/** Declares a command. Its types prevent it from reading inputs that are not its own. */
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
    ...(definition.failures === undefined ? {} : { failures: definition.failures }),
    ...(definition.instead === undefined ? {} : { instead: definition.instead }),
    read: (runtime, raw, misplaced) => readInputs(definition, runtime, raw, misplaced),
    refuse: async (error) => {
      const program = await load();
      return reportOf(program, program.failed(error, false));
    },
    start: async (runtime, raw, misplaced) => {
      const program = await load();
      const startedAt = runtime.clock.now().getTime();
      let metricsFile = Object.hasOwn(inputs, METRICS_FILE) ? raw.get(METRICS_FILE) : undefined;
      const finish = async (result: R): Promise<R> => {
        if (metricsFile === undefined || /[\0\n]/.test(metricsFile)) return result;
        const { writeMetrics } = await import('./metrics-file.ts');
        const { image = '', samples = [] } = program.metrics?.(result) ?? {};
        const { outcome, errors, steps = [] } = result;
        const endedAt = runtime.clock.now().getTime();
        const facts = { command: name, image, outcome, errors, steps, startedAt, endedAt };
        await writeMetrics(runtime, metricsFile, facts, samples);
        return result;
      };
      let read: ReadInputs<V, I>;
      try {
        const problem = metricsFile === undefined ? undefined : await problemOf(runtime, metricsFile);
        if (problem !== undefined) metricsFile = undefined;
        read = await readInputs(definition, runtime, raw, [...misplaced, ...(problem === undefined ? [] : [problem])]);
        for (const warning of read.warnings) runtime.log.warning(warning);
      } catch (error) {
        const { values } = readTable(inputs, raw, runtime.secret);
        const isDryRun = definition.mayWrite?.(values) === false;
        return reportOf(program, await finish(program.failed(error, isDryRun)));
      }
      const result = await finish(await program.run(runtime, read.inputs, read.warnings));
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

/** Found before the run, rather than after a build that no metrics tell of. */
async function problemOf(runtime: Runtime, path: string): Promise<Problem | undefined> {
  if (/[\0\n]/.test(path)) return undefined;
  const { metricsFileProblem } = await import('./metrics-file.ts');
  const text = await metricsFileProblem(runtime, path);
  return text === undefined ? undefined : { input: METRICS_FILE, text: `${text}.` };
}

function reportOf<I, R extends CommonResult>({ outputs, json, summary }: CommandProgram<I, R>, result: R): Report {
  return { errors: result.errors, outputs: outputs(result), json: json(result), summary: summary(result) };
}

/** The validated inputs of a step. */
interface ReadInputs<V, I> {
  /** By input name. */
  readonly values: V;
  /** Settings for the run. */
  readonly inputs: I;
  /** Sentences for the log: inputs without effect. */
  readonly warnings: readonly string[];
}

/** @throws ActionErrors with every problem that can be detected before the run */
async function readInputs<V extends object, I extends CommonInputs, R extends CommonResult>(
  definition: CommandDefinition<V, I, R>,
  runtime: Runtime,
  raw: RawInputs,
  misplaced: readonly Problem[],
): Promise<ReadInputs<V, I>> {
  const { values, given, problems } = readTable(definition.inputs, raw, runtime.secret);
  const facts: RuleFacts<V> = { given, writes: definition.mayWrite?.(values) ?? true, env: runtime.env };
  const sentences = (rules: readonly Rule<V>[]) => rules.flatMap((rule) => rule(values, facts) ?? []);
  const founded = sentences(definition.rules).filter((text) => !problems.some(({ input }) => isAbout(text, input)));
  const found = [...problems, ...misplaced, ...founded.map((text) => ({ text }))];
  let inputs: I | undefined;
  let thrown: readonly ActionError[] = [];
  try {
    inputs = await definition.settings(values, facts, runtime);
  } catch (error) {
    thrown = allErrors(error);
  }
  const errors = withProblems(found, thrown);
  if (inputs === undefined || errors.length > 0) throw new ActionErrors(errors);
  const warnings = sentences(definition.warnings ?? []);
  return { values, inputs, warnings };
}

/**
 * Whether a sentence of a rule is about an input: it begins with it, or misses it. About an invalid input it would be
 * false: the rule has judged the default, and would call an input empty that is only misspelt.
 */
function isAbout(text: string, input: string | undefined): boolean {
  const [, first] = /^`([^`:]+)/.exec(text) ?? [];
  const missed = [...text.matchAll(/\b(?:needs|without) `([^`:]+)/g)].map(([, name]) => name);
  return input !== undefined && [first, ...missed].includes(input);
}
