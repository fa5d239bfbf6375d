import { CATALOGUE, type ErrorCode } from './catalogue.ts';

/** What an error is about, for the message, the summary and `json`: never a secret. */
export interface ErrorFacts {
  /** Host of the registry, when one is involved. */
  readonly registry?: string;
  readonly repository?: string;
  /** Tag or digest. */
  readonly reference?: string;
  readonly platform?: string;
  /** HTTP status of the answer that led here. */
  readonly status?: number;
  /** Seconds that the server wants to be left alone for (`Retry-After`). */
  readonly retryAfter?: number;
  /** Input or file, and the line in it (from 1), for an annotation at the right place. */
  readonly input?: string;
  readonly file?: string;
  readonly line?: number;
}

/**
 * The one error type of this project. `code` names a row of the catalogue, which holds the cause in general and the
 * remedy; `message` says what happened in particular: where, what was expected, and what came.
 */
export class ActionError extends Error {
  override readonly name = 'ActionError';
  readonly code: ErrorCode;
  readonly facts: ErrorFacts;

  constructor(
    code: ErrorCode,
    message: string,
    options: { readonly cause?: unknown; readonly facts?: ErrorFacts } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.facts = options.facts ?? {};
  }

  get row(): (typeof CATALOGUE)[ErrorCode] {
    return CATALOGUE[this.code];
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

/** Throws what has failed: one error as it is, several together. Where nothing has, it does nothing. */
export function throwAll(errors: readonly ActionError[]): void {
  const [first] = errors;
  if (first !== undefined) throw errors.length === 1 ? first : new ActionErrors(errors);
}

/** Whatever was thrown, as an ActionError; what is not one already is a defect (`INTERNAL`). */
export function toActionError(thrown: unknown): ActionError {
  if (thrown instanceof ActionError) return thrown;
  if (thrown instanceof ActionErrors && thrown.errors[0] !== undefined) return thrown.errors[0];
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new ActionError('INTERNAL', message, { cause: thrown });
}

/** All errors that were thrown together, in order. */
export function allErrors(thrown: unknown): readonly ActionError[] {
  return thrown instanceof ActionErrors ? thrown.errors : [toActionError(thrown)];
}
