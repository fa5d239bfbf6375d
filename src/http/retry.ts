import { sentence } from '../domain/suggestion.ts';
import { ActionError } from '../errors/action-error.ts';
import { CATALOGUE } from '../errors/catalogue.ts';
import type { Clock, Log } from '../runtime/runtime.ts';

export interface RetryOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly log: Pick<Log, 'info'>;
  /** Tries in all. */
  readonly attempts?: number;
  /** Seconds of waiting in all. */
  readonly budget?: number;
}

const ATTEMPTS = 5;
const BUDGET = 120;
const FIRST = 0.5;

/**
 * Runs a task again when it failed with an error whose row of the catalogue says that waiting may help. The server's
 * Retry-After is honoured in full; when it asks for more than what is left of the budget, there is no point in waiting.
 * A try that ended in silence has waited, too; a server that never answers is tried again once at least.
 * @throws what the task threw last, with the number of tries in the message
 */
export async function withRetry<T>(task: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { clock, signal, log, attempts = ATTEMPTS, budget = BUDGET } = options;
  let left = budget;
  for (let attempt = 1; ; attempt++) {
    const start = clock.now().getTime();
    try {
      return await task();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ActionError) || CATALOGUE[error.code].retry !== 'backoff') throw error;
      // Half of the wait is by chance, so that many jobs do not come back at the same moment.
      const backoff = FIRST * 2 ** (attempt - 1) * (0.5 + Math.random() / 2);
      const wait = Math.max(error.facts.retryAfter ?? 0, backoff);
      if (isSilence(error.cause)) {
        left -= (clock.now().getTime() - start) / 1000;
        if (left < 0 && attempt > 1) throw exhausted(error, attempt, undefined, clock);
        left = Math.max(left, wait);
      }
      if (attempt >= attempts || wait > left) throw exhausted(error, attempt, wait > left ? wait : undefined, clock);
      left -= wait;
      log.info(`${sentence(error.message)} Trying again in ${wait.toFixed(1)} s (${attempt} of ${attempts - 1}).`);
      await clock.sleep(wait * 1000, signal);
    }
  }
}

function isSilence(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'ETIMEDOUT';
}

function exhausted(error: ActionError, attempts: number, wait: number | undefined, clock: Clock): ActionError {
  const until =
    wait === undefined
      ? ''
      : ` It asks clients to wait until ${new Date(clock.now().getTime() + wait * 1000).toISOString()}.`;
  const tried = attempts === 1 ? '' : ` Tried ${attempts} times.`;
  return new ActionError(error.code, `${sentence(error.message)}${tried}${until}`, {
    cause: error.cause ?? error,
    facts: error.facts,
  });
}

/** Seconds that a `Retry-After` header asks for, in its forms of a number and of a date; undefined for anything else. */
export function parseRetryAfter(header: string | undefined, now: Date): number | undefined {
  const text = (header ?? '').trim();
  if (/^\d{1,9}$/.test(text)) return Number(text);
  const date = /^[A-Z]{3}/i.test(text) ? Date.parse(text) : Number.NaN;
  const seconds = Math.max(0, (date - now.getTime()) / 1000);
  // No further than in numbers: the end of time itself cannot be reckoned with, and would break the error that names it.
  return seconds < 1e9 ? seconds : undefined;
}
