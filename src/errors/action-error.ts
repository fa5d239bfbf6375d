import { CATALOGUE, type ErrorCode } from './catalogue.ts';
import { filled, type Situation, stepsFor } from './remedy.ts';

/** Facts of an error, for the message, the summary and `json`: never a secret. */
export interface ErrorFacts {
  /** Host of the registry, if any. */
  readonly registry?: string;
  readonly repository?: string;
  /** Tag or digest. */
  readonly reference?: string;
  readonly platform?: string;
  /** The operation; together with the kind of registry it selects the remedy. */
  readonly operation?: Exclude<Situation, 'promote'>;
  /** HTTP status of the response. */
  readonly status?: number;
  /** Seconds to wait, as requested by the server (`Retry-After`). */
  readonly retryAfter?: number;
  /** Input or file, and its line (from 1), for an annotation. */
  readonly input?: string;
  readonly file?: string;
  readonly line?: number;
}

/**
 * The only error type of this project. `code` selects a catalogue row with the general cause; `message` describes the
 * particular case: where, what was expected, and what was received; `remedy` lists at most three steps.
 */
export class ActionError extends Error {
  override readonly name = 'ActionError';
  readonly code: ErrorCode;
  readonly facts: ErrorFacts;
  /** Steps in the imperative, as text with `code`. */
  readonly remedy: readonly string[];
  readonly #hasOwnSteps: boolean;

  constructor(
    code: ErrorCode,
    message: string,
    options: { readonly cause?: unknown; readonly facts?: ErrorFacts; readonly remedy?: readonly string[] } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.facts = options.facts ?? {};
    this.#hasOwnSteps = options.remedy !== undefined;
    const steps = options.remedy ?? stepsFor(CATALOGUE[code].remedy, this.facts.operation) ?? [];
    this.remedy = steps.map((step) => filled(step, this.facts));
  }

  /** The catalogue's steps for a situation; undefined when the error was raised with steps of its own. */
  stepsFor(situation: Situation): readonly string[] | undefined {
    return this.#hasOwnSteps ? undefined : stepsFor(CATALOGUE[this.code].remedy, situation);
  }

  /** The same error with another remedy, such as that of its kind of registry. */
  withRemedy(remedy: readonly string[]): ActionError {
    const { message, code, facts, cause, stack } = this;
    const error = new ActionError(code, message, { facts, remedy, ...(cause === undefined ? {} : { cause }) });
    if (stack !== undefined) error.stack = stack;
    return error;
  }
}

/** Several independent failures, reported together; the first one decides the outcome. */
export class ActionErrors extends AggregateError {
  override readonly name = 'ActionErrors';
  override readonly errors: ActionError[];

  constructor(errors: readonly ActionError[]) {
    super(errors, errors.map((error) => error.message).join('\n'));
    this.errors = [...errors];
  }
}

/** Throws failures: a single error unchanged, several combined. Does nothing without one. */
export function throwAll(errors: readonly ActionError[]): void {
  const [first] = errors;
  if (first !== undefined) throw errors.length === 1 ? first : new ActionErrors(errors);
}

/**
 * Waits for all tasks, so that the errors of all are reported at once.
 * @throws ActionErrors
 */
export async function allOf<T extends readonly unknown[]>(
  tasks: {
    readonly [K in keyof T]: Promise<T[K]> | T[K];
  },
): Promise<T> {
  const results = await Promise.allSettled(tasks);
  throwAll(results.flatMap((result) => (result.status === 'rejected' ? allErrors(result.reason) : [])));
  return Promise.all(tasks);
}

/** Converts anything thrown to an ActionError; anything else is a defect (`INTERNAL`). */
export function toActionError(thrown: unknown): ActionError {
  if (thrown instanceof ActionError) return thrown;
  if (thrown instanceof ActionErrors && thrown.errors[0] !== undefined) return thrown.errors[0];
  const full = fullDisk(thrown);
  if (full !== undefined) return new ActionError('BUILD_NO_SPACE', full, { cause: thrown });
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new ActionError('INTERNAL', message, { cause: thrown });
}

/** What the system said when a disk is full, or a quota of one is used up; undefined for anything else. */
function fullDisk(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error)) return undefined;
  if (!('code' in thrown) || (thrown.code !== 'ENOSPC' && thrown.code !== 'EDQUOT')) return fullDisk(thrown.cause);
  const written = ['dest', 'path'].map((name) => Reflect.get(thrown, name)).find((path) => typeof path === 'string');
  const what = written === undefined ? 'A file could not be written' : `${written} could not be written`;
  return `${what}: there is no space left on its disk (${thrown.code}).`;
}

/** All errors that were thrown together, in order. */
export function allErrors(thrown: unknown): readonly ActionError[] {
  return thrown instanceof ActionErrors ? thrown.errors : [toActionError(thrown)];
}
