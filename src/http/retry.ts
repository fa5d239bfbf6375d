import { sentence } from '../domain/suggestion.ts';
import { ActionError } from '../errors/action-error.ts';
import { CATALOGUE } from '../errors/catalogue.ts';
import type { Clock, Log } from '../runtime/runtime.ts';

export interface RetryOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly log: Pick<Log, 'info'>;
  /** Total attempts. */
  readonly attempts?: number;
  /** Total waiting time in seconds. */
  readonly budget?: number;
}

const MAX_ATTEMPTS = 5;
const MAX_WAIT_SECONDS = 120;
const FIRST_WAIT_SECONDS = 0.5;

/**
 * Retries a task after errors that the catalogue marks as temporary. Honours the server's Retry-After in full; if it
 * exceeds the remaining budget, gives up at once. The time spent on a timed-out try counts as waiting, but an
 * unresponsive server gets at least one retry.
 * @throws the last error, with the number of tries in the message
 */
export async function withRetry<T>(task: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { clock, signal, log, attempts = MAX_ATTEMPTS, budget = MAX_WAIT_SECONDS } = options;
  let left = budget;
  for (let attempt = 1; ; attempt++) {
    const start = clock.now().getTime();
    try {
      return await task();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ActionError) || CATALOGUE[error.code].retry !== 'backoff') throw error;
      // Half of the wait is random, so that parallel jobs do not all retry at the same moment.
      const backoff = FIRST_WAIT_SECONDS * 2 ** (attempt - 1) * (0.5 + Math.random() / 2);
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
      : ` It requests no retries before ${new Date(clock.now().getTime() + wait * 1000).toISOString()}.`;
  const tried = attempts === 1 ? '' : ` Tried ${attempts} times.`;
  return new ActionError(error.code, `${sentence(error.message)}${tried}${until}`, {
    cause: error.cause ?? error,
    facts: error.facts,
  });
}
