import type * as http from 'node:http';
import type * as https from 'node:https';
import { pipeline, type Readable, type Transform } from 'node:stream';
import type { SecureContext } from 'node:tls';
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib';
import { ActionError } from '../errors/action-error.ts';
import { isLoopback } from './addresses.ts';
import { nodeHttp, PlainAgent, secureAgent } from './agent.ts';
import { type Body, sendBody } from './body.ts';
import { proxyFor } from './proxy.ts';
import type { Opening, TunnelAgent } from './tunnel-agent.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: URL;
  /** The path and query to send where their spelling counts, as in the address of an upload; default: those of `url`. */
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Body;
  /** Sent although the run was cancelled, and given up after a few seconds: what takes back that which was begun. */
  readonly last?: true;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** Where the answer came from, which a relative `Location` is relative to. */
  readonly url: URL;
  /** The body. It must be read to its end or destroyed. */
  readonly stream: Readable;
}

/** One request and its answer, whatever its status: no redirect, no retry, no credentials of its own. */
export type Transport = (request: HttpRequest) => Promise<HttpResponse>;

export interface TransportOptions {
  readonly signal: AbortSignal;
  /** Hosts, with port where it is not the usual one, that may be spoken to over plain HTTP besides loopback. */
  readonly insecureHosts: readonly string[];
  /** PEM text of certificate authorities to trust besides the usual ones. */
  readonly ca?: string;
  /** For HTTPS_PROXY, HTTP_PROXY and NO_PROXY. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly userAgent: string;
  readonly timeouts?: Partial<Timeouts>;
}

/** Milliseconds. */
export interface Timeouts {
  readonly connect: number;
  /** Without a byte in either direction. */
  readonly idle: number;
  /** From the last byte of a request that changes nothing, or carries nothing, to its answer. */
  readonly read: number;
  /** The same for a write of `size` bytes, which registries take their time to commit. */
  readonly answer: (size: number) => number;
}

/** Milliseconds for a request after the cancellation; the runner waits 7.5 seconds before it asks again. */
const LAST = 3000;
const TIMEOUTS: Timeouts = {
  connect: 15_000,
  idle: 60_000,
  read: 60_000,
  // A blob store copies an upload to its final name at 10 MiB/s or faster.
  answer: (size) => Math.min(120_000 + size / 10_486, 900_000),
};
/** Milliseconds for a body that is read whole: what drips is never silent, and would be waited for without an end. */
const WHOLE = 300_000;

/**
 * A transport over node:http and node:https. Uploads never go through `fetch()`, which ignores backpressure on request
 * bodies and so holds a whole blob in memory.
 * Its promise rejects with Node's own error (`code` ECONNRESET, CERT_HAS_EXPIRED, …), or with ActionError PLAIN_HTTP,
 * and with the reason of the signal when the run is cancelled.
 */
export function createTransport(options: TransportOptions): Transport {
  const timeouts = { ...TIMEOUTS, ...options.timeouts };
  const pool = { keepAlive: true, maxSockets: 64, scheduling: 'lifo' as const };
  const plain = new PlainAgent(pool);
  let known: Tls | undefined;
  const tls = () => {
    known ??= tlsOf(options.ca);
    return known;
  };
  let secure: https.Agent | undefined;
  // As an address has it, where a usual port is left out.
  const plainHosts = options.insecureHosts.flatMap((host) => URL.parse(`http://${host}`)?.host ?? []);
  const proxies = new Map<string, TunnelAgent>();
  const agentFor = async (url: URL): Promise<http.Agent> => {
    const proxy = proxyFor(url, options.env);
    if (proxy !== undefined) {
      const { TunnelAgent } = await import('./tunnel-agent.ts');
      const agent = proxies.get(proxy) ?? new TunnelAgent(proxy, { ...pool, ...tls() });
      proxies.set(proxy, agent);
      return agent;
    }
    if (url.protocol !== 'https:') return plain;
    secure ??= secureAgent({ ...pool, ...tls() });
    return secure;
  };

  return async (request) => {
    const signal = request.last === true ? AbortSignal.timeout(LAST) : options.signal;
    refusePlainHttp(request.url, plainHosts);
    const exchange = {
      agent: await agentFor(request.url),
      timeouts,
      signal,
      userAgent: options.userAgent,
      ...(request.url.protocol === 'https:' ? { tls: tls() } : {}),
    };
    signal.throwIfAborted();
    try {
      return await once(request, exchange);
    } catch (error) {
      // A server may close a connection while it waits in the pool; then nothing was done, and nothing needs a wait.
      if (!(error instanceof Error && 'stale' in error)) throw error;
      return once(request, exchange);
    }
  };
}

function refusePlainHttp(url: URL, insecureHosts: readonly string[]): void {
  if (url.protocol === 'https:') return;
  if (url.protocol === 'http:' && (isLoopback(url.hostname) || insecureHosts.includes(url.host))) return;
  throw new ActionError('PLAIN_HTTP', `Refusing plain HTTP to ${url.host}: only HTTPS and localhost are allowed.`, {
    facts: { registry: url.host },
  });
}

interface Tls {
  readonly ALPNProtocols: string[];
  readonly secureContext?: SecureContext;
}

/** One context for all: with `ca` each request would compare and each connection parse all certificates anew. */
function tlsOf(ca: string | undefined): Tls {
  // A server without HTTP/1.1 then ends the handshake, instead of sending what nobody here can read.
  const settings = { ALPNProtocols: ['http/1.1'] };
  if (ca === undefined) return settings;
  const { createSecureContext, getCACertificates } = process.getBuiltinModule('node:tls');
  return { ...settings, secureContext: createSecureContext({ ca: [...getCACertificates('default'), ca] }) };
}

interface Exchange {
  readonly agent: http.Agent;
  readonly timeouts: Timeouts;
  readonly signal: AbortSignal;
  readonly userAgent: string;
  /** For the server's own TLS: what a proxy's agent is made with is for the way to the proxy. */
  readonly tls?: Tls;
}

function once(request: HttpRequest, { agent, timeouts, signal, userAgent, tls }: Exchange): Promise<HttpResponse> {
  const { method, url, path, headers, body } = request;
  return new Promise<HttpResponse>((resolve, reject) => {
    const client = url.protocol === 'https:' ? process.getBuiltinModule('node:https') : nodeHttp;
    let answered = false;
    const opening = new AbortController();
    const settings: https.RequestOptions & Opening = {
      opening: opening.signal,
      ...tls,
      ...(path === undefined ? {} : { path }),
      method,
      agent,
      headers: {
        'user-agent': userAgent,
        'accept-encoding': 'identity',
        ...(body === undefined ? {} : { 'content-length': String(body.size) }),
        ...(method === 'POST' && body === undefined ? { 'content-length': '0' } : {}),
        ...headers,
      },
    };
    const outgoing = client.request(url, settings);
    const end = (error: Error) => {
      outgoing.destroy(error);
      opening.abort(error);
    };
    const cancel = () => end(toError(signal.reason));
    signal.addEventListener('abort', cancel, { once: true });
    const late = (what: string, after: number) =>
      Object.assign(new Error(`${what} within ${after / 1000} s`), { code: 'ETIMEDOUT' });
    const connecting = setTimeout(() => end(late('no connection', timeouts.connect)), timeouts.connect);
    outgoing.once('socket', (socket) => {
      const connected = () => clearTimeout(connecting);
      if (socket.connecting) socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', connected);
      else connected();
    });
    // One listener: each `setTimeout` with a callback would add another.
    let silence = () => outgoing.destroy(late('nothing was sent or received', timeouts.idle));
    let answering: NodeJS.Timeout | undefined;
    outgoing.once('close', () => clearTimeout(answering));
    outgoing.on('timeout', () => silence());
    outgoing.setTimeout(timeouts.idle);
    outgoing.once('finish', () => {
      if (answered) return;
      outgoing.setTimeout(0);
      const patience =
        method === 'GET' || method === 'HEAD' || body === undefined ? timeouts.read : timeouts.answer(body.size);
      answering = setTimeout(() => outgoing.destroy(late('no answer', patience)), patience);
    });

    // Node raises no error for these: without them nothing would ever come of the request.
    outgoing.once('upgrade', ({ statusCode }, socket) => {
      socket.destroy();
      fail(broken(`the server answered ${statusCode} to switch to another protocol`));
    });
    outgoing.once('close', () => fail(broken('the connection was closed without an answer')));
    outgoing.once('response', (incoming) => {
      answered = true;
      clearTimeout(answering);
      silence = () => {
        incoming.destroy(late('the answer did not go on', timeouts.idle));
        return outgoing;
      };
      outgoing.setTimeout(timeouts.idle);
      incoming.once('close', () => {
        signal.removeEventListener('abort', cancel);
        // Answered before the end of the body (401, 413): the rest of it is not sent.
        if (!outgoing.writableFinished) outgoing.destroy();
      });
      resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, url, stream: incoming });
    });
    const fail = (error: NodeJS.ErrnoException) => {
      clearTimeout(connecting);
      // A registry may answer and close while the body is still being sent: then its answer counts.
      if (answered) return;
      signal.removeEventListener('abort', cancel);
      // A stream is not sent again: part of it may have been taken, and an upload that broke needs a new session.
      const stale = !streams && outgoing.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
      reject(stale ? Object.assign(error, { stale }) : error);
    };
    outgoing.on('error', fail);
    const streams = sendBody(outgoing, body);
  });
}

function broken(what: string): Error {
  return Object.assign(new Error(what), { code: 'ECONNRESET' });
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}

const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: createZstdDecompress,
};

/**
 * The body without its content coding: no request asks for one, and some proxies compress all the same.
 * @throws ActionError ANSWER_INVALID for a coding that nobody knows
 */
function decoded({ stream, headers, url, status }: HttpResponse): Readable {
  const coding = (headers['content-encoding'] ?? '').trim().toLowerCase();
  if (coding === '' || coding === 'identity' || status === 204 || status === 304) return stream;
  const decoder = DECODERS[coding];
  if (decoder !== undefined) return pipeline(stream, decoder(), () => undefined);
  stream.destroy();
  throw invalid(url, `sent an answer with the content encoding "${coding.slice(0, 50)}", which was not requested`);
}

function invalid({ host }: URL, what: string): ActionError {
  return new ActionError('ANSWER_INVALID', `${host} ${what}.`, { facts: { registry: host } });
}

/**
 * Reads a body of at most `limit` bytes.
 * @throws ActionError ANSWER_INVALID when there is more, or it cannot be decoded; an error with the code ETIMEDOUT after five
 * minutes
 */
export async function readBody(response: HttpResponse, limit: number): Promise<Buffer> {
  const body = decoded(response);
  const chunks: Buffer[] = [];
  let size = 0;
  const late = Object.assign(new Error(`the body of the answer did not end within ${WHOLE / 1000} s`), {
    code: 'ETIMEDOUT',
  });
  const limiting = setTimeout(() => response.stream.destroy(late), WHOLE);
  try {
    for await (const chunk of body) {
      const piece = Buffer.from(chunk);
      size += piece.length;
      if (size > limit) {
        response.stream.destroy();
        throw invalid(response.url, `sent more than ${limit} bytes where that is more than enough`);
      }
      chunks.push(piece);
    }
  } catch (error) {
    if (body === response.stream || response.stream.errored !== null || error instanceof ActionError) throw error;
    throw invalid(
      response.url,
      `sent an answer that is not the ${response.headers['content-encoding']} it claims to be`,
    );
  } finally {
    clearTimeout(limiting);
  }
  return Buffer.concat(chunks);
}

/** Most of an answer without interest that is read for the sake of its connection. */
const REST = 64 * 1024;

/** Reads the rest of an answer whose body does not matter, so that the next request can have its connection. Never fails. */
export async function discard(response: HttpResponse): Promise<void> {
  await readBody(response, REST).catch(() => undefined);
}
