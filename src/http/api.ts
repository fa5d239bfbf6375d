import { ActionError, type ErrorFacts } from '../errors/action-error.ts';
import type { RegistryAnswer } from '../errors/classify.ts';
import type { Clock, Log } from '../runtime/runtime.ts';
import { parseErrorBody } from './error-body.ts';
import { limitOf } from './rate-limit.ts';
import { createRedactor } from './redact.ts';
import { networkError, registryError } from './registry-error.ts';
import { readBody } from './response-body.ts';
import { withRetry } from './retry.ts';
import { parseRetryAfter } from './retry-after.ts';
import type { HttpRequest, Transport } from './transport.ts';

/** One request to a management API or a token service. */
export interface ApiRequest {
  readonly method: HttpRequest['method'];
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** At most one of these: the body as JSON, as a form, or as plain text. */
  readonly json?: unknown;
  readonly form?: Readonly<Record<string, string>>;
  readonly text?: string;
  /** Statuses that the caller handles; every other one is an error. */
  readonly expect: readonly number[];
  readonly operation: RegistryAnswer['operation'];
  /** For messages: `creating the repository org/app`. */
  readonly what: string;
  readonly facts?: ErrorFacts;
}

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The parsed JSON; undefined when the body is empty or not JSON. */
  readonly json: unknown;
  readonly text: string;
}

/** Sends requests to vendors' management APIs: bounded responses, retries and errors by the catalogue. */
export interface Api {
  /** @throws ActionError classified from the response */
  readonly request: (request: ApiRequest) => Promise<ApiAnswer>;
  /** Masks a secret in the log and redacts it from server errors. Call it before its first use. */
  readonly secret: (value: string) => void;
}

export interface ApiOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly mask: (secret: string) => void;
}

/** A list of a thousand images with their tags stays well below. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;

export function createApi({ transport, clock, signal, log, mask }: ApiOptions): Api {
  const { add, redact } = createRedactor();

  const send = async (request: ApiRequest): Promise<ApiAnswer> => {
    const { method, url, operation, what, expect } = request;
    const facts = { registry: url.host, ...request.facts };
    try {
      const { headers, content } = encode(request);
      const response = await transport({
        method,
        url,
        headers: { accept: 'application/json', ...headers, ...request.headers },
        ...(content === undefined ? {} : { body: { size: content.length, open: () => content } }),
      });
      const text = (await readBody(response, MAX_ANSWER_BYTES)).toString('utf8');
      const { status } = response;
      if (expect.includes(status)) {
        // Callers quote the server's error.
        const said = status < 400 ? text : redact(text);
        return { status, headers: response.headers, json: parse(said), text: said };
      }
      const seconds = retryAfter(response.headers, clock.now());
      throw registryError(
        { host: url.host, operation, status, ...parseErrorBody(text, redact) },
        `${url.host} answered ${status} to ${what}${limitOf(status, response.headers, clock.now())}`,
        { ...facts, ...(seconds === undefined ? {} : { retryAfter: seconds }) },
      );
    } catch (error) {
      signal.throwIfAborted();
      throw networkError(error, `${what} at ${url.host}`, facts);
    }
  };

  return {
    request: (request) => withRetry(() => send(request), { clock, signal, log }),
    secret: (value) => {
      if (value === '') return;
      add(value);
      mask(value);
    },
  };
}

function encode({ json, form, text }: ApiRequest): {
  readonly headers: Record<string, string>;
  readonly content?: Buffer;
} {
  if (form !== undefined) {
    return {
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      content: Buffer.from(new URLSearchParams(form).toString()),
    };
  }
  if (text !== undefined) return { headers: { 'content-type': 'text/plain' }, content: Buffer.from(text) };
  if (json === undefined) return { headers: {} };
  return { headers: { 'content-type': 'application/json' }, content: Buffer.from(JSON.stringify(json)) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Docker Hub's API sends a time in seconds since the epoch where all others send a duration (X-Retry-After). */
function retryAfter(headers: ApiAnswer['headers'], now: Date): number | undefined {
  const { 'retry-after': usual, 'x-retry-after': hub } = headers;
  if (typeof usual === 'string') return parseRetryAfter(usual, now);
  const at = typeof hub === 'string' && /^\d{9,11}$/.test(hub) ? Number(hub) : undefined;
  return at === undefined ? undefined : Math.max(0, at - now.getTime() / 1000);
}

/** A response that does not match the API's description. */
export function unexpected(host: string, what: string, facts: ErrorFacts = {}): ActionError {
  return new ActionError(
    'ANSWER_INVALID',
    `${host} answered ${what} in a form that its API description does not allow.`,
    {
      facts: { registry: host, ...facts },
    },
  );
}
