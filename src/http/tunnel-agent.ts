import type { ClientRequest } from 'node:http';
import { HttpsProxyAgent } from 'https-proxy-agent';

/** Ends, with its reason, what is on the way to a proxy: a request that has no connection yet cannot do that itself. */
export interface Opening {
  readonly opening: AbortSignal;
}

type ConnectOptions = Parameters<HttpsProxyAgent<string>['connect']>[1];

/**
 * Tunnels through a proxy by CONNECT. What the proxy says in place of a tunnel is an error: the library would pass it off as
 * the registry's own answer, by which whoever sits between here and the proxy could ask for the credentials (401 with a
 * realm of theirs), or make a write look done (201).
 */
export class TunnelAgent extends HttpsProxyAgent<string> {
  override async connect(request: ClientRequest, options: ConnectOptions & Partial<Opening>) {
    let status = 0;
    request.once('proxyConnect', (answer: { readonly statusCode: number }) => {
      status = answer.statusCode;
    });
    // Read at once, before the first wait.
    this.connectOpts = { ...this.connectOpts, ...(options.opening === undefined ? {} : { signal: options.opening }) };
    const socket = await super.connect(request, options).catch((error: unknown) => {
      options.opening?.throwIfAborted();
      throw error;
    });
    if (status === 200) return socket;
    throw Object.assign(new Error(`the proxy ${this.proxy.host} answered ${status} in place of a tunnel`), {
      code: 'ECONNREFUSED',
    });
  }
}
