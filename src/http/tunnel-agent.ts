import type { ClientRequest } from 'node:http';
import { HttpsProxyAgent } from 'https-proxy-agent';

/** Ends a pending connection to a proxy with its reason: a request without a socket cannot do that itself. */
export interface Opening {
  readonly opening: AbortSignal;
}

type ConnectOptions = Parameters<HttpsProxyAgent<string>['connect']>[1];

/**
 * Tunnels through a proxy with CONNECT. Any response other than an open tunnel is an error. The library would pass it
 * off as the registry's response, and anyone between the runner and the proxy could then request the credentials (401
 * with a realm of their own) or fake a successful write (201).
 */
export class TunnelAgent extends HttpsProxyAgent<string> {
  override async connect(request: ClientRequest, options: ConnectOptions & Partial<Opening>) {
    let status = 0;
    request.once('proxyConnect', (answer: { readonly statusCode: number }) => {
      status = answer.statusCode;
    });
    // Captured at once, before the first await.
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
