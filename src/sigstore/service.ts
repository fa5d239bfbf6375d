import { ActionError } from '../errors/action-error.ts';
import { parseErrorBody } from '../http/error-body.ts';
import { createRedactor } from '../http/redact.ts';
import { networkError } from '../http/registry-error.ts';
import { readBody } from '../http/response-body.ts';
import { withRetry } from '../http/retry.ts';
import { parseRetryAfter } from '../http/retry-after.ts';
import type { Transport } from '../http/transport.ts';
import type { Clock, Log } from '../runtime/runtime.ts';

/** Requests to Fulcio, Rekor and timestamp authorities. */
export interface SigstoreService {
  /**
   * @param what for messages: `the request for a certificate`
   * @throws ActionError SIGSTORE_UNAVAILABLE after several tries, SIGNING_REFUSED
   */
  readonly post: (url: string, what: string, body: unknown, accept: string) => Promise<ServiceAnswer>;
  /** The same for what is read. @param limit bytes */
  readonly get: (url: string, what: string, limit: number) => Promise<ServiceAnswer>;
  /** Masks a token, and takes it out of what a service answers. */
  readonly secret: (value: string) => void;
}

export interface ServiceAnswer {
  readonly status: number;
  readonly location: string | undefined;
  readonly body: Buffer;
}

export interface ServiceOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly log: Pick<Log, 'info'>;
  readonly mask: (secret: string) => void;
}

/** A bundle with its proofs is a few kilobytes. */
const ANSWER_LIMIT = 4 * 1024 * 1024;
/** Statuses that say "later": https://www.rfc-editor.org/rfc/rfc9110#section-15.6 */
const LATER: readonly number[] = [408, 425, 429, 500, 502, 503, 504];
/** The entry is in the log already. */
const CONFLICT = 409;

export function createSigstoreService({ transport, clock, signal, log, mask }: ServiceOptions): SigstoreService {
  const { add, redact } = createRedactor();

  const send = async (
    method: 'GET' | 'POST',
    address: string,
    what: string,
    content: Buffer | undefined,
    { accept, limit }: { readonly accept: string; readonly limit: number },
  ): Promise<ServiceAnswer> => {
    const url = new URL(address);
    try {
      const response = await transport({
        method,
        url,
        headers: { accept, ...(content === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(content === undefined ? {} : { body: { size: content.length, open: () => content } }),
      });
      const body = await readBody(response, limit);
      const { status, headers } = response;
      if ((status >= 200 && status < 300) || status === CONFLICT) return { status, location: headers.location, body };
      const said = parseErrorBody(body.toString('utf8'), redact);
      const words = [said.code, said.message].filter((word) => word !== undefined && word !== '').join(': ');
      const message = `${url.host} answered ${status} to ${what}${words === '' ? '.' : `: ${words}`}`;
      if (!LATER.includes(status)) throw new ActionError('SIGNING_REFUSED', message, { facts: { status } });
      const seconds = parseRetryAfter(headers['retry-after'], clock.now());
      throw new ActionError('SIGSTORE_UNAVAILABLE', message, {
        facts: { status, ...(seconds === undefined ? {} : { retryAfter: seconds }) },
      });
    } catch (error) {
      signal.throwIfAborted();
      throw unavailable(networkError(error, `${what} at ${url.host}`, {}));
    }
  };

  const retried = (task: () => Promise<ServiceAnswer>) =>
    withRetry(task, { clock, signal, log, attempts: 4, budget: 60 });
  return {
    post: (url, what, body, accept) => {
      const content = Buffer.from(JSON.stringify(body));
      return retried(() => send('POST', url, what, content, { accept, limit: ANSWER_LIMIT }));
    },
    get: (url, what, limit) => retried(() => send('GET', url, what, undefined, { accept: '*/*', limit })),
    secret: (value) => {
      if (value === '') return;
      add(value);
      mask(value);
    },
  };
}

/** A connection that failed is Sigstore's own row: the registry has nothing to do with it. */
function unavailable(error: unknown): unknown {
  if (!(error instanceof ActionError) || error.code === 'SIGNING_REFUSED' || error.code === 'SIGSTORE_UNAVAILABLE') {
    return error;
  }
  return new ActionError('SIGSTORE_UNAVAILABLE', error.message, { cause: error.cause ?? error });
}

/** An answer that is not what the API's description says. */
export function unexpectedAnswer(url: string, what: string): ActionError {
  const { host } = new URL(url);
  return new ActionError('SIGNING_REFUSED', `${host} returned an unexpected response to ${what}.`);
}

/** JSON of an answer; undefined when it is none. */
export function jsonOf({ body }: ServiceAnswer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
