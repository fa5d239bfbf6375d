import type * as http from 'node:http';
import type * as https from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/**
 * Node's module for HTTP, not by `import`: that reads all exports of the module, and for one of them (WebSocket) Node loads a
 * second HTTP client, which costs as much processor time as the whole start of Node.
 */
export const nodeHttp = process.getBuiltinModule('node:http');

/** Bytes of the buffer into which one connection reads: what Node makes anew for each read otherwise. */
const SIZE = 64 * 1024;

/** An agent each of whose connections reads into one buffer: what downloads bring leaves nothing to collect behind. */
export class PlainAgent extends nodeHttp.Agent {
  override createConnection(...[options, ready]: Parameters<http.Agent['createConnection']>) {
    return reading((onread) => super.createConnection({ ...options, ...onread }, ready));
  }
}

/** The same with TLS. It is made when it is needed, because many a run speaks to nobody, and TLS takes long to load. */
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
 * Gives the bytes on as a stream does. The parser of HTTP copies out of them before it returns; where nobody takes them at
 * once they are copied here, as the next ones come into the same place.
 * https://nodejs.org/api/net.html#socketconnectoptions-connectlistener, `onread`
 */
function reading(connect: (settings: object) => Connection): Connection {
  const buffer = Buffer.allocUnsafeSlow(SIZE);
  const callback = function (this: Socket, size: number): boolean {
    const bytes = buffer.subarray(0, size);
    if (this.readableFlowing === true && this.readableLength === 0 && this.listenerCount('data') > 0) {
      return this.emit('data', bytes);
    }
    return this.push(Buffer.from(bytes));
  };
  return connect({ onread: { buffer, callback } });
}
