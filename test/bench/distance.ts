import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** A port that reaches another one as if that were farther away. */
export interface Distance {
  /** `127.0.0.1:<port>` */
  readonly host: string;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

/**
 * Puts a distance between a client and a server on loopback: a round trip more for each connection and for each answer. A
 * registry beside the runner costs nothing to be asked; real ones are milliseconds away.
 * @param roundTrip milliseconds
 */
export async function startDistance(to: string, roundTrip: number): Promise<Distance> {
  const [hostname = '', port] = to.split(':');
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    for (const socket of [near, far]) {
      sockets.add(socket.setNoDelay(true));
      socket.on('close', () => sockets.delete(socket));
    }
    pass(near, far, (age) => Math.max(roundTrip - age, 0));
    pass(far, near, () => roundTrip);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    host: `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Passes on what one side sends, each part late, in order. @param delay milliseconds, by the age of the connection */
function pass(from: Socket, to: Socket, delay: (age: number) => number): void {
  const opened = performance.now();
  const later = (task: () => unknown) => setTimeout(task, delay(performance.now() - opened));
  from.on('data', (part) => later(() => to.write(part)));
  from.on('end', () => later(() => to.end()));
  from.on('error', () => to.destroy());
}
