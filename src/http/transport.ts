import type * as http from 'node:http';
import type * as https from 'node:https';
import type { SecureContext } from 'node:tls';
import { ActionError } from '../errors/action-error.ts';
import { isLoopback } from './addresses.ts';
import { nodeHttp, PlainAgent, secureAgent } from './agent.ts';
import { type Body, sendBody } from './body.ts';
import { proxyFor } from './proxy.ts';
import type { HttpResponse } from './response-body.ts';
import type { Opening, TunnelAgent } from './tunnel-agent.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: URL;
  /** The exact path and query to send when their encoding matters, as in an upload URL; default: those of `url`. */
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Body;
  /** For cleanup requests: sent even after the run was cancelled, with a timeout of a few seconds. */
  readonly afterCancellation?: true;
}

/** Sends one request and returns its response, whatever the status: no redirects, retries or credentials. */
export type Transport = (request: HttpRequest) => Promise<HttpResponse>;

export interface TransportOptions {
  readonly signal: AbortSignal;
  /** Hosts, with any non-default port, that may be accessed over plain HTTP besides loopback. */
  readonly insecureHosts: readonly string[];
  /** Additional certificate authorities to trust, as PEM text. */
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
  /** From the afterCancellation byte of a request that changes nothing, or carries nothing, to its answer. */
  readonly read: number;
  /** The same for a write of `size` bytes, which registries may take long to commit. */
  readonly answer: (size: number) => number;
}

/** After a cancellation the runner waits 7.5 seconds before it kills the process. */
const AFTER_CANCELLATION_TIMEOUT_MS = 3000;
const TIMEOUTS: Timeouts = {
  connect: 15_000,
  idle: 60_000,
  read: 60_000,
  // Blob stores copy an upload to its final name at 10 MiB/s or faster.
  answer: (size) => Math.min(120_000 + size / 10_486, 900_000),
};

/**
 * A transport over node:http and node:https. Uploads never use `fetch()`, which ignores backpressure on request bodies
 * and would hold a whole blob in memory.
 * @throws Node's own error (`code` ECONNRESET, CERT_HAS_EXPIRED, …), ActionError PLAIN_HTTP, or the reason of the
 * signal when the run is cancelled
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
  // Normalised like a URL, without a default port.
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
    const signal =
      request.afterCancellation === true ? AbortSignal.timeout(AFTER_CANCELLATION_TIMEOUT_MS) : options.signal;
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
      // A server may close an idle connection in the pool. Nothing was processed then, so retry without waiting.
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

/** One shared context: with `ca`, each request would compare and each connection parse all certificates again. */
function tlsOf(ca: string | undefined): Tls {
  // A server without HTTP/1.1 then fails the handshake instead of sending frames that cannot be parsed.
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
  /** For the server's own TLS: the options of a proxy agent apply to the connection to the proxy. */
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
    // A single listener: each `setTimeout` with a callback would add another.
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

    // Node raises no error for these: without the handlers the request would hang.
    outgoing.once('upgrade', ({ statusCode }, socket) => {
      socket.destroy();
      fail(broken(`the server answered ${statusCode} to switch to another protocol`));
    });
    outgoing.once('close', () => {
      if (!answered) fail(broken('the connection was closed without an answer'));
    });
    outgoing.once('response', (incoming) => {
      answered = true;
      clearTimeout(answering);
      silence = () => {
        incoming.destroy(late('the response stopped', timeouts.idle));
        return outgoing;
      };
      outgoing.setTimeout(timeouts.idle);
      incoming.once('close', () => {
        signal.removeEventListener('abort', cancel);
        // Answered before the end of the body (401, 413): the rest is not sent.
        if (!outgoing.writableFinished) outgoing.destroy();
      });
      resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, url, stream: incoming });
    });
    const fail = (error: NodeJS.ErrnoException) => {
      clearTimeout(connecting);
      // A registry may respond and close while the body is still being sent. Its response counts.
      if (answered) return;
      signal.removeEventListener('abort', cancel);
      // A stream cannot be sent again: part of it may have been received, and a broken upload needs a new session.
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
