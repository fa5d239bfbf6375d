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

/** Seconds by unit of a Go duration: https://pkg.go.dev/time#ParseDuration */
const GO_UNITS: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1, ms: 1e-3, us: 1e-6, µs: 1e-6, ns: 1e-9 };

/** Seconds of a Go duration such as `12.5ms` or `1m30s`; undefined for anything else. */
function goDuration(text: string): number | undefined {
  if (!/^(?:\d{1,9}(?:\.\d{1,9})?(?:h|ms|m|s|us|µs|ns))+$/u.test(text)) return undefined;
  const parts = text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s|us|µs|ns)/gu);
  const seconds = [...parts].reduce((sum, [, count, unit = '']) => sum + Number(count) * (GO_UNITS[unit] ?? 0), 0);
  return seconds < 1e9 ? seconds : undefined;
}

/**
 * Seconds that the body of a refusal asks to wait: ghcr.io writes `retry-after: 12.5ms, allowed: 2000/minute` there, and
 * no header.
 */
export function retryAfterIn(body: string): number | undefined {
  const [, written] = /\bretry-after:?\s*([\d.]+(?:[a-zµ]+[\d.]*)*[a-zµ]+)/iu.exec(body.slice(0, 4096)) ?? [];
  return written === undefined ? undefined : goDuration(written);
}

/** Seconds from a `Retry-After` header, as a number, a date or a Go duration; undefined for anything else. */
export function parseRetryAfter(header: string | undefined, now: Date): number | undefined {
  const text = (header ?? '').trim();
  if (/^\d{1,9}$/.test(text)) return Number(text);
  const duration = goDuration(text);
  if (duration !== undefined) return duration;
  const date = /^[A-Z]{3}/i.test(text) ? Date.parse(text) : Number.NaN;
  const seconds = Math.max(0, (date - now.getTime()) / 1000);
  // Same limit as for numbers: a date beyond it cannot be formatted, and would break the error that names it.
  return seconds < 1e9 ? seconds : undefined;
}
