import { createServer, type IncomingHttpHeaders, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { Server } from './server.ts';

/** One request, and what the server answered. */
export interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly status: number;
}

export interface Front {
  /** `127.0.0.1:<port>` */
  readonly host: string;
  /** Requests of the registry API since {@link Front.mark}; those for tokens are counted apart. */
  readonly requests: () => readonly Exchange[];
  readonly tokenRequests: () => number;
  /** From here on. */
  readonly mark: () => void;
  readonly close: () => Promise<void>;
}

/** Passes requests on to a server, byte for byte, and writes them down: the one access log that all servers have. */
export async function startFront({ port, backends }: Pick<Server, 'port' | 'backends'>): Promise<Front> {
  let exchanges: Exchange[] = [];
  const pass = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const { method = '', headers } = incoming;
    const { pathname: path, search: query } = new URL(incoming.url ?? '/', 'http://front');
    const backend = backends.find(([prefix]) => path.startsWith(prefix))?.[1];
    const options = { host: '127.0.0.1', port: backend, method, path: incoming.url, headers, agent: false };
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const asked = request(options, resolve).once('error', reject);
      pipeline(incoming, asked).catch(reject);
    });
    exchanges.push({ method, path, query, status: answer.statusCode ?? 0 });
    outgoing.writeHead(answer.statusCode ?? 500, withoutHops(answer.headers));
    await pipeline(answer, outgoing);
  };
  const server = createServer((incoming, outgoing) => {
    pass(incoming, outgoing).catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve);
  });
  const isToken = ({ path }: Exchange) => /\/token\/?$/.test(path);
  return {
    host: `127.0.0.1:${port}`,
    requests: () => exchanges.filter((exchange) => exchange.path.startsWith('/v2/') && !isToken(exchange)),
    tokenRequests: () => exchanges.filter(isToken).length,
    mark: () => {
      exchanges = [];
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function withoutHops({ connection: _, 'transfer-encoding': __, ...headers }: IncomingHttpHeaders): IncomingHttpHeaders {
  return headers;
}
