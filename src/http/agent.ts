import type * as http from 'node:http';
import type * as https from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/**
 * Loads node:http without `import`, which reads all exports of the module. One of them (WebSocket) makes Node load a
 * second HTTP client, which costs as much CPU time as starting Node.
 */
export const nodeHttp = process.getBuiltinModule('node:http');

/** Size of the read buffer of one connection. By default Node allocates a new one per read. */
const BUFFER_BYTES = 64 * 1024;

/** An agent whose connections read into one buffer each, so that downloads leave no garbage. */
export class PlainAgent extends nodeHttp.Agent {
  override createConnection(...[options, ready]: Parameters<http.Agent['createConnection']>) {
    return reading((onread) => super.createConnection({ ...options, ...onread }, ready));
  }
}

/** The same with TLS. Created on demand, because many runs send no request and TLS is slow to load. */
export function secureAgent(settings: https.AgentOptions): https.Agent {
  class SecureAgent extends process.getBuiltinModule('node:https').Agent {
    override createConnection(...[options, ready]: Parameters<https.Agent['createConnection']>) {
      return reading((onread) => super.createConnection({ ...options, ...onread }, ready));
    }
  }
  return new SecureAgent(settings);
}

type Connection = Duplex | null | undefined;

/**
 * Passes the bytes on like a stream. The HTTP parser copies them before it returns; bytes not consumed at once are
 * copied here, because the next read reuses the buffer.
 * https://nodejs.org/api/net.html#socketconnectoptions-connectlistener, `onread`
 */
function reading(connect: (settings: object) => Connection): Connection {
  const buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  const callback = function (this: Socket, size: number): boolean {
    const bytes = buffer.subarray(0, size);
    if (this.readableFlowing === true && this.readableLength === 0 && this.listenerCount('data') > 0) {
      return this.emit('data', bytes);
    }
    return this.push(Buffer.from(bytes));
  };
  return connect({ onread: { buffer, callback } });
}
