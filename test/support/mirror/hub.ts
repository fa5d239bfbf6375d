import * as http from 'node:http';
import type { TestRegistry } from '../registry.ts';

/** A front that counts pulls as Docker Hub does. */
export interface HubFront {
  readonly host: string;
  /** Pulls that were counted. */
  readonly pulls: () => number;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

/**
 * Counts GET requests for manifests, tells what is left with every answer about a manifest, also for a HEAD, and refuses the
 * rest as Docker Hub does: https://docs.docker.com/docker-hub/usage/pulls/
 * @param behind the registry with the content
 */
export async function hubFront(behind: TestRegistry, limit: number): Promise<HubFront> {
  const [hostname = '', port = ''] = behind.host.split(':');
  let pulls = 0;
  const server = http.createServer((request, response) => {
    const isManifest = /\/manifests\//.test(request.url ?? '');
    const isPull = isManifest && request.method === 'GET';
    const refuse = isPull && pulls >= limit;
    if (isPull && !refuse) pulls++;
    if (isManifest) {
      response.setHeader('ratelimit-limit', `${limit};w=21600`);
      response.setHeader('ratelimit-remaining', `${limit - pulls};w=21600`);
      response.setHeader('docker-ratelimit-source', '192.0.2.1');
    }
    if (refuse) {
      response.writeHead(429, { 'content-type': 'application/json' });
      const message = 'You have reached your unauthenticated pull rate limit.';
      response.end(JSON.stringify({ errors: [{ code: 'TOOMANYREQUESTS', message }] }));
      return;
    }
    const { url: path, method, headers } = request;
    const forwarded = http.request({ hostname, port, path, method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    request.pipe(forwarded);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  return {
    host: `127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    pulls: () => pulls,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
